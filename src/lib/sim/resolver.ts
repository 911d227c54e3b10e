/** Names in the simulated world. */
import type { Outcome } from "../base/failure.ts";
import { milliseconds } from "../base/time.ts";
import type { Done, Resolver } from "../ports.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

export class SimResolver {
  readonly names = new Map<string, readonly string[]>();
  /** Probability that the name server does not answer. */
  fails = 0;
  /** Probability that a query never ends. */
  hangs = 0;
  /** Queries without an answer. */
  readonly stuck: (() => void)[] = [];
  readonly time: Scheduler;
  readonly random: Random;
  /** Called with every answer. */
  witness: (who: string, host: string, addresses: readonly string[]) => void = () => undefined;

  constructor(time: Scheduler, random: Random) {
    this.time = time;
    this.random = random;
  }

  answer(host: string): Outcome<readonly string[]> {
    const addresses = this.names.get(host);
    if (addresses === undefined || this.random.chance(this.fails)) {
      const message = `${host}: temporary failure in name resolution`;
      return { ok: false, failure: { phase: "resolve", kind: "transient", message } };
    }
    return { ok: true, value: this.random.shuffled(addresses) };
  }
}

export class ResolverPort implements Resolver {
  readonly #resolver: SimResolver;
  readonly #who: string;
  #closed = false;

  constructor(resolver: SimResolver, who: string) {
    this.#resolver = resolver;
    this.#who = who;
  }

  close(): void {
    this.#closed = true;
  }

  resolve(host: string, done: Done<readonly string[]>): void {
    const answer = (): void => {
      if (this.#closed) return;
      const outcome = this.#resolver.answer(host);
      if (outcome.ok) this.#resolver.witness(this.#who, host, outcome.value);
      done(outcome);
    };
    if (this.#resolver.random.maybe(this.#resolver.hangs)) return void this.#resolver.stuck.push(answer);
    this.#resolver.time.in(milliseconds(this.#resolver.random.between(1, 200)), answer);
  }
}
