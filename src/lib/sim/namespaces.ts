/**
 * Namespaces of the simulated kernel: one for each subsystem, reached by all its paths through one head (native
 * multipath), and its uses. A program may use it openly (a mount in our mount namespace), by a claim that only
 * open(2) sees (a mount in another one), or raw, which only its traffic reveals.
 */
import type { IoCounters, NamespaceLook, NamespacePath } from "../nvme/namespace_look.ts";
import type { Device } from "./devices.ts";

/** Sectors that udev and similar programs read when a device appears. */
const PROBE_SECTORS = 512;

export interface NamespaceUse {
  /** Shown by passive sources, in words: `mounted on /srv`. */
  readonly holders: Set<string>;
  /** Claims by programs that passive sources do not show. */
  hiddenClaims: number;
  /** Another program has it locked (udev while it probes the device). */
  locked: boolean;
  /** Why its use cannot be read. */
  unreadable: string | undefined;
  /** Since when a program writes to the device itself, again and again; monotonic milliseconds. */
  rawSince: number | undefined;
  io: IoCounters;
}

interface Namespace extends NamespaceUse {
  readonly number: number;
  /** Claimed by a removal under way: a mount fails then. */
  guards: number;
}

export class Namespaces {
  readonly #byNqn = new Map<string, Namespace>();
  /** Called for each look, for checks. */
  looked: (nqn: string) => void = () => undefined;

  #of(nqn: string): Namespace {
    let found = this.#byNqn.get(nqn);
    if (found === undefined) {
      found = {
        number: this.#byNqn.size + 100,
        holders: new Set(),
        hiddenClaims: 0,
        locked: false,
        unreadable: undefined,
        rawSince: undefined,
        guards: 0,
        io: { readSectors: PROBE_SECTORS, writtenSectors: 0, discardedSectors: 0, flushes: 0, inFlight: 0 },
      };
      this.#byNqn.set(nqn, found);
    }
    return found;
  }

  /** The uses of the subsystem's namespace, for stories to change. */
  use(nqn: string): NamespaceUse {
    return this.#of(nqn);
  }

  /** `nvme100n1`. */
  head(nqn: string): string {
    return `nvme${this.#of(nqn).number}n1`;
  }

  /** A program mounts it; false when a removal holds the claim, or another program. */
  mount(nqn: string, where: string): boolean {
    const namespace = this.#of(nqn);
    if (namespace.guards > 0) return false;
    namespace.holders.add(`mounted on ${where}`);
    this.write(nqn, 8);
    return true;
  }

  unmount(nqn: string, where: string): void {
    this.#of(nqn).holders.delete(`mounted on ${where}`);
  }

  write(nqn: string, sectors: number): void {
    const namespace = this.#of(nqn);
    namespace.io = { ...namespace.io, writtenSectors: namespace.io.writtenSectors + sectors };
  }

  /** A program mounts it where passive sources do not see it; false when a removal holds the claim. */
  mountUnseen(nqn: string): boolean {
    const namespace = this.#of(nqn);
    if (namespace.guards > 0) return false;
    namespace.hiddenClaims++;
    this.write(nqn, 8);
    return true;
  }

  /**
   * The program that would lose data if the last path were disconnected now, in words: the actual use, whether
   * visible or not. A raw user counts once it has begun.
   */
  usedBy(nqn: string, now: number): string | undefined {
    const namespace = this.#byNqn.get(nqn);
    if (namespace === undefined) return undefined;
    const [holder] = namespace.holders;
    if (holder !== undefined) return holder;
    if (namespace.hiddenClaims > 0) return "mounted where nobody sees it";
    return namespace.rawSince !== undefined && namespace.rawSince < now ? "written to" : undefined;
  }

  /** Ends raw writes and locks, and makes uses readable again; mounts and claims stay. */
  calm(): void {
    for (const namespace of this.#byNqn.values()) {
      Object.assign(namespace, { locked: false, unreadable: undefined, rawSince: undefined });
    }
  }

  look(nqn: string, devices: readonly Device[]): NamespaceLook {
    const namespace = this.#of(nqn);
    this.looked(nqn);
    const paths = devices.filter((device) => device.target?.nqn === nqn && device.complete).map((
      device,
    ): NamespacePath => ({
      device: device.name,
      state: device.state,
      anaState: device.anaState,
      io: undefined,
    }));
    return {
      device: this.head(nqn),
      holders: [...namespace.holders],
      unknown: namespace.unreadable,
      paths,
      io: namespace.io,
    };
  }

  /** Claims a head; returns a function that ends the claim, or the reason, in words, why the claim failed. */
  claim(head: string): (() => void) | string {
    const namespace = [...this.#byNqn].find(([nqn]) => this.head(nqn) === head)?.[1];
    if (namespace === undefined) return `/dev/${head} cannot be opened (ENOENT)`;
    if (namespace.locked) return `${head} is locked by another program`;
    if (namespace.holders.size > 0 || namespace.hiddenClaims > 0) return `/dev/${head} is claimed (EBUSY)`;
    namespace.guards++;
    return () => {
      namespace.guards--;
    };
  }
}
