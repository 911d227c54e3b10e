/**
 * Incoming calls: judged by header, queued by user, read when it is their turn. A call that an object does not accept
 * is answered with an error before its arguments have arrived, and they are skipped.
 */
import {
  type Admission,
  type Admit,
  type Answer,
  type BusError,
  BusErrors,
  type CallHandler,
  type CallHead,
  type Reply,
} from "./bus_types.ts";
import { CALL_LIMITS, CallQueue, type NextTurn } from "./call_queue.ts";
import type { ReadBody, Take } from "./connection.ts";
import type { Head } from "./frame.ts";
import { INTROSPECTABLE } from "./interfaces.ts";
import { failed } from "./pending_calls.ts";

/** The memory of a waiting call in addition to its header's texts and its arguments. */
const CALL_BYTES = 512;
/** Connections whose user is remembered. Unique names are not reused. */
const MAX_USERS = 512;
/** The limit of concurrent queries for the user of a connection. */
const MAX_QUESTIONS = 16;
/** Connections whose user has not been queried yet; a system bus has 2048 connections in all. */
const MAX_UNKNOWN = 2048;

interface Waiting {
  readonly sender: string;
  readonly bytes: number;
  readonly head: Head;
  readonly run: (uid: number | undefined) => Answer | Promise<Answer>;
}

/** Asks the bus for a connection's user. */
type AskUser = (sender: string, done: (reply: Reply) => void) => void;

export class IncomingCalls {
  readonly #objects = new Map<string, Admit>();
  readonly #askUser: AskUser;
  readonly #answer: (head: Head, answer: Answer) => number;
  readonly #queue: CallQueue<Waiting>;
  readonly #users = new Map<string, string>();
  readonly #asked = new Set<string>();
  readonly #toAsk = new Set<string>();

  /** `answer` sends it, and gives back its length in bytes. */
  constructor(
    askUser: AskUser,
    answer: (head: Head, answer: Answer) => number,
    nextTurn: NextTurn,
  ) {
    this.#askUser = askUser;
    this.#answer = answer;
    this.#queue = new CallQueue<Waiting>(
      CALL_LIMITS,
      (call, user) => this.#work(call, user),
      ({ head }) => answer(head, failed(BusErrors.limitsExceeded, "too many calls")),
      nextTurn,
    );
  }

  serve(path: string, admit: Admit): void {
    this.#objects.set(path, admit);
  }

  /** Drops the waiting calls: no answer can reach their callers any more. */
  clear(): void {
    this.#queue.clear();
    this.#toAsk.clear();
  }

  /** Judges a call by its header: undefined skips its body. */
  look(head: Head): Take | undefined {
    if (head.sender === "") return undefined;
    const admission = this.#admit(head);
    if (admission.ok && head.bodyBytes <= admission.maxBytes) {
      return (read) => this.#offer(head, head.bodyBytes, (uid) => run(head, read(), admission.run, uid));
    }
    // A call that expects no answer is not carried out either.
    if (!head.replyExpected) return undefined;
    this.#offer(head, 0, (uid) => ({
      ok: false,
      error: admission.ok ? admission.tooLong(uid) : admission.error,
    }));
    return undefined;
  }

  #admit(head: Head): Admission {
    const admit = this.#objects.get(head.path);
    return admit === undefined ? unexported(head, [...this.#objects.keys()]) : admit(head);
  }

  #offer(head: Head, bodyBytes: number, run: Waiting["run"]): void {
    const { sender, path, interface: iface, member } = head;
    const bytes = CALL_BYTES + bodyBytes + 2 * (path.length + iface.length + member.length);
    const user = this.#users.get(sender);
    if (user === undefined && this.#toAsk.size >= MAX_UNKNOWN) {
      this.#answer(head, failed(BusErrors.limitsExceeded, "too many calls"));
      return;
    }
    this.#queue.offer({ sender, bytes, head, run }, user);
    if (user === undefined) this.#ask(sender);
  }

  #ask(sender: string): void {
    if (this.#asked.has(sender)) return;
    if (this.#asked.size >= MAX_QUESTIONS) {
      this.#toAsk.add(sender);
      return;
    }
    this.#asked.add(sender);
    this.#askUser(sender, (reply) => {
      this.#asked.delete(sender);
      this.#told(sender, reply);
      const [next] = this.#toAsk;
      if (next === undefined) return;
      this.#toAsk.delete(next);
      this.#ask(next);
    });
  }

  #told(sender: string, reply: Reply): void {
    if (!reply.ok && reply.error.name === BusErrors.nameHasNoOwner) {
      this.#queue.gone(sender);
      return;
    }
    const uid = reply.ok ? reply.body[0] : undefined;
    const user = typeof uid === "number" ? String(uid) : NOBODY;
    if (user !== NOBODY) this.#remember(sender, user);
    this.#queue.identified(sender, user);
  }

  #remember(sender: string, user: string): void {
    this.#users.set(sender, user);
    for (const old of this.#users.keys()) {
      if (this.#users.size <= MAX_USERS) break;
      this.#users.delete(old);
    }
  }

  /** Gives back the length of the answer, when it has been sent. */
  #work(call: Waiting, user: string): Promise<number> | number {
    const answer = call.run(user === NOBODY ? undefined : Number(user));
    const sent = (given: Answer): number => this.#answer(call.head, given);
    return answer instanceof Promise ? answer.then(sent) : sent(answer);
  }
}

/** All connections whose user the bus does not report. */
const NOBODY = "nobody";

function run(
  head: Head,
  read: ReadBody,
  handler: CallHandler,
  uid: number | undefined,
): Answer | Promise<Answer> {
  if (read.ok) return handler({ ...head, uid, body: read.body });
  return failed(BusErrors.invalidArgs, `the arguments of ${head.member} cannot be read: ${read.message}`);
}

/** A path that is not exported: its children can still be listed, as tools that walk the tree expect. */
function unexported(call: CallHead, paths: readonly string[]): Admission {
  const base = call.path === "/" ? "/" : `${call.path}/`;
  const children = new Set(
    paths.filter((path) => path.startsWith(base)).map((path) => path.slice(base.length).split("/")[0] ?? ""),
  );
  const introspect = call.member === "Introspect" && call.signature === "" &&
    (call.interface === "" || call.interface === INTROSPECTABLE);
  if (!introspect || children.size === 0) {
    return failed(BusErrors.unknownObject, `there is no object ${call.path} here`);
  }
  const nodes = [...children].map((child) => `  <node name="${child}"/>\n`).join("");
  const answer = { ok: true, signature: "s", body: [`<node>\n${nodes}</node>\n`] } as const;
  const tooLong = (): BusError => ({ name: BusErrors.invalidArgs, message: "Introspect takes no arguments" });
  return { ok: true, maxBytes: 0, tooLong, run: () => answer };
}
