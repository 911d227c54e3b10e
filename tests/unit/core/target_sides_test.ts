/** One target by many sides of this host: what a page may cost, counted in looks and decisions (S11, S16). */
import assert from "node:assert/strict";
import { MAX_SIDES } from "../../../src/lib/core/fleet/target_sides.ts";
import { mdnsAuthority } from "../../../src/lib/core/sources/origin_of.ts";
import { unknownsOf } from "../../../src/lib/core/stacd/stacd_pages.ts";
import type { PageEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import { WORK_FOR_EACH } from "../../simulation/budget.ts";
import { kernelCtrl } from "../nvme/samples.ts";
import { entry, HOST, page, Stacd } from "./taking_pages.ts";

const MANY = 1_000;
/** A connection of which the kernel does not say by which interface it goes may serve each of them. */
const DEVICE = kernelCtrl({ traddr: "fe80::1", trsvcid: "4420", subsysnqn: "nqn.x", hostNqn: HOST.nqn });

const scoped = (scope: string): PageEntry => entry(0, 0, { traddr: `fe80::1%${scope}`, subnqn: "nqn.x" });
const sides = (count: number): readonly PageEntry[] =>
  Array.from({ length: count }, (_, n) => scoped(`e${n}`));

function connected(): Stacd {
  const stacd = new Stacd();
  const { scan } = stacd.state.fleet;
  assert.ok(scan !== undefined);
  stacd.take({ type: "scanned", op: scan, outcome: { ok: true, value: [DEVICE] } });
  return stacd;
}

const scopes = (stacd: Stacd): readonly string[] =>
  stacd.ctls.map(({ tid }) => tid.traddr.slice("fe80::1%".length));

Deno.test("a page that names a target by thousands of interfaces costs each step looks in proportion to its entries", () => {
  const stacd = connected();
  let most = 0;
  const noted = (run: () => void): void => {
    run();
    most = Math.max(most, stacd.work);
  };
  noted(() => stacd.report(page(1, 1, sides(MANY))));
  noted(() => stacd.take({ type: "device", cause: "change", ctrl: { ...DEVICE, state: "connecting" } }));
  noted(() => stacd.report(page(1, 2, [])));
  for (let n = 0; n < 30; n++) {
    stacd.mono += 1_000;
    noted(() => stacd.take({ type: "tick" }));
  }
  assert.ok(most > 0 && most <= WORK_FOR_EACH * 2 * MANY, `${most} looks and decisions in one step`);
});

Deno.test("S16: the limit is each authority's own, and what it leaves out is unknown", () => {
  const stacd = connected();
  stacd.report(page(1, 1, sides(MANY)), page(2, 1, [scoped("eth0")]));
  assert.equal(stacd.ctls.length, MAX_SIDES + 1);
  assert.ok(scopes(stacd).includes("eth0"));
  assert.match(unknownsOf(stacd.state, { mono: 0, wall: 0 }).join(), /10\.255\.1\.1, 8009/);
});

Deno.test("what the limit left out is added when another one of its authority goes", () => {
  const authority = mdnsAuthority("eth0");
  const stacd = new Stacd();
  const later = page(2, 1, [scoped("eth0")], { authority });
  const crowd = page(1, 1, sides(MAX_SIDES), { authority });
  stacd.report(crowd, later);
  assert.ok(!scopes(stacd).includes("eth0"));
  stacd.take({ type: "stafd-changed", page: crowd.tid });
  const gone = page(1, 2, [], { authority });
  stacd.answer({ dcs: [gone], retired: [], unknowns: [] });
  assert.deepEqual(scopes(stacd), []);
  for (let n = 0; n < 60 && stacd.asked === undefined; n++) {
    stacd.mono += 1_000;
    stacd.take({ type: "tick" });
  }
  assert.equal(stacd.asked, "all");
  stacd.report(gone, later);
  assert.deepEqual(scopes(stacd), ["eth0"]);
});
