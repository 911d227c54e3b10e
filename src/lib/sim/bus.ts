/**
 * The system bus of the simulated world, message by message: names and their owners, match rules, calls, signals. It
 * is slow, loses calls, and can end together with all its connections. The layers above it are the product's own.
 */
import { BusErrors, DBUS } from "../dbus/bus_types.ts";
import { Bus, type BusResult } from "../dbus/bus.ts";
import type { Connected, Incoming, Outgoing, Value } from "../dbus/connection.ts";
import { ERROR, METHOD_CALL, METHOD_RETURN, SIGNAL } from "../dbus/frame.ts";
import type { BusAccess } from "../dbus/reconnect.ts";
import { milliseconds } from "../base/time.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

const PRIMARY_OWNER = 1;
const NAME_TAKEN = 3;
/** Every program of the simulated host runs as root. */
const ROOT = 0;
const HOP_MS = 3;

/** The keys and values of a match rule. */
type Rule = ReadonlyMap<string, string>;

interface Peer {
  readonly unique: string;
  readonly receive: (message: Incoming) => void;
  readonly rules: string[];
  readonly over: (reason: string) => void;
  /** The latest delivery time so far: later messages keep their order. */
  lastAt: number;
}

export class SimBus {
  #up = true;
  readonly #peers = new Map<string, Peer>();
  /** Well-known names and the unique names of their owners. */
  readonly #names = new Map<string, string>();
  readonly #rules = new Map<string, Rule>();
  #connections = 0;
  #serial = 0;
  /** Probability that a call to a program is never answered (it times out), or that the answer is an error. */
  callsLost = 0;
  callsFail = 0;
  /** Called with every message to programs, and the well-known name of its sender if it has one. */
  witness: (name: string, message: Outgoing) => void = () => undefined;
  readonly time: Scheduler;
  readonly random: Random;

  constructor(time: Scheduler, random: Random) {
    this.time = time;
    this.random = random;
  }

  get up(): boolean {
    return this.#up;
  }

  /** The unique name of the owner of this name. */
  ownerOf(name: string): string | undefined {
    return this.#names.get(name);
  }

  /**
   * One process's access to the bus; `alive` is false once it was killed, and `opened` receives a function that cuts
   * it off.
   */
  access(alive: () => boolean, opened: (cut: () => void) => void): BusAccess {
    const later = (ms: number, run: () => void): () => void =>
      this.time.in(milliseconds(ms), () => {
        if (alive()) run();
      });
    return {
      connect: (): Promise<BusResult> =>
        Bus.over(
          "the simulated bus",
          (look) =>
            this.#open(
              (message) => look(message)?.(() => ({ ok: true, body: message.body })),
              opened,
            ),
          (span, run) => later(span.ms, run),
        ),
      after: (span, run) => later(span.ms, run),
      jitter: () => this.random.between(0, 99) / 100,
    };
  }

  goAway(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#names.clear();
    const peers = [...this.#peers.values()];
    this.#peers.clear();
    for (const { over } of peers) over("the bus closed the connection");
  }

  comeBack(): void {
    this.#up = true;
  }

  /** Sends a signal from the present owner of this name; does nothing when it has no owner. */
  signalAs(
    name: string,
    signal: Pick<Outgoing, "path" | "interface" | "member" | "signature" | "body">,
  ): void {
    const peer = this.#peers.get(this.#names.get(name) ?? "");
    if (peer !== undefined) this.#sent(peer, { ...signal, type: SIGNAL });
  }

  #open(
    receive: (message: Incoming) => void,
    opened: (cut: () => void) => void,
  ): Promise<Connected> {
    const { promise, resolve } = Promise.withResolvers<Connected>();
    this.#soon(() => {
      if (!this.#up) {
        return resolve({ ok: false, errno: "ECONNREFUSED", message: "nobody listens there" });
      }
      const unique = `:1.${++this.#connections}`;
      const closed = Promise.withResolvers<string>();
      const peer: Peer = { unique, receive, rules: [], over: closed.resolve, lastAt: 0 };
      this.#peers.set(unique, peer);
      const isOpen = (): boolean => this.#peers.get(unique) === peer;
      const cut = (): void => this.#leave(peer);
      opened(cut);
      resolve({
        ok: true,
        connection: {
          uniqueName: unique,
          closed: closed.promise,
          send: (message) => {
            if (!isOpen()) return { sent: false, why: "closed", message: "not connected to the bus" };
            return { sent: true, serial: this.#sent(peer, message) };
          },
          close: () => {
            cut();
            closed.resolve("closed by us");
          },
        },
      });
    });
    return promise;
  }

  #leave(peer: Peer): void {
    if (!this.#peers.delete(peer.unique)) return;
    for (const [name, owner] of this.#names) {
      if (owner !== peer.unique) continue;
      this.#names.delete(name);
      this.#ownerChanged(name, owner, "");
    }
  }

  #soon(run: () => void): void {
    this.time.in(milliseconds(this.random.between(0, HOP_MS)), run);
  }

  /** Sends a message of a peer; returns its serial number. */
  #sent(from: Peer, message: Outgoing): number {
    const serial = ++this.#serial;
    if (message.destination !== DBUS) this.witness(this.#nameOf(from), message);
    const incoming = { ...asIncoming(message), serial, sender: from.unique };
    if (message.type === SIGNAL) this.#broadcast(incoming);
    else if (message.destination === DBUS) this.#soon(() => this.#ask(from, incoming));
    else this.#route(from, incoming);
    return serial;
  }

  #nameOf({ unique }: Peer): string {
    for (const [name, owner] of this.#names) if (owner === unique) return name;
    return "";
  }

  #route(from: Peer, message: Incoming): void {
    const { destination, type } = message;
    const to = this.#peers.get(
      destination.startsWith(":") ? destination : this.#names.get(destination) ?? "",
    );
    if (type === METHOD_CALL) {
      if (to === undefined) {
        return this.#refuse(from, message, BusErrors.serviceUnknown, `${destination}: no such name`);
      }
      if (this.random.chance(this.callsLost)) return;
      if (this.random.chance(this.callsFail)) {
        return this.#refuse(from, message, BusErrors.failed, "it has failed");
      }
      return this.#deliver(to, message, this.random.between(0, HOP_MS));
    }
    if (to !== undefined) this.#deliver(to, message, this.random.between(0, 5 * HOP_MS));
  }

  /** Delivers in the order of sending, as the bus does. */
  #deliver(to: Peer, message: Incoming, ms: number): void {
    to.lastAt = Math.max(to.lastAt, this.time.now.mono + ms);
    this.time.in(milliseconds(to.lastAt - this.time.now.mono), () => {
      if (this.#peers.get(to.unique) === to) to.receive(message);
    });
  }

  #broadcast(message: Incoming): void {
    for (const peer of this.#peers.values()) {
      if (peer.unique === message.sender || !peer.rules.some((rule) => this.#fits(rule, message))) continue;
      this.#deliver(peer, message, this.random.between(0, HOP_MS));
    }
  }

  #fits(text: string, message: Incoming): boolean {
    let rule = this.#rules.get(text);
    if (rule === undefined) this.#rules.set(text, rule = parseRule(text));
    for (const [key, value] of rule) {
      switch (key) {
        case "sender":
          if (message.sender !== value && message.sender !== this.#names.get(value)) return false;
          break;
        case "interface":
        case "member":
        case "path":
          if (message[key] !== value) return false;
          break;
        case "arg0":
          if (message.body[0] !== value) return false;
          break;
      }
    }
    return true;
  }

  // --- the bus daemon's own methods --------------------------------------------------------------------------------

  #ask(from: Peer, message: Incoming): void {
    if (this.#peers.get(from.unique) !== from) return;
    const name = String(message.body[0]);
    const owner = this.#names.get(name);
    switch (message.member) {
      case "RequestName":
        if (owner === undefined) {
          this.#names.set(name, from.unique);
          this.#ownerChanged(name, "", from.unique);
        }
        return this.#reply(from, message, "u", [owner === undefined ? PRIMARY_OWNER : NAME_TAKEN]);
      case "GetNameOwner":
        if (owner === undefined) {
          return this.#refuse(from, message, BusErrors.nameHasNoOwner, `${name} has no owner`);
        }
        return this.#reply(from, message, "s", [owner]);
      case "AddMatch":
        from.rules.push(name);
        return this.#reply(from, message, "", []);
      case "RemoveMatch":
        from.rules.splice(from.rules.indexOf(name), 1);
        return this.#reply(from, message, "", []);
      case "GetConnectionUnixUser":
        return this.#reply(from, message, "u", [ROOT]);
      case "GetConnectionUnixProcessID":
        return this.#reply(from, message, "u", [1]);
      default:
        return this.#refuse(
          from,
          message,
          BusErrors.unknownMethod,
          `the bus has no method ${message.member}`,
        );
    }
  }

  #ownerChanged(name: string, old: string, now: string): void {
    const body = [name, old, now];
    const signal: Outgoing = {
      type: SIGNAL,
      interface: DBUS,
      member: "NameOwnerChanged",
      signature: "sss",
      body,
    };
    this.#broadcast({ ...asIncoming(signal), serial: ++this.#serial, sender: DBUS });
  }

  #reply(to: Peer, { serial }: Incoming, signature: string, body: readonly Value[]): void {
    const message: Outgoing = { type: METHOD_RETURN, replySerial: serial, signature, body };
    this.#deliver(to, { ...asIncoming(message), serial: ++this.#serial, sender: DBUS }, 0);
  }

  #refuse(to: Peer, { serial }: Incoming, errorName: string, text: string): void {
    const message: Outgoing = { type: ERROR, replySerial: serial, errorName, signature: "s", body: [text] };
    this.#deliver(
      to,
      { ...asIncoming(message), serial: ++this.#serial, sender: DBUS },
      this.random.between(0, HOP_MS),
    );
  }
}

const asIncoming = (message: Outgoing): Incoming => ({
  type: message.type,
  serial: 0,
  replySerial: message.replySerial ?? 0,
  replyExpected: message.type === METHOD_CALL,
  sender: "",
  destination: message.destination ?? "",
  path: message.path ?? "",
  interface: message.interface ?? "",
  member: message.member ?? "",
  errorName: message.errorName ?? "",
  signature: message.signature,
  littleEndian: true,
  bodyBytes: 0,
  body: message.body,
});

/** `type='signal',sender='org.example'`. */
function parseRule(text: string): Rule {
  return new Map([...text.matchAll(/(\w+)='([^']*)'/g)].map(([, key = "", value = ""]) => [key, value]));
}
