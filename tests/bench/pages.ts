/**
 * One event of a discovery controller (AEN) that changes one entry of its page, while 20 others have pages of 500
 * entries: every piece of work that this causes in stafd and in stacd. One page, as between our daemons: stafd's signal
 * names it, and stacd asks for it. Older: the page as texts. Index: what stacd asks for before that at its start, and
 * when several pages change at once; it then takes the whole report in. Whole: the answer with all pages, which a stacd
 * before 1.0.1 asks for, and the original's stafd gives. State: both daemons write all that they know for a restart,
 * after one page and one controller have changed. What is to be seen: no piece takes long enough to hold up anything
 * else. As the daemons run:
 * `deno run -A --v8-flags=--jitless tests/bench/pages.ts [--json]`
 */
import process from "node:process";
import { parseStacdConf } from "../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../src/lib/config/stafd_conf.ts";
import type { StacdEvent, StafdEffect, StafdEvent } from "../../src/lib/core/effects.ts";
import { stepStacd } from "../../src/lib/core/stacd/stacd_step.ts";
import { savedStacd } from "../../src/lib/core/saved/stacd_saved.ts";
import { savedStafd } from "../../src/lib/core/saved/stafd_saved.ts";
import { emptyStacd, type StacdState } from "../../src/lib/core/stacd/stacd_state.ts";
import { emptyStafd, type StafdState } from "../../src/lib/core/stafd/stafd_state.ts";
import { stepStafd } from "../../src/lib/core/stafd/stafd_step.ts";
import { pageIndex, pageReport, stafdReport } from "../../src/lib/daemon/report.ts";
import {
  pageInFields,
  pageInTexts,
  pagesInTexts,
  parsePage,
  parsePageEntries,
  parsePageIndex,
  parsePages,
} from "../../src/lib/dbus/v1_pages.ts";
import { DISCOVERY_LOG_CHANGED } from "../../src/lib/nvme/aen.ts";
import { withCtl } from "../../src/lib/core/fleet/fleet.ts";
import type { DiscoveryLog } from "../../src/lib/nvme/discovery_entry.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import { tidOfKey } from "../../src/lib/nvme/tid.ts";
import type { StafdReport } from "../../src/lib/ports.ts";

const OTHERS = 20;
const ENTRIES = 500;
/** So often a piece is measured, each time over so many rounds that the processor's time (in 10 ms) is told exactly. */
const BATCHES = 5;
const BATCH_MS = 300;
/** Rounds before that, for the JIT. */
const WARM_UP = 5;
const HOST = { nqn: "nqn.host", id: "46ba5037-7ce5-41fa-9452-48477bf00080", symname: "", key: undefined };
const DISCOVERY = "nqn.2014-08.org.nvmexpress.discovery";
const INTERFACES = new Map([["eth0", { index: 2, mac: "", up: true, v4: ["10.255.0.9"], v6: [] }]]);

const device = (n: number): KernelCtrl => ({
  device: `nvme${n}`,
  incarnation: n + 1,
  transport: "tcp",
  traddr: `10.255.1.${n + 1}`,
  trsvcid: "8009",
  subsysnqn: DISCOVERY,
  hostNqn: HOST.nqn,
  hostId: HOST.id,
  hostTraddr: "",
  hostIface: "",
  srcAddr: "10.255.0.9",
  state: "live",
  cntrltype: "discovery",
  dctype: "ddc",
  cntlid: "1",
  model: "",
  serial: "",
  isDc: true,
  isIoc: false,
  owner: "stas",
  namespaces: [],
});

/** The page of the n-th discovery controller; `shift`: so many entries are others than at first. */
function log(n: number, shift: number): DiscoveryLog {
  const entries = Array.from({ length: ENTRIES }, (_, i) => ({
    trtype: 3,
    adrfam: 1,
    subtype: 2,
    treq: 0,
    portid: 1,
    cntlid: 65_535,
    asqsz: 32,
    eflags: 0,
    traddr: `10.${n}.${(i + shift) >> 8}.${(i + shift) & 255}`,
    trsvcid: "4420",
    subnqn: `nqn.2014-08.org.example:storage:array-${n}:subsystem-${i + shift}`,
    tsas: { kind: "tcp" as const, sectype: "none" as const },
  }));
  return { genctr: BigInt(shift + 1), entries };
}

/** stafd with all pages read. */
function stafd(): StafdState {
  const lines = Array.from(
    { length: OTHERS + 1 },
    (_, n) => `controller=transport=tcp;traddr=10.255.1.${n + 1}`,
  );
  const parsed = parseStafdConf(`[Controllers]\n${lines.join("\n")}\n`, "stafd.conf");
  if (!parsed.ok) throw new Error("the file is valid");
  let state = emptyStafd;
  const queue: StafdEvent[] = [
    { type: "host", host: HOST },
    { type: "exclusions", exclusions: [] },
    { type: "network", interfaces: INTERFACES },
    { type: "config", conf: parsed.conf, reload: false },
  ];
  const numberOf = (key: string): number => Number(tidOfKey(key)?.traddr.split(".")[3]) - 1;
  const answer = (effect: StafdEffect): StafdEvent | undefined => {
    switch (effect.do) {
      case "scan": {
        const value = Array.from({ length: OTHERS + 1 }, (_, n) => device(n));
        return { type: "scanned", op: effect.op, outcome: { ok: true, value } };
      }
      case "register":
        return {
          type: "registered",
          op: effect.op,
          key: effect.key,
          outcome: { ok: true, value: undefined },
        };
      case "supported-logs":
        return { type: "supported-logs", op: effect.op, key: effect.key, outcome: { ok: true, value: 0 } };
      case "read-log": {
        const value = log(numberOf(effect.key), 0);
        return { type: "log-read", op: effect.op, key: effect.key, outcome: { ok: true, value } };
      }
      case "save":
        return { type: "saved", op: effect.op, outcome: { ok: true, value: undefined } };
      default:
        return undefined;
    }
  };
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
    const step = stepStafd(state, event, { mono: 10, wall: 10 });
    state = step.state;
    queue.push(...step.effects.flatMap((effect) => answer(effect) ?? []));
  }
  const read = [...state.dcs.values()].filter(({ page }) => page?.entries.length === ENTRIES).length;
  if (read !== OTHERS + 1) throw new Error(`${read} pages instead of ${OTHERS + 1}`);
  return state;
}

const play = (state: StacdState, events: readonly StacdEvent[]): StacdState =>
  events.reduce((now, event) => stepStacd(now, event, { mono: 10, wall: 10 }).state, state);

function fetched({ stafd: { op } }: StacdState, value: StafdReport): StacdEvent {
  if (op === undefined) throw new Error("stacd has not asked");
  return { type: "fetched", op, outcome: { ok: true, value } };
}

/** stacd with all of stafd's pages, and everything on them connected. */
function stacd(report: StafdReport): StacdState {
  const parsed = parseStacdConf("", "stacd.conf");
  if (!parsed.ok) throw new Error("an empty file is valid");
  const asking = play(emptyStacd, [
    { type: "host", host: HOST },
    { type: "exclusions", exclusions: [] },
    { type: "config", conf: parsed.conf, reload: false },
    { type: "network", interfaces: INTERFACES },
    { type: "stafd", present: true },
  ]);
  const listed = play(asking, [fetched(asking, report)]);
  const { scan } = listed.fleet;
  if (scan === undefined) throw new Error("stacd has not looked at the kernel");
  const value = [...listed.fleet.ctls.values()].map(({ tid }, n): KernelCtrl => ({
    ...device(n),
    ...tid,
    cntrltype: "io",
    dctype: "",
    isDc: false,
    isIoc: true,
  }));
  const state = play(listed, [{ type: "scanned", op: scan, outcome: { ok: true, value } }]);
  if ([...state.fleet.ctls.values()].some(({ link }) => link.phase !== "up")) {
    throw new Error("not all are connected");
  }
  return state;
}

/** One page is another one than when the state was written last. */
function withOtherPage(state: StafdState, key: string): StafdState {
  const dc = state.dcs.get(key);
  if (dc?.page === undefined) throw new Error("the page is gone");
  return {
    ...state,
    dcs: state.dcs.with(key, { ...dc, page: { ...dc.page, entries: [...dc.page.entries] } }),
  };
}

/** One controller is another one than when the state was written last. */
function withOtherCtl(state: StacdState): StacdState {
  const [ctl] = state.fleet.ctls.values();
  if (ctl === undefined) throw new Error("no controllers");
  return { ...state, fleet: withCtl(state.fleet, { ...ctl }) };
}

export interface PieceResult {
  readonly way: "one page" | "older" | "index" | "whole" | "state";
  readonly daemon: "stafd" | "stacd";
  readonly piece: string;
  /** Median and slowest batch, in milliseconds of the processor's time of this thread. */
  readonly ms: number;
  readonly slowest: number;
}

function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

export function pieceResults(batchMs = BATCH_MS): PieceResult[] {
  const now = { mono: 20, wall: 20 };
  const before = stafd();
  const key = [...before.dcs.keys()][0] ?? "";
  const link = before.fleet.ctls.get(key)?.link;
  if (link?.phase !== "up") throw new Error("the controller is not connected");
  const aen: StafdEvent = { type: "aen", device: link.ref.device, value: DISCOVERY_LOG_CHANGED };
  const hears = () => stepStafd(before, aen, now);
  const told = hears().state;
  const job = told.dcs.get(key)?.job;
  if (job === undefined) throw new Error("stafd does not read the page");
  const value = log(Number(link.ref.device.slice("nvme".length)), 1);
  const readAgain = () =>
    stepStafd(told, { type: "log-read", op: job.op, key, outcome: { ok: true, value } }, now);
  const after = readAgain().state;
  const tid = after.fleet.ctls.get(key)?.tid;
  if (tid === undefined) throw new Error("the controller is gone");
  const index = () => JSON.stringify(pageIndex(after, now));
  const dc = pageReport(after, now, tid);
  if (dc === undefined) throw new Error("the page is gone");
  const page = () => JSON.stringify(pageInFields(pageReport(after, now, tid)));
  const texted = () => JSON.stringify(pageInTexts(pageReport(after, now, tid)));
  const whole = () => JSON.stringify(pagesInTexts(stafdReport(after, now)));
  const texts = { index: index(), page: page(), texted: texted(), whole: whole() };
  const state = stacd(stafdReport(before, now));
  const signalled = () => stepStacd(state, { type: "stafd-changed", page: tid }, now);
  const asking = signalled().state;
  const only = { dcs: [dc], retired: [], unknowns: [], only: true } as const;
  const next = stafdReport(after, now);
  const takes = (report: StafdReport) => () => stepStacd(asking, fetched(asking, report), now);
  const report = takes(next);
  const one = takes(only);
  for (const taken of [one, report]) {
    if (taken().state.fleet.ctls.size !== (OTHERS + 1) * ENTRIES + 1) {
      throw new Error("the new entry is missing");
    }
  }
  const pieces: readonly (readonly [PieceResult["way"], PieceResult["daemon"], string, () => unknown])[] = [
    ["one page", "stafd", "the event is heard", hears],
    ["one page", "stafd", "the page is taken in", readAgain],
    ["one page", "stacd", "the signal is heard", signalled],
    ["one page", "stafd", "the page is written", page],
    ["older", "stafd", "the page is written as texts", texted],
    ["one page", "stacd", "the page is parsed", () => parsePageEntries(texts.page)],
    ["older", "stacd", "its texts are parsed", () => parsePage(texts.texted)],
    ["one page", "stacd", "the page is taken in", one],
    ["index", "stafd", "the index is written", index],
    ["index", "stacd", "the index is parsed", () => parsePageIndex(texts.index)],
    ["index", "stacd", "the report is taken in", report],
    ["whole", "stafd", "all pages are written", whole],
    ["whole", "stacd", "all pages are parsed", () => parsePages(texts.whole)],
    ["state", "stafd", "the state is written", () => savedStafd(withOtherPage(after, key))],
    ["state", "stacd", "the state is written", () => savedStacd(withOtherCtl(state))],
  ];
  return pieces.map(([way, daemon, piece, run]) => {
    for (let i = 0; i < WARM_UP; i++) run();
    const times = Array.from({ length: BATCHES }, () => {
      const begin = cpu();
      let rounds = 0;
      for (; cpu() < begin + batchMs; rounds++) run();
      return (cpu() - begin) / rounds;
    }).toSorted((a, b) => a - b);
    return { way, daemon, piece, ms: times[BATCHES >> 1] ?? 0, slowest: times.at(-1) ?? 0 };
  });
}

if (import.meta.main) {
  const results = pieceResults();
  if (Deno.args.includes("--json")) console.log(JSON.stringify(results));
  else {
    for (const { way, daemon, piece, ms, slowest } of results) {
      const of = `${way.padEnd(8)} ${daemon}  ${piece.padEnd(28)}`;
      console.log(`${of} ${ms.toFixed(2).padStart(8)} ms   (slowest ${slowest.toFixed(2)} ms)`);
    }
  }
}
