/**
 * Turns in a queue (S16). Three lanes have turns in the proportion 8 : 4 : 1: controllers that the
 * configuration or the boot table names or leads to; previously known controllers; controllers that only mDNS
 * leads to. Within a lane the authorities take turns one by one, so that none can hold up the others. Pure.
 */

/** The lanes: configured, previously known, mDNS only. */
export type Lane = 0 | 1 | 2;

const WEIGHTS = [8, 4, 1] as const;

export interface Origin {
  readonly lane: Lane;
  readonly authority: string;
}

export interface Turns {
  /** The credit of each lane: the lane with most is next. */
  readonly credit: readonly [number, number, number];
  /** The authority that had the last turn in each lane. */
  readonly last: readonly [string, string, string];
}

export const noTurns: Turns = { credit: [0, 0, 0], last: ["", "", ""] };

interface Waiting<One> {
  readonly authorities: Map<string, One[]>;
  readonly names: string[];
}

/** Draws from a queue in turns; the order within one authority is that of the queue. */
export class Drawing<One> {
  #turns: Turns;
  readonly #lanes: readonly [Waiting<One>, Waiting<One>, Waiting<One>] = [lane(), lane(), lane()];

  constructor(queue: Iterable<One>, originOf: (one: One) => Origin, turns: Turns) {
    this.#turns = turns;
    for (const one of queue) {
      const { lane, authority } = originOf(one);
      const { authorities, names } = this.#lanes[lane];
      const waiting = authorities.get(authority);
      if (waiting !== undefined) waiting.push(one);
      else {
        authorities.set(authority, [one]);
        names.push(authority);
      }
    }
    // In reverse order, so that the next entry is taken from the end.
    for (const { authorities, names } of this.#lanes) {
      names.sort();
      for (const waiting of authorities.values()) waiting.reverse();
    }
  }

  get turns(): Turns {
    return this.#turns;
  }

  /** The next one, or undefined when none is left. */
  next(): One | undefined {
    const waiting = this.#lanes.map(({ names }) => names.length > 0);
    const total = WEIGHTS.reduce<number>((sum, weight, n) => sum + (waiting[n] === true ? weight : 0), 0);
    if (total === 0) return undefined;
    // Smooth weighted turns: no lane has many in a row.
    const credit = this.#turns.credit.map((saved, n) => waiting[n] === true ? saved + (WEIGHTS[n] ?? 0) : 0);
    let chosen: Lane = 0;
    for (const lane of [0, 1, 2] as const) {
      const isBetter = waiting[chosen] !== true || (credit[lane] ?? 0) > (credit[chosen] ?? 0);
      if (waiting[lane] === true && isBetter) chosen = lane;
    }
    const { authorities, names } = this.#lanes[chosen];
    const before = this.#turns.last[chosen];
    const at = Math.max(names.findIndex((name) => name > before), 0);
    const name = names[at] ?? "";
    const list = authorities.get(name) ?? [];
    const one = list.pop();
    if (list.length === 0) names.splice(at, 1);
    const [a = 0, b = 0, c = 0] = credit.map((saved, n) => n === chosen ? saved - total : saved);
    const last = this.#turns.last.with(chosen, name);
    this.#turns = { credit: [a, b, c], last: [last[0] ?? "", last[1] ?? "", last[2] ?? ""] };
    return one;
  }

  /** The entries that were not drawn; the order between authorities means nothing. */
  left(): One[] {
    return this.#lanes.flatMap(({ authorities }) =>
      [...authorities.values()].flatMap((waiting) => waiting.toReversed())
    );
  }
}

const lane = <One>(): Waiting<One> => ({ authorities: new Map(), names: [] });
