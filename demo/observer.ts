/** Watches both daemons on the bus until something is as it should be. */
import { Bus } from "../src/lib/dbus/bus.ts";
import { DaemonClient } from "../src/lib/dbus/client.ts";
import { STAC, STAF } from "../src/lib/dbus/interfaces.ts";
import type { DaemonName, V1State } from "../src/lib/dbus/v1_types.ts";
import type { Duration } from "../src/lib/base/time.ts";
import { DemoFailure, tooLate } from "./failure.ts";

/** The state is asked for after each event, and this often in any case. */
const RECHECK_MS = 250;

export class Observer {
  readonly #bus: Bus;
  readonly #clients: Readonly<Record<DaemonName, DaemonClient>>;
  #happened = Promise.withResolvers<void>();

  private constructor(bus: Bus) {
    this.#bus = bus;
    this.#clients = { stafd: new DaemonClient(bus, STAF), stacd: new DaemonClient(bus, STAC) };
  }

  static async open(address: string): Promise<Observer> {
    const connected = await Bus.connect(address);
    if (!connected.ok) throw new DemoFailure(`cannot use the private bus: ${connected.error.message}`);
    const observer = new Observer(connected.bus);
    const wake = (): void => observer.#happened.resolve();
    for (const client of Object.values(observer.#clients)) {
      const watching = await client.watch({ event: wake, running: wake, garbled: wake });
      if (!watching.ok) throw new DemoFailure(`cannot watch a daemon: ${watching.error.message}`);
    }
    return observer;
  }

  /** The first state that `is` so; fails when there is none within the bound. `what` as for {@link within}. */
  async until(
    daemon: DaemonName,
    what: string,
    is: (state: V1State) => boolean,
    bound: Duration,
  ): Promise<V1State> {
    const end = performance.now() + bound.ms;
    for (let last = "";;) {
      this.#happened = Promise.withResolvers();
      const state = await this.#clients[daemon].state();
      if (state.ok && is(state.value)) return state.value;
      last = state.ok
        ? state.value.controllers.map(({ text, phase, detail }) => `\n  ${text}: ${phase} ${detail}`).join("")
        : ` ${state.error.message}`;
      if (performance.now() >= end) {
        throw new DemoFailure(
          `${tooLate(bound, what)}; ${daemon} says:${last}`,
        );
      }
      const timer = setTimeout(this.#happened.resolve, RECHECK_MS);
      await this.#happened.promise;
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#bus.close();
  }
}
