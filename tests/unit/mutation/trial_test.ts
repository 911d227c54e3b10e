import assert from "node:assert/strict";
import { run } from "../../mutation/trial.ts";

Deno.test("what does not end is killed when its time is up, with what it started", async () => {
  // It ends by itself if it is not killed, and says so.
  const long = "echo begun; sleep 20; echo ended";
  const { ok, inTime, output } = await run(Deno.cwd(), ["bash", "-c", `(${long}) & ${long}; wait`], 2_000);
  assert.deepEqual({ ok, inTime, output }, { ok: false, inTime: false, output: "begun\nbegun\n" });
});

Deno.test("what ends in time has its exit status and its output", async () => {
  const { ok, inTime, output } = await run(Deno.cwd(), ["bash", "-c", "echo out; exit 3"], 60_000);
  assert.deepEqual({ ok, inTime, output }, { ok: false, inTime: true, output: "out\n" });
});
