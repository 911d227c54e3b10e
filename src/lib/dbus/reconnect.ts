/**
 * Keeps a program on the bus across restarts of the bus: connects again with backoff, sets everything up again, and
 * requests its name again. It touches nothing else: connections to storage do not depend on the bus.
 */
import { type Duration, milliseconds, seconds } from "../base/time.ts";
import { type After, afterwards } from "./after.ts";
import { Bus, type BusError, type BusResult } from "./bus.ts";

/** Sets up one concern (exported object, match rules) on a fresh bus, before the name is requested. */
export type Attach = (bus: Bus) => Promise<BusError | undefined>;

export type KeeperEvent =
  | { readonly type: "lost"; readonly reason: string }
  | { readonly type: "retry"; readonly error: BusError; readonly after: Duration }
  | { readonly type: "back" };

export type Started =
  | { readonly ok: true }
  | { readonly ok: false; readonly taken: boolean; readonly error: BusError };

/** Doubled with each failure, and spread. */
export const BUS_RETRY = { first: milliseconds(100), longest: seconds(5) };

/** A program's way to its bus, and its measure of the time until the next attempt. */
export interface BusAccess {
  readonly connect: () => Promise<BusResult>;
  readonly after: After;
  /** From 0 to 1: spreads the attempts of the daemons of one host. */
  readonly jitter: () => number;
}

/** The bus at an address, as for {@link Bus.connect}. */
export const busAt = (address: string): BusAccess => ({
  connect: () => Bus.connect(address),
  after: afterwards,
  jitter: Math.random,
});

export class BusKeeper {
  readonly #access: BusAccess;
  readonly #name: string | undefined;
  readonly #tell: (event: KeeperEvent) => void;
  readonly #attach: Attach[] = [];
  readonly #lost: (() => void)[] = [];
  #bus: Bus | undefined;
  #stopped = false;
  #cancelRetry = (): void => undefined;

  /** `bus` may be an address as for {@link Bus.connect}; `name` is the well-known name to have, if any. */
  constructor(bus: string | BusAccess, name: string | undefined, tell: (event: KeeperEvent) => void) {
    this.#access = typeof bus === "string" ? busAt(bus) : bus;
    this.#name = name;
    this.#tell = tell;
  }

  /** The bus; undefined while there is no connection to it. */
  get bus(): Bus | undefined {
    return this.#bus;
  }

  /** Calls `run` after a span of time; the result cancels the call. */
  get after(): After {
    return this.#access.after;
  }

  /**
   * Adds a set-up step for each new connection, in the order of the calls; `lost` runs at each end of one. Call
   * before {@link start}.
   */
  onBus(attach: Attach, lost?: () => void): void {
    this.#attach.push(attach);
    if (lost !== undefined) this.#lost.push(lost);
  }

  /** Makes the first connection, without a second attempt: a program that cannot start says so (DBUS-3). */
  async start(): Promise<Started> {
    const result = await this.#once();
    if (!result.ok) return { ok: false, taken: result.taken, error: result.error };
    return { ok: true };
  }

  /** Leaves the bus, which releases the name, and stays away. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRetry();
    this.#bus?.close();
    this.#bus = undefined;
  }

  async #once(): Promise<Started> {
    const connected = await this.#access.connect();
    if (!connected.ok) return { ok: false, taken: false, error: connected.error };
    const { bus } = connected;
    // Set before attaching: a client that learns of its peer there calls it at once.
    this.#bus = bus;
    for (const attach of this.#attach) {
      const error = await attach(bus);
      if (error !== undefined) return this.#giveUp(bus, { ok: false, taken: false, error });
    }
    if (this.#name !== undefined) {
      const named = await bus.requestName(this.#name);
      if (!named.ok) return this.#giveUp(bus, named);
    }
    if (this.#stopped) {
      this.#bus = undefined;
      bus.close();
      return { ok: true };
    }
    void bus.closed.then((reason) => this.#over(reason));
    return { ok: true };
  }

  #giveUp(bus: Bus, result: Started): Started {
    this.#bus = undefined;
    bus.close();
    for (const lost of this.#lost) lost();
    return result;
  }

  #over(reason: string): void {
    this.#bus = undefined;
    if (this.#stopped) return;
    this.#tell({ type: "lost", reason });
    for (const lost of this.#lost) lost();
    this.#again(BUS_RETRY.first);
  }

  #again(delay: Duration): void {
    const span = milliseconds(delay.ms * (1 + this.#access.jitter() / 4));
    this.#cancelRetry = this.#access.after(span, () => void this.#retry(delay));
  }

  async #retry(delay: Duration): Promise<void> {
    const result = await this.#once();
    if (this.#stopped) return;
    if (result.ok) {
      this.#tell({ type: "back" });
      return;
    }
    const next = milliseconds(Math.min(delay.ms * 2, BUS_RETRY.longest.ms));
    this.#tell({ type: "retry", error: result.error, after: next });
    this.#again(next);
  }
}
