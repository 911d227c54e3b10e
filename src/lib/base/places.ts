/**
 * The places of keys, remembered: without a JIT, hashing a key costs more than everything else. A peer may choose the
 * keys and change them again and again, so the limit is the length of what is remembered, not the number of keys.
 */

/** Characters of the remembered keys; beyond it all are forgotten (S6). */
export const MAX_REMEMBERED = 8 * 1024 * 1024;

export class Places {
  readonly #places = new Map<string, number>();
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
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    if (this.characters + key.length > MAX_REMEMBERED) {
      this.#places.clear();
      this.#characters = 0;
    }
    const place = this.#placeOf(key);
    this.#places.set(key, place);
    this.#characters += key.length;
    return place;
  }
}
