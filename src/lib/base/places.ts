/**
 * The places of keys, remembered: without a JIT, hashing a key costs more than everything else. A peer may choose the
 * keys and change them again and again, so the limit is the length of what is remembered, not the number of keys.
 *
 * No map of the runtime's: its hash of a text is the same in every process, for the seed comes with the runtime's snapshot, so
 * a peer can choose thousands of names with one hash. A map, and the runtime's own table of texts that are keys, would go
 * through all of them for each. Here keys are in short lists, by characters in which they differ; where no character tells
 * them apart, they are forgotten again.
 */

/** Characters of the remembered keys; beyond it all are forgotten (S6). */
export const MAX_REMEMBERED = 8 * 1024 * 1024;
/** Keys of one list: so many are looked at for a key, whatever a peer has chosen (S6). */
export const MAX_TOGETHER = 8;
/** Lists are divided so many times. */
const MAX_DEPTH = 16;
const PARTS = 16;
/** Keys that are compared to find where they differ. */
const COMPARED = 8;

interface Known {
  readonly key: string;
  readonly place: number;
}
/** Keys by the low bits of one of their characters. */
interface Divided {
  readonly at: number;
  readonly parts: Part[];
}
type Part = Known[] | Divided;

const partOf = (key: string, at: number): number => key.charCodeAt(at) & (PARTS - 1);

/** The first and the last character in which they differ. */
function differences(a: string, b: string): readonly number[] {
  const least = Math.min(a.length, b.length);
  let first = 0;
  while (first < least && a.charCodeAt(first) === b.charCodeAt(first)) first++;
  let last = least - 1;
  while (last > first && a.charCodeAt(last) === b.charCodeAt(last)) last--;
  return [first, last];
}

/** The character that divides them best; undefined where each leaves most of them together. */
function dividing(list: readonly Known[]): number | undefined {
  const places = new Set<number>();
  const step = Math.max(1, Math.floor(list.length / COMPARED));
  for (let n = step; n < list.length; n += step) {
    for (const at of differences(list[n - step]?.key ?? "", list[n]?.key ?? "")) places.add(at);
  }
  let best: number | undefined;
  let least = list.length * 3 / 4;
  for (const at of places) {
    const counts = new Uint32Array(PARTS);
    for (const { key } of list) counts[partOf(key, at)] = (counts[partOf(key, at)] ?? 0) + 1;
    const most = Math.max(...counts);
    if (most < least) [best, least] = [at, most];
  }
  return best;
}

export class Places {
  #all: Part = [];
  readonly #placeOf: (key: string) => number;
  #characters = 0;

  constructor(placeOf: (key: string) => number) {
    this.#placeOf = placeOf;
  }

  /** Of the keys that are remembered now. */
  get characters(): number {
    return this.#characters;
  }

  of(key: string): number {
    let above: Divided | undefined;
    let part = this.#all;
    let depth = 0;
    while (!Array.isArray(part)) {
      above = part;
      part = part.parts[partOf(key, part.at)] ?? [];
      depth++;
    }
    for (const known of part) if (known.key === key) return known.place;
    const place = this.#placeOf(key);
    this.#characters += key.length;
    if (this.#characters > MAX_REMEMBERED) {
      this.#characters = key.length;
      this.#all = [{ key, place }];
      return place;
    }
    part.push({ key, place });
    if (part.length > MAX_TOGETHER) {
      const now = this.#divided(part, depth);
      if (above === undefined) this.#all = now;
      else above.parts[partOf(key, above.at)] = now;
    }
    return place;
  }

  #divided(list: readonly Known[], depth: number): Part {
    const at = depth < MAX_DEPTH ? dividing(list) : undefined;
    if (at === undefined) {
      for (const { key } of list) this.#characters -= key.length;
      return [];
    }
    const parts = Array.from({ length: PARTS }, (): Known[] => []);
    for (const known of list) parts[partOf(known.key, at)]?.push(known);
    return { at, parts };
  }
}
