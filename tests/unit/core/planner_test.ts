/** The planner alone: every kind of decision, from what is wanted, what the kernel has, and the policy. */
import assert from "node:assert/strict";
import { type Ctl, newCtl, withClaim } from "../../../src/lib/core/controller/ctl.ts";
import type { Evidence, Proof } from "../../../src/lib/core/planning/evidence.ts";
import { decide, type Decision, type Verdict } from "../../../src/lib/core/planning/planner.ts";
import { emptyFleet, type Fleet, withCtl, withDevice } from "../../../src/lib/core/fleet/fleet.ts";
import type { Rules, View } from "../../../src/lib/core/fleet/view.ts";
import { stacdView } from "../../../src/lib/core/stacd/stacd_rules.ts";
import { emptyStacd } from "../../../src/lib/core/stacd/stacd_state.ts";
import { Table } from "../../../src/lib/base/table.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { tidKey } from "../../../src/lib/nvme/tid.ts";
import { TID as tid } from "./tid.ts";
import { discoveryEntry, kernelCtrl } from "../nvme/samples.ts";

const entry = discoveryEntry();
const claim = { kind: "log-page", dc: "dc", dcText: "dc", genctr: "1", readAt: 0, entry, also: [] } as const;
const evidence: Evidence = { kind: "config", file: "stacd.conf", line: 1, what: "exclude" };
const proof: Proof = [evidence];
const device = kernelCtrl({ device: "nvme1", incarnation: 5, ...tid });
const ref = { device: "nvme1", incarnation: 5 };
const now = { mono: 10_000, wall: 0 };

const bare = newCtl(tidKey(tid), tid, 0);
const asked = withClaim(bare, "page:dc", claim);
const link = (ctl: Ctl, to: Ctl["link"]): Ctl => ({ ...ctl, link: to });
const up = (ctl: Ctl): Ctl => link(ctl, { phase: "up", ref, adopted: false });

/** What the kernel has: the fleet of the state that is asked about. */
type Kernel = (ctl: Ctl) => Fleet;

const fleet: Fleet = {
  ...emptyFleet,
  fresh: true,
  interfaces: new Map([["lo", { index: 1, mac: "", up: true, v4: ["127.0.0.1"], v6: [] }]]),
};
const having = (change: Partial<KernelCtrl> = {}): Kernel => (ctl) =>
  withDevice(withCtl(fleet, ctl), { ...device, ...change }, now.mono);
const CONNECTED: Kernel = having();
const NOTHING: Kernel = (ctl) => withCtl(fleet, ctl);
const UNREAD: Kernel = (ctl) => ({ ...CONNECTED(ctl), fresh: false });
/** Another controller of the same connection, in this phase. */
const shared = (to: Ctl["link"]): Kernel => (ctl) => {
  const other = link({ ...asked, key: "other", tid: { ...tid, hostIface: "lo" } }, to);
  return {
    ...withCtl(CONNECTED(ctl), other),
    users: Table.empty<readonly string[]>().with("nvme1", [ctl.key, "other"]),
  };
};

/** The state with this controller; all others are wanted. */
function view(ctl: Ctl, kernel: Kernel, verdict: Verdict, more: Partial<Rules>): View {
  const asking = stacdView({ ...emptyStacd, fleet: kernel(ctl) }, now);
  const rules: Rules = {
    ...asking.rules,
    verdict: (_view, one) => one.key === ctl.key ? verdict : WANTED,
    whyNoAttempt: () => undefined,
    whyKept: () => undefined,
    soak: { ms: 1_000 },
    guard: () => undefined,
    confirmed: () => true,
    ...more,
  };
  return { ...asking, rules };
}

const WANTED: Verdict = { is: "wanted" };
const HELD: Verdict = { is: "held", why: "unknown" };
const EXCLUDED: Verdict = { is: "excluded", evidence: proof };
const UNWANTED: Verdict = { is: "unwanted", evidence: proof };

interface Case {
  readonly what: string;
  readonly ctl: Ctl;
  readonly verdict: Verdict;
  readonly kernel?: Kernel;
  readonly rules?: Partial<Rules>;
  readonly act: Decision["act"];
}

const CASES: readonly Case[] = [
  { what: "wanted and not connected", ctl: asked, verdict: WANTED, act: "connect" },
  { what: "wanted and connected", ctl: up(asked), verdict: WANTED, act: "none" },
  { what: "wanted, kernel unknown", ctl: asked, verdict: WANTED, kernel: UNREAD, act: "hold" },
  {
    what: "wanted, found connected",
    ctl: asked,
    verdict: WANTED,
    kernel: CONNECTED,
    act: "adopt",
  },
  {
    what: "wanted, somebody is connecting it",
    ctl: asked,
    verdict: WANTED,
    kernel: having({ state: "connecting", cntrltype: "", isIoc: false }),
    act: "hold",
  },
  { what: "wanted, barred", ctl: asked, verdict: WANTED, rules: { whyNoAttempt: () => "NCC" }, act: "hold" },
  {
    what: "wanted, failed a moment ago",
    ctl: link(asked, { phase: "waiting", until: { mono: 10_001 } }),
    verdict: WANTED,
    act: "wait",
  },
  {
    what: "wanted, waited long enough",
    ctl: link(asked, { phase: "waiting", until: { mono: 10_000 } }),
    verdict: WANTED,
    act: "connect",
  },
  {
    what: "wanted, being probed",
    ctl: link(asked, { phase: "reaching", op: 1 }),
    verdict: WANTED,
    act: "none",
  },
  {
    what: "one operation at a time: connecting",
    ctl: link(bare, { phase: "connecting", op: 1 }),
    verdict: UNWANTED,
    act: "none",
  },
  {
    what: "one operation at a time: deleting",
    ctl: link(asked, { phase: "deleting", ref, op: 1, evidence: proof }),
    verdict: WANTED,
    act: "none",
  },
  { what: "unknown and connected", ctl: up(bare), verdict: HELD, act: "hold" },
  { what: "unknown, asked for, not connected", ctl: asked, verdict: HELD, act: "hold" },
  { what: "unknown, no source, no connection", ctl: bare, verdict: HELD, act: "forget" },
  {
    what: "unknown, from the state file, not looked for yet",
    ctl: { ...bare, restored: true },
    verdict: HELD,
    act: "hold",
  },
  { what: "unwanted and connected", ctl: up(bare), verdict: UNWANTED, act: "soak" },
  {
    what: "unwanted, soaking",
    ctl: { ...up(bare), removeAt: { mono: 10_001 } },
    verdict: UNWANTED,
    act: "soak",
  },
  {
    what: "unwanted, soaked",
    ctl: { ...up(bare), removeAt: { mono: 10_000 } },
    verdict: UNWANTED,
    act: "disconnect",
  },
  {
    what: "unwanted, nothing to soak",
    ctl: up(bare),
    verdict: UNWANTED,
    rules: { soak: { ms: 0 } },
    act: "disconnect",
  },
  {
    what: "unwanted, kernel unknown",
    ctl: up(bare),
    verdict: UNWANTED,
    kernel: UNREAD,
    act: "hold",
  },
  {
    what: "unwanted, device gone",
    ctl: up(bare),
    verdict: UNWANTED,
    kernel: NOTHING,
    act: "forget",
  },
  {
    what: "unwanted, not ours (S1)",
    ctl: { ...up(bare), removeAt: now },
    verdict: UNWANTED,
    kernel: having({ owner: "nvme-cli" }),
    act: "release",
  },
  {
    what: "unwanted, kept by the policy",
    ctl: { ...up(bare), removeAt: now },
    verdict: UNWANTED,
    rules: { whyKept: () => "no-disconnect" },
    act: "release",
  },
  {
    what: "unwanted, but the connection serves another (ISS-18)",
    ctl: { ...up(bare), removeAt: now },
    verdict: UNWANTED,
    kernel: shared({ phase: "up", ref, adopted: true }),
    act: "release",
  },
  {
    what: "unwanted, and being disconnected for another that it served",
    ctl: { ...up(bare), removeAt: now },
    verdict: UNWANTED,
    kernel: shared({ phase: "deleting", ref, op: 1, evidence: proof }),
    act: "going",
  },
  { what: "unwanted and not connected", ctl: bare, verdict: UNWANTED, act: "forget" },
  { what: "excluded, asked for, not connected", ctl: asked, verdict: EXCLUDED, act: "leave-to-others" },
  { what: "excluded, no source, not connected", ctl: bare, verdict: EXCLUDED, act: "forget" },
  {
    what: "excluded and connected",
    ctl: { ...up(asked), removeAt: now },
    verdict: EXCLUDED,
    act: "disconnect",
  },
  {
    what: "unwanted, from the state file, kernel unknown (S9)",
    ctl: { ...bare, restored: true },
    verdict: UNWANTED,
    kernel: UNREAD,
    act: "hold",
  },
  {
    what: "unwanted, from the state file, found connected (STAF-124)",
    ctl: { ...bare, restored: true },
    verdict: UNWANTED,
    kernel: CONNECTED,
    act: "adopt",
  },
  {
    what: "excluded and left to others: the connection is somebody else's",
    ctl: { ...asked, leftToOthers: true },
    verdict: EXCLUDED,
    kernel: CONNECTED,
    act: "leave-to-others",
  },
];

for (const { what, ctl, verdict, kernel, rules = {}, act } of CASES) {
  Deno.test(`${what}: ${act}`, () => {
    // Without a word about the kernel, it has the connection that the controller has.
    const has = kernel ?? ("ref" in ctl.link ? CONNECTED : NOTHING);
    const decision = decide(view(ctl, has, verdict, rules), ctl);
    assert.equal(decision.act, act);
    if (decision.act === "disconnect") assert.deepEqual([decision.target, decision.evidence], [ref, proof]);
  });
}
