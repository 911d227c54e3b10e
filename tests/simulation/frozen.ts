/**
 * Values that nothing can change any more: who tries is told so where it happens. What was frozen once is not gone through
 * again, so a large state costs what is new in it, and not its size.
 */
import { Table } from "../../src/lib/base/table.ts";

/** V8's words for a change of a frozen object, and ours for one of a map, a set or bytes. */
const REFUSED = /read only property|not extensible|Cannot (?:delete|redefine) property|^frozen: /;

function refusal(kind: string): { readonly value: () => never } {
  return {
    value: () => {
      throw new TypeError(`frozen: ${kind} is changed`);
    },
  };
}

const MAP = { set: refusal("a map"), delete: refusal("a map"), clear: refusal("a map") } as const;
const SET = { add: refusal("a set"), delete: refusal("a set"), clear: refusal("a set") } as const;

/** Did it throw because something frozen was to be changed? */
export const isRefused = (error: unknown): error is TypeError =>
  error instanceof TypeError && REFUSED.test(error.message);

/** What a value holds; texts and numbers among it. */
function* held(value: object): Iterable<unknown> {
  if (value instanceof Table) yield* value.parts();
  else if (value instanceof Map) {
    for (const [key, one] of value) {
      yield key;
      yield one;
    }
  } else if (value instanceof Set) yield* value;
  else yield* Object.values(value);
}

export class Freezer {
  readonly #frozen = new WeakSet<object>();
  /** The language cannot freeze them: they are compared with what they held. */
  readonly #bytes: { readonly view: Uint8Array; readonly held: Uint8Array }[] = [];

  /** Freezes all that can be reached from it. Throws when bytes have changed that were frozen before. */
  freeze(value: unknown): void {
    for (const { view, held } of this.#bytes) {
      for (let at = 0; at < held.length; at++) if (view[at] !== held[at]) refusal("a list of bytes").value();
    }
    const toDo: unknown[] = [value];
    while (toDo.length > 0) {
      const one = toDo.pop();
      if (typeof one !== "object" || one === null || this.#frozen.has(one)) continue;
      this.#frozen.add(one);
      if (one instanceof Uint8Array) {
        this.#bytes.push({ view: one, held: one.slice() });
        continue;
      }
      for (const part of held(one)) toDo.push(part);
      if (one instanceof Map) Object.defineProperties(one, MAP);
      else if (one instanceof Set) Object.defineProperties(one, SET);
      Object.freeze(one);
    }
  }
}
