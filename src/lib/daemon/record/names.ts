/**
 * What a recording takes from the spelling of its names (name_numbers.ts), for a report under pseudonyms. Places are
 * ranks, what is ordered is a list, and sizes are lengths, so that they give no name away by themselves; a guess of a
 * name can still be tested.
 */
import { type NameNumbers, withNumbers } from "../../base/name_numbers.ts";
import type { StacdEvent, StafdEvent } from "../../core/effects.ts";
import type { Core } from "../shell.ts";
import { stacdCore } from "../stacd_service.ts";
import { stafdCore } from "../stafd_service.ts";
import { type Recording, recordingOf } from "./document.ts";
import { played } from "./replay.ts";

type Size = readonly [text: string, bytes: number, jsonBytes: number];

export interface RecordedNames {
  readonly places: readonly (readonly [key: string, rank: number])[];
  readonly spreads: readonly (readonly [who: string, failures: number, spread: number])[];
  /** Sources, controllers and addresses in their order. */
  readonly order: readonly string[];
  readonly sizes: readonly Size[];
}

/** Plays the recording, and notes what was asked of its names; undefined when it cannot be played. */
export function namesOf(recording: unknown): RecordedNames | undefined {
  const places = new Map<string, number>();
  const spreads = new Map<string, readonly [string, number, number]>();
  const compared = new Set<string>();
  const sizes = new Map<string, Size>();
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
    bytes: (text) => sized(own, text)[1],
    jsonBytes: (text) => sized(own, text)[2],
  });
  const sized = (own: NameNumbers, text: string): Size => {
    const size = sizes.get(text) ?? [text, own.bytes(text), own.jsonBytes(text)] as const;
    sizes.set(text, size);
    return size;
  };
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
    sizes: [...sizes.values()],
  };
}

function play<State, Event extends StafdEvent | StacdEvent, Effect>(
  core: Core<State, Event, Effect>,
  { start, events }: Recording<State, Event>,
): void {
  for (const _step of played(core, start, events)) continue;
}

/** Runs a replay with these. A name that is not among them counts as it is spelt. */
export function underNames<T>({ places, spreads, order, sizes }: RecordedNames, run: () => T): T {
  const placeOf = new Map(places);
  const spreadOf = new Map(
    spreads.map(([who, failures, spread]) => [JSON.stringify([who, failures]), spread]),
  );
  const rankOf = new Map(order.map((name, rank) => [name, rank]));
  const sizeOf = new Map(sizes.map((size) => [size[0], size]));
  return withNumbers((own) => ({
    place: (key) => placeOf.get(key) ?? own.place(key),
    spread: (who, failures) => spreadOf.get(JSON.stringify([who, failures])) ?? own.spread(who, failures),
    order: (a, b) => {
      const [first, second] = [rankOf.get(a), rankOf.get(b)];
      return first === undefined || second === undefined ? own.order(a, b) : first - second;
    },
    bytes: (text) => sizeOf.get(text)?.[1] ?? own.bytes(text),
    jsonBytes: (text) => sizeOf.get(text)?.[2] ?? own.jsonBytes(text),
  }), run);
}

/** From a report; undefined when it is malformed. */
export function recordedNames(json: unknown): RecordedNames | undefined {
  if (typeof json !== "object" || json === null || !("places" in json)) return undefined;
  if (!("spreads" in json) || !("order" in json) || !("sizes" in json)) return undefined;
  const { places, spreads, order, sizes } = json;
  if (!Array.isArray(sizes) || !sizes.every(isSpread)) return undefined;
  if (!Array.isArray(places) || !places.every(isPlace)) return undefined;
  if (!Array.isArray(spreads) || !spreads.every(isSpread)) return undefined;
  return Array.isArray(order) && order.every((name) => typeof name === "string")
    ? { places, spreads, order, sizes }
    : undefined;
}

const isPlace = (one: unknown): one is [string, number] =>
  Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "number";

/** Spreads and sizes have the same form. */
const isSpread = (one: unknown): one is [string, number, number] =>
  Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "number" &&
  typeof one[2] === "number";
