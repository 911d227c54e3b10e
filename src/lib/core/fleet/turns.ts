/**
 * Turns in a queue (S16). Three lanes have turns in the proportion 8 : 4 : 1: controllers that the
 * configuration or the boot table names or leads to; previously known controllers; controllers that only mDNS
 * leads to. Within a lane the authorities take turns one by one, so that none can hold up the others. In each
 * lane the controllers that could not be tested wait for those that were, for at most {@link AHEAD} turns. Pure.
 */

/** The lanes: configured, previously known, mDNS only. */
export type Lane = 0 | 1 | 2;

export const LANES = [0, 1, 2] as const;
export const WEIGHTS = [8, 4, 1] as const;
/** The most turns of a lane in a row before one of those behind has its turn. */
export const AHEAD = 8;

export interface TurnPlace {
  readonly lane: Lane;
  readonly authority: string;
  /** Behind the others of its lane. */
  readonly behind?: boolean;
}

export type OfLanes<Value> = readonly [Value, Value, Value];

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

/** What waits in a lane. */
export interface LaneQueue {
  readonly first: boolean;
  readonly behind: boolean;
  /** It has members that may not have a turn now: it keeps its credit until they may. */
  readonly held: boolean;
}

/** The lane that has the next turn. */
interface LaneTurn {
  readonly lane: Lane;
  /** The turn is that of those behind. */
  readonly behind: boolean;
  /** Whose turn it is in the lane comes after this authority. */
  readonly after: string;
  /** The turns, once `authority` has had this one. */
  readonly taken: (authority: string) => Turns;
}

/** Undefined when nothing waits that may have a turn. */
export function laneInTurn(turns: Turns, lanes: OfLanes<LaneQueue>): LaneTurn | undefined {
  const waits = lanes.map(({ first, behind }) => first || behind);
  const total = WEIGHTS.reduce<number>((sum, weight, n) => sum + (waits[n] === true ? weight : 0), 0);
  if (total === 0) return undefined;
  // Smooth weighted turns: no lane has many in a row.
  const credit = LANES.map((lane) => {
    const saved = turns.credit[lane];
    return waits[lane] === true ? saved + WEIGHTS[lane] : lanes[lane].held ? saved : 0;
  });
  let chosen: Lane = 0;
  for (const lane of LANES) {
    const isBetter = waits[chosen] !== true || (credit[lane] ?? 0) > (credit[chosen] ?? 0);
    if (waits[lane] === true && isBetter) chosen = lane;
  }
  const [a = 0, b = 0, c = 0] = credit.map((saved, n) => n === chosen ? saved - total : saved);
  const { first, behind } = lanes[chosen];
  const ahead = turns.ahead[chosen];
  const isBehind = behind && (!first || ahead >= AHEAD);
  const which = isBehind ? "lastBehind" : "last";
  return {
    lane: chosen,
    behind: isBehind,
    after: turns[which][chosen],
    taken: (authority) => ({
      ...turns,
      credit: [a, b, c],
      [which]: withLane(turns[which], chosen, authority),
      ahead: withLane(turns.ahead, chosen, isBehind || !behind ? 0 : ahead + 1),
    }),
  };
}

const withLane = <Value>([a, b, c]: OfLanes<Value>, lane: Lane, value: Value): OfLanes<Value> => [
  lane === 0 ? value : a,
  lane === 1 ? value : b,
  lane === 2 ? value : c,
];
