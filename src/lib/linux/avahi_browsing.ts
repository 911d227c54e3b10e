/**
 * The objects of one incarnation of avahi-daemon: its browsers, one resolver for each service found, and
 * their signals (STAF-30, 31, 34, 35, 40a, 40b). When Avahi restarts, all of its objects are lost: end this
 * instance and make another.
 */
import type { Bus, Reply, SignalMessage, Value } from "../dbus/bus.ts";
import { isIp } from "../nvme/address.ts";
import { printable, quoted } from "../base/plain_text.ts";
import type { MdnsEvent, MdnsService } from "../ports.ts";
import { sys } from "./ffi_libc.ts";

export const AVAHI = "org.freedesktop.Avahi";
export const SERVICE_BROWSER = `${AVAHI}.ServiceBrowser`;
export const SERVICE_RESOLVER = `${AVAHI}.ServiceResolver`;
const SERVER = `${AVAHI}.Server`;
const DOMAIN = "local";
const ANY = -1;
const USE_MULTICAST = 2;
const PROTOCOLS = ["IPv4", "IPv6"] as const;
/** Avahi allows a client 1024 objects. */
export const MAX_ITEMS = 1000;
/** When the number falls to this, services that were left out are browsed for again. */
const ROOMY_ITEMS = 900;
/** Signals of objects whose path is not known yet. */
const MAX_PARKED = 4096;

export type AvahiBus = Pick<Bus, "call" | "addMatch" | "watchName">;

/** A service announced on one interface and protocol. */
interface Item {
  readonly key: string;
  /** Interface, protocol, name, type, domain. */
  readonly args: readonly [number, number, string, string, string];
  readonly hostIface: string;
  /** The requested address family: that of the announcement, or any if the service has no such address. */
  family: number;
  resolver: "none" | "asked" | { readonly path: string };
  /** The last result of the resolver. */
  service: MdnsService | undefined;
}

export class AvahiBrowsing {
  readonly #bus: AvahiBus;
  readonly #emit: (event: MdnsEvent) => void;
  readonly #incomplete: () => void;
  readonly #browsers = new Map<string, "asked" | { readonly path: string }>();
  readonly #items = new Map<string, Item>();
  readonly #byPath = new Map<string, Item>();
  #parked: SignalMessage[] = [];
  #asked = 0;
  #ended = false;
  #toldOfTooMany = false;
  /** Browsers with a successor, until the successor has started. */
  readonly #ending = new Map<string, string>();
  /** A service is announced that is not followed. */
  #leftOut = false;

  /** `incomplete`: Avahi refused something; {@link ask} again later. */
  constructor(bus: AvahiBus, emit: (event: MdnsEvent) => void, incomplete: () => void) {
    this.#bus = bus;
    this.#emit = emit;
    this.#incomplete = incomplete;
  }

  /** Asks for the missing objects: browsers of these types, resolvers of the services found. */
  async ask(serviceTypes: readonly string[]): Promise<void> {
    const missing = serviceTypes.filter((stype) => !this.#browsers.has(stype));
    const unresolved = [...this.#items.values()].filter(({ resolver }) => resolver === "none");
    await Promise.all([
      ...missing.map((stype) => this.#browse(stype)),
      ...unresolved.map((item) => this.#resolve(item)),
    ]);
  }

  /** Reports all results again. */
  again(): void {
    for (const { service } of this.#items.values()) {
      if (service !== undefined) this.#emit({ type: "service", service });
    }
  }

  /** A signal of a browser or a resolver. */
  signal(signal: SignalMessage): void {
    if (this.#ended) return;
    if (this.#deliver(signal) || this.#asked === 0) return;
    // The object is known to Avahi before its path is known to us.
    if (this.#parked.length < MAX_PARKED) this.#parked.push(signal);
  }

  /** `alive`: Avahi still runs, so its objects have to be freed. */
  end(alive: boolean): void {
    this.#ended = true;
    if (alive) {
      for (const path of this.#ending.keys()) this.#free(path, SERVICE_BROWSER);
      for (const browser of this.#browsers.values()) {
        if (browser !== "asked") this.#free(browser.path, SERVICE_BROWSER);
      }
      for (const path of this.#byPath.keys()) this.#free(path, SERVICE_RESOLVER);
    }
    this.#browsers.clear();
    this.#items.clear();
    this.#byPath.clear();
    this.#parked = [];
  }

  async #browse(stype: string): Promise<void> {
    this.#browsers.set(stype, "asked");
    const path = await this.#newObject(
      "ServiceBrowserNew",
      "iissu",
      [ANY, ANY, stype, DOMAIN, USE_MULTICAST],
      SERVICE_BROWSER,
    );
    if (this.#ended) return;
    if (path.ok) this.#browsers.set(stype, { path: path.value });
    else {
      this.#browsers.delete(stype);
      this.#trouble(`cannot browse for ${stype}: ${path.why}`);
    }
    this.#answered();
  }

  async #resolve(item: Item): Promise<void> {
    item.resolver = "asked";
    const path = await this.#newObject(
      "ServiceResolverNew",
      "iisssiu",
      [...item.args, item.family, USE_MULTICAST],
      SERVICE_RESOLVER,
    );
    if (this.#ended) return;
    if (this.#items.get(item.key) !== item) {
      if (path.ok) this.#free(path.value, SERVICE_RESOLVER);
    } else if (path.ok) {
      item.resolver = { path: path.value };
      this.#byPath.set(path.value, item);
    } else {
      item.resolver = "none";
      this.#trouble(`cannot resolve ${nameOf(item)}: ${path.why}`);
    }
    this.#answered();
  }

  /** The path of a new object of Avahi. An object that comes after the end is freed at once. */
  async #newObject(
    member: string,
    signature: string,
    args: readonly Value[],
    iface: string,
  ): Promise<{ readonly ok: true; readonly value: string } | { readonly ok: false; readonly why: string }> {
    this.#asked++;
    const reply = await this.#bus.call({
      destination: AVAHI,
      path: "/",
      interface: SERVER,
      member,
      signature,
      args,
    });
    const path = pathOf(reply);
    if (path.ok && this.#ended) this.#free(path.value, iface);
    return path;
  }

  #free(path: string, iface: string): void {
    // Nothing depends on the answer: the object may be gone already.
    void this.#bus.call({ destination: AVAHI, path, interface: iface, member: "Free" });
  }

  /**
   * Called once the path is known: signals stored for it are delivered, those for other paths stay stored.
   */
  #answered(): void {
    this.#asked--;
    const parked = this.#parked;
    this.#parked = [];
    for (const signal of parked) this.signal(signal);
  }

  /** False when the path is not known. */
  #deliver(signal: SignalMessage): boolean {
    if (signal.interface === SERVICE_RESOLVER) {
      const item = this.#byPath.get(signal.path);
      if (item !== undefined) this.#resolverSignal(item, signal);
      return item !== undefined;
    }
    const ending = this.#ending.get(signal.path);
    if (ending !== undefined) {
      this.#browserSignal(ending, signal);
      return true;
    }
    for (const [stype, browser] of this.#browsers) {
      if (browser === "asked" || browser.path !== signal.path) continue;
      this.#browserSignal(stype, signal);
      return true;
    }
    return false;
  }

  #browserSignal(stype: string, { member, body, path }: SignalMessage): void {
    if (member === "ItemNew") this.#itemNew(body);
    else if (member === "ItemRemove") this.#itemRemove(body);
    else if (member === "Failure" && !this.#ending.has(path)) {
      this.#browsers.delete(stype);
      this.#free(path, SERVICE_BROWSER);
      this.#trouble(`browsing for ${stype} failed: ${String(body[0])}`);
    }
  }

  #itemNew(body: readonly unknown[]): void {
    const args = itemArgs(body);
    if (args === undefined) return;
    const hostIface = sys.interfaceName(args[0]) || String(args[0]);
    const key = keyOf(args);
    if (this.#items.has(key)) return;
    if (this.#items.size >= MAX_ITEMS) {
      this.#leftOut = true;
      if (!this.#toldOfTooMany) {
        this.#problem(
          `more than ${MAX_ITEMS} services are announced: the others are left out until there is room`,
        );
      }
      this.#toldOfTooMany = true;
      if (!this.#makeRoom(args[0])) return;
    }
    const item: Item = { key, args, hostIface, family: args[1], resolver: "none", service: undefined };
    this.#items.set(key, item);
    void this.#resolve(item);
  }

  #itemRemove(body: readonly unknown[]): void {
    const args = itemArgs(body);
    if (args === undefined) return;
    const key = keyOf(args);
    const item = this.#items.get(key);
    this.#items.delete(key);
    if (item !== undefined) this.#freeResolver(item);
    this.#emit({ type: "service-gone", key });
    if (!this.#leftOut || this.#items.size > ROOMY_ITEMS) return;
    this.#leftOut = false;
    this.#toldOfTooMany = false;
    for (const [stype, browser] of this.#browsers) {
      if (browser !== "asked") void this.#browseAnew(stype, browser.path);
    }
  }

  /** The new browser reports all services; the old one ends after that, so that no withdrawal is missed. */
  async #browseAnew(stype: string, old: string): Promise<void> {
    this.#ending.set(old, stype);
    await this.#browse(stype);
    this.#ending.delete(old);
    if (this.#ended) return;
    if (this.#browsers.has(stype)) this.#free(old, SERVICE_BROWSER);
    else this.#browsers.set(stype, { path: old });
  }

  /** If there are too many services, the interface with most of them makes way for another one (S16). */
  #makeRoom(iface: number): boolean {
    const heard = new Map<number, Item[]>();
    for (const item of this.#items.values()) {
      if (heard.get(item.args[0])?.push(item) === undefined) heard.set(item.args[0], [item]);
    }
    const [most = []] = [...heard.values()].toSorted((a, b) => b.length - a.length);
    const item = most.find(({ resolver }) => resolver !== "asked");
    if (item === undefined || most.length <= (heard.get(iface)?.length ?? 0) + 1) return false;
    this.#items.delete(item.key);
    this.#freeResolver(item);
    return true;
  }

  #freeResolver(item: Item): void {
    if (typeof item.resolver !== "object") return;
    this.#byPath.delete(item.resolver.path);
    this.#free(item.resolver.path, SERVICE_RESOLVER);
    item.resolver = "none";
  }

  #resolverSignal(item: Item, { member, body }: SignalMessage): void {
    if (member === "Found") return this.#found(item, body);
    if (member !== "Failure") return;
    if (!String(body[0]).includes("Timeout")) {
      this.#problem(`resolving ${nameOf(item)} failed: ${String(body[0])}`);
    } else if (item.family !== ANY) {
      // If asked for any address at first, Avahi would answer sometimes with one family, sometimes with the
      // other.
      item.family = ANY;
      this.#freeResolver(item);
      void this.#resolve(item);
    }
    // Otherwise the resolver goes on listening, so waiting loses nothing.
  }

  #found(item: Item, body: readonly unknown[]): void {
    const [, , , , , , , address, port, txt] = body;
    const protocol = PROTOCOLS[item.args[1]];
    if (typeof address !== "string" || !isIp(address) || typeof port !== "number" || protocol === undefined) {
      return;
    }
    const [, , name, stype, domain] = item.args;
    item.service = {
      key: item.key,
      hostIface: item.hostIface,
      protocol,
      name,
      stype,
      domain,
      traddr: address,
      port,
      txt: Array.isArray(txt) ? txt.flatMap((record: unknown) => bytesOf(record)) : [],
    };
    this.#emit({ type: "service", service: item.service });
  }

  #problem(message: string): void {
    this.#emit({ type: "mdns-problem", message });
  }

  #trouble(message: string): void {
    this.#problem(message);
    this.#incomplete();
  }
}

function pathOf(
  reply: Reply,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly why: string } {
  if (!reply.ok) return { ok: false, why: reply.error.message };
  const [path] = reply.body;
  return typeof path === "string"
    ? { ok: true, value: path }
    : { ok: false, why: "Avahi answered without a path" };
}

/**
 * Undefined for a signal that is not an announcement on an interface: Avahi reports -1 for an unknown
 * interface.
 */
function itemArgs(body: readonly unknown[]): Item["args"] | undefined {
  const [iface, protocol, name, stype, domain] = body;
  return typeof iface === "number" && Number.isInteger(iface) && iface > 0 && typeof protocol === "number" &&
      typeof name === "string" &&
      typeof stype === "string" && typeof domain === "string"
    ? [iface, protocol, name, stype, domain]
    : undefined;
}

/** By index, not by name: the interface of a removed service may no longer exist (STAF-40a). */
const keyOf = (args: Item["args"]): string => printable(JSON.stringify(args));

const nameOf = ({ args, hostIface }: Item): string => `${args[3]} service ${quoted(args[2])} on ${hostIface}`;

/** One record of TXT data, in memory of its own. */
function bytesOf(record: unknown): Uint8Array[] {
  if (record instanceof Uint8Array) return [new Uint8Array(record)];
  return Array.isArray(record) && record.every((byte) => typeof byte === "number")
    ? [Uint8Array.from(record)]
    : [];
}
