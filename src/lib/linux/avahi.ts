/** mDNS by avahi-daemon, which may start and stop at any time (STAF-30 to STAF-33, STAF-40c). */
import type { BusError, SignalMessage } from "../dbus/bus.ts";
import { type Duration, minutes } from "../base/time.ts";
import type { Mdns, MdnsEvent } from "../ports.ts";
import { AVAHI, AvahiBrowsing, type AvahiBus, SERVICE_BROWSER, SERVICE_RESOLVER } from "./avahi_browsing.ts";

const SERVICE_TYPES = ["_nvme-disc._tcp", "_nvme-disc._udp"];
/**
 * STAF-32: how often an Avahi that is not running is called, which also starts it where D-Bus can start it.
 */
export const WAKE_UP = minutes(1);

/**
 * When Avahi stops its services are forgotten, and `available: false` reports that. No `service-gone` is sent
 * for them, because no message withdrew them.
 */
export class Avahi implements Mdns {
  readonly #wakeUp: Duration;
  #sink: ((event: MdnsEvent) => void) | undefined;
  #enabled = false;
  #bus: AvahiBus | undefined;
  /** Undefined until the bus has reported it, empty for none. */
  #owner: string | undefined;
  #browsing: AvahiBrowsing | undefined;
  #available: boolean | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(wakeUp: Duration = WAKE_UP) {
    this.#wakeUp = wakeUp;
  }

  watch(sink: (event: MdnsEvent) => void): void {
    this.#sink = sink;
  }

  /** Turning browsing off frees all of its objects in Avahi. */
  browse(enabled: boolean): void {
    this.#enabled = enabled;
    clearTimeout(this.#timer);
    if (!enabled) this.#endBrowsing(true);
    // Later, because nothing may be reported during the call itself.
    else queueMicrotask(() => this.#act());
  }

  again(): void {
    this.#browsing?.again();
  }

  /**
   * To be called with each new bus connection. Match rules come before browsers, because signals come at
   * once.
   */
  async attach(bus: AvahiBus): Promise<BusError | undefined> {
    this.#bus = bus;
    const handler = (signal: SignalMessage): void => this.#browsing?.signal(signal);
    for (const iface of [SERVICE_BROWSER, SERVICE_RESOLVER]) {
      const matched = await bus.addMatch({ sender: AVAHI, interface: iface }, handler);
      if (!matched.ok) return matched.error;
    }
    const watched = await bus.watchName(AVAHI, (owner) => {
      if (this.#bus === bus) this.#owned(owner);
    });
    return watched.ok ? undefined : watched.error;
  }

  /** To be called when the bus connection has ended. */
  lost(): void {
    this.#bus = undefined;
    this.#owner = undefined;
    clearTimeout(this.#timer);
    this.#endBrowsing(false);
    if (this.#enabled) this.#tell(false, "the system bus went away: no service discovery until it is back");
  }

  #owned(owner: string): void {
    const first = this.#owner === undefined;
    this.#owner = owner;
    // All objects of an earlier owner have disappeared with it.
    this.#endBrowsing(false);
    if (owner !== "" || first) this.#act();
    else if (this.#enabled) {
      this.#tell(false, "avahi-daemon went away: no service discovery until it is back");
      this.#later();
    }
  }

  /** Takes the next step: start Avahi, or ask it for the missing objects. */
  #act(): void {
    clearTimeout(this.#timer);
    if (!this.#enabled || this.#bus === undefined || this.#owner === undefined) return;
    if (this.#owner === "") {
      void this.#call(this.#bus);
    } else {
      this.#tell(true, "avahi-daemon is available");
      void this.#ask(this.#bus);
    }
  }

  /** A call of any kind starts Avahi; then it takes its bus name, for which we wait. */
  async #call(bus: AvahiBus): Promise<void> {
    const reply = await bus.call({
      destination: AVAHI,
      path: "/",
      interface: `${AVAHI}.Server`,
      member: "GetVersionString",
    });
    if (this.#bus !== bus || this.#owner !== "" || !this.#enabled) return;
    if (!reply.ok) this.#tell(false, `avahi-daemon is not available: ${reply.error.message}`);
    this.#later();
  }

  async #ask(bus: AvahiBus): Promise<void> {
    const browsing = this.#browsing ??= new AvahiBrowsing(
      bus,
      (event) => this.#sink?.(event),
      () => this.#later(),
    );
    await browsing.ask(SERVICE_TYPES);
  }

  #endBrowsing(alive: boolean): void {
    this.#browsing?.end(alive);
    this.#browsing = undefined;
  }

  /** Once for each change. */
  #tell(available: boolean, message: string): void {
    if (this.#available === available) return;
    this.#available = available;
    this.#sink?.({ type: "avahi", available, message });
  }

  #later(): void {
    clearTimeout(this.#timer);
    if (this.#enabled) this.#timer = setTimeout(() => this.#act(), this.#wakeUp.ms);
  }
}
