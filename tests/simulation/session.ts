/** What the rules keep of one process of a daemon, from its start to its end. */
import type { Exclusion } from "../../src/lib/nvme/exclusions.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import { allows, type Conf, isOfFamily } from "./oracle/conf.ts";
import { sameController } from "./oracle/identity.ts";
import { LIMITS } from "./oracle/limits.ts";
import type { Saved } from "./oracle/saved_state.ts";
import { Pace } from "./pace_rules.ts";

/** An operation under way; a connection that was made is read back before it is told of. */
export interface Running {
  what: "connect" | "read-back" | "disconnect";
  readonly op: number;
  readonly tid: Tid;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** What one process has been told and has under way; gone with the process. */
export class Session {
  /** Incarnations of the devices it knows of, by name. */
  readonly devices = new Map<string, number>();
  readonly running = new Map<string, Running>();
  /** Names that it has asked for, by operation. */
  readonly questions = new Map<number, string>();
  /** Undefined until it has been told. */
  exclusions: readonly Exclusion[] | undefined;
  stopping = false;
  /** When the rest after a long connect ends that those have whom only mDNS names (S16), at the latest. */
  restsUntil = 0;
  /** Its file as it was read last. */
  read: string | undefined;
  /** The text that it took last, what the oracle reads in it, and who the host was then. */
  text: string | undefined;
  conf: Conf | undefined;
  /** It took another text than the first. */
  isEdited = false;
  /**
   * Connections from before it was started to what its state file names, whoever made them: a process that was killed while
   * it connected has no record of the connection either.
   */
  readonly inherited = new Set<Device>();
  /** Targets that were connected by TLS, as far as the process or its state file knows. */
  readonly byTls: Set<string>;
  readonly pace = new Pace();
  readonly saved: Saved;

  constructor(saved: Saved) {
    this.saved = saved;
    this.byTls = new Set(saved.byTls);
  }

  /** An operation has ended. */
  ended(key: string, mono: number): void {
    const { what, since } = this.running.get(key) ?? { what: "disconnect", since: mono };
    const took = what === "disconnect" ? 0 : mono - since;
    this.running.delete(key);
    if (took <= LIMITS.longConnectMs) return;
    const rest = Math.min(LIMITS.restTimes * took, LIMITS.longestRestMs);
    this.restsUntil = Math.max(this.restsUntil, mono + rest);
  }

  /** S13: another ip-family than before the restart takes nothing away, until a person has a changed file loaded. */
  isSpared(device: Device): boolean {
    return this.inherited.has(device) && this.#sparesFamily(device);
  }

  /** The same for a controller of its state file that is not connected: what its page listed is still asked for. */
  sparesPage(tid: Tid): boolean {
    return this.#sparesFamily(tid) && this.saved.controllers.some((one) => sameController(one, tid));
  }

  #sparesFamily(one: { readonly transport: string; readonly traddr: string }): boolean {
    return this.conf !== undefined && !this.isEdited && isOfFamily(one) &&
      !allows(this.conf.families, one.traddr) && allows(this.saved.families, one.traddr);
  }
}
