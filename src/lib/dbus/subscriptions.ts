/** Signals for subscribers: judged by header, decoded once, and only from the sender that the rule names. */
import { isWellKnown, type MatchRule, type SignalMessage } from "./bus_types.ts";
import type { Take } from "./connection.ts";
import type { Head } from "./frame.ts";

/** The longest signal that is read, in bytes: an event of a daemon; Avahi's have the size of an mDNS packet. */
const MAX_SIGNAL_BYTES = 1024 * 1024;

type Handler = (signal: SignalMessage) => void;

interface Subscription {
  readonly rule: MatchRule;
  readonly handler: Handler;
}

export class Subscriptions {
  readonly #all = new Set<Subscription>();
  readonly #ownerOf: (name: string) => string;

  /** `ownerOf` gives the unique name of a well-known name's owner, empty when it has none. */
  constructor(ownerOf: (name: string) => string) {
    this.#ownerOf = ownerOf;
  }

  /** The result ends the subscription, and returns whether it was still active. */
  add(rule: MatchRule, handler: Handler): () => boolean {
    const subscription = { rule, handler };
    this.#all.add(subscription);
    return () => this.#all.delete(subscription);
  }

  clear(): void {
    this.#all.clear();
  }

  /** Judges a signal by its header: undefined when it is not wanted. */
  look(head: Head): Take | undefined {
    const wanted = [...this.#all].filter(({ rule }) => this.#fits(rule, head));
    if (wanted.length === 0 || head.bodyBytes > MAX_SIGNAL_BYTES) return undefined;
    return (readBody) => {
      const read = readBody();
      if (!read.ok) return;
      for (const subscription of wanted) {
        const { rule: { arg0 }, handler } = subscription;
        if (!this.#all.has(subscription) || (arg0 !== undefined && arg0 !== read.body[0])) continue;
        handler({ ...head, body: read.body });
      }
    };
  }

  #fits(rule: MatchRule, head: Head): boolean {
    if (rule.sender !== undefined) {
      const unique = isWellKnown(rule.sender) ? this.#ownerOf(rule.sender) : rule.sender;
      if (unique === "" || head.sender !== unique) return false;
    }
    return (rule.interface === undefined || rule.interface === head.interface) &&
      (rule.member === undefined || rule.member === head.member) &&
      (rule.path === undefined || rule.path === head.path);
  }
}
