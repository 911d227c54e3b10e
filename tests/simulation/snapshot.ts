/** Values compared by what they hold, however they hold it: to see whether a step changed what it was given. */
import { Secret } from "../../src/lib/base/secret.ts";
import { Table } from "../../src/lib/base/table.ts";

/** One text for all that can be reached from a value. */
export function snapshot(value: unknown): string {
  switch (typeof value) {
    case "bigint":
      return `${value}n`;
    case "function":
      return "function";
    case "object":
      break;
    default:
      return JSON.stringify(value) ?? "undefined";
  }
  if (value === null) return "null";
  if (value instanceof Secret) return "secret";
  let text = "";
  if (Array.isArray(value)) {
    for (const one of value) text += `${snapshot(one)},`;
    return `[${text}]`;
  }
  if (value instanceof Map || value instanceof Table) {
    for (const [key, one] of value) text += `${snapshot(key)}=>${snapshot(one)},`;
    return `{${text}}`;
  }
  if (value instanceof Set) {
    for (const one of value) text += `${snapshot(one)},`;
    return `<${text}>`;
  }
  for (const [key, one] of Object.entries(value)) text += `${key}:${snapshot(one)},`;
  return `{${text}}`;
}

/** Do two values have one snapshot? What both hold in common need not be looked at. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const [one, other] = [partsOf(a), partsOf(b)];
  if (one === undefined || other === undefined || one.kind !== other.kind) return snapshot(a) === snapshot(b);
  return one.parts.length === other.parts.length &&
    one.parts.every((part, at) => isSame(part, other.parts[at]));
}

/** What a value holds, in order; a field comes as its name and its value. */
function partsOf(value: unknown): { readonly kind: string; readonly parts: readonly unknown[] } | undefined {
  if (typeof value !== "object" || value === null || value instanceof Secret) return undefined;
  if (Array.isArray(value)) return { kind: "list", parts: value };
  if (value instanceof Map) return { kind: "map", parts: [...value].flat() };
  if (value instanceof Table) return { kind: "table", parts: [...value.parts()] };
  if (value instanceof Set) return { kind: "set", parts: [...value] };
  return { kind: "fields", parts: Object.entries(value).flat() };
}
