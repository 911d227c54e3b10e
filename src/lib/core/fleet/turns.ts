/**
 * Turns in a queue (S16). Three lanes have turns in the proportion 8 : 4 : 1: controllers that the
 * configuration or the boot table names or leads to; previously known controllers; controllers that only mDNS
 * leads to. Within a lane the authorities take turns one by one, so that none can hold up the others. In each
 * lane the controllers that could not be tested wait for those that were, for at most {@link AHEAD} turns. Pure.
 */

import { inOrder } from "../../base/name_numbers.ts";

/** The lanes: configured, previously known, mDNS only. */
export type Lane = 0 | 1 | 2;

const LANES = [0, 1, 2] as const;
export const WEIGHTS = [8, 4, 1] as const;
/** A longer queue has its turns drawn for a round of probes at a time: drawing goes through the whole queue (S11). */
export const LONG_QUEUE = 256;
/** The most turns of a lane in a row before one of those behind has its turn. */
export const AHEAD = 8;

export interface TurnPlace {
  readonly lane: Lane;
  readonly authority: string;
  /** Behind the others of its lane. */
  readonly behind?: boolean;
}

type OfLanes<Value> = readonly [Value, Value, Value];

export interface Turns {
  /** The credit of each lane: the lane with most is next. */
  readonly credit: OfLanes<number>;
  /** The authority that had the last turn in each lane. */
  readonly last: OfLanes<string>;
  /** The same for those behind. */
  readonly lastBehind: OfLanes<string>;
  /** Turns in a row that the others of each lane have had while one behind was waiting. */
  readonly ahead: OfLanes<number>;
}

export const noTurns: Turns = {
  credit: [0, 0, 0],
  last: ["", "", ""],
  lastBehind: ["", "", ""],
  ahead: [0, 0, 0],
};

interface Waiting<One> {
  readonly authorities: Map<string, One[]>;
  readonly names: string[];
}

interface Places<One> {
  readonly first: Waiting<One>;
  readonly behind: Waiting<One>;
}

/** Draws from a queue in turns; the order within one authority is that of the queue. */
export class Drawing<One> {
  #turns: Turns;
  readonly #lanes: OfLanes<Places<One>> = [lane(), lane(), lane()];
  readonly #resting: ReadonlySet<Lane>;

  /** `resting`: lanes with members that may not be drawn now; they keep their credit until they may. */
  constructor(
    queue: Iterable<One>,
    originOf: (one: One) => TurnPlace,
    turns: Turns,
    resting: ReadonlySet<Lane> = new Set(),
  ) {
    this.#turns = turns;
    this.#resting = resting;
    for (const one of queue) {
      const { lane, authority, behind } = originOf(one);
      const { authorities, names } = this.#lanes[lane][behind === true ? "behind" : "first"];
      const waiting = authorities.get(authority);
      if (waiting !== undefined) waiting.push(one);
      else {
        authorities.set(authority, [one]);
        names.push(authority);
      }
    }
    // In reverse order, so that the next entry is taken from the end.
    for (const { authorities, names } of this.#all()) {
      names.sort(inOrder);
      for (const waiting of authorities.values()) waiting.reverse();
    }
  }

  get turns(): Turns {
    return this.#turns;
  }

  /** The next one, or undefined when none is left. */
  next(): One | undefined {
    const waiting = this.#lanes.map(({ first, behind }) => first.names.length + behind.names.length > 0);
    const total = WEIGHTS.reduce<number>((sum, weight, n) => sum + (waiting[n] === true ? weight : 0), 0);
    if (total === 0) return undefined;
    // Smooth weighted turns: no lane has many in a row.
    const creditOf = (lane: Lane): number => {
      const saved = this.#turns.credit[lane];
      return waiting[lane] === true ? saved + WEIGHTS[lane] : this.#resting.has(lane) ? saved : 0;
    };
    const credit = LANES.map(creditOf);
    let chosen: Lane = 0;
    for (const lane of LANES) {
      const isBetter = waiting[chosen] !== true || (credit[lane] ?? 0) > (credit[chosen] ?? 0);
      if (waiting[lane] === true && isBetter) chosen = lane;
    }
    const [a = 0, b = 0, c = 0] = credit.map((saved, n) => n === chosen ? saved - total : saved);
    this.#turns = { ...this.#turns, credit: [a, b, c] };
    return this.#nextOf(chosen);
  }

  #nextOf(lane: Lane): One | undefined {
    const { first, behind } = this.#lanes[lane];
    const ahead = this.#turns.ahead[lane];
    const isBehind = behind.names.length > 0 && (first.names.length === 0 || ahead >= AHEAD);
    const which = isBehind ? "lastBehind" : "last";
    const { authorities, names } = isBehind ? behind : first;
    const before = this.#turns[which][lane];
    const at = Math.max(names.findIndex((name) => inOrder(name, before) > 0), 0);
    const name = names[at] ?? "";
    const list = authorities.get(name) ?? [];
    const one = list.pop();
    if (list.length === 0) names.splice(at, 1);
    this.#turns = {
      ...this.#turns,
      [which]: withLane(this.#turns[which], lane, name),
      ahead: withLane(this.#turns.ahead, lane, isBehind || behind.names.length === 0 ? 0 : ahead + 1),
    };
    return one;
  }

  #all(): Waiting<One>[] {
    return this.#lanes.flatMap(({ first, behind }) => [first, behind]);
  }

  /** The entries that were not drawn; the order between authorities means nothing. */
  left(): One[] {
    return this.#all().flatMap(({ authorities }) =>
      [...authorities.values()].flatMap((waiting) => waiting.toReversed())
    );
  }
}

const place = <One>(): Waiting<One> => ({ authorities: new Map(), names: [] });
const lane = <One>(): Places<One> => ({ first: place(), behind: place() });

const withLane = <Value>([a, b, c]: OfLanes<Value>, lane: Lane, value: Value): OfLanes<Value> => [
  lane === 0 ? value : a,
  lane === 1 ? value : b,
  lane === 2 ? value : c,
];
