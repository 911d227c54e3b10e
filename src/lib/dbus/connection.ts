/**
 * The one place that touches the D-Bus library, which connects, authenticates and marshals our messages. We read
 * incoming messages ourselves (frame.ts): the library would decode each whole message before a caller could inspect
 * it.
 */
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import { Socket } from "node:net";
import { Message, type MessageBus, sessionBus, Variant } from "dbus-next";
import type { Duration } from "../base/time.ts";
import { DBUS } from "./bus_types.ts";
import {
  ERROR,
  FrameError,
  Framer,
  type Head,
  type METHOD_CALL,
  METHOD_RETURN,
  type SIGNAL,
  type TakeBody,
  type Traffic,
} from "./frame.ts";
import { decodeBody, WireError } from "./wire.ts";

export { Variant };

/** Values that can be sent. 64-bit integers are `bigint`; an `a{..}` is an object; a variant is a {@link Variant}. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | Variant
  | readonly Value[]
  | { readonly [key: string]: Value };

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
/** The answer to Hello: our unique name, or why the bus does not want us. */
const MAX_HELLO_BYTES = 4096;

export type Sent =
  | { readonly sent: true; readonly serial: number }
  | { readonly sent: false; readonly why: "closed" | "limit" | "unsendable"; readonly message: string };

export type ReadBody =
  | { readonly ok: true; readonly body: readonly unknown[] }
  | { readonly ok: false; readonly message: string };

/** Receives a complete body; calling `read` decodes it. */
export type Take = (read: () => ReadBody) => void;
/** Decides by a message's header: undefined skips the body. */
export type Look = (head: Head) => Take | undefined;

/** A message of a connection that exchanges values instead of bytes. */
export interface Incoming extends Head {
  readonly body: readonly unknown[];
}

export interface Connection {
  /** Our unique name, `:1.42`. */
  readonly uniqueName: string;
  /** Settles once, with the reason, when the connection is over. */
  readonly closed: Promise<string>;
  /** Incoming traffic so far, where it is counted. */
  readonly traffic?: Traffic;
  /** `size`: an upper bound of the body's bytes ({@link sizeOf}), where the caller has it already. */
  send(message: Outgoing, size?: number): Sent;
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
 * Connects, authenticates (EXTERNAL) and says Hello within `timeout`. `look` sees the header of every message from
 * then on; neither it nor the function that it returns may throw.
 */
export async function openConnection(address: string, timeout: Duration, look: Look): Promise<Connected> {
  const bus = sessionBus({ busAddress: address, authMethods: ["EXTERNAL"] });
  const connection: unknown = Reflect.get(bus, "_connection");
  if (!(connection instanceof EventEmitter)) throw new Error("dbus-next: no connection inside MessageBus");
  const wire = new Wire(bus, connection, look);
  const problem = await wire.ready(timeout);
  if (problem === undefined) return { ok: true, connection: wire };
  wire.close();
  return { ok: false, ...problem };
}

interface Problem {
  readonly errno?: string;
  readonly message: string;
}

class Wire implements Connection {
  readonly #bus: MessageBus;
  readonly #library: EventEmitter;
  readonly #look: Look;
  readonly #framer = new Framer((head) => this.#looked(head));
  readonly #end = Promise.withResolvers<string>();
  #socket: Socket | undefined;
  #uniqueName = "";
  #settle: ((problem: Problem | undefined) => void) | undefined;
  #open = true;

  constructor(bus: MessageBus, library: EventEmitter, look: Look) {
    this.#bus = bus;
    this.#library = library;
    this.#look = look;
  }

  get uniqueName(): string {
    return this.#uniqueName;
  }

  get closed(): Promise<string> {
    return this.#end.promise;
  }

  get traffic(): Traffic {
    return this.#framer.traffic;
  }

  /** Settles when the bus has answered Hello, or with the problem. */
  ready(timeout: Duration): Promise<Problem | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        settle({ errno: "ETIMEDOUT", message: `no answer from the bus within ${timeout.ms / 1000} s` });
      }, timeout.ms);
      const settle = (problem: Problem | undefined): void => {
        clearTimeout(timer);
        this.#settle = undefined;
        resolve(problem);
      };
      this.#settle = settle;
      // The library adds its reader right after this event; no message can come before the microtask runs.
      this.#library.once("connect", () => queueMicrotask(() => this.#takeOver()));
      this.#library.once("end", () => {
        this.#settle?.({ errno: "ECONNRESET", message: "the bus closed the connection" });
      });
      // An error that comes later is followed by the end of the stream.
      onError(this.#bus, (error) => this.#settle?.(describe(error)));
    });
  }

  close(): void {
    if (this.#open) this.#stream()?.end();
    this.#over("closed by us");
  }

  send(message: Outgoing, size = sizeOf(message.body)): Sent {
    const socket = this.#socket;
    if (!this.#open || socket === undefined) {
      return { sent: false, why: "closed", message: "not connected to the bus" };
    }
    if (size > MAX_MESSAGE_BYTES) {
      return { sent: false, why: "limit", message: `a message of ${size} bytes is too long for the bus` };
    }
    if (socket.writableLength + size > MAX_UNSENT_BYTES) {
      return { sent: false, why: "limit", message: "the bus does not take what was sent before" };
    }
    try {
      const serial = this.#bus.newSerial();
      this.#bus.send(outgoing(message, serial));
      return { sent: true, serial };
    } catch (error) {
      return { sent: false, why: "unsendable", message: describe(error).message };
    }
  }

  #stream(): Socket | undefined {
    const socket: unknown = Reflect.get(this.#library, "stream");
    return socket instanceof Socket ? socket : undefined;
  }

  /** From here on the library reads nothing, not even the answer to its Hello. */
  #takeOver(): void {
    const socket = this.#stream();
    if (socket === undefined) return;
    if (!this.#open) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    socket.removeAllListeners("readable");
    socket.on("readable", () => this.#read(socket));
    socket.once("end", () => this.#over("the bus closed the connection"));
    socket.once("close", () => this.#over("the connection to the bus broke"));
    if (socket.destroyed || socket.readableEnded) this.#over("the bus closed the connection");
  }

  #read(socket: Socket): void {
    while (this.#open) {
      const chunk: unknown = socket.read();
      if (!(chunk instanceof Uint8Array)) return;
      try {
        this.#framer.feed(chunk);
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        this.#over(error.message);
      }
    }
  }

  #looked(head: Head): TakeBody | undefined {
    if (!this.#open) return undefined;
    const take = this.#settle === undefined ? this.#look(head) : this.#hello(head);
    return take === undefined ? undefined : (body) => take(() => readBody(head, body));
  }

  /** Before the answer to Hello, which is the only call under way then, nothing else is wanted. */
  #hello(head: Head): Take | undefined {
    const answer = head.type === METHOD_RETURN || head.type === ERROR;
    if (!answer || head.sender !== DBUS || head.bodyBytes > MAX_HELLO_BYTES) return undefined;
    return (readHello) => {
      const read = readHello();
      const text = read.ok && typeof read.body[0] === "string"
        ? read.body[0]
        : "the bus answered without a name";
      if (head.type === METHOD_RETURN && text.startsWith(":")) {
        this.#uniqueName = text;
        this.#settle?.(undefined);
      } else this.#settle?.({ message: text });
    };
  }

  #over(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#settle?.({ errno: "ECONNRESET", message: reason });
    this.#end.resolve(reason);
    this.#stream()?.destroy();
  }
}

function readBody(head: Head, bytes: Uint8Array): ReadBody {
  try {
    return { ok: true, body: decodeBody(head.signature, bytes, head.littleEndian) };
  } catch (error) {
    if (error instanceof WireError) return { ok: false, message: error.message };
    throw error;
  }
}

/** The library does not declare its "error" event, but emits it. */
function onError(emitter: EventEmitter, handler: (error: unknown) => void): void {
  emitter.removeAllListeners("error");
  emitter.on("error", handler);
}

function describe(error: unknown): Problem {
  if (!(error instanceof Error)) return { message: String(error) };
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" ? { errno: code, message: error.message } : { message: error.message };
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

/** Upper bound of the marshalled size of a value, in bytes: padding is counted generously. */
export function sizeOf(value: unknown): number {
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
