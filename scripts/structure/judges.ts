/**
 * What judges the product shares no line with it: the oracle of the simulation and the rules built on it take types from
 * `src`, and nothing that runs. What they import themselves is a judge, too, so that no way leads round it.
 */
import { resolveImport } from "./house.ts";
import { importsOf, lineOf, type Source, type Violation } from "./rule.ts";

const FOLDER = "tests/simulation/";
const ORACLE = `${FOLDER}oracle/`;

/** Files beside the oracle that judge. */
export const JUDGES: readonly string[] = [
  "conf_plan",
  "connect_rules",
  "disconnect_rules",
  "expected",
  "forget_rules",
  "knowledge",
  "lines_known",
  "options_asked",
  "pace_rules",
  "renew_rules",
  "rules",
  "session",
  "tls_rules",
  "violation",
  "wishes",
].map((name) => `${FOLDER}${name}.ts`);

/** Judges of views: these run what they judge, and that only. */
const UNDER_TEST: ReadonlyMap<string, readonly string[]> = new Map([
  [`${FOLDER}plan_watch.ts`, [
    "src/lib/core/stacd/stacd_rules.ts",
    "src/lib/core/stafd/stafd_rules.ts",
    "src/lib/daemon/views/v1_explain.ts",
    "src/lib/daemon/views/v1_plan.ts",
    `${FOLDER}cores.ts`,
  ]],
]);

const isJudge = (path: string): boolean =>
  path.startsWith(ORACLE) || JUDGES.includes(path) || UNDER_TEST.has(path);

export function judges(source: Source): Violation[] {
  // Tests of the oracle hold it against the product.
  if (!isJudge(source.path) || source.path.endsWith("_test.ts")) return [];
  const found: Violation[] = [];
  for (const { specifier, typeOnly, node } of importsOf(source)) {
    if (typeOnly) continue;
    const target = specifier === "" ? undefined : resolveImport(source.path, specifier);
    const isAllowed = target !== undefined &&
      (isJudge(target) || UNDER_TEST.get(source.path)?.includes(target) === true);
    if (isAllowed) continue;
    found.push({
      path: source.path,
      line: lineOf(source, node),
      rule: "judge",
      message: `a judge takes no value from "${specifier}": only types, and values of other judges`,
    });
  }
  return found;
}
