/**
 * The flight recorder: what noting one event costs, and what it keeps in memory. With `--v8-flags=--jitless`, as the
 * daemons run. `deno run --v8-flags=--jitless,--expose-gc tests/bench/record.ts [--json]`
 */
import process from "node:process";
import type { StacdEvent } from "../../src/lib/core/effects.ts";
import { emptyStacd } from "../../src/lib/core/stacd/stacd_state.ts";
import { Encoding } from "../../src/lib/daemon/record/encode.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import { MAX_EVENTS, Recorder } from "../../src/lib/daemon/record/recorder.ts";

export interface RecordResult {
  /** The cost of noting an event of each kind, in nanoseconds. */
  readonly results: readonly { readonly name: string; readonly ns: number }[];
  readonly kept: { readonly events: number; readonly estimated: number; readonly heap: number };
  readonly written: { readonly characters: number; readonly ms: number; readonly longestPieceMs: number };
}

const ctrl = (n: number): KernelCtrl => ({
  device: `nvme${n}`,
  incarnation: n,
  transport: "tcp",
  traddr: `10.0.${n >> 8}.${n & 255}`,
  trsvcid: "4420",
  subsysnqn: `nqn.2014-08.org.example:array-${n}`,
  hostTraddr: "",
  hostIface: "eth0",
  hostNqn: "nqn.2014-08.org.nvmexpress:uuid:46ba5037-7ce5-41fa-9452-48477bf00080",
  hostId: "46ba5037-7ce5-41fa-9452-48477bf00080",
  state: "live",
  cntrltype: "io",
  isDc: false,
  isIoc: true,
  serial: `${n}`,
  srcAddr: "10.0.0.1",
  dctype: "",
  cntlid: "1",
  model: "Linux",
  owner: "stacd",
  namespaces: [`nvme${n}n1`],
});

const states = (count: number): StacdEvent => ({
  type: "states",
  op: 1,
  states: new Map(Array.from({ length: count }, (_, n) => [`nvme${n}`, "live"])),
});

const KINDS: readonly (readonly [name: string, rounds: number, make: (n: number) => StacdEvent])[] = [
  ["tick", 20_000, () => ({ type: "tick" })],
  [
    "connected",
    5_000,
    (n) => ({ type: "connected", op: n, key: `k${n % 100}`, outcome: { ok: true, value: ctrl(n) } }),
  ],
  ["states of 10", 5_000, () => states(10)],
  ["states of 1,000", 200, () => states(1_000)],
  ["scan of 1,000", 20, () => ({
    type: "scanned",
    op: 1,
    outcome: { ok: true, value: Array.from({ length: 1_000 }, (_, n) => ctrl(n)) },
  })],
];

/** Rounds before that, for the JIT. */
const WARM_UP = 50;

const results = KINDS.map(([name, rounds, make]) => {
  const recorder = new Recorder<typeof emptyStacd, StacdEvent>();
  const events = Array.from({ length: rounds + WARM_UP }, (_, n) => make(n));
  const note = (n: number): void => {
    const event = events[n];
    if (event !== undefined) recorder.note(emptyStacd, event, { mono: n, wall: n });
  };
  for (let n = 0; n < WARM_UP; n++) note(n);
  const begin = process.cpuUsage();
  for (let n = WARM_UP; n < rounds + WARM_UP; n++) note(n);
  const { user, system } = process.cpuUsage(begin);
  return { name, ns: Math.round((user + system) * 1000 / rounds) };
});

/** A host with 1,000 paths, in which connections come and go, until both generations are full. */
const recorder = new Recorder<typeof emptyStacd, StacdEvent>();
/** Where --expose-gc is given. */
function collect(): void {
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc === "function") gc();
}
const heap = (): number => Deno.memoryUsage().heapUsed;
collect();
const before = heap();
for (let n = 0; n < 3 * MAX_EVENTS; n++) {
  const value = ctrl(n);
  const event: StacdEvent = n % 3 === 0
    ? { type: "tick" }
    : n % 3 === 1
    ? states(1_000)
    : { type: "connected", op: n, key: `k${n}`, outcome: { ok: true, value } };
  recorder.note(emptyStacd, event, { mono: n, wall: n });
}
collect();
const kept = {
  events: recorder.recorded(emptyStacd).events.length,
  estimated: recorder.bytes,
  heap: heap() - before,
};
const encoding = new Encoding(recorder.recorded(emptyStacd));
const began = performance.now();
let [characters, longest] = [0, 0];
for (;;) {
  const at = performance.now();
  const piece = encoding.next(32 * 1024);
  if (piece === undefined) break;
  characters += piece.length;
  longest = Math.max(longest, performance.now() - at);
}
const written = { characters, ms: performance.now() - began, longestPieceMs: longest };

if (Deno.args.includes("--json")) {
  const result: RecordResult = { results, kept, written };
  console.log(JSON.stringify(result));
} else {
  for (const { name, ns } of results) {
    console.log(`${name.padEnd(20)} ${(ns / 1000).toFixed(1).padStart(9)} us for one event`);
  }
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);
  console.log(`kept: ${kept.events} events, ${mb(kept.heap)} MB (estimated ${mb(kept.estimated)})`);
  console.log(
    `written: ${characters} characters in ${written.ms.toFixed(0)} ms, a piece in ${
      longest.toFixed(1)
    } ms at most`,
  );
}
