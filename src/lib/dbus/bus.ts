/** Our typed D-Bus layer: calls that always settle, signals from whom they claim to be, exported objects. */
import { type Duration, seconds } from "../nvme/time.ts";
import { type After, afterwards } from "./after.ts";
import {
  type Answer,
  type BusError,
  BusErrors,
  type Call,
  type CallHandler,
  DBUS,
  type IncomingCall,
  type Matched,
  type MatchRule,
  type NameResult,
  type Reply,
  type SignalMessage,
} from "./bus_types.ts";
import { CallQueue } from "./call_queue.ts";
import {
  type Connected,
  type Connection,
  ERROR,
  type Incoming,
  METHOD_CALL,
  METHOD_RETURN,
  openConnection,
  type Outgoing,
  SIGNAL,
  systemBusAddress,
  type Value,
} from "./connection.ts";

export { type Value, Variant } from "./connection.ts";
export * from "./bus_types.ts";

const DBUS_PATH = "/org/freedesktop/DBus";
const DO_NOT_QUEUE = 4;
/** Calls of ours that may wait for an answer at one time; the bus itself allows 128. */
const MAX_PENDING_CALLS = 120;
/** Calls of others that are worked on at one time, and that may wait for it. */
const CALLS_IN_WORK = 8;
const CALLS_WAITING = 1024;

export type BusResult =
  | { readonly ok: true; readonly bus: Bus }
  | { readonly ok: false; readonly error: BusError };

interface Subscription {
  readonly rule: MatchRule;
  readonly handler: (signal: SignalMessage) => void;
}

interface Owner {
  unique: string;
  /** Settles when `unique` is known. */
  readonly ready: Promise<Tracked>;
}

/** Connects to a bus; what arrives from then on goes to `receive`, which never throws. */
export type OpenConnection = (receive: (message: Incoming) => void) => Promise<Connected>;

type Tracked = { readonly ok: true } | { readonly ok: false; readonly error: BusError };

export class Bus {
  readonly #pending = new Map<number, (reply: Reply) => void>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #owners = new Map<string, Owner>();
  readonly #objects = new Map<string, CallHandler>();
  readonly #calls = new CallQueue<Incoming>(CALLS_IN_WORK, CALLS_WAITING, (message) => this.#serve(message));
  readonly #after: After;
  #connection: Connection | undefined;

  private constructor(after: After) {
    this.#after = after;
  }

  /**
   * Connects to a bus: `"system"`, or a D-Bus address. Errors: NoServer (nobody there), Timeout,
   * AccessDenied (the socket may not be opened).
   */
  static async connect(address: string, timeout: Duration = seconds(10)): Promise<BusResult> {
    const target = address === "system" ? systemBusAddress() : address;
    return await Bus.over(target, (receive) => openConnection(target, timeout, receive));
  }

  /** As {@link connect}, over a connection of another kind; `after` measures how long calls may take. */
  static async over(target: string, open: OpenConnection, after: After = afterwards): Promise<BusResult> {
    const bus = new Bus(after);
    const opened = await open((message) => bus.#receive(message));
    if (!opened.ok) {
      const denied = opened.errno === "EACCES" || opened.errno === "EPERM";
      const name = denied
        ? BusErrors.accessDenied
        : opened.errno === "ETIMEDOUT"
        ? BusErrors.timeout
        : BusErrors.noServer;
      return {
        ok: false,
        error: { name, message: `cannot connect to the bus at ${target}: ${opened.message}` },
      };
    }
    bus.#connection = opened.connection;
    void opened.connection.closed.then((reason) => bus.#over(reason));
    return { ok: true, bus };
  }

  /** Our unique name on the bus. */
  get uniqueName(): string {
    return this.#connection?.uniqueName ?? "";
  }

  /** Settles with the reason when the connection is over, whoever ended it. */
  get closed(): Promise<string> {
    return this.#connection?.closed ?? Promise.resolve("never connected");
  }

  close(): void {
    this.#connection?.close();
  }

  /** Calls a method. Error replies, a time-out (NoReply) and a lost bus (Disconnected) are data. */
  call(call: Call): Promise<Reply> {
    return new Promise((resolve) => this.#invoke(call, resolve));
  }

  /** As {@link call}, but tells the reply before the next message is looked at. */
  #invoke(call: Call, done: (reply: Reply) => void): void {
    if (this.#pending.size >= MAX_PENDING_CALLS) {
      done(failed(BusErrors.limitsExceeded, "too many calls are waiting for an answer"));
      return;
    }
    const sent = this.#send({
      type: METHOD_CALL,
      destination: call.destination,
      path: call.path,
      interface: call.interface,
      member: call.member,
      signature: call.signature ?? "",
      body: call.args ?? [],
    });
    if (!sent.sent) {
      done(failed(ERROR_OF[sent.why], sent.message));
      return;
    }
    const { serial } = sent;
    const span = call.timeout ?? seconds(25);
    const cancel = this.#after(span, () => {
      settle(failed(BusErrors.noReply, `no answer from ${call.destination} within ${span.ms / 1000} s`));
    });
    const settle = (reply: Reply): void => {
      cancel();
      this.#pending.delete(serial);
      done(reply);
    };
    this.#pending.set(serial, settle);
  }

  /** Calls a method of the bus daemon itself. */
  callBus(member: string, signature: string, args: readonly Value[]): Promise<Reply> {
    return this.call(toBus(member, signature, args));
  }

  /** Takes a well-known name, without queueing and without taking it away from anybody (DBUS-3). */
  async requestName(name: string): Promise<NameResult> {
    const reply = await this.callBus("RequestName", "su", [name, DO_NOT_QUEUE]);
    if (!reply.ok) return { ok: false, taken: false, error: reply.error };
    const [result] = reply.body;
    if (result === 1 || result === 4) return { ok: true };
    const pid = await this.callBus("GetConnectionUnixProcessID", "s", [name]);
    const by = pid.ok && typeof pid.body[0] === "number" ? ` (process ${pid.body[0]})` : "";
    const message = `the bus name ${name} is already taken${by}: is the daemon running already?`;
    return { ok: false, taken: true, error: { name: BusErrors.failed, message } };
  }

  /** Numeric user id of a connection, undefined when the bus does not tell. */
  async uidOf(sender: string): Promise<number | undefined> {
    const reply = await this.callBus("GetConnectionUnixUser", "s", [sender]);
    const uid = reply.ok ? reply.body[0] : undefined;
    return typeof uid === "number" ? uid : undefined;
  }

  /** Sends a signal to all who listen. False when it could not be sent. */
  emitSignal(
    signal: {
      readonly path: string;
      readonly interface: string;
      readonly member: string;
      readonly signature: string;
      readonly args: readonly Value[];
    },
  ): boolean {
    const { path, interface: iface, member, signature, args } = signal;
    return this.#send({ type: SIGNAL, path, interface: iface, member, signature, body: args }).sent;
  }

  /** Answers calls to this path from now on. Export before requesting the name (DBUS-3). */
  exportObject(path: string, handler: CallHandler): void {
    this.#objects.set(path, handler);
  }

  /**
   * Delivers the signals that fit the rule. Signals that the sender made before this resolves may be missing;
   * none is lost afterwards, and none is delivered that only claims to come from the rule's sender.
   */
  async addMatch(rule: MatchRule, handler: (signal: SignalMessage) => void): Promise<Matched> {
    if (rule.sender !== undefined && isWellKnown(rule.sender)) {
      const tracked = await this.#track(rule.sender);
      if (!tracked.ok) return tracked;
    }
    const subscription: Subscription = { rule, handler };
    this.#subscriptions.add(subscription);
    const text = ruleText(rule);
    const reply = await this.callBus("AddMatch", "s", [text]);
    if (!reply.ok) {
      this.#subscriptions.delete(subscription);
      return reply;
    }
    return {
      ok: true,
      remove: () => {
        if (this.#subscriptions.delete(subscription)) void this.callBus("RemoveMatch", "s", [text]);
      },
    };
  }

  /**
   * Tells the unique name of the owner of a well-known name, empty for none: now, and at each change.
   * Signals of an owner come after the news that it owns the name.
   */
  async watchName(name: string, handler: (owner: string) => void): Promise<Matched> {
    const rule = { sender: DBUS, interface: DBUS, member: "NameOwnerChanged", arg0: name };
    let told: string | undefined;
    const tell = (owner: string): void => {
      if (owner === told) return;
      told = owner;
      handler(owner);
    };
    const matched = await this.addMatch(rule, (signal) => {
      const [, , owner] = signal.body;
      if (typeof owner === "string") tell(owner);
    });
    if (!matched.ok) return matched;
    // Told before the next message is looked at, so that it never comes after a newer signal.
    const problem = await new Promise<BusError | undefined>((resolve) => {
      this.#invoke(toBus("GetNameOwner", "s", [name]), (reply) => {
        if (reply.ok && typeof reply.body[0] === "string") tell(reply.body[0]);
        else if (!reply.ok && reply.error.name === BusErrors.nameHasNoOwner) tell("");
        resolve(reply.ok || reply.error.name === BusErrors.nameHasNoOwner ? undefined : reply.error);
      });
    });
    if (problem === undefined) return matched;
    matched.remove();
    return { ok: false, error: problem };
  }

  /** Keeps the unique name of `name`'s owner. The watch stays: it is one rule, and a later match wants it again. */
  #track(name: string): Promise<Tracked> {
    const known = this.#owners.get(name);
    if (known !== undefined) return known.ready;
    const ready = this.watchName(name, (unique) => {
      owner.unique = unique;
    }).then((watched): Tracked => {
      if (!watched.ok) this.#owners.delete(name);
      return watched;
    });
    const owner: Owner = { unique: "", ready };
    this.#owners.set(name, owner);
    return ready;
  }

  #send(message: Outgoing): ReturnType<Connection["send"]> {
    return this.#connection?.send(message) ??
      { sent: false, why: "closed", message: "not connected to the bus" };
  }

  #over(reason: string): void {
    for (const settle of [...this.#pending.values()]) settle(failed(BusErrors.disconnected, reason));
    this.#subscriptions.clear();
    this.#calls.clear();
  }

  #receive(message: Incoming): void {
    if (message.type === METHOD_RETURN || message.type === ERROR) {
      loudly(() => this.#pending.get(message.replySerial)?.(replyOf(message)));
    } else if (message.type === SIGNAL) {
      for (const { rule, handler } of [...this.#subscriptions]) {
        if (this.#fits(rule, message)) loudly(() => handler(message));
      }
    } else if (message.type === METHOD_CALL) {
      loudly(() => {
        if (!this.#calls.offer(message)) {
          this.#answer(message, failed(BusErrors.limitsExceeded, "too many calls"));
        }
      });
    }
  }

  #fits(rule: MatchRule, message: Incoming): boolean {
    if (rule.sender !== undefined) {
      const unique = isWellKnown(rule.sender) ? this.#owners.get(rule.sender)?.unique : rule.sender;
      if (message.sender !== unique) return false;
    }
    return (rule.interface === undefined || rule.interface === message.interface) &&
      (rule.member === undefined || rule.member === message.member) &&
      (rule.path === undefined || rule.path === message.path) &&
      (rule.arg0 === undefined || rule.arg0 === message.body[0]);
  }

  /** The promise settles when the answer has been sent; none when that was done at once. */
  #serve(message: Incoming): Promise<void> | undefined {
    const handler = this.#objects.get(message.path);
    const answer = handler === undefined ? unexported(message, [...this.#objects.keys()]) : handler(message);
    if (answer instanceof Promise) return answer.then((late) => this.#answer(message, late));
    this.#answer(message, answer);
    return undefined;
  }

  #answer(message: Incoming, answer: Answer): void {
    if (!message.replyExpected) return;
    const to = { destination: message.sender, replySerial: message.serial };
    const sent = answer.ok
      ? this.#send({ type: METHOD_RETURN, ...to, signature: answer.signature, body: answer.body })
      : this.#send(errorMessage(to, answer.error));
    if (sent.sent || sent.why === "closed") return;
    this.#send(errorMessage(to, { name: ERROR_OF[sent.why], message: sent.message }));
  }
}

const ERROR_OF = {
  closed: BusErrors.disconnected,
  limit: BusErrors.limitsExceeded,
  unsendable: BusErrors.invalidArgs,
} as const;

function failed(name: string, message: string): { readonly ok: false; readonly error: BusError } {
  return { ok: false, error: { name, message } };
}

function replyOf(message: Incoming): Reply {
  const { sender, signature, body } = message;
  if (message.type === METHOD_RETURN) return { ok: true, sender, signature, body };
  const [text] = body;
  return failed(message.errorName, typeof text === "string" ? text : message.errorName);
}

function errorMessage(
  to: { readonly destination: string; readonly replySerial: number },
  error: BusError,
): Outgoing {
  // A text with a zero byte cannot be sent, and an error must arrive.
  const text = error.message.replaceAll("\0", "\\0");
  return { type: ERROR, ...to, errorName: error.name, signature: "s", body: [text] };
}

/** A path that is not exported: its children can still be listed, as tools that walk the tree expect. */
function unexported(call: IncomingCall, paths: readonly string[]): Answer {
  const base = call.path === "/" ? "/" : `${call.path}/`;
  const children = new Set(
    paths.filter((path) => path.startsWith(base)).map((path) => path.slice(base.length).split("/")[0] ?? ""),
  );
  const introspect = call.member === "Introspect" && call.signature === "" &&
    (call.interface === "" || call.interface === `${DBUS}.Introspectable`);
  if (introspect && children.size > 0) {
    const nodes = [...children].map((child) => `  <node name="${child}"/>\n`).join("");
    return { ok: true, signature: "s", body: [`<node>\n${nodes}</node>\n`] };
  }
  return failed(BusErrors.unknownObject, `there is no object ${call.path} here`);
}

function toBus(member: string, signature: string, args: readonly Value[]): Call {
  return { destination: DBUS, path: DBUS_PATH, interface: DBUS, member, signature, args };
}

const isWellKnown = (name: string): boolean => !name.startsWith(":") && name !== DBUS;

function ruleText(rule: MatchRule): string {
  const parts = ["type='signal'"];
  for (const key of ["sender", "interface", "member", "path", "arg0"] as const) {
    const value = rule[key];
    if (value !== undefined) parts.push(`${key}='${value}'`);
  }
  return parts.join(",");
}

/** Runs a handler out of the library's reach, which would hide its bug and send the stack trace to the caller. */
function loudly(handler: () => void): void {
  try {
    handler();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
