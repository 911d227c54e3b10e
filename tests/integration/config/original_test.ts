/**
 * Our parser beside the Python implementation's own, on random configurations: equal, or a difference that is reviewed. The
 * whole run is `deno task compare`.
 */
import assert from "node:assert/strict";
import { lacks, packages } from "../../lacking.ts";
import { compare, differencesOf, originals } from "../../original/compare.ts";
import { makeCase, POOL } from "../../original/generator.ts";
import { meaningOf } from "../../original/meaning.ts";
import { original, ORIGINAL_NEEDS } from "../../original/package.ts";
import { REVIEWED } from "../../original/reviewed.ts";

const RUNS = 3_000;

/** The folder of its Python packages, or why there is none. */
async function found(): Promise<{ readonly dir: string; readonly lack: string | undefined }> {
  const lack = packages(ORIGINAL_NEEDS)();
  if (lack !== undefined) return { dir: "", lack };
  try {
    return { dir: await original(), lack: undefined };
  } catch (error) {
    const why = error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error);
    return {
      dir: "",
      lack: `Debian's package of nvme-stas 2 cannot be had (deno task compare fetches it): ${why}`,
    };
  }
}

const { dir, lack } = await found();

Deno.test({
  name: "random configurations mean what they mean to the Python implementation, but for what is reviewed",
  ignore: lacks(() => lack),
  fn: async () => {
    const { cases, unexplained, equal, reviewed } = await compare(dir, 1, RUNS);
    assert.deepEqual(unexplained, []);
    assert.equal(cases, RUNS);
    assert.ok(equal > RUNS / 3, `only ${equal} configurations have no difference at all`);
    assert.deepEqual(
      REVIEWED.map(({ rule }) => rule).filter((rule) => !reviewed.has(rule)),
      [],
      "rules that explain nothing",
    );
  },
});

Deno.test({
  name: "a parser that reads something else is found out",
  ignore: lacks(() => lack),
  fn: async () => {
    const cases = Array.from({ length: 100 }, (_, n) => makeCase(n + 1));
    const theirs = await originals(dir, cases);
    const explained = (difference: ReturnType<typeof differencesOf>[number]): boolean =>
      REVIEWED.some(({ explains }) => explains(difference));
    const changed = ["kato", "tron", "ip-family", "pleo", "disconnect-scope"] as const;
    for (const name of changed) {
      const isFound = cases.some((one, n) => {
        const ours = meaningOf(one, POOL);
        if (ours === undefined || !(name in ours.values)) return false;
        const other = { ...ours, values: { ...ours.values, [name]: "something else" } };
        return differencesOf(one, other, theirs[n] ?? {}).some((difference) => !explained(difference));
      });
      assert.ok(isFound, name);
    }
  },
});
