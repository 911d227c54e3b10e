/** Our typed D-Bus layer: calls that always settle, signals with a verified sender, exported objects. */
import { type Duration, milliseconds, seconds } from "../base/time.ts";
import { type After, afterwards } from "./after.ts";
import {
  type Admit,
  type Answer,
  type BusError,
  BusErrors,
  type Call,
  type CallHandler,
  DBUS,
  isWellKnown,
  type Matched,
  type MatchRule,
  type NameResult,
  type Reply,
  type SignalMessage,
} from "./bus_types.ts";
import {
  type Connected,
  type Connection,
  type Look,
  openConnection,
  type Outgoing,
  sizeOf,
  systemBusAddress,
  type Take,
  type Value,
} from "./connection.ts";
import { ERROR, type Head, METHOD_CALL, METHOD_RETURN, SIGNAL, type Traffic } from "./frame.ts";
import { IncomingCalls } from "./incoming_calls.ts";
import { failed, PendingCalls } from "./pending_calls.ts";
import { Subscriptions } from "./subscriptions.ts";

export { type Value, Variant } from "./connection.ts";
export * from "./bus_types.ts";

const DBUS_PATH = "/org/freedesktop/DBus";
const DO_NOT_QUEUE = 4;
/** The longest answer of the bus itself: a list of all its names. */
const MAX_BUS_REPLY = 1024 * 1024;
/** The longest arguments of calls to an object that sets no limit. */
const MAX_ARGUMENTS = 4 * 1024 * 1024;

export type BusResult =
  | { readonly ok: true; readonly bus: Bus }
  | { readonly ok: false; readonly error: BusError };

interface Owner {
  /** Undefined until the bus has answered, empty when the name has no owner. */
  unique: string | undefined;
  /** Settles when `unique` is known. */
  readonly ready: Promise<Tracked>;
}

/**
 * Connects to a bus. `look` sees the header of every message from then on; neither it nor the function that it
 * returns throws.
 */
export type OpenConnection = (look: Look) => Promise<Connected>;

type Tracked = { readonly ok: true } | { readonly ok: false; readonly error: BusError };

export class Bus {
  readonly #pending: PendingCalls;
  readonly #owners = new Map<string, Owner>();
  readonly #subscriptions = new Subscriptions((name) => this.#owners.get(name)?.unique ?? "");
  readonly #calls: IncomingCalls;
  #connection: Connection | undefined;

  private constructor(after: After) {
    this.#pending = new PendingCalls(after);
    this.#calls = new IncomingCalls(
      (sender, done) => this.#post(toBus("GetConnectionUnixUser", "s", [sender]), DBUS, done),
      (head, answer) => this.#answer(head, answer),
      (run) => after(milliseconds(0), run),
    );
  }

  /**
   * Connects to a bus: `"system"`, or a D-Bus address. Errors: NoServer (nothing listens there), Timeout,
   * AccessDenied (the socket may not be opened).
   */
  static async connect(address: string, timeout: Duration = seconds(10)): Promise<BusResult> {
    const target = address === "system" ? systemBusAddress() : address;
    return await Bus.over(target, (look) => openConnection(target, timeout, look));
  }

  /** Like {@link connect}, over a connection of another kind; `after` measures the time-outs of calls. */
  static async over(target: string, open: OpenConnection, after: After = afterwards): Promise<BusResult> {
    const bus = new Bus(after);
    const opened = await open((head) => bus.#look(head));
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

  /** Incoming traffic: how much was read, and how much was skipped. */
  get traffic(): Traffic | undefined {
    return this.#connection?.traffic;
  }

  close(): void {
    this.#connection?.close();
  }

  /** Calls a method. Error replies, a time-out (NoReply) and a lost bus (Disconnected) are data. */
  call(call: Call): Promise<Reply> {
    return new Promise((resolve) => this.#invoke(call, resolve));
  }

  /** Like {@link call}, but delivers the reply before the next message is examined. */
  #invoke(call: Call, done: (reply: Reply) => void): void {
    if (this.#pending.full) {
      done(failed(BusErrors.limitsExceeded, "too many calls are waiting for an answer"));
      return;
    }
    const { destination } = call;
    const owner = isWellKnown(destination) ? this.#owners.get(destination)?.unique : destination;
    if (owner !== undefined) {
      this.#post(call, owner, done);
      return;
    }
    // Only an answer from the owner of the destination counts, so find the owner first.
    void this.#track(destination).then((tracked) => {
      if (!tracked.ok) done(tracked);
      else this.#post(call, this.#owners.get(destination)?.unique ?? "", done);
    });
  }

  /** `owner` is the connection to which the bus will deliver the call; empty when the name has no owner yet. */
  #post(call: Call, owner: string, done: (reply: Reply) => void): void {
    const sent = this.#send({
      type: METHOD_CALL,
      destination: call.destination,
      path: call.path,
      interface: call.interface,
      member: call.member,
      signature: call.signature ?? "",
      body: call.args ?? [],
    });
    if (sent.sent) {
      this.#pending.add(sent.serial, { ...call, timeout: call.timeout ?? seconds(25) }, owner, done);
    } else done(failed(ERROR_OF[sent.why], sent.message));
  }

  /** Calls a method of the bus daemon itself. */
  callBus(member: string, signature: string, args: readonly Value[]): Promise<Reply> {
    return this.call(toBus(member, signature, args));
  }

  /** Requests a well-known name, without queueing and without replacing its owner (DBUS-3). */
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

  /** Numeric user id of a connection, undefined when the bus does not report it. */
  async uidOf(sender: string): Promise<number | undefined> {
    const reply = await this.callBus("GetConnectionUnixUser", "s", [sender]);
    const uid = reply.ok ? reply.body[0] : undefined;
    return typeof uid === "number" ? uid : undefined;
  }

  /** Sends a signal to all listeners. False when it could not be sent. */
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
    const tooLong = (): BusError => ({
      name: BusErrors.invalidArgs,
      message: `the arguments are longer than ${MAX_ARGUMENTS} bytes`,
    });
    this.exportAdmitting(path, () => ({ ok: true, maxBytes: MAX_ARGUMENTS, tooLong, run: handler }));
  }

  /** Like {@link exportObject}, but `admit` judges each call before its arguments are read. */
  exportAdmitting(path: string, admit: Admit): void {
    this.#calls.serve(path, admit);
  }

  /**
   * Delivers the signals that match the rule. Signals sent before this resolves may be missing; none is lost
   * afterwards, and none with a forged sender is delivered.
   */
  async addMatch(rule: MatchRule, handler: (signal: SignalMessage) => void): Promise<Matched> {
    if (rule.sender !== undefined && isWellKnown(rule.sender)) {
      const tracked = await this.#track(rule.sender);
      if (!tracked.ok) return tracked;
    }
    const remove = this.#subscriptions.add(rule, handler);
    const text = ruleText(rule);
    const reply = await this.callBus("AddMatch", "s", [text]);
    if (!reply.ok) {
      remove();
      return reply;
    }
    return {
      ok: true,
      remove: () => {
        if (remove()) void this.callBus("RemoveMatch", "s", [text]);
      },
    };
  }

  /**
   * Reports the unique name of the owner of a well-known name (empty: none), now and at each change. Signals from a
   * new owner arrive after the report that it owns the name.
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
    // Report the owner before examining the next message, so that the report never follows a newer signal.
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

  /** Tracks the unique name of `name`'s owner. The watch stays: it is one rule, and a later match needs it again. */
  #track(name: string): Promise<Tracked> {
    const known = this.#owners.get(name);
    if (known !== undefined) return known.ready;
    const ready = this.watchName(name, (unique) => {
      owner.unique = unique;
      this.#pending.owned(name, unique);
    }).then((watched): Tracked => {
      if (!watched.ok) this.#owners.delete(name);
      return watched;
    });
    const owner: Owner = { unique: undefined, ready };
    this.#owners.set(name, owner);
    return ready;
  }

  #send(message: Outgoing, size?: number): ReturnType<Connection["send"]> {
    return this.#connection?.send(message, size) ??
      { sent: false, why: "closed", message: "not connected to the bus" };
  }

  #over(reason: string): void {
    this.#calls.clear();
    this.#subscriptions.clear();
    this.#pending.failAll({ name: BusErrors.disconnected, message: reason });
  }

  /** Decodes nothing of a message before its header shows that it is wanted. */
  #look(head: Head): Take | undefined {
    switch (head.type) {
      case METHOD_RETURN:
      case ERROR:
        return loudly(() => this.#pending.look(head));
      case SIGNAL:
        return loudly(() => this.#subscriptions.look(head));
      case METHOD_CALL:
        return loudly(() => this.#calls.look(head));
      default:
        return undefined;
    }
  }

  /** Gives back the length of the answer, in bytes, whether or not it could be sent: it was made. */
  #answer(call: Head, answer: Answer): number {
    const size = answer.ok ? sizeOf(answer.body) : 0;
    if (!call.replyExpected) return size;
    const to = { destination: call.sender, replySerial: call.serial };
    const sent = answer.ok
      ? this.#send({ type: METHOD_RETURN, ...to, signature: answer.signature, body: answer.body }, size)
      : this.#send(errorMessage(to, answer.error));
    if (!sent.sent && sent.why !== "closed") {
      this.#send(errorMessage(to, { name: ERROR_OF[sent.why], message: sent.message }));
    }
    return size;
  }
}

const ERROR_OF = {
  closed: BusErrors.disconnected,
  limit: BusErrors.limitsExceeded,
  unsendable: BusErrors.invalidArgs,
} as const;

function errorMessage(
  to: { readonly destination: string; readonly replySerial: number },
  error: BusError,
): Outgoing {
  // A text with a zero byte cannot be sent, but the error must reach the caller.
  const text = error.message.replaceAll("\0", "\\0");
  return { type: ERROR, ...to, errorName: error.name, signature: "s", body: [text] };
}

function toBus(member: string, signature: string, args: readonly Value[]): Call {
  const maxReply = MAX_BUS_REPLY;
  return { destination: DBUS, path: DBUS_PATH, interface: DBUS, member, signature, args, maxReply };
}

function ruleText(rule: MatchRule): string {
  const parts = ["type='signal'"];
  for (const key of ["sender", "interface", "member", "path", "arg0"] as const) {
    const value = rule[key];
    if (value !== undefined) parts.push(`${key}='${value}'`);
  }
  return parts.join(",");
}

/** Makes a bug in a handler end the process, instead of only the reading of the message. */
function loudly(look: () => Take | undefined): Take | undefined {
  const guarded = <T>(run: () => T): T | undefined => {
    try {
      return run();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
      return undefined;
    }
  };
  const take = guarded(look);
  return take === undefined ? undefined : (read) => guarded(() => take(read));
}
