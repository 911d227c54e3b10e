/** Reads JSON of an expected shape without trusting it: keeps the first deviation. */

/** A place in a JSON document. Reading a missing member gives an empty value and marks the document as wrong. */
export class JsonReader {
  readonly #value: unknown;
  readonly #path: string;
  readonly #problems: string[];

  private constructor(value: unknown, path: string, problems: string[]) {
    this.#value = value;
    this.#path = path;
    this.#problems = problems;
  }

  /** Reads a document with `read`. The error names the place: `state.controllers[3].since: not a number`. */
  static read<T>(name: string, text: string, read: (document: JsonReader) => T): JsonResult<T> {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      return { ok: false, message: `${name}: not JSON: ${excerpt(text)}` };
    }
    const problems: string[] = [];
    const value = read(new JsonReader(parsed, name, problems));
    const [problem] = problems;
    return problem === undefined ? { ok: true, value } : { ok: false, message: problem };
  }

  #wrong(what: string): void {
    this.#problems.push(`${this.#path}: ${what}`);
  }

  has(key: string): boolean {
    return isRecord(this.#value) && Object.hasOwn(this.#value, key) && this.#value[key] !== null;
  }

  /** A member of an object. */
  at(key: string): JsonReader {
    const path = `${this.#path}.${key}`;
    if (isRecord(this.#value)) {
      return new JsonReader(
        Object.hasOwn(this.#value, key) ? this.#value[key] : undefined,
        path,
        this.#problems,
      );
    }
    this.#wrong("not an object");
    return new JsonReader(undefined, path, this.#problems);
  }

  text(): string {
    if (typeof this.#value === "string") return this.#value;
    this.#wrong("not a text");
    return "";
  }

  number(): number {
    if (typeof this.#value === "number") return this.#value;
    this.#wrong("not a number");
    return 0;
  }

  boolean(): boolean {
    if (typeof this.#value === "boolean") return this.#value;
    this.#wrong("not true or false");
    return false;
  }

  /** Exactly this number: a schema version. */
  only(wanted: number): void {
    if (this.#value !== wanted) this.#wrong(`not ${wanted}: this program does not understand it`);
  }

  /** One of some words. */
  word<const W extends string>(...words: readonly [W, ...W[]]): W {
    const found = words.find((word) => word === this.#value);
    if (found === undefined) this.#wrong(`not one of ${words.join(", ")}`);
    return found ?? words[0];
  }

  /** A value that `read` accepts; undefined: it does not. */
  as<T>(read: (value: unknown) => T | undefined, what: string): T | undefined {
    const value = read(this.#value);
    if (value === undefined) this.#wrong(`not ${what}`);
    return value;
  }

  list<T>(read: (item: JsonReader) => T): T[] {
    if (Array.isArray(this.#value)) {
      return this.#value.map((item: unknown, n) =>
        read(new JsonReader(item, `${this.#path}[${n}]`, this.#problems))
      );
    }
    this.#wrong("not a list");
    return [];
  }

  /** An object whose values are all of one kind. */
  record<T>(read: (item: JsonReader) => T): Record<string, T> {
    const result: Record<string, T> = {};
    if (!isRecord(this.#value)) this.#wrong("not an object");
    else for (const key of Object.keys(this.#value)) result[key] = read(this.at(key));
    return result;
  }

  /** An object whose values are all texts. */
  texts(): Record<string, string> {
    // Of most, none is wrong, and there are many.
    return isTexts(this.#value) ? this.#value : this.record((item) => item.text());
  }

  /** An object whose values are texts or null, which becomes an empty text. */
  loose(): Record<string, string> {
    const result: Record<string, string> = {};
    if (!isRecord(this.#value)) this.#wrong("not an object");
    else {for (const key of Object.keys(this.#value)) {
        result[key] = this.maybe(key, (item) => item.text()) ?? "";
      }}
    return result;
  }

  /** The member, when it exists and is not null. */
  maybe<T>(key: string, read: (item: JsonReader) => T): T | undefined {
    return this.has(key) ? read(this.at(key)) : undefined;
  }
}

export type JsonResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

export function isTexts(value: unknown): value is Record<string, string> {
  if (!isRecord(value)) return false;
  for (const name of Object.keys(value)) if (typeof value[name] !== "string") return false;
  return true;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const excerpt = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
