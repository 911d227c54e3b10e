/** Values of the core, whatever their type: copies of them, and how two differ. */
import { Table } from "../../base/table.ts";
import { Secret } from "../../base/secret.ts";

/** A copy of the value, with the sharing inside it. */
export function copied(value: unknown, copies = new Map<unknown, unknown>()): unknown {
  if (typeof value !== "object" || value === null || value instanceof Secret) return value;
  if (copies.has(value)) return copies.get(value);
  const copy = copyOf(value, copies);
  copies.set(value, copy);
  return copy;
}

function copyOf(value: object, copies: Map<unknown, unknown>): unknown {
  const again = (one: unknown): unknown => copied(one, copies);
  if (Array.isArray(value)) return value.map(again);
  if (value instanceof Set) return new Set([...value].map(again));
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [again(key), again(one)]));
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof Table) {
    let table = Table.empty<unknown>();
    for (const [key, one] of value) table = table.with(key, again(one));
    return table;
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, again(one)]));
}

/** Where two values differ first, as a path; undefined: they are equal. Secrets are not compared. */
export function difference(a: unknown, b: unknown, path = ""): string | undefined {
  if (Object.is(a, b)) return undefined;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return path || "all";
  if (a instanceof Secret && b instanceof Secret) return undefined;
  const [left, right] = [partsOf(a), partsOf(b)];
  if (left === undefined || right === undefined || left.kind !== right.kind) return path || "all";
  for (const [at, [key, one]] of left.parts.entries()) {
    const here = `${path}.${typeof key === "string" ? key : at}`;
    const other = right.parts[at];
    if (other === undefined || difference(key, other[0]) !== undefined) return here;
    const found = difference(one, other[1], here);
    if (found !== undefined) return found;
  }
  return left.parts.length === right.parts.length ? undefined : `${path}.length`;
}

interface Parts {
  readonly kind: string;
  readonly parts: readonly (readonly [unknown, unknown])[];
}

function partsOf(value: object): Parts | undefined {
  if (Array.isArray(value)) return { kind: "array", parts: value.map((one) => [0, one]) };
  if (value instanceof Map) return { kind: "map", parts: [...value] };
  if (value instanceof Set) return { kind: "set", parts: [...value].map((one) => [0, one]) };
  if (value instanceof Table) return { kind: "table", parts: [...value] };
  if (value instanceof Uint8Array) return { kind: "bytes", parts: [...value].map((one) => [0, one]) };
  if (Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  return { kind: "object", parts: Object.entries(value) };
}
