/**
 * What a recording takes from the spelling of its names (name_numbers.ts), for a report under pseudonyms. Places are
 * ranks, and sources a list, so that they give no name away by themselves; who guesses a name can still test the guess.
 */
import { type NameNumbers, withNumbers } from "../../base/name_numbers.ts";
import type { StacdEvent, StafdEvent } from "../../core/effects.ts";
import type { Core } from "../shell.ts";
import { stacdCore } from "../stacd_service.ts";
import { stafdCore } from "../stafd_service.ts";
import { type Recording, recordingOf } from "./document.ts";
import { played } from "./replay.ts";

export interface RecordedNames {
  readonly places: readonly (readonly [key: string, rank: number])[];
  readonly spreads: readonly (readonly [who: string, failures: number, spread: number])[];
  /** Sources in their order. */
  readonly order: readonly string[];
}

/** Plays the recording, and notes what was asked of its names; undefined when it cannot be played. */
export function namesOf(recording: unknown): RecordedNames | undefined {
  const places = new Map<string, number>();
  const spreads = new Map<string, readonly [string, number, number]>();
  const compared = new Set<string>();
  const listening = (own: NameNumbers): NameNumbers => ({
    place: (key) => {
      const place = own.place(key);
      places.set(key, place);
      return place;
    },
    spread: (who, failures) => {
      const spread = own.spread(who, failures);
      spreads.set(JSON.stringify([who, failures]), [who, failures, spread]);
      return spread;
    },
    order: (a, b) => {
      compared.add(a).add(b);
      return own.order(a, b);
    },
  });
  const isPlayed = withNumbers(listening, () => {
    const read = recordingOf(recording);
    if (!read.ok) return false;
    if (read.read.daemon === "stafd") play(stafdCore, read.read.recording);
    else play(stacdCore, read.read.recording);
    return true;
  });
  if (!isPlayed) return undefined;
  const ranks = [...new Set(places.values())].toSorted((a, b) => a - b);
  const rankOf = new Map(ranks.map((place, rank) => [place, rank]));
  return {
    places: [...places].map(([key, place]) => [key, rankOf.get(place) ?? 0]),
    spreads: [...spreads.values()],
    order: [...compared].toSorted(),
  };
}

function play<State, Event extends StafdEvent | StacdEvent, Effect>(
  core: Core<State, Event, Effect>,
  { start, events }: Recording<State, Event>,
): void {
  for (const _step of played(core, start, events)) continue;
}

/** Runs a replay with these. A name that is not among them counts as it is spelt. */
export function underNames<T>({ places, spreads, order }: RecordedNames, run: () => T): T {
  const placeOf = new Map(places);
  const spreadOf = new Map(
    spreads.map(([who, failures, spread]) => [JSON.stringify([who, failures]), spread]),
  );
  const rankOf = new Map(order.map((name, rank) => [name, rank]));
  return withNumbers((own) => ({
    place: (key) => placeOf.get(key) ?? own.place(key),
    spread: (who, failures) => spreadOf.get(JSON.stringify([who, failures])) ?? own.spread(who, failures),
    order: (a, b) => {
      const [first, second] = [rankOf.get(a), rankOf.get(b)];
      return first === undefined || second === undefined ? own.order(a, b) : first - second;
    },
  }), run);
}

/** From a report; undefined when it is malformed. */
export function recordedNames(json: unknown): RecordedNames | undefined {
  if (typeof json !== "object" || json === null || !("places" in json)) return undefined;
  if (!("spreads" in json) || !("order" in json)) return undefined;
  const { places, spreads, order } = json;
  if (!Array.isArray(places) || !places.every(isPlace)) return undefined;
  if (!Array.isArray(spreads) || !spreads.every(isSpread)) return undefined;
  return Array.isArray(order) && order.every((name) => typeof name === "string")
    ? { places, spreads, order }
    : undefined;
}

const isPlace = (one: unknown): one is [string, number] =>
  Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "number";

const isSpread = (one: unknown): one is [string, number, number] =>
  Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "number" &&
  typeof one[2] === "number";
