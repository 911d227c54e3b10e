/** What nvme-stas(7) says of times is what the code does (L4, L6). */
import assert from "node:assert/strict";
import { PACES, pause } from "../../../src/lib/core/retry.ts";
import { CALL_BOUNDS } from "../../../src/lib/daemon/call_bounds.ts";

const page = await Deno.readTextFile(new URL("../../../packaging/man/nvme-stas.7.page", import.meta.url));

/** The lines of the code block under a heading, in columns. */
function table(heading: string): readonly string[][] {
  const [, rest = ""] = page.split(`## ${heading}\n`);
  const [, block = ""] = rest.split("```");
  return block.split("\n").slice(2, -1).map((line) => line.trim().split(/ {2,}/));
}

const span = (ms: number): string =>
  ms % 60_000 === 0 && ms > 60_000 ? `${ms / 60_000} min` : `${ms / 1000} s`;

Deno.test("the manual's table of retries is that of the code", () => {
  const rows = PACES.map(([what, pace]) =>
    "ms" in pace ? [what, span(pace.ms), span(pace.ms)] : [what, span(pace.first.ms), span(pace.longest.ms)]
  );
  assert.deepEqual(table("How often things are tried"), rows);
});

Deno.test("the manual's table of calls that take too long is that of the code", () => {
  const rows = Object.values(CALL_BOUNDS).map((
    { what, bound },
  ) => [what.replace(/^the /, ""), span(bound.ms)]);
  assert.deepEqual(table("Calls that do not return"), rows);
});

Deno.test("no pause is shorter than the table says, but for the fifth of the spread", () => {
  for (const [what, pace] of PACES) {
    if ("ms" in pace) continue;
    for (let failures = 1; failures < 12; failures++) {
      const { ms } = pause(pace, failures, what);
      assert.ok(ms >= 0.8 * pace.first.ms && ms <= 1.2 * pace.longest.ms, `${what}, ${failures}: ${ms}`);
    }
  }
});
