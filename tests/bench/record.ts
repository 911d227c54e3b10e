/**
 * The flight recorder: what noting one event costs, and what it keeps in memory. With `--v8-flags=--jitless`, as the
 * daemons run. `deno run --v8-flags=--jitless,--expose-gc tests/bench/record.ts [--json]`
 */
import process from "node:process";
import { Encoding } from "../../src/lib/daemon/record/encode.ts";
import { MAX_BYTES, MAX_EVENTS, Recorder } from "../../src/lib/daemon/record/recorder.ts";

interface Event {
  readonly type: string;
  readonly key?: string;
  readonly [field: string]: unknown;
}

const ctrl = (n: number): object => ({
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
  namespaces: [`nvme${n}n1`],
});

const states = (count: number): Event => ({
  type: "states",
  op: 1,
  states: new Map(Array.from({ length: count }, (_, n) => [`nvme${n}`, "live"])),
});

const KINDS: readonly (readonly [name: string, rounds: number, make: (n: number) => Event])[] = [
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

const results = KINDS.map(([name, rounds, make]) => {
  const recorder = new Recorder<object, Event>();
  const events = Array.from({ length: 10 }, (_, n) => make(n));
  const note = (n: number): void => {
    const event = events[n % events.length];
    if (event !== undefined) recorder.note({}, event, { mono: n, wall: n });
  };
  for (let n = 0; n < 50; n++) note(n);
  const begin = process.cpuUsage();
  for (let n = 0; n < rounds; n++) note(n);
  const { user, system } = process.cpuUsage(begin);
  return { name, ns: Math.round((user + system) * 1000 / rounds) };
});

/** A host with 1,000 paths, in which connections come and go, until both generations are full. */
const recorder = new Recorder<object, Event>();
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
  const event = n % 3 === 0
    ? { type: "tick" }
    : n % 3 === 1
    ? states(1_000)
    : { type: "connected", op: n, key: `k${n}`, outcome: { ok: true, value } };
  recorder.note({}, event, { mono: n, wall: n });
}
collect();
const kept = {
  events: recorder.recorded({}).events.length,
  estimated: recorder.bytes,
  heap: heap() - before,
};
const encoding = new Encoding(recorder.recorded({}));
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
  console.log(JSON.stringify({ results, kept, written, limit: 4 * MAX_BYTES }));
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
