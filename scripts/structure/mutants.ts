/** Each fault of `tests/mutation/named.ts` has its place in the code: one that has none is put in no more, and proves nothing. */
import { NAMED, namedMutant } from "../../tests/mutation/named.ts";
import type { Source, Violation } from "./rule.ts";

export function staleMutants(sources: readonly Source[]): Violation[] {
  const texts = new Map(sources.map(({ path, text }) => [path, text]));
  return NAMED.filter((fault) => namedMutant(fault, texts.get(fault.path) ?? "") === undefined).map((
    { name, path },
  ) => ({
    path: "tests/mutation/named.ts",
    line: 0,
    rule: "mutants",
    message:
      `the text of "${name}" has to be in ${path} exactly once; write the fault anew for the code of today`,
  }));
}
