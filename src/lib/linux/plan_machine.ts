/**
 * The read-only part of this machine, for a plan without a daemon. It opens nothing for writing, and does not
 * count loads of the state file.
 */
import type { InterfaceTable, KernelCtrl } from "../nvme/kernel_ctrl.ts";
import type { Transport } from "../nvme/tid.ts";
import type { TlsHost } from "../nvme/tls_host.ts";
import type { Clock, Done, Exclusions, Log, Resolver } from "../ports.ts";
import { SystemClock } from "./clock.ts";
import { ExclusionsFiles } from "./exclusions_files.ts";
import { readInterfaces } from "./interfaces.ts";
import { type NbftFile, readNbftFiles } from "./nbft_files.ts";
import { type FileText, readTextFile } from "./platform.ts";
import { SystemResolver } from "./resolver.ts";
import { JsonStateFile, stateFilePath } from "./state_file.ts";
import { Sysfs, SYSTEM_PLACES } from "./sysfs.ts";
import { tlsHost } from "./tls_host.ts";
import { usableTransports } from "./transports.ts";

interface TellingMachine {
  readonly clock: Clock;
  readonly kernel: { scan(done: Done<readonly KernelCtrl[]>): void };
  readonly resolver: Resolver;
  readonly exclusions: Exclusions;
  readonly transports: () => ReadonlySet<Transport>;
  readonly tls: () => TlsHost;
  readonly nbft: () => readonly NbftFile[];
  readonly interfaces: () => InterfaceTable;
  readonly readFile: (path: string) => FileText;
  readonly saved: () => unknown;
}

const silent: Log = { write: () => undefined };

export function planMachine(daemon: "stafd" | "stacd"): TellingMachine {
  const sysfs = new Sysfs(SYSTEM_PLACES, daemon === "stafd" ? "discovery" : "all");
  return {
    clock: new SystemClock(),
    kernel: { scan: (done) => void sysfs.readAll().then(done) },
    resolver: new SystemResolver(),
    exclusions: new ExclusionsFiles(silent),
    transports: () => usableTransports(),
    tls: tlsHost,
    nbft: () => readNbftFiles(silent),
    interfaces: readInterfaces,
    readFile: readTextFile,
    // The guard counts loads of the state file; a plan only reads it.
    saved: () => new JsonStateFile(stateFilePath(daemon), silent).load(),
  };
}
