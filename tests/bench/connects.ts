/**
 * stacd's core while it connects: what each connection costs with 50, 200 and 1,024 of them in one page, from the first
 * test of a target to the last connection. Each connection takes the steps that it takes on a host: its test, the kernel's
 * event for the new device, the kernel's return, the event that it is connected, and the outcome. What is to be seen: a
 * connection costs the same however many wait. "To the next connect" is what lies between two connects in the kernel: the
 * step that the kernel's return causes. As the daemons run:
 * `deno run -A --v8-flags=--jitless tests/bench/connects.ts [--json]`
 */
import type { Outcome } from "../../src/lib/base/failure.ts";
import { parseStacdConf } from "../../src/lib/config/stacd_conf.ts";
import { nextTime } from "../../src/lib/core/fleet/agenda.ts";
import type { StacdEffect, StacdEvent } from "../../src/lib/core/effects.ts";
import { emptyStacd, type StacdState } from "../../src/lib/core/stacd/stacd_state.ts";
import { stepStacd } from "../../src/lib/core/stacd/stacd_step.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import { normaliseTid, type Tid } from "../../src/lib/nvme/tid.ts";
import type { FetchedReport } from "../../src/lib/ports.ts";
import { discoveryEntry, kernelCtrl } from "../unit/nvme/samples.ts";

const SIZES: readonly number[] = [50, 200, 1_024];
/** So often all are connected; each step counts with its fastest time, because others may be using the machine. */
const PLAYS = 5;
const HOST = { nqn: "nqn.host", id: "46ba5037-7ce5-41fa-9452-48477bf00080", symname: "", key: undefined };
const DC = normaliseTid(
  { transport: "tcp", traddr: "10.255.0.1", subsysnqn: "nqn.2014-08.org.nvmexpress.discovery" },
  { hostNqn: HOST.nqn, ignoreIface: false },
);
const INTERFACES = new Map([["eth0", { index: 2, mac: "", up: true, v4: ["10.255.0.9"], v6: [] }]]);

/** The steps of one connection, in their order; what else there is counts as "other". */
const STEPS = [
  "reached",
  "new device",
  "kernel-free",
  "connected event",
  "connected",
  "saved",
  "tick",
] as const;
type StepName = typeof STEPS[number] | "other";

export interface ConnectsResult {
  readonly connections: number;
  /** Milliseconds of the core for one connection, in all and by step. */
  readonly each: number;
  readonly steps: Readonly<Record<StepName, number>>;
  /** The most counted work of one step from the kernel's return to the next connect. */
  readonly work: number;
}

const report = (count: number): FetchedReport => ({
  retired: [],
  unknowns: [],
  dcs: [{
    tid: DC,
    device: "nvme0",
    page: "read",
    genctr: "1",
    readAt: 0,
    toldAt: null,
    entries: Array.from({ length: count }, (_, n) =>
      discoveryEntry({
        traddr: `10.0.${n >> 8}.${n & 255}`,
        subnqn: `nqn.2014-08.org.example:storage:array-${n % 7}:subsystem-${n}`,
      })),
  }],
});

const made = (n: number, tid: Tid): KernelCtrl =>
  kernelCtrl({
    ...tid,
    device: `nvme${n}`,
    incarnation: n,
    hostNqn: HOST.nqn,
    hostId: HOST.id,
    srcAddr: "10.255.0.9",
    owner: "stas",
  });

/** One step of the play. */
interface Played {
  readonly name: StepName;
  readonly event: StacdEvent;
  readonly before: StacdState;
  readonly after: StacdState;
  readonly effects: readonly StacdEffect[];
  readonly ms: number;
  readonly work: number;
}

/** What the world answers to an effect, in the order of the answers. */
function answersTo(
  effect: StacdEffect,
  count: number,
  saved: () => Outcome<void>,
  nextDevice: () => number,
): readonly (readonly [StepName, StacdEvent])[] {
  switch (effect.do) {
    case "scan":
      return [["other", { type: "scanned", op: effect.op, outcome: { ok: true, value: [] } }]];
    case "fetch":
      return [["other", { type: "fetched", op: effect.op, outcome: { ok: true, value: report(count) } }]];
    case "reach": {
      const { op, key } = effect;
      return [["reached", { type: "reached", op, key, outcome: { ok: true, value: undefined } }]];
    }
    case "save":
      return [["saved", { type: "saved", op: effect.op, outcome: saved() }]];
    case "connect": {
      const { op, key, request: { tid } } = effect;
      const ctrl = made(nextDevice(), tid);
      const begun: KernelCtrl = { ...ctrl, state: "connecting", owner: "" };
      return [
        ["new device", { type: "device", cause: "add", ctrl: begun }],
        ["kernel-free", { type: "kernel-free", op }],
        ["connected event", { type: "device", cause: "connected", ctrl }],
        ["connected", { type: "connected", op, key, outcome: { ok: true, value: ctrl } }],
      ];
    }
    default:
      return [];
  }
}

const TICK: readonly [StepName, StacdEvent] = ["tick", { type: "tick" }];

/** Connects all of a page, step by step; a step takes a millisecond. `saved`: how a save ends. */
export function* connecting(
  count: number,
  saved: () => Outcome<void> = () => ({ ok: true, value: undefined }),
): Generator<Played, void> {
  const parsed = parseStacdConf("", "stacd.conf");
  if (!parsed.ok) throw new Error("an empty file is valid");
  let state = emptyStacd;
  let mono = 10;
  let device = 0;
  const queue: (readonly [StepName, StacdEvent])[] = [
    ["other", { type: "host", host: HOST }],
    ["other", { type: "exclusions", exclusions: [] }],
    ["other", { type: "network", interfaces: INTERFACES }],
    ["other", { type: "config", conf: parsed.conf, reload: false }],
    ["other", { type: "stafd", present: true }],
  ];
  while (queue.length > 0) {
    mono++;
    const isTick = (nextTime(state.fleet.agenda)?.mono ?? Infinity) <= mono;
    const [name, event] = (isTick ? TICK : queue.shift()) ?? TICK;
    const before = state;
    const begin = performance.now();
    const step = stepStacd(state, event, { mono, wall: mono });
    const ms = performance.now() - begin;
    state = step.state;
    yield { name, event, before, after: state, effects: step.effects, ms, work: step.work ?? 0 };
    for (const effect of step.effects) queue.push(...answersTo(effect, count, saved, () => device++));
  }
  const up = [...state.fleet.ctls.values()].filter(({ link }) => link.phase === "up").length;
  if (up !== count) throw new Error(`${up} of ${count} are connected`);
}

export function connectsResults(sizes: readonly number[] = SIZES, plays = PLAYS): ConnectsResult[] {
  return sizes.map((connections) => {
    const all = Array.from(
      { length: plays },
      () => [...connecting(connections)].map(({ name, ms, work }) => ({ name, ms, work })),
    );
    const fastest = (all[0] ?? []).map((step, n) => ({
      ...step,
      ms: Math.min(...all.map((steps) => steps[n]?.ms ?? Infinity)),
    }));
    const steps: Record<StepName, number> = {
      "reached": 0,
      "new device": 0,
      "kernel-free": 0,
      "connected event": 0,
      "connected": 0,
      "saved": 0,
      "tick": 0,
      "other": 0,
    };
    let work = 0;
    for (const { name, ms, work: counted } of fastest) {
      steps[name] += ms / connections;
      if (name === "kernel-free") work = Math.max(work, counted);
    }
    const each = STEPS.reduce((sum, name) => sum + steps[name], 0);
    return { connections, each, steps, work };
  });
}

if (import.meta.main) {
  const results = connectsResults();
  if (Deno.args.includes("--json")) console.log(JSON.stringify(results));
  else {
    for (const { connections, each, steps, work } of results) {
      console.log(`${connections} connections: ${each.toFixed(3)} ms each; at most ${work} pieces of work`);
      for (const [name, ms] of Object.entries(steps)) console.log(`  ${name.padEnd(16)} ${ms.toFixed(3)} ms`);
    }
  }
}
