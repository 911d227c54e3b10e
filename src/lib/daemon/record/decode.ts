/** Reads what {@link Encoding} writes. Nothing is guessed: an unknown mark refuses the whole text. */
import { Table } from "../../base/table.ts";
import { Secret } from "../../base/secret.ts";
import { copied } from "./values.ts";

export type Decoded =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** A value that follows at the end. */
class Awaited {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

class Unreadable extends Error {}

/** In place of an object while it is read: it cannot be part of itself. */
const UNFINISHED = new Awaited(-1);

/** `document` is the parsed JSON. */
export function decoded(document: unknown): Decoded {
  if (!Array.isArray(document) || document.length === 0) {
    return { ok: false, message: "a recording is a list" };
  }
  try {
    return { ok: true, value: new Reader(document).read() };
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, message: error.message };
    throw error;
  }
}

type Fields = Record<string, unknown>;

const isFields = (json: unknown): json is Fields =>
  typeof json === "object" && json !== null && !Array.isArray(json);

const listOf = (json: unknown): readonly unknown[] => {
  if (!Array.isArray(json)) throw new Unreadable("a mark has no list");
  return json;
};

const textOf = (json: unknown): string => {
  if (typeof json !== "string") throw new Unreadable("a mark has no text");
  return json;
};

class Reader {
  readonly #document: readonly unknown[];
  readonly #values: unknown[] = [];
  /** The numbers of the values that follow at the end. */
  readonly #numbers = [0];
  readonly #waiting = new Map<number, ((value: unknown) => void)[]>();

  constructor(document: readonly unknown[]) {
    this.#document = document;
  }

  read(): unknown {
    this.#values.push(UNFINISHED);
    for (const [at, json] of this.#document.entries()) {
      const number = this.#numbers[at];
      if (number === undefined) throw new Unreadable("something follows that is not announced");
      const value = this.#object(json, number);
      for (const patch of this.#waiting.get(number) ?? []) patch(value);
      this.#waiting.delete(number);
    }
    if (this.#waiting.size > 0) throw new Unreadable("something announced does not follow");
    return this.#values[0];
  }

  #value(json: unknown): unknown {
    if (!isFields(json) && !Array.isArray(json)) return json;
    if (!Array.isArray(json)) {
      switch (json["$"]) {
        case "undefined":
          return undefined;
        case "number":
          return numberOf(json["of"]);
        case "bigint":
          return bigintOf(json["of"]);
        case "same":
          return this.#known(json["n"]);
        case "later":
          return this.#announced(json["n"]);
      }
    }
    return this.#object(json, this.#values.push(UNFINISHED) - 1);
  }

  #known(number: unknown): unknown {
    const value = typeof number === "number" && number in this.#values ? this.#values[number] : UNFINISHED;
    if (value === UNFINISHED) throw new Unreadable("a mark names a missing object");
    return value;
  }

  #announced(at: unknown): unknown {
    if (at !== this.#numbers.length) throw new Unreadable("what follows is announced out of order");
    const awaited = new Awaited(this.#values.length);
    this.#values.push(awaited);
    this.#numbers.push(awaited.number);
    return awaited;
  }

  #object(json: unknown, number: number): unknown {
    const place = (value: unknown): unknown => {
      this.#values[number] = value;
      return value;
    };
    if (Array.isArray(json)) {
      const list: unknown[] = [];
      for (const [at, one] of json.entries()) this.#set(this.#value(one), (value) => void (list[at] = value));
      return place(list);
    }
    if (!isFields(json)) throw new Unreadable("an object is missing");
    switch (json["$"]) {
      case undefined:
        return place(this.#fields(Object.entries(json)));
      case "object":
        return place(this.#fields(listOf(json["of"]).map(pairOf).map(([name, one]) => [textOf(name), one])));
      case "map": {
        const map = new Map<unknown, unknown>();
        for (const [key, one] of listOf(json["of"]).map(pairOf)) {
          const name = this.#now(key);
          this.#set(this.#value(one), (value) => void map.set(name, value));
        }
        return place(map);
      }
      case "set":
        return place(new Set(listOf(json["of"]).map((one) => this.#now(one))));
      case "table": {
        let table = Table.empty<unknown>();
        for (const [key, one] of listOf(json["of"]).map(pairOf)) {
          table = table.with(textOf(key), this.#now(one));
        }
        return place(table);
      }
      case "again":
        return place(copied(this.#now(json["of"])));
      case "bytes":
        return place(bytesOf(textOf(json["hex"])));
      case "secret":
        return place(new Secret("masked"));
      case "refused":
        throw new Unreadable(`the recorder could not write ${String(json["what"])}`);
      default:
        throw new Unreadable(`unknown mark ${JSON.stringify(json["$"])}`);
    }
  }

  #fields(entries: readonly (readonly [string, unknown])[]): Fields {
    const fields: Fields = {};
    for (const [name, one] of entries) {
      this.#set(
        this.#value(one),
        (value) =>
          void Object.defineProperty(fields, name, {
            value,
            enumerable: true,
            writable: true,
            configurable: true,
          }),
      );
    }
    return fields;
  }

  #set(value: unknown, set: (value: unknown) => void): void {
    set(value);
    if (!(value instanceof Awaited)) return;
    const waiting = this.#waiting.get(value.number) ?? [];
    waiting.push(set);
    this.#waiting.set(value.number, waiting);
  }

  /** A value where nothing can be put in later. */
  #now(json: unknown): unknown {
    const value = this.#value(json);
    if (value instanceof Awaited) throw new Unreadable("a key or an element follows only later");
    return value;
  }
}

function pairOf(json: unknown): readonly [unknown, unknown] {
  if (!Array.isArray(json) || json.length !== 2) throw new Unreadable("an entry is no pair");
  return [json[0], json[1]];
}

function numberOf(json: unknown): number {
  switch (json) {
    case "Infinity":
      return Infinity;
    case "-Infinity":
      return -Infinity;
    case "NaN":
      return NaN;
    case "-0":
      return -0;
    default:
      throw new Unreadable(`unknown number ${JSON.stringify(json)}`);
  }
}

function bigintOf(json: unknown): bigint {
  const text = textOf(json);
  if (!/^-?\d+$/.test(text)) throw new Unreadable(`not an integer: ${JSON.stringify(json)}`);
  return BigInt(text);
}

function bytesOf(hex: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw new Unreadable("bytes are not in hexadecimal form");
  return Uint8Array.fromHex(hex);
}
