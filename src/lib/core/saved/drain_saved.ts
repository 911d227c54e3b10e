/** Drains in stacd's state file: a restart does not end them. */
import { MAX_DRAINS, MAX_NAMED } from "../fleet/act_limits.ts";
import type { Drain } from "../stacd/drain.ts";
import { isJson, type Json, listOf, numberOf, textOf } from "./saved.ts";

export const savedDrains = (drains: readonly Drain[]): readonly Json[] =>
  drains.map(({ targets, ...drain }) => ({ ...drain, targets: [...targets] }));

const texts = (value: unknown): readonly string[] => listOf(value).map(textOf).filter((text) => text !== "");

/** A drained controller stays drained: a record with valid targets counts, even if its other fields are invalid. */
export function restoredDrains(value: unknown): readonly Drain[] {
  return listOf(value).slice(0, MAX_DRAINS).flatMap((record) => {
    if (!isJson(record)) return [];
    const [names, targets] = [
      texts(record["names"]),
      new Set(texts(record["targets"]).slice(0, MAX_NAMED.drain)),
    ];
    if (names.length === 0 && targets.size === 0) return [];
    const until = record["until"];
    return [{
      what: textOf(record["what"]),
      names,
      uid: numberOf(record["uid"]),
      at: numberOf(record["at"]),
      until: typeof until === "number" ? numberOf(until) : undefined,
      forced: record["forced"] === true,
      targets,
    }];
  });
}
