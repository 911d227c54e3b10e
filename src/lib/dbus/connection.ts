/**
 * The one place that touches the D-Bus library: connecting, authentication and messages, nothing above them.
 * What the library leaves to chance is settled here: an end of the connection is always noticed, and a message that
 * its decoder cannot read (a file descriptor index without a descriptor) is skipped, not the end of the process.
 */
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import { Socket } from "node:net";
import { Message, type MessageBus, sessionBus, Variant } from "dbus-next";
import type { Duration } from "../nvme/time.ts";

export { Variant };

/** What can be sent. 64-bit integers are `bigint`; an `a{..}` is an object; a variant is a {@link Variant}. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | Variant
  | readonly Value[]
  | { readonly [key: string]: Value };

/** Message types of the D-Bus specification. */
export const METHOD_CALL = 1;
export const METHOD_RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;
const NO_REPLY_EXPECTED = 1;

/** A message as it came; absent fields are empty. The body is as the sender's signature says: look before you use it. */
export interface Incoming {
  readonly type: number;
  readonly serial: number;
  readonly replySerial: number;
  readonly replyExpected: boolean;
  readonly sender: string;
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly errorName: string;
  readonly signature: string;
  readonly body: readonly unknown[];
}

export interface Outgoing {
  readonly type: typeof METHOD_CALL | typeof METHOD_RETURN | typeof ERROR | typeof SIGNAL;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly signature: string;
  readonly body: readonly Value[];
}

/** The largest message that a system bus takes; a larger one would make it drop the connection. */
export const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
/** Bytes that may wait for a bus that does not read. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;

export type Sent =
  | { readonly sent: true; readonly serial: number }
  | { readonly sent: false; readonly why: "closed" | "limit" | "unsendable"; readonly message: string };

export interface Connection {
  /** Our unique name, `:1.42`. */
  readonly uniqueName: string;
  /** Settles once, with the reason, when the connection is over. */
  readonly closed: Promise<string>;
  send(message: Outgoing): Sent;
  close(): void;
}

export type Connected =
  | { readonly ok: true; readonly connection: Connection }
  | { readonly ok: false; readonly errno?: string; readonly message: string };

/** Address of the system bus, as libdbus finds it. */
export function systemBusAddress(): string {
  const set = Deno.env.get("DBUS_SYSTEM_BUS_ADDRESS");
  return set === undefined || set === "" ? "unix:path=/run/dbus/system_bus_socket" : set;
}

/**
 * Connects, authenticates (EXTERNAL) and says Hello within `timeout`.
 * `receive` gets every message from then on; it must not throw.
 */
export async function openConnection(
  address: string,
  timeout: Duration,
  receive: (message: Incoming) => void,
): Promise<Connected> {
  const bus = sessionBus({ busAddress: address, authMethods: ["EXTERNAL"] });
  const connection: unknown = Reflect.get(bus, "_connection");
  if (!(connection instanceof EventEmitter)) throw new Error("dbus-next: no connection inside MessageBus");
  const problem = await untilReady(bus, connection, timeout);
  // From here on an error of the library is either one unreadable message, or followed by the end of the stream.
  onError(bus, () => {});
  const socket: unknown = Reflect.get(connection, "stream");
  if (problem !== undefined || !(socket instanceof Socket) || bus.name === null) {
    if (socket instanceof Socket) socket.destroy();
    return { ok: false, ...(problem ?? { message: "the bus closed the connection during the start" }) };
  }
  return { ok: true, connection: wire(bus, socket, bus.name, receive) };
}

interface Problem {
  readonly errno?: string;
  readonly message: string;
}

function untilReady(
  bus: MessageBus,
  connection: EventEmitter,
  timeout: Duration,
): Promise<Problem | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve({ errno: "ETIMEDOUT", message: `no answer from the bus within ${timeout.ms / 1000} s` });
    }, timeout.ms);
    const settle = (problem: Problem | undefined): void => {
      clearTimeout(timer);
      resolve(problem);
    };
    connection.once("connect", () => {
      // The library adds its reader right after this event; no message can come before the microtask runs.
      queueMicrotask(() => {
        const socket: unknown = Reflect.get(connection, "stream");
        if (socket instanceof Socket) shieldReader(socket);
      });
    });
    connection.once("end", () => settle({ errno: "ECONNRESET", message: "the bus closed the connection" }));
    bus.once("connect", () => settle(undefined));
    onError(bus, (error) => settle(describe(error)));
  });
}

/** The library declares no "error" event, but makes it. */
function onError(emitter: EventEmitter, handler: (error: unknown) => void): void {
  emitter.removeAllListeners("error");
  emitter.on("error", handler);
}

function describe(error: unknown): Problem {
  if (!(error instanceof Error)) return { message: String(error) };
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" ? { errno: code, message: error.message } : { message: error.message };
}

/**
 * The library's reader throws out of the stream's event on some valid messages, which would end the process: every user
 * of this host could do that. The reader has consumed the message by then, so it is called again for the next one.
 */
function shieldReader(socket: Socket): void {
  for (const listener of socket.listeners("readable")) {
    const read = (): void => {
      for (let again = true; again;) {
        again = false;
        try {
          Reflect.apply(listener, socket, []);
        } catch {
          again = true;
        }
      }
    };
    socket.removeAllListeners("readable");
    socket.on("readable", read);
  }
}

function wire(
  bus: MessageBus,
  socket: Socket,
  uniqueName: string,
  receive: (message: Incoming) => void,
): Connection {
  let open = true;
  const end = Promise.withResolvers<string>();
  const over = (reason: string): void => {
    if (!open) return;
    open = false;
    end.resolve(reason);
    socket.destroy();
  };
  socket.once("end", () => over("the bus closed the connection"));
  socket.once("close", () => over("the connection to the bus broke"));
  if (socket.destroyed || socket.readableEnded) over("the bus closed the connection");
  // Our own dispatch: the library must not answer by itself.
  bus.addMethodHandler(() => true);
  bus.on("message", (message) => {
    if (open) receive(incoming(message));
  });
  return {
    uniqueName,
    closed: end.promise,
    close: () => {
      if (open) socket.end();
      over("closed by us");
    },
    send: (message) => {
      if (!open) return { sent: false, why: "closed", message: "not connected to the bus" };
      const size = sizeOf(message.body);
      if (size > MAX_MESSAGE_BYTES) {
        return { sent: false, why: "limit", message: `a message of ${size} bytes is too long for the bus` };
      }
      if (socket.writableLength + size > MAX_UNSENT_BYTES) {
        return { sent: false, why: "limit", message: "the bus does not take what was sent before" };
      }
      try {
        const serial = bus.newSerial();
        bus.send(outgoing(message, serial));
        return { sent: true, serial };
      } catch (error) {
        return { sent: false, why: "unsendable", message: describe(error).message };
      }
    },
  };
}

function outgoing(message: Outgoing, serial: number): Message {
  const { type, replySerial, destination, path, interface: iface, member, errorName, signature, body } =
    message;
  return new Message({
    type,
    serial,
    signature,
    body: [...body],
    ...(replySerial === undefined ? {} : { replySerial }),
    ...(destination === undefined ? {} : { destination }),
    ...(path === undefined ? {} : { path }),
    ...(iface === undefined ? {} : { interface: iface }),
    ...(member === undefined ? {} : { member }),
    ...(errorName === undefined ? {} : { errorName }),
  });
}

const text = (value: unknown): string => typeof value === "string" ? value : "";

function incoming(message: Message): Incoming {
  return {
    type: message.type,
    serial: message.serial ?? 0,
    replySerial: message.replySerial ?? 0,
    replyExpected: message.type === METHOD_CALL && (message.flags & NO_REPLY_EXPECTED) === 0,
    sender: text(message.sender),
    destination: text(message.destination),
    path: text(message.path),
    interface: text(message.interface),
    member: text(message.member),
    errorName: text(message.errorName),
    signature: text(message.signature),
    body: message.body,
  };
}

/** Upper bound of the marshalled size of a value, in bytes: padding is counted generously. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return utf8Length(value) + 9;
  if (value instanceof Variant) return sizeOf(value.value) + value.signature.length + 16;
  if (typeof value !== "object" || value === null) return 16;
  let total = 16;
  for (const [key, item] of Object.entries(value)) {
    total += sizeOf(item) + (Array.isArray(value) ? 0 : utf8Length(key) + 17);
  }
  return total;
}

/** Short texts are not worth an exact count: at most three bytes for each UTF-16 unit. */
const utf8Length = (value: string): number =>
  value.length < 4096 ? value.length * 3 : Buffer.byteLength(value, "utf8");
