/** The planner alone: every kind of decision, from what is wanted, what the kernel has, and the policy. */
import assert from "node:assert/strict";
import { type Ctl, newCtl, withClaim } from "../../../src/lib/core/controller/ctl.ts";
import type { Evidence, Proof } from "../../../src/lib/core/planning/evidence.ts";
import {
  decide,
  type Decision,
  type KernelView,
  type Rules,
  type Verdict,
} from "../../../src/lib/core/planning/planner.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { tidKey } from "../../../src/lib/nvme/tid.ts";
import { TID as tid } from "./tid.ts";

const entry = { subtype: "nvme" };
const claim = { kind: "log-page", dc: "dc", dcText: "dc", genctr: "1", readAt: 0, entry, also: [] } as const;
const evidence: Evidence = { kind: "config", file: "stacd.conf", line: 1, what: "exclude" };
const proof: Proof = [evidence];
const device: KernelCtrl = {
  device: "nvme1",
  incarnation: 5,
  ...tid,
  hostId: "",
  srcAddr: "",
  state: "live",
  cntrltype: "io",
  dctype: "",
  cntlid: "1",
  model: "",
  serial: "",
  isDc: false,
  isIoc: true,
  owner: "",
  namespaces: [],
};
const ref = { device: "nvme1", incarnation: 5 };
const now = { mono: 10_000, wall: 0 };

const bare = newCtl(tidKey(tid), tid, 0);
const asked = withClaim(bare, "page:dc", claim);
const link = (ctl: Ctl, to: Ctl["link"]): Ctl => ({ ...ctl, link: to });
const up = (ctl: Ctl): Ctl => link(ctl, { phase: "up", ref, adopted: false });

const kernel: KernelView = {
  fresh: true,
  device: () => device,
  find: () => undefined,
  forming: () => undefined,
  shield: () => undefined,
  otherUser: () => undefined,
  isGoing: () => false,
  siblings: () => ({ stays: () => false, wanted: undefined, unknown: undefined }),
};

const rules = (verdict: Verdict, more: Partial<Rules> = {}): Rules => ({
  verdict: () => verdict,
  bar: () => undefined,
  keep: () => undefined,
  soak: { ms: 1_000 },
  guard: undefined,
  unheard: undefined,
  confirmed: () => true,
  request: () => {
    throw new Error("the planner connects nothing itself");
  },
  ...more,
});

const WANTED: Verdict = { is: "wanted" };
const HELD: Verdict = { is: "held", why: "unknown" };
const EXCLUDED: Verdict = { is: "excluded", evidence: proof };
const UNWANTED: Verdict = { is: "unwanted", evidence: proof };

interface Case {
  readonly what: string;
  readonly ctl: Ctl;
  readonly verdict: Verdict;
  readonly kernel?: Partial<KernelView>;
  readonly rules?: Partial<Rules>;
  readonly act: Decision["act"];
}

const CASES: readonly Case[] = [
  { what: "wanted and not connected", ctl: asked, verdict: WANTED, act: "connect" },
  { what: "wanted and connected", ctl: up(asked), verdict: WANTED, act: "none" },
  { what: "wanted, kernel unknown", ctl: asked, verdict: WANTED, kernel: { fresh: false }, act: "hold" },
  {
    what: "wanted, found connected",
    ctl: asked,
    verdict: WANTED,
    kernel: { find: () => device },
    act: "adopt",
  },
  {
    what: "wanted, somebody is connecting it",
    ctl: asked,
    verdict: WANTED,
    kernel: { forming: () => device },
    act: "hold",
  },
  { what: "wanted, barred", ctl: asked, verdict: WANTED, rules: { bar: () => "NCC" }, act: "hold" },
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
    ctl: { ...up(bare), doom: { mono: 10_001 } },
    verdict: UNWANTED,
    act: "soak",
  },
  {
    what: "unwanted, soaked",
    ctl: { ...up(bare), doom: { mono: 10_000 } },
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
    kernel: { fresh: false },
    act: "hold",
  },
  {
    what: "unwanted, device gone",
    ctl: up(bare),
    verdict: UNWANTED,
    kernel: { device: () => undefined },
    act: "forget",
  },
  {
    what: "unwanted, not ours (S1)",
    ctl: { ...up(bare), doom: now },
    verdict: UNWANTED,
    kernel: { shield: () => "booted from it" },
    act: "release",
  },
  {
    what: "unwanted, kept by the policy",
    ctl: { ...up(bare), doom: now },
    verdict: UNWANTED,
    rules: { keep: () => "no-disconnect" },
    act: "release",
  },
  {
    what: "unwanted, but the connection serves another (ISS-18)",
    ctl: { ...up(bare), doom: now },
    verdict: UNWANTED,
    kernel: { otherUser: () => asked },
    act: "release",
  },
  {
    what: "unwanted, and being disconnected for another that it served",
    ctl: { ...up(bare), doom: now },
    verdict: UNWANTED,
    kernel: { isGoing: () => true },
    act: "going",
  },
  { what: "unwanted and not connected", ctl: bare, verdict: UNWANTED, act: "forget" },
  { what: "excluded, asked for, not connected", ctl: asked, verdict: EXCLUDED, act: "rest" },
  { what: "excluded, no source, not connected", ctl: bare, verdict: EXCLUDED, act: "forget" },
  { what: "excluded and connected", ctl: { ...up(asked), doom: now }, verdict: EXCLUDED, act: "disconnect" },
  {
    what: "unwanted, from the state file, kernel unknown (S9)",
    ctl: { ...bare, restored: true },
    verdict: UNWANTED,
    kernel: { fresh: false },
    act: "hold",
  },
  {
    what: "unwanted, from the state file, found connected (STAF-124)",
    ctl: { ...bare, restored: true },
    verdict: UNWANTED,
    kernel: { find: () => device },
    act: "adopt",
  },
  {
    what: "excluded and resting: the connection is somebody else's",
    ctl: { ...asked, resting: true },
    verdict: EXCLUDED,
    kernel: { find: () => device },
    act: "rest",
  },
];

for (const { what, ctl, verdict, kernel: view, rules: more, act } of CASES) {
  Deno.test(`${what}: ${act}`, () => {
    const decision = decide(ctl, { ...kernel, ...view }, rules(verdict, more), now);
    assert.equal(decision.act, act);
    if (decision.act === "disconnect") assert.deepEqual([decision.target, decision.evidence], [ref, proof]);
  });
}
