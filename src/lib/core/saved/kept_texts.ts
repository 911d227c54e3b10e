/**
 * Texts of parts of the state, kept from one save to the next: what has not changed is not written anew. Those of the
 * last save are kept, up to a limit; a weak map would keep them as long as the flight recorder keeps the parts.
 */

/** Characters of the kept texts (S6): those of some 4,000 controllers with names of the usual length. */
export const MAX_KEPT_TEXT = 4 * 1024 * 1024;

export class KeptTexts<Part extends object> {
  readonly #textOf: (part: Part) => string;
  #kept = new Map<Part, string>();
  #characters = 0;

  constructor(textOf: (part: Part) => string) {
    this.#textOf = textOf;
  }

  /** Of the texts that are kept now. */
  get characters(): number {
    return this.#characters;
  }

  /** The texts of all parts, in their order. */
  of(parts: Iterable<Part>): readonly string[] {
    const before = this.#kept;
    this.#kept = new Map();
    this.#characters = 0;
    return Array.from(parts, (part) => {
      const text = before.get(part) ?? this.#textOf(part);
      if (this.characters + text.length <= MAX_KEPT_TEXT) {
        this.#kept.set(part, text);
        this.#characters += text.length;
      }
      return text;
    });
  }
}

/**
 * The texts, separated by commas. They are appended one by one: the engine then copies a text of many megabytes once,
 * when it is written, and not at each place that adds something to it.
 */
export function listText(texts: readonly string[]): string {
  let text = "";
  for (const one of texts) if (one !== "") text += text === "" ? one : `,${one}`;
  return text;
}
