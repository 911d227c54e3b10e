/** A person with stafctl and stacctl, root, on the simulated bus: calls go the way that all calls go. */
import { DaemonClient, type Result } from "../../src/lib/dbus/client.ts";
import { STAC, STAF } from "../../src/lib/dbus/interfaces.ts";
import type { DrainMode, ForgetMode, RenewMode } from "../../src/lib/dbus/server.ts";
import type { V1DrainAnswer, V1ForgetAnswer, V1RenewAnswer } from "../../src/lib/dbus/v1_types.ts";
import { seconds } from "../../src/lib/base/time.ts";
import type { World } from "../../src/lib/sim/world.ts";

export class Person {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  drain(what: string, forSeconds?: number, mode: DrainMode = "do"): Promise<Result<V1DrainAnswer>> {
    const term = forSeconds === undefined ? undefined : seconds(forSeconds);
    return this.#with((client) => client.drain(what, [what], term, mode));
  }

  undrain(what: string): Promise<Result<V1DrainAnswer>> {
    return this.#with((client) => client.undrain(what, [what]));
  }

  renew(what: string, mode: RenewMode = "do"): Promise<Result<V1RenewAnswer>> {
    return this.#with((client) => client.renew(what, [what], mode));
  }

  forget(what: string, mode: ForgetMode = "do"): Promise<Result<V1ForgetAnswer>> {
    return this.#with((client) => client.forget(what, [what], mode), STAF);
  }

  async #with<T>(
    ask: (client: DaemonClient) => Promise<Result<T>>,
    service: typeof STAC | typeof STAF = STAC,
  ): Promise<Result<T>> {
    const connected = await this.#world.bus.access(() => true, () => undefined).connect();
    if (!connected.ok) return connected;
    try {
      return await ask(new DaemonClient(connected.bus, service));
    } finally {
      connected.bus.close();
    }
  }
}
