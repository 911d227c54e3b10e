/** Calls of ports that do not return (L6). */
import assert from "node:assert/strict";
import { BoundedCalls } from "../../../src/lib/daemon/bounded_ports.ts";
import { CALL_BOUNDS } from "../../../src/lib/daemon/call_bounds.ts";
import { withHung } from "../../../src/lib/daemon/views/v1_hung.ts";
import type { Outcome } from "../../../src/lib/base/failure.ts";
import { SimClock, VirtualTime } from "../../../src/lib/sim/scheduler.ts";

const CALL = { kind: "disconnect", place: "nvme3", object: "nvme3" } as const;

function site() {
  const time = new VirtualTime();
  const said: string[] = [];
  const calls = new BoundedCalls(new SimClock(time, 0), { write: ({ message }) => void said.push(message) });
  const run = async (ms: number): Promise<void> => await time.runUntil({ mono: time.now.mono + ms });
  return { calls, said, run };
}

Deno.test("the outcome of a call in time is its own, and nothing is said of it", async () => {
  const { calls, said, run } = site();
  const outcomes: Outcome<string>[] = [];
  let end: (outcome: Outcome<string>) => void = () => undefined;
  calls.outcome<string>(CALL, (done) => void (end = done), (outcome) => void outcomes.push(outcome));
  await run(CALL_BOUNDS.disconnect.bound.ms - 1);
  end({ ok: true, value: "deleted" });
  await run(CALL_BOUNDS.disconnect.bound.ms);
  assert.deepEqual(outcomes, [{ ok: true, value: "deleted" }]);
  assert.deepEqual([said, calls.hung], [[], []]);
});

Deno.test("a call that does not return ends with a failure, and keeps its place until it returns", async () => {
  const { calls, said, run } = site();
  const outcomes: string[] = [];
  const ends: ((outcome: Outcome<string>) => void)[] = [];
  const call = (what: Parameters<typeof calls.outcome>[0]): void =>
    calls.outcome<string>(
      what,
      (done) => void ends.push(done),
      (outcome) => void outcomes.push(outcome.ok ? outcome.value : outcome.failure.message),
    );
  call(CALL);
  await run(CALL_BOUNDS.disconnect.bound.ms);
  assert.deepEqual(outcomes.splice(0), ["the disconnect of nvme3 has not returned"]);
  assert.deepEqual(calls.hung.map(({ what }) => what), ["the disconnect of nvme3"]);
  assert.equal(said.length, 1);
  // No second one on the same object, and not from inside the call; another object has its own.
  call(CALL);
  assert.deepEqual(outcomes, []);
  call({ ...CALL, place: "nvme4", object: "nvme4" });
  assert.equal(ends.length, 2);
  await run(1);
  assert.deepEqual(outcomes.splice(0), ["the disconnect of nvme3 has not returned"]);
  // What comes late is nobody's, and the place is free.
  ends[0]?.({ ok: true, value: "deleted" });
  assert.deepEqual([outcomes, calls.hung], [[], []]);
  call(CALL);
  ends[2]?.({ ok: true, value: "gone" });
  assert.deepEqual(outcomes, ["gone"]);
});

Deno.test("explain names the calls that are about a controller", () => {
  const tid = {
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: "4420",
    subsysnqn: "nqn.a",
    hostTraddr: "",
    hostIface: "",
    hostNqn: "",
  } as const;
  const match = { tid, text: "a", device: "nvme3", phase: "leaving", headline: "", chain: [] } as const;
  const explained = { schema: 1, daemon: "stacd", at: 0, query: "", matches: [match] } as const;
  const hung = { what: "the disconnect of nvme3", object: "nvme3", isGlobal: false, since: 0 };
  const told = (object: string, isGlobal: boolean): number =>
    withHung(explained, [{ ...hung, object, isGlobal }]).matches[0]?.chain.length ?? 0;
  assert.deepEqual([told("nvme3", false), told("nvme4", false), told("", true)], [1, 0, 1]);
});
