/** The machine of a daemon, real or simulated: its ports, and the facts that it reports at the start. */
import type { Event } from "../core/effects.ts";
import type { HostConf } from "../core/request/host.ts";
import {
  type Clock,
  type Exclusions,
  type Kernel,
  type Log,
  PROVEN_AFTER,
  type Publisher,
  type Resolver,
  type StateFile,
  type Storage,
} from "../ports.ts";
import type { Transport } from "../nvme/tid.ts";
import type { TlsHost } from "../nvme/tls_host.ts";
import { after } from "../base/time.ts";
import type { ReadDevice } from "./devices_now.ts";
import type { CommonPorts } from "./performer.ts";

export interface Machine {
  readonly kernel: Kernel;
  readonly resolver: Resolver;
  readonly stateFile: StateFile;
  readonly exclusions: Exclusions;
  /** The transports that this host can use now. */
  readonly transports: () => ReadonlySet<Transport>;
  /** What it has for TLS now. */
  readonly tls: () => TlsHost;
  readonly log: Log;
  readonly clock: Clock;
  readonly readDevice: ReadDevice;
  readonly storage: Storage;
  /** The content of the boot firmware's tables, for a host with this NQN. */
  readonly nbft: (hostNqn: string) => Extract<Event, { readonly type: "nbft" }>;
  /** Right before the work begins: prepares what the daemon needs while it runs. */
  readonly prepare: () => Promise<void>;
  /** Closes everything that was opened or prepared. */
  readonly close: () => Promise<void>;
}

export const commonPorts = (machine: Machine, publisher: Publisher, exit: () => void): CommonPorts => ({
  kernel: machine.kernel,
  resolver: machine.resolver,
  stateFile: machine.stateFile,
  exclusions: machine.exclusions,
  transports: machine.transports,
  tls: machine.tls,
  log: machine.log,
  publisher,
  exit,
});

/**
 * Called when the daemon has run for a while with the loaded state; the result is called at an orderly end,
 * which proves the same.
 */
export function proving({ clock, stateFile }: Pick<Machine, "clock" | "stateFile">): {
  readonly begun: () => void;
  readonly ended: () => void;
} {
  let cancel: () => void = () => undefined;
  return {
    begun: () => cancel = clock.wakeAt(after(clock.now(), PROVEN_AFTER), () => stateFile.proven()),
    ended: () => {
      cancel();
      stateFile.proven();
    },
  };
}

type Post = (event: Event) => void;

function readExclusions(machine: Machine, post: Post): void {
  post({ type: "transports", transports: machine.transports() });
  post({ type: "tls-host", tls: machine.tls() });
  machine.exclusions.read((exclusions) => post({ type: "exclusions", exclusions }));
}

/** In the order of a start: the host's identity, its boot tables, the exclusions; then the events. */
export function tellHost(machine: Machine, host: HostConf, post: Post): void {
  post({ type: "host", host });
  post(machine.nbft(host.nqn));
  readExclusions(machine, post);
  machine.kernel.watch(post);
}

/** After a reload. A value that could not be read is undefined and stays as it was. */
export function tellHostAgain(
  machine: Machine,
  old: HostConf | undefined,
  now: HostConf | undefined,
  post: Post,
): void {
  if (now !== undefined) post({ type: "host", host: reloadedHost(old, now, machine.log) });
  readExclusions(machine, post);
}

/**
 * The host after sys.conf was read again (CFG-60): a new NQN or ID takes effect after a restart, a new
 * symbolic name at once.
 */
function reloadedHost(old: HostConf | undefined, now: HostConf, log: Log): HostConf {
  if (old === undefined || (old.nqn === now.nqn && old.id === now.id)) return now;
  log.write({
    level: "warning",
    message:
      "The host NQN or ID has changed; restart this daemon to use it. Existing connections keep the old one",
  });
  return { ...now, nqn: old.nqn, id: old.id };
}
