/** The flight recorder: what it keeps, and how it is written and read. */
import type { KernelState } from "../../../src/lib/nvme/kernel_state.ts";
import assert from "node:assert/strict";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import type { StacdEvent } from "../../../src/lib/core/effects.ts";
import { emptyFleet, type Fleet } from "../../../src/lib/core/fleet/fleet.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { emptyStacd } from "../../../src/lib/core/stacd/stacd_state.ts";
import { Table } from "../../../src/lib/base/table.ts";
import { decoded } from "../../../src/lib/daemon/record/decode.ts";
import { dataOf, FORMAT, headOf, recordingOf, SHAPES } from "../../../src/lib/daemon/record/document.ts";
import { Encoding, MAX_DEPTH } from "../../../src/lib/daemon/record/encode.ts";
import { MAX_BYTES, MAX_EVENTS, Recorder } from "../../../src/lib/daemon/record/recorder.ts";
import { LastLines } from "../../../src/lib/daemon/record/last_lines.ts";
import { Reports } from "../../../src/lib/daemon/record/reports.ts";
import { copied, difference } from "../../../src/lib/daemon/record/values.ts";
import { Secret } from "../../../src/lib/base/secret.ts";
import { kernelCtrl } from "../nvme/samples.ts";
import { FACTS } from "./facts.ts";

const itself = (value: object): object => value;

function written(
  value: object,
  identity = itself,
  length = 1,
): { readonly text: string; readonly masked: number } {
  const encoding = new Encoding(value, identity);
  let text = "";
  for (let part = encoding.next(length); part !== undefined; part = encoding.next(length)) text += part;
  return { text, masked: encoding.masked };
}

function again(value: object, identity = itself): unknown {
  const read = decoded(JSON.parse(written(value, identity).text));
  if (!read.ok) return assert.fail(read.message);
  return read.value;
}

const refusal = (document: unknown): string => {
  const read = decoded(document);
  return read.ok ? "" : read.message;
};

Deno.test("every kind of value comes back as it was", () => {
  const shared = { at: 1 };
  const values = {
    none: undefined,
    nothing: null,
    text: 'a "b" \u{1F600} \n',
    numbers: [0, -0, 1.5, Infinity, -Infinity, NaN, 2 ** 53],
    big: 2n ** 70n,
    bytes: new Uint8Array([0, 255, 16]),
    map: new Map<unknown, unknown>([["b", shared], ["a", undefined], [3, [shared]]]),
    set: new Set([3, 1, "x"]),
    table: Table.empty<unknown>().with("x", shared).with("y", new Map()).with("z", undefined),
    odd: { $: "map", of: 3, ["__proto__"]: 4 },
    empty: [{}, [], new Map(), new Set(), Table.empty()],
    again: shared,
  };
  const back = again(values);
  assert.equal(difference(back, values), undefined);
  assert.ok(typeof back === "object" && back !== null && "again" in back && "map" in back);
  assert.ok(back.map instanceof Map && back.map.get("b") === back.again, "the same object once");
});

Deno.test("what is nested deeply comes back, and its text is not nested so deeply", () => {
  let heap: object = { end: true };
  for (let n = 0; n < 20_000; n++) heap = { n, left: heap };
  const { text } = written({ heap });
  let [depth, deepest] = [0, 0];
  for (const c of text) {
    depth += c === "{" || c === "[" ? 1 : c === "}" || c === "]" ? -1 : 0;
    deepest = Math.max(deepest, depth);
  }
  assert.ok(deepest <= MAX_DEPTH + 3, `${deepest}`);
  let one: unknown = again({ heap });
  let levels = 0;
  while (typeof one === "object" && one !== null) {
    one = Object.values(one).at(-1);
    levels++;
  }
  assert.equal(levels, 20_002);
});

Deno.test("what cannot be written is refused when it is read, and stops nothing", () => {
  assert.match(refusal(JSON.parse(written({ f: () => 1 }).text)), /could not write a function/);
  assert.match(refusal(JSON.parse(written({ at: new Date(0) }).text)), /could not write a Date/);
});

Deno.test("a text that is no recording is refused", () => {
  const wrong: readonly unknown[] = [
    {},
    [],
    ["x"],
    [{ $: "what" }],
    [[{ $: "same", n: 9 }]],
    [[{ $: "same", n: 0 }]],
    [[{ $: "same" }]],
    [[{ $: "later", n: 7 }]],
    [[{ $: "later", n: 1 }]],
    [{}, {}],
    [{ $: "map", of: [[1]] }],
    [{ $: "set" }],
    [{ $: "bytes", hex: "0" }],
    [[{ $: "number", of: "1" }]],
    [[{ $: "bigint", of: "x" }]],
    [{ $: "table", of: [[1, 2]] }],
  ];
  for (const document of wrong) assert.notEqual(refusal(document), "", JSON.stringify(document));
});

const KEY = "DHHC-1:00:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0YWJjZA==:";
const PSK = "NVMeTLSkey-1:01:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0YWJjZA==:";

Deno.test("no secret is written, wherever it is (S8)", () => {
  const file = `[Controllers]
controller=transport=tcp;traddr=10.0.0.1;trsvcid=4420;nqn=nqn.2014-08.org.example:a;dhchap-secret=${KEY};dhchap-ctrl-secret=${KEY}
controller=transport=tcp;traddr=10.0.0.2;trsvcid=4420;nqn=nqn.2014-08.org.example:b;dhchap-sceret=${KEY}
controller=transport=tcp;traddr=10.0.0.3;trsvcid=4420;nqn=${KEY}
controller=transport=tcp;traddr=10.0.0.4;nqn=nqn.2014-08.org.example:d;tls-psk=${PSK}
exclude=traddr=10.0.0.5;dhchap-secret=${KEY}
`;
  const parsed = parseStacdConf(file, "/etc/stas/stacd.conf");
  const conf = parsed.ok ? parsed.conf : assert.fail("the file is usable");
  assert.ok(
    conf.controllers.some(({ keys }) => keys.hostKey instanceof Secret),
    "there is a key to keep back",
  );
  const secret = new Secret(KEY);
  const tid = { traddr: "10.0.0.1", subsysnqn: `nqn.${KEY}` };
  const places = {
    parsed,
    host: {
      type: "host",
      host: { nqn: "n", id: "i", symname: `my ${PSK}`, key: secret, keyProblem: `bad ${KEY}` },
    },
    claim: {
      keys: { hostKey: secret, ctrlKey: secret },
      extra: new Map([["dhchap-secret", "hunter2"], [KEY, "x"]]),
    },
    request: { do: "connect", request: { tid, keys: { hostKey: new Secret(PSK) } } },
    failure: { ok: false, failure: { message: `refused: dhchap_secret=${KEY}`, remedy: PSK } },
    device: { dhchapSecret: "hunter2", tlsPsk: "hunter2", text: `x ${PSK.toLowerCase()}` },
    table: Table.empty<unknown>().with(KEY, secret).with("psk", "hunter2"),
    set: new Set([KEY, PSK]),
    log: { do: "log", entry: { message: KEY, fields: { NVME_PSK: "hunter2" } } },
    [KEY]: 1,
  };
  const { text, masked } = written(places);
  assert.doesNotMatch(text, /dhhc-|nvmetlskey|c2VjcmV0|hunter2/i);
  assert.ok(masked >= 12, `${masked} masked`);
  const back = again({ secret, same: secret });
  assert.ok(typeof back === "object" && back !== null && "secret" in back && "same" in back);
  assert.ok(back.secret instanceof Secret && back.same === back.secret);
  assert.ok(!back.secret.reveal().includes("c2V"));
});

// --- what is kept ---------------------------------------------------------------------------------------------------

const at = (mono: number) => ({ mono, wall: 1_700_000_000_000 + mono });

interface Counted {
  readonly n: number;
  readonly fleet: Pick<Fleet, "devices">;
}

const counted = (n: number): Counted => ({ n, fleet: emptyFleet });
const told = (text: string): StacdEvent => ({
  type: "fetched",
  op: 1,
  outcome: { ok: true, value: { dcs: [], retired: [], unknowns: [text] } },
});

function filled(count: number, event: (n: number) => StacdEvent): Recorder<Counted, StacdEvent> {
  const recorder = new Recorder<Counted, StacdEvent>();
  for (let n = 0; n < count; n++) recorder.note(counted(n), event(n), at(n));
  return recorder;
}

Deno.test("events are kept up to a number, with the state that they began from", () => {
  const { start, events, end, count } = filled(3 * MAX_EVENTS + 10, (n) => ({ type: "clock-set", ms: n }))
    .recorded(counted(-1));
  assert.equal(events.length, MAX_EVENTS + 10);
  assert.equal(start.n, 2 * MAX_EVENTS);
  assert.deepEqual(events[0], { at: at(start.n), event: { type: "clock-set", ms: start.n } });
  assert.equal(end.n, -1);
  assert.equal(count, 3 * MAX_EVENTS + 10);
});

Deno.test("events are kept up to a size", () => {
  let most = 0;
  const recorder = new Recorder<Counted, StacdEvent>();
  for (let n = 0; n < 500; n++) {
    recorder.note(counted(n), told(String(n).padEnd(MAX_BYTES / 5)), at(n));
    most = Math.max(most, recorder.bytes);
  }
  assert.ok(most <= 2 * (MAX_BYTES + MAX_BYTES / 4), `${most}`);
  const { start, events } = recorder.recorded(counted(500));
  assert.ok(events.length >= 5 && events.length < 12);
  assert.equal(start.n, 500 - events.length);
});

Deno.test("the record begins anew after an event that is too large, and says so", () => {
  const recorder = filled(5, (n) => n === 3 ? told("x".repeat(MAX_BYTES)) : { type: "tick" });
  const { start, events, gap, count } = recorder.recorded(counted(5));
  assert.deepEqual([start.n, events.length, count], [4, 1, 5]);
  assert.deepEqual([gap?.type, gap?.at], ["fetched", at(3)]);
  assert.deepEqual(events[0]?.event, { type: "tick" });
});

const device = (name: string, state: KernelState = "live"): KernelCtrl =>
  kernelCtrl({
    device: name,
    state,
    traddr: "10.0.0.5",
    trsvcid: "4420",
    subsysnqn: "nqn.2014-08.com.example:sub1",
    model: "Linux",
    serial: "1",
  });

Deno.test("what links and scans repeat is kept once", () => {
  const states = (changed: KernelState): StacdEvent => ({
    type: "states",
    op: 1,
    states: new Map(
      Array.from({ length: 1000 }, (_, n): [string, KernelState] => [`nvme${n}`, n === 7 ? changed : "live"]),
    ),
  });
  const recorder = new Recorder<Counted, StacdEvent>();
  recorder.note(counted(0), states("live"), at(0));
  const first = recorder.bytes;
  for (let n = 1; n < 100; n++) recorder.note(counted(n), states("live"), at(n));
  assert.ok(first > 30_000 && recorder.bytes < first + 99 * 200, `${first}, then ${recorder.bytes}`);
  recorder.note(counted(100), states("resetting"), at(100));
  const { events } = recorder.recorded(counted(101));
  assert.equal(difference(events[100]?.event, states("resetting")), undefined);
  assert.equal(difference(events[99]?.event, states("live")), undefined);
});

Deno.test("a record that is told twice is the same, one that is read again is another: as the core got them", () => {
  const names = Array.from({ length: 200 }, (_, n) => `nvme${n}`);
  const scan = (value: readonly KernelCtrl[]): StacdEvent => ({
    type: "scanned",
    op: 1,
    outcome: { ok: true, value },
  });
  let devices = emptyFleet.devices;
  const recorder = new Recorder<Counted, StacdEvent>();
  const note = (n: number, event: StacdEvent): void => recorder.note({ n, fleet: { devices } }, event, at(n));
  const taken = (ctrls: readonly KernelCtrl[]): readonly KernelCtrl[] => {
    for (const ctrl of ctrls) devices = devices.with(ctrl.device, ctrl);
    return ctrls;
  };
  const first = names.map((name) => device(name));
  note(0, scan(first));
  taken(first);
  const size = recorder.bytes;
  const second = names.map((name, n) => device(name, n === 3 ? "connecting" : "live"));
  note(1, scan(second));
  taken(second);
  assert.ok(recorder.bytes < size * 1.3, `${size}, then ${recorder.bytes}`);
  // An event tells what the second scan read; the third scan reads anew.
  const [one = device("nvme0")] = second;
  note(2, { type: "device", cause: "change", ctrl: one });
  note(3, scan(names.map((name) => device(name))));
  const recorded = recorder.recorded({ n: 4, fleet: { devices } });
  const back = again(
    { start: recorded.start, events: recorded.events, end: recorded.end },
    recorded.identity,
  );
  const found = recordedScans(back);
  assert.equal(difference(found.scans[1], second), undefined);
  assert.ok(found.scans[1]?.[0] !== found.scans[0]?.[0], "read again");
  assert.ok(found.ctrl === found.scans[1]?.[0], "told twice");
  assert.ok(found.scans[2]?.[0] !== found.ctrl, "and read again");
  assert.ok(found.kept === found.ctrl, "the state has what the second scan read");
});

/** The scans of a recording that was read, the record of its event, and what the state at its end has of that. */
function recordedScans(back: unknown) {
  assert.ok(
    isFields(back) && Array.isArray(back["events"]) && isFields(back["end"]) &&
      isFields(back["end"]["fleet"]),
  );
  const scans: unknown[][] = [];
  let ctrl: unknown;
  for (const timed of back["events"]) {
    const event: unknown = isFields(timed) ? timed["event"] : undefined;
    assert.ok(isFields(event));
    if (isFields(event["outcome"]) && Array.isArray(event["outcome"]["value"])) {
      scans.push(event["outcome"]["value"]);
    } else ctrl = event["ctrl"];
  }
  const { devices } = back["end"]["fleet"];
  assert.ok(devices instanceof Table);
  return { scans, ctrl, kept: devices.get("nvme0") };
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

Deno.test("two values differ where they differ", () => {
  const before = { a: [1, { b: 2 }], m: new Map([["x", [1]], ["y", [2]]]), s: new Set([1, 2]), u: undefined };
  const others: readonly object[] = [
    { a: [1, { b: 2 }], m: new Map([["y", [2]], ["x", [1]]]), s: new Set([1, 2]), u: undefined },
    { a: [1], m: new Map([["x", [1]], ["y", [2]]]), s: new Set([1, 2]), u: undefined },
    { a: [1, { b: 2 }], m: new Map([["x", [1]], ["y", [2]]]), s: new Set([2, 1]), u: undefined },
    { a: [1, { b: 2 }], m: new Map([["x", [1]], ["y", [2]]]), s: new Set([1, 2]) },
    {
      a: [1, { b: 2, c: undefined }],
      m: new Map([["x", [1]], ["y", [2]]]),
      s: new Set([1, 2]),
      u: undefined,
    },
  ];
  for (const other of others) {
    assert.notEqual(difference(other, before), undefined);
    assert.notEqual(difference(before, other), undefined);
  }
  assert.equal(difference(copied(before), before), undefined);
});

// --- what is read ---------------------------------------------------------------------------------------------------

function document(change: Readonly<Record<string, unknown>> = {}): unknown {
  const recorder = new Recorder<typeof emptyStacd, StacdEvent>();
  recorder.note(emptyStacd, { type: "tick" }, at(1));
  const recorded = recorder.recorded(emptyStacd);
  const { text } = written(JSON.parse("{}"));
  assert.equal(text, "[{}]");
  const encoding = dataOf(recorded);
  return { ...headOf("stacd", recorded), data: JSON.parse(encoding.next(Infinity) ?? ""), ...change };
}

Deno.test("a recording of another version is refused or warned of, never misread", () => {
  const good = recordingOf(document());
  assert.ok(good.ok && good.warnings.length === 0 && good.read.daemon === "stacd");
  assert.equal(good.read.recording.events.length, 1);
  const other = recordingOf(document({ version: "9.9.9" }));
  assert.ok(other.ok && /9\.9\.9/.test(other.warnings.join()));
  const refused: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
    [{ format: FORMAT + 1, version: "9.9.9" }, /format 2, written by version 9\.9\.9/],
    [{ shape: "0" }, /other fields/],
    [{ daemon: "stafd", shape: SHAPES.stafd }, /does not hold a state and events of stafd/],
    [{ data: [{}] }, /does not hold/],
    [{ data: [{ $: "what" }] }, /unknown mark/],
    [{ data: undefined }, /a recording is a list/],
    [{ daemon: "nobody" }, /incomplete/],
  ];
  for (const [change, why] of refused) {
    const read = recordingOf(document(change));
    assert.match(read.ok ? "" : read.message, why);
  }
});

// --- what is told on the bus ----------------------------------------------------------------------------------------

function reportsOf(text: string): { readonly reports: Reports; readonly leave: (caller: string) => void } {
  const watched = new Map<string, () => void>();
  const clock = { now: () => at(5), wakeAt: () => () => undefined };
  const lines = new LastLines({ write: () => undefined }, clock);
  for (let n = 0; n < 300; n++) {
    lines.write({ level: n % 2 === 0 ? "notice" : "debug", message: `${n} ${KEY}` });
  }
  for (let n = 0; n < 200; n++) lines.write({ level: "info", message: `more ${n} ${"y".repeat(5000)}` });
  const recorder = new Recorder<Counted, StacdEvent>();
  recorder.note(counted(1), told(text), at(1));
  const parts = {
    daemon: "stacd",
    clock,
    facts: FACTS,
    lines,
    recorded: () => recorder.recorded(counted(2)),
  } as const;
  const watch = (caller: string, left: () => void) => {
    watched.set(caller, left);
    return Promise.resolve(caller === ":9.9" ? undefined : () => void watched.delete(caller));
  };
  return { reports: new Reports(parts, watch), leave: (caller) => watched.get(caller)?.() };
}

async function begun(reports: Reports, caller: string): Promise<number> {
  const answer: unknown = JSON.parse(await reports.begin(caller) ?? "");
  assert.ok(typeof answer === "object" && answer !== null && "report" in answer);
  return Number(answer.report);
}

Deno.test("a report comes in small pieces, whatever is in it", async () => {
  const { reports } = reportsOf("\u{1F600}".repeat(100_000));
  const id = await begun(reports, ":1.1");
  const pieces: string[] = [];
  for (let piece = reports.piece(":1.1", id); piece !== ""; piece = reports.piece(":1.1", id)) {
    pieces.push(piece ?? "");
  }
  assert.ok(pieces.length > 6 && pieces.every((piece) => piece.length <= 32 * 1024 && piece.isWellFormed()));
  const whole: unknown = JSON.parse(pieces.join(""));
  assert.ok(typeof whole === "object" && whole !== null && "recording" in whole && "log" in whole);
  assert.ok(Array.isArray(whole.log) && whole.log.length === 256);
  assert.doesNotMatch(pieces.join(""), /dhhc-/i);
  assert.equal(reports.open, 0, "read to its end, it is over");
});

Deno.test("a report is over when its caller leaves, begins another, or others begin theirs", async () => {
  const { reports, leave } = reportsOf("x");
  const first = await begun(reports, ":1.1");
  const second = await begun(reports, ":1.2");
  assert.notEqual(reports.piece(":1.1", first), undefined);
  assert.equal(reports.piece(":1.2", first), undefined, "of another caller");
  leave(":1.1");
  assert.deepEqual([reports.piece(":1.1", first), reports.open], [undefined, 1]);
  const third = await begun(reports, ":1.2");
  assert.deepEqual([reports.piece(":1.2", second), reports.open], [undefined, 1]);
  await begun(reports, ":1.3");
  await begun(reports, ":1.4");
  assert.deepEqual([reports.piece(":1.2", third), reports.open], [undefined, 2], "the oldest of three");
  assert.equal(await reports.begin(":9.9"), undefined, "a caller that cannot be watched has none");
  assert.equal(reports.open, 2);
});
