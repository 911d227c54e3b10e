/** Nothing in a state leads back to the states before it: otherwise the daemon keeps all that it has ever known (S6). */
import assert from "node:assert/strict";
import { functionIn } from "./data_only.ts";
import { OneDc } from "./one_dc.ts";
import { discoveryEntry } from "../nvme/samples.ts";

Deno.test("the state of stafd holds no function, also when referrals were gone through for it", () => {
  const dc = new OneDc("none");
  const asked = dc.last("supported-logs");
  dc.take({ type: "supported-logs", op: asked.op, key: asked.key, outcome: { ok: true, value: 0 } });
  const job = dc.last("read-log");
  const referral = discoveryEntry({
    subtype: 1,
    subnqn: "nqn.2014-08.org.nvmexpress.discovery",
    traddr: "192.0.2.12",
  });
  const log = { genctr: 1n, entries: [referral] };
  dc.take({ type: "log-read", op: job.op, key: job.key, outcome: { ok: true, value: log } });
  assert.equal(dc.state.fleet.ctls.size, 2, "the referral is followed");
  assert.ok(dc.state.referrals !== undefined, "the referrals were gone through");
  assert.equal(functionIn(dc.state), undefined);
});

Deno.test("a function is found wherever it is", () => {
  assert.equal(functionIn({ a: [new Map([["b", { c: () => undefined }]])] }), "state.a.0.1.c");
});
