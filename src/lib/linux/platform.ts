/** Assembles this machine for a daemon: the entry point of this room. */
import { systemBusAddress } from "../dbus/connection.ts";
import { type BusAccess, busAt } from "../dbus/reconnect.ts";
import type { InterfaceTable, KernelCtrl } from "../nvme/kernel_ctrl.ts";
import type { Outcome } from "../base/failure.ts";
import type { Clock, Exclusions, Log, Resolver, StateFile, Storage } from "../ports.ts";
import { SystemClock } from "./clock.ts";
import { ExclusionsFiles } from "./exclusions_files.ts";
import { readInterfaces } from "./interfaces.ts";
import { Journal, logTarget } from "./journal.ts";
import { type NbftFile, readNbftFiles } from "./nbft_files.ts";
import { Notify } from "./notify.ts";
import { type OpenKernel, openKernel } from "./open_kernel.ts";
import { errnoOf, isGone } from "./os_error.ts";
import { startProblem } from "./process_checks.ts";
import { SystemResolver } from "./resolver.ts";
import { processSignals } from "./signals.ts";
import { JsonStateFile, stateFilePath } from "./state_file.ts";
import { GuardedStateFile } from "./state_guard.ts";
import { LinuxStorage } from "./storage.ts";
import { Sysfs } from "./sysfs.ts";
import { tlsHost } from "./tls_host.ts";
import { usableTransports } from "./transports.ts";
import type { Transport } from "../nvme/tid.ts";
import type { TlsHost } from "../nvme/tls_host.ts";

/** The result of reading a small text file. */
export type FileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: "missing" | "unreadable"; readonly message: string };

/** The names in a folder. */
export type FolderNames =
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly message: string };

export interface Platform {
  readonly log: Log;
  /** Debug messages on or off. */
  readonly setTron: (on: boolean) => void;
  readonly clock: Clock;
  readonly notify: Notify;
  readonly stateFile: StateFile;
  readonly stateFilePath: string;
  readonly resolver: Resolver;
  readonly exclusions: Exclusions;
  readonly transports: () => ReadonlySet<Transport>;
  readonly tls: () => TlsHost;
  readonly startProblem: () => string | undefined;
  readonly readFile: (path: string) => FileText;
  /** A missing folder has no names. */
  readonly readFolder: (path: string) => FolderNames;
  readonly nbft: () => readonly NbftFile[];
  readonly interfaces: () => InterfaceTable;
  readonly readDevice: (device: string) => Promise<Outcome<KernelCtrl>>;
  readonly storage: Storage;
  /** Opens the kernel's side, after all checks that can refuse a start. */
  readonly openKernel: () => OpenKernel;
  readonly bus: BusAccess;
  readonly signals: typeof processSignals;
}

export function linuxPlatform(program: "stafd" | "stacd", syslog: boolean): Platform {
  const log = new Journal({ program, target: logTarget(syslog) });
  const path = stateFilePath(program);
  const sysfs = new Sysfs();
  return {
    log,
    setTron: (on) => log.level = on ? "debug" : "info",
    clock: new SystemClock(),
    notify: new Notify(log),
    stateFile: new GuardedStateFile(new JsonStateFile(path, log), path, log),
    stateFilePath: path,
    resolver: new SystemResolver(),
    exclusions: new ExclusionsFiles(log),
    transports: () => usableTransports(),
    tls: tlsHost,
    startProblem: () => startProblem(program),
    readFile: readTextFile,
    readFolder,
    nbft: () => readNbftFiles(log),
    interfaces: readInterfaces,
    readDevice: (device) => sysfs.read(device),
    storage: new LinuxStorage(),
    openKernel: () => openKernel(log, program === "stafd" ? "discovery" : "all"),
    bus: busAt(systemBusAddress()),
    signals: processSignals,
  };
}

/** CFG-6: a path that is not a regular file counts as missing. */
export function readTextFile(path: string): FileText {
  try {
    const { isFile, isCharDevice, mode } = Deno.statSync(path);
    // Reading a pipe or a device may never end; /dev/null, which people use to switch a file off, counts as
    // empty.
    if (isCharDevice === true) return { ok: true, text: "" };
    if (!isFile) return { ok: false, why: "missing", message: `${path} is not a regular file` };
    return { ok: true, text: Deno.readTextFileSync(path), ...(mode === null ? {} : { mode }) };
  } catch (error) {
    const errno = errnoOf(error);
    if (isGone(errno)) return { ok: false, why: "missing", message: `there is no ${path}` };
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, why: "unreadable", message: `cannot read ${path}: ${why}` };
  }
}

function readFolder(path: string): FolderNames {
  try {
    return { ok: true, names: [...Deno.readDirSync(path)].map(({ name }) => name) };
  } catch (error) {
    if (isGone(errnoOf(error))) return { ok: true, names: [] };
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, message: `cannot read ${path}: ${why}` };
  }
}
