/**
 * Values of the core as JSON, for a report: state, events and effects. Exact: {@link decoded} gives equal values
 * with the same sharing and the same order. Secrets are impossible: a {@link Secret} has no text here, and texts
 * that look like a key are masked (S8).
 *
 * An object is written where it is met first, and counted; later mentions give its number. What is nested too
 * deeply for a reader follows at the end. The text is made piece by piece, so that no step of it takes long.
 */
import { looksLikeSecret, MASK, namesSecret, redacted } from "../../config/redact.ts";
import { Table } from "../../base/table.ts";
import { Secret } from "../../base/secret.ts";
import { Again } from "./share.ts";

/** Objects within objects up to this depth; deeper ones follow at the end. */
export const MAX_DEPTH = 40;

/** The marks of what JSON does not have: `{"$": ...}`. */
export type Mark =
  | "undefined"
  | "number"
  | "bigint"
  | "bytes"
  | "map"
  | "set"
  | "table"
  | "object"
  | "secret"
  | "same"
  | "later"
  | "again"
  | "refused";

const mark = (kind: Mark, rest = ""): string => `{"$":"${kind}"${rest}}`;

interface Frame {
  /** Texts and values, in the order of writing. */
  readonly parts: Iterator<Part>;
  readonly depth: number;
  /** The values may follow later. */
  readonly mayWait: boolean;
}

type Part =
  | { readonly text: string }
  | { readonly value: unknown; readonly name?: string };

type Kind = "again" | "array" | "object" | "map" | "set" | "table" | "bytes" | "secret" | "refused";

function kindOf(value: object): Kind {
  if (value instanceof Secret) return "secret";
  if (value instanceof Again) return "again";
  if (Array.isArray(value)) return "array";
  if (value instanceof Map) return "map";
  if (value instanceof Set) return "set";
  if (value instanceof Table) return "table";
  if (value instanceof Uint8Array) return "bytes";
  return Object.getPrototypeOf(value) === Object.prototype ? "object" : "refused";
}

export class Encoding {
  readonly #identity: (value: object) => object;
  readonly #numbers = new Map<object, number>();
  readonly #later: object[] = [];
  readonly #stack: Frame[] = [];
  #next = 0;
  #masked = 0;
  #state: "begin" | "inside" | "end" = "begin";
  #out: string[] = [];
  #length = 0;

  /** `identity` gives what stands for an object (share.ts). */
  constructor(root: object, identity: (value: object) => object = (value) => value) {
    this.#identity = identity;
    this.#later.push(root);
    this.#numbers.set(root, 0);
  }

  /** Texts that were masked because they look like a secret. */
  get masked(): number {
    return this.#masked;
  }

  /** The next piece of the text, of at least `length` characters except for the last one; undefined: no more. */
  next(length: number): string | undefined {
    if (this.#state === "end") return undefined;
    if (this.#state === "begin") this.#put("[");
    this.#state = "inside";
    while (this.#length < length && this.#work());
    const text = this.#out.join("");
    this.#out = [];
    this.#length = 0;
    return text;
  }

  #work(): boolean {
    const frame = this.#stack.at(-1);
    if (frame === undefined) {
      const value = this.#later[this.#next];
      if (value === undefined) {
        this.#put("]");
        this.#state = "end";
        return false;
      }
      if (this.#next++ > 0) this.#put(",\n");
      this.#open(value, kindOf(value), 0);
      return true;
    }
    const { done, value: part } = frame.parts.next();
    if (done === true) this.#stack.pop();
    else if ("text" in part) this.#put(part.text);
    else this.#value(part.value, part.name ?? "", frame.depth + 1, frame.mayWait);
    return true;
  }

  #put(text: string): void {
    this.#out.push(text);
    this.#length += text.length;
  }

  #value(value: unknown, name: string, depth: number, mayWait: boolean): void {
    switch (typeof value) {
      case "string":
        return this.#put(this.#text(value, name));
      case "boolean":
        return this.#put(String(value));
      case "number":
        return this.#put(
          Number.isFinite(value) && !Object.is(value, -0)
            ? String(value)
            : mark("number", `,"of":"${Object.is(value, -0) ? "-0" : value}"`),
        );
      case "undefined":
        return this.#put(mark("undefined"));
      case "bigint":
        return this.#put(mark("bigint", `,"of":"${value}"`));
      case "object":
        return value === null ? this.#put("null") : this.#object(value, depth, mayWait);
      default:
        return this.#put(mark("refused", `,"what":"a ${typeof value}"`));
    }
  }

  /** What belongs under the name of a secret is masked whatever it looks like. */
  #text(text: string, name: string): string {
    const isNamed = name !== "" && namesSecret(name);
    if (!isNamed && !looksLikeSecret(text)) return JSON.stringify(text);
    const safe = isNamed && text !== "" ? MASK : redacted(text);
    if (safe !== text) this.#masked++;
    return JSON.stringify(safe);
  }

  #object(value: object, depth: number, mayWait: boolean): void {
    const identity = this.#identity(value);
    const known = this.#numbers.get(identity);
    if (known !== undefined) return this.#put(mark("same", `,"n":${known}`));
    this.#numbers.set(identity, this.#numbers.size);
    const kind = kindOf(value);
    if (depth >= MAX_DEPTH && mayWait && (kind === "array" || kind === "object")) {
      this.#put(mark("later", `,"n":${this.#later.length}`));
      this.#later.push(value);
    } else this.#open(value, kind, depth);
  }

  #open(value: object, kind: Kind, depth: number): void {
    const mayWait = kind === "array" || kind === "object";
    const parts = this.#parts(value, kind);
    this.#stack.push({ parts: parts[Symbol.iterator](), depth, mayWait });
  }

  #parts(value: object, kind: Kind): Iterable<Part> {
    if (kind === "secret") return [{ text: mark("secret") }];
    if (value instanceof Uint8Array) return [{ text: mark("bytes", `,"hex":"${value.toHex()}"`) }];
    if (value instanceof Again) return [{ text: `{"$":"again","of":` }, { value: value.of }, { text: "}" }];
    if (Array.isArray(value)) return listed("[", value, "]");
    if (value instanceof Set) return listed(`{"$":"set","of":[`, value, "]}");
    if (value instanceof Map) return this.#paired("map", value);
    if (value instanceof Table) return this.#paired("table", value);
    if (kind === "refused") {
      return [{ text: mark("refused", `,"what":${JSON.stringify(`a ${value.constructor.name}`)}`) }];
    }
    const entries = Object.entries(value);
    return entries.some(([name]) => name.startsWith("$") || name === "__proto__")
      ? this.#paired("object", entries)
      : this.#named(entries);
  }

  *#named(entries: readonly (readonly [string, unknown])[]): Iterable<Part> {
    let before = "{";
    for (const [name, value] of entries) {
      yield { text: `${before}${this.#text(name, "")}:` };
      yield { value, name };
      before = ",";
    }
    yield { text: before === "{" ? "{}" : "}" };
  }

  *#paired(kind: "map" | "table" | "object", entries: Iterable<readonly [unknown, unknown]>): Iterable<Part> {
    let before = `{"$":"${kind}","of":[[`;
    let isEmpty = true;
    for (const [key, value] of entries) {
      yield { text: before };
      yield { value: key };
      yield { text: "," };
      yield typeof key === "string" ? { value, name: key } : { value };
      before = "],[";
      isEmpty = false;
    }
    yield { text: isEmpty ? `{"$":"${kind}","of":[]}` : "]]}" };
  }
}

function* listed(open: string, values: Iterable<unknown>, close: string): Iterable<Part> {
  let before = open;
  for (const value of values) {
    yield { text: before };
    yield { value };
    before = ",";
  }
  yield { text: before === open ? open + close : close };
}
