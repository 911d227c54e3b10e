import assert from "node:assert/strict";
import { newCtl, withClaim, withoutClaim } from "../../../src/lib/core/controller/ctl.ts";
import { TID as tid } from "./tid.ts";

const claim = { kind: "nbft", file: "NBFT", traddr: "10.0.0.1", hostId: "" } as const;
const gone = { kind: "config", file: "stacd.conf", what: "no line" } as const;
const audit = { kind: "audit", file: "stacd.conf", asked: "all" } as const;

Deno.test("a withdrawal leaves evidence, a new claim takes it back", () => {
  const asked = withClaim(newCtl("key", tid, 0), "line", claim);
  const released = withoutClaim(asked, "line", gone);
  assert.deepEqual([released.claims.size, released.released.get("line")], [0, gone]);
  const again = withClaim(released, "line", claim);
  assert.deepEqual([again.claims.size, again.released.size], [1, 0]);
});

Deno.test("a source without a claim cannot withdraw", () => {
  const asked = withClaim(newCtl("key", tid, 0), "line", claim);
  assert.equal(withoutClaim(asked, "page", gone), asked);
});

Deno.test("the audit's evidence is void once a source claims it, also when that is withdrawn again", () => {
  const found = { ...newCtl("key", tid, 0), released: new Map([["audit", audit]]) };
  const after = withoutClaim(withClaim(found, "page", claim), "page", gone);
  assert.deepEqual([...after.released], [["page", gone]]);
});
