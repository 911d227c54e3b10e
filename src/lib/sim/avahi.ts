/** Avahi in the simulated world: services on interfaces, and a daemon that starts and stops. */
import { milliseconds } from "../base/time.ts";
import type { Mdns, MdnsEvent, MdnsService } from "../ports.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** One announcement on one interface; `p` as in the TXT record. */
export interface Announcement {
  readonly hostIface: string;
  readonly name: string;
  readonly traddr: string;
  readonly port: number;
  readonly txt: readonly string[];
}

const encoder = new TextEncoder();

function serviceOf({ hostIface, name, traddr, port, txt }: Announcement): MdnsService {
  const protocol = traddr.includes(":") ? "IPv6" : "IPv4";
  return {
    key: `${hostIface} ${protocol} ${name} _nvme-disc._tcp local`,
    hostIface,
    protocol,
    name,
    stype: "_nvme-disc._tcp",
    domain: "local",
    traddr,
    port,
    txt: txt.map((record) => encoder.encode(record)),
  };
}

export class SimAvahi {
  #running = true;
  readonly #announced = new Map<string, MdnsService>();
  readonly #ports = new Set<AvahiPort>();
  readonly time: Scheduler;
  readonly random: Random;

  constructor(time: Scheduler, random: Random) {
    this.time = time;
    this.random = random;
  }

  get running(): boolean {
    return this.#running;
  }

  get announced(): readonly MdnsService[] {
    return [...this.#announced.values()];
  }

  announce(announcement: Announcement): void {
    const service = serviceOf(announcement);
    this.#announced.set(service.key, service);
    if (this.#running) { for (const port of this.#ports) port.tell({ type: "service", service }); }
  }

  /** Repeats an announcement. */
  repeat(key: string): void {
    const service = this.#announced.get(key);
    if (service === undefined || !this.#running) return;
    for (const port of this.#ports) port.tell({ type: "service", service });
  }

  /** A goodbye packet, or the end of its time to live. */
  withdraw(key: string): void {
    if (!this.#announced.delete(key) || !this.#running) return;
    for (const port of this.#ports) port.tell({ type: "service-gone", key });
  }

  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    for (const port of this.#ports) port.gone("avahi-daemon went away");
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    for (const port of this.#ports) port.found();
  }

  /** Makes Avahi report a problem. */
  complain(message: string): void {
    for (const port of this.#ports) port.tell({ type: "mdns-problem", message });
  }

  join(port: AvahiPort): void {
    this.#ports.add(port);
  }

  leave(port: AvahiPort): void {
    this.#ports.delete(port);
  }
}

export class AvahiPort implements Mdns {
  readonly #avahi: SimAvahi;
  /** Connected to the bus, so that messages arrive. */
  #bus = false;
  #sink: ((event: MdnsEvent) => void) | undefined;
  #browsing = false;
  #available: boolean | undefined;
  /** Counts the starts of Avahi: messages of an earlier start are discarded. */
  #era = 0;

  constructor(avahi: SimAvahi) {
    this.#avahi = avahi;
    avahi.join(this);
  }

  /** On each new connection to the bus. */
  attach(): Promise<undefined> {
    this.#bus = true;
    this.found();
    return Promise.resolve(undefined);
  }

  /** The connection has ended. */
  lost(): void {
    this.#bus = false;
    this.gone("the system bus went away");
  }

  close(): void {
    this.#avahi.leave(this);
    this.#sink = undefined;
  }

  watch(sink: (event: MdnsEvent) => void): void {
    this.#sink = sink;
  }

  browse(enabled: boolean): void {
    if (this.#browsing === enabled) return;
    this.#browsing = enabled;
    this.#era++;
    this.#available = undefined;
    if (enabled) this.found();
  }

  again(): void {
    if (!this.#browsing || !this.#bus || !this.#avahi.running) return;
    for (const service of this.#avahi.announced) this.tell({ type: "service", service });
  }

  tell(event: MdnsEvent): void {
    if (!this.#browsing || !this.#bus) return;
    const era = this.#era;
    this.#avahi.time.in(milliseconds(this.#avahi.random.between(1, 300)), () => {
      if (era !== this.#era) return;
      // A later goodbye makes an announcement void; a later announcement makes a goodbye void.
      const key = event.type === "service"
        ? event.service.key
        : event.type === "service-gone"
        ? event.key
        : "";
      const announced = this.#avahi.announced.find((service) => service.key === key);
      if (event.type === "service" && announced === undefined) return;
      if (event.type === "service-gone" && announced !== undefined) return;
      this.#sink?.(event);
    });
  }

  /** Avahi, or the bus, is available. */
  found(): void {
    if (!this.#browsing || !this.#bus) return;
    const era = ++this.#era;
    this.#avahi.time.in(milliseconds(5), () => {
      if (era !== this.#era) return;
      if (!this.#avahi.running) return this.#say(false, "avahi-daemon is not available");
      this.#say(true, "avahi-daemon is available");
      for (const service of this.#avahi.announced) this.tell({ type: "service", service });
    });
  }

  /** Avahi, or the bus, went away. */
  gone(message: string): void {
    if (!this.#browsing) return;
    const era = ++this.#era;
    this.#avahi.time.in(milliseconds(2), () => {
      if (era === this.#era) this.#say(false, message);
    });
  }

  #say(available: boolean, message: string): void {
    if (this.#available === available) return;
    this.#available = available;
    this.#sink?.({ type: "avahi", available, message });
  }
}
