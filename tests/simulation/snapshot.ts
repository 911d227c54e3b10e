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
  if (Array.isArray(value)) return `[${value.map(snapshot).join()}]`;
  if (value instanceof Map || value instanceof Table) {
    return `{${[...value].map(([key, one]) => `${snapshot(key)}=>${snapshot(one)}`).join()}}`;
  }
  if (value instanceof Set) return `<${[...value].map(snapshot).join()}>`;
  return `{${Object.entries(value).map(([key, one]) => `${key}:${snapshot(one)}`).join()}}`;
}
