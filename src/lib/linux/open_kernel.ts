/** Assembles the kernel adapter for this machine. */
import type { Log } from "../ports.ts";
import { AdminCommands } from "./admin.ts";
import { Fabrics } from "./fabrics.ts";
import { LinuxKernel } from "./kernel.ts";
import { type Backend, loadBackend } from "./libnvme.ts";
import { thisEntity } from "./entity.ts";
import { Ownership } from "./ownership.ts";
import { Reactor } from "./reactor.ts";
import { BlockUse } from "./block_use.ts";
import { type Detail, Sysfs, SYSTEM_PLACES } from "./sysfs.ts";
import { TlsKeys } from "./tls_keys.ts";

export interface OpenKernel {
  readonly kernel: LinuxKernel;
  /** For the kernel's capabilities (`support`), reported at the start (STAF-6). */
  readonly fabrics: Fabrics;
  /** For `--version` and status texts. */
  readonly backend: Backend;
  readonly close: () => Promise<void>;
}

/**
 * Reports in the log, once, if libnvme cannot be used. `detail` is what {@link Sysfs} reads of an I/O
 * controller.
 */
export function openKernel(log: Log, detail: Detail): OpenKernel {
  const backend = loadBackend();
  if (backend.problem !== "") log.write({ level: "warning", message: backend.problem });
  const reactor = new Reactor();
  const sysfs = new Sysfs(SYSTEM_PLACES, detail);
  const fabrics = new Fabrics(sysfs, new TlsKeys(), log);
  const kernel = new LinuxKernel({
    reactor,
    sysfs,
    blockUse: new BlockUse(),
    fabrics,
    admin: new AdminCommands(backend, sysfs),
    ownership: new Ownership(log),
    entity: thisEntity(),
  });
  return {
    kernel,
    fabrics,
    backend,
    close: async () => {
      kernel.close();
      await reactor.close();
    },
  };
}
