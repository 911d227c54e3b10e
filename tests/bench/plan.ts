/**
 * Planning in stacd's core with 1,000 and with 10,000 controllers: a page that lists them for the first time, a page in
 * which one entry is new and one is gone, and one event of one device. What is to be seen: the cost of a controller does
 * not grow with their number, and a change among 1,000 is planned within 50 ms. `deno run tests/bench/plan.ts [--json]`
 */
import process from "node:process";
import { parseStacdConf } from "../../src/lib/config/stacd_conf.ts";
import { stepStacd } from "../../src/lib/core/stacd/stacd_step.ts";
import { emptyStacd, type StacdState } from "../../src/lib/core/stacd/stacd_state.ts";
import type { StacdEvent } from "../../src/lib/core/effects.ts";
import { ADRFAM, SUBTYPE, TCP_TSAS, TRTYPE } from "../../src/lib/nvme/discovery_entry.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import { normaliseTid } from "../../src/lib/nvme/tid.ts";
import type { ReportedDc } from "../../src/lib/ports.ts";
import { kernelCtrl } from "../unit/nvme/samples.ts";

export interface PlanResult {
  readonly name: string;
  readonly controllers: number;
  /** Median over the batches, in milliseconds of the processor's time for the whole step. */
  readonly ms: number;
  /** Fastest and slowest batch, likewise. */
  readonly range: readonly [number, number];
  /** Median, in microseconds for one controller. */
  readonly perController: number;
}

/** As often is a step measured, each time over so many rounds that the processor's time (in 10 ms) is told exactly. */
const BATCHES = 5;
const BATCH_MS = 300;
/** Rounds before that, for the JIT. */
const WARM_UP = 5;
const HOST = { nqn: "nqn.host", id: "46ba5037-7ce5-41fa-9452-48477bf00080", symname: "", key: undefined };
const DC = normaliseTid(
  { transport: "tcp", traddr: "10.255.0.1", subsysnqn: "nqn.2014-08.org.nvmexpress.discovery" },
  { hostNqn: HOST.nqn, ignoreIface: false },
);

const addressOf = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
const nqnOf = (n: number): string => `nqn.2014-08.org.example:storage:array-${n % 7}:subsystem-${n}`;

function page(genctr: number, from: number, to: number): ReportedDc {
  const entries = Array.from({ length: to - from }, (_, i) => ({
    trtype: TRTYPE.tcp,
    adrfam: ADRFAM.ipv4,
    subtype: SUBTYPE.nvme,
    treq: 0,
    portid: 1,
    cntlid: 65_535,
    asqsz: 32,
    eflags: 0,
    traddr: addressOf(from + i),
    trsvcid: "4420",
    subnqn: nqnOf(from + i),
    tsas: TCP_TSAS.none,
  }));
  return {
    tid: DC,
    device: "nvme0",
    page: "read",
    genctr: String(genctr),
    readAt: genctr,
    toldAt: null,
    entries,
  };
}

function device(n: number): KernelCtrl {
  return kernelCtrl({
    device: `nvme${n}`,
    incarnation: n,
    traddr: addressOf(n),
    trsvcid: "4420",
    subsysnqn: nqnOf(n),
    hostNqn: HOST.nqn,
    hostId: HOST.id,
    srcAddr: "10.255.0.9",
    owner: "stas",
  });
}

function play(state: StacdState, events: readonly StacdEvent[], mono: number): StacdState {
  return events.reduce((now, event) => stepStacd(now, event, { mono, wall: mono }).state, state);
}

function started(): StacdState {
  const parsed = parseStacdConf("", "stacd.conf");
  if (!parsed.ok) throw new Error("an empty file is valid");
  const eth0 = { index: 2, mac: "", up: true, v4: ["10.255.0.9"], v6: [] };
  return play(emptyStacd, [
    { type: "host", host: HOST },
    { type: "exclusions", exclusions: [] },
    { type: "config", conf: parsed.conf, reload: false },
    { type: "network", interfaces: new Map([["eth0", eth0]]) },
    { type: "stafd", present: true },
  ], 0);
}

/** The answer to the question that is under way. */
function report(state: StacdState, dc: ReportedDc): StacdEvent {
  const { op } = state.stafd;
  if (op === undefined) throw new Error("stacd has not asked");
  return { type: "fetched", op, outcome: { ok: true, value: { dcs: [dc], retired: [], unknowns: [] } } };
}

function asking(state: StacdState): StacdState {
  return play(state, [{ type: "stafd-changed" }], 0);
}

/** The processor's time of this thread, in milliseconds: others may be using the machine. */
function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** One step from one state, again and again. */
function measure(name: string, state: StacdState, event: StacdEvent, mono: number): PlanResult {
  const round = () => stepStacd(state, event, { mono, wall: mono });
  for (let i = 0; i < WARM_UP; i++) round();
  const times = Array.from({ length: BATCHES }, () => {
    const begin = cpu();
    let rounds = 0;
    while (cpu() < begin + BATCH_MS) {
      round();
      rounds++;
    }
    return (cpu() - begin) / rounds;
  }).toSorted((a, b) => a - b);
  const at = (n: number): number => times[n] ?? 0;
  const ms = at(BATCHES >> 1);
  const controllers = state.fleet.ctls.size || sizeOf(event);
  return {
    name,
    controllers,
    ms,
    range: [at(0), at(BATCHES - 1)],
    perController: ms * 1_000 / controllers,
  };
}

const sizeOf = (event: StacdEvent): number =>
  event.type === "fetched" && event.outcome.ok ? event.outcome.value.dcs[0]?.entries.length ?? 0 : 0;

export function planResults(sizes: readonly number[] = [1_000, 10_000]): PlanResult[] {
  return sizes.flatMap((n) => {
    const fresh = started();
    const first = report(fresh, page(1, 0, n));
    const listed = play(fresh, [first], 10);
    const { scan } = listed.fleet;
    if (scan === undefined) throw new Error("stacd has not looked at the kernel");
    const devices = Array.from({ length: n }, (_, i) => device(i));
    const scanned: StacdEvent = { type: "scanned", op: scan, outcome: { ok: true, value: devices } };
    const connected = asking(play(listed, [scanned], 20));
    if ([...connected.fleet.ctls.values()].some(({ link }) => link.phase !== "up")) {
      throw new Error("not all are up");
    }
    const changed = report(connected, page(2, 1, n + 1));
    const event: StacdEvent = { type: "device", cause: "change", ctrl: device(n >> 1) };
    return [
      measure("first page", fresh, first, 10),
      measure("adoption of all", listed, scanned, 20),
      measure("one new, one gone", connected, changed, 30),
      measure("event of one device", connected, event, 30),
    ];
  });
}

if (import.meta.main) {
  const results = planResults();
  if (Deno.args.includes("--json")) console.log(JSON.stringify(results));
  else {
    for (const { name, controllers, ms, range, perController } of results) {
      const whole = `${ms.toFixed(2)} ms (${range.map((one) => one.toFixed(2)).join(" to ")})`;
      console.log(
        `${name.padEnd(22)} ${String(controllers).padStart(6)}  ${whole.padEnd(32)} ${
          perController.toFixed(2)
        } us each`,
      );
    }
  }
}
