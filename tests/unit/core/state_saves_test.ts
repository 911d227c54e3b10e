/** When the state file is written: at once for what it may not be without (S9), together for what makes it more exact. */
import assert from "node:assert/strict";
import { SAVE_DELAY, SAVE_RETRY } from "../../../src/lib/core/retry.ts";
import { stepStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import { connecting } from "../../bench/connects.ts";

/** The milliseconds of a play in which saves began, with the steps that began them. */
function savesOf(played: ReturnType<typeof connecting>): readonly (readonly [step: string, at: number])[] {
  return Array.from(
    played,
    ({ name, effects }, ms) =>
      effects.flatMap(({ do: what }) => what === "save" ? [[name, ms] as const] : []),
  ).flat();
}

Deno.test("connections that come up one after the other are saved together", () => {
  const saves = savesOf(connecting(512));
  const ticks = saves.filter(([step]) => step === "tick");
  assert.ok(ticks.length >= 3, "they take several delays");
  assert.deepEqual(saves.filter(([step]) => step.startsWith("connected")), []);
  for (const [n, [, at]] of ticks.entries()) {
    const before = ticks[n - 1]?.[1] ?? -Infinity;
    assert.ok(at - before >= SAVE_DELAY.ms, `saves after ${before} and ${at} ms`);
  }
});

Deno.test("a daemon that stops saves at once what would have waited", () => {
  const up = [...connecting(3)].find(({ name }) => name === "connected");
  assert.ok(up !== undefined);
  const now = { mono: 1_000, wall: 1_000 };
  const saves = stepStacd(up.after, { type: "stop" }, now).effects.filter((effect) => effect.do === "save");
  assert.equal(saves.length, 1);
  assert.match(saves[0]?.state ?? "", /"is":"connected"/);
});

Deno.test("L4: a save that failed is tried again no sooner because connections come up", () => {
  const failure = { phase: "file", kind: "transient", message: "there is no room" } as const;
  let ended = 0;
  // The first two have what the connects wait for.
  const saves = savesOf(
    connecting(2_560, () => ++ended <= 2 ? { ok: true, value: undefined } : { ok: false, failure }),
  );
  const tried = saves.slice(2);
  assert.ok(tried.length >= 2, "it is tried again");
  for (const [n, [, at]] of tried.entries()) {
    const before = tried[n - 1]?.[1] ?? -Infinity;
    assert.ok(at - before >= SAVE_RETRY.ms, `saves after ${before} and ${at} ms`);
  }
});
