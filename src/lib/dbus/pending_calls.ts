/**
 * Our calls that wait for an answer. An answer counts if it has the call's serial and comes from the connection to
 * which the bus delivered the call: any program on the bus can make up a serial.
 */
import type { Duration } from "../base/time.ts";
import type { After } from "./after.ts";
import { type BusError, BusErrors, DBUS, type Reply } from "./bus_types.ts";
import { MAX_MESSAGE_BYTES, type ReadBody, type Take } from "./connection.ts";
import { ERROR, type Head, METHOD_RETURN } from "./frame.ts";

/** The limit of our calls that wait for an answer; the bus itself allows 128. */
const MAX_PENDING_CALLS = 120;
/** The longest text of an error reply; a longer one is left out. */
const MAX_ERROR_BYTES = 64 * 1024;

export interface OutgoingCall {
  readonly destination: string;
  /** Signature of the answer; any when missing. */
  readonly gives?: string;
  /** The longest body of the answer, in bytes: the longest message when missing. */
  readonly maxReply?: number;
  readonly timeout: Duration;
}

interface Pending extends OutgoingCall {
  /** Unique names that may answer: the owner of the destination when the call was sent, and its owners since then. */
  readonly from: Set<string>;
  readonly settle: (reply: Reply) => void;
}

export class PendingCalls {
  readonly #calls = new Map<number, Pending>();
  readonly #after: After;

  constructor(after: After) {
    this.#after = after;
  }

  get full(): boolean {
    return this.#calls.size >= MAX_PENDING_CALLS;
  }

  /** `owner` is the unique name of the destination, empty when it has no owner yet. */
  add(serial: number, asked: OutgoingCall, owner: string, done: (reply: Reply) => void): void {
    const { destination, timeout } = asked;
    const cancel = this.#after(timeout, () => {
      settle(failed(BusErrors.noReply, `no answer from ${destination} within ${timeout.ms / 1000} s`));
    });
    const settle = (reply: Reply): void => {
      if (!this.#calls.delete(serial)) return;
      cancel();
      done(reply);
    };
    this.#calls.set(serial, { ...asked, from: new Set(owner === "" ? [] : [owner]), settle });
  }

  /** A well-known name has a new owner: the bus delivers to it the calls that it held until the service started. */
  owned(name: string, owner: string): void {
    for (const { destination, from } of this.#calls.values()) {
      if (destination === name && owner !== "") from.add(owner);
    }
  }

  failAll(error: BusError): void {
    for (const { settle } of [...this.#calls.values()]) settle({ ok: false, error });
  }

  /** Judges an answer by its header: undefined skips its body. */
  look(head: Head): Take | undefined {
    const call = this.#calls.get(head.replySerial);
    if (call === undefined) return undefined;
    // The bus itself answers with an error for a destination that does not exist, may not be called or goes away.
    const believed = call.from.has(head.sender) || (head.type === ERROR && head.sender === DBUS);
    if (!believed) return undefined;
    const refused = refusal(head, call);
    if (refused === undefined) return (read) => call.settle(replyOf(head, read()));
    call.settle(refused);
    return undefined;
  }
}

/** The reply, if the header alone decides it. */
function refusal(head: Head, { gives, maxReply = MAX_MESSAGE_BYTES }: OutgoingCall): Reply | undefined {
  const { bodyBytes, signature, errorName } = head;
  if (head.type === ERROR) {
    const readable = bodyBytes <= MAX_ERROR_BYTES && (signature === "" || signature.startsWith("s"));
    return readable ? undefined : failed(errorName, errorName);
  }
  if (gives !== undefined && signature !== gives) {
    return failed(BusErrors.invalidSignature, `the answer is of type (${signature}), not (${gives})`);
  }
  if (bodyBytes > maxReply) {
    const message = `the answer has ${bodyBytes} bytes; at most ${maxReply} are read`;
    return failed(BusErrors.limitsExceeded, message);
  }
  return undefined;
}

function replyOf(head: Head, read: ReadBody): Reply {
  if (head.type === METHOD_RETURN) {
    if (!read.ok) return failed(BusErrors.failed, `the answer cannot be read: ${read.message}`);
    return { ok: true, sender: head.sender, signature: head.signature, body: read.body };
  }
  const text = read.ok ? read.body[0] : undefined;
  return failed(head.errorName, typeof text === "string" ? text : head.errorName);
}

export function failed(name: string, message: string): { readonly ok: false; readonly error: BusError } {
  return { ok: false, error: { name, message } };
}
