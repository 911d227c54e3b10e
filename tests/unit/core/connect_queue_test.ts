/** S11: what waits for the kernel costs nothing while others are connected. Counted, not timed. */
import assert from "node:assert/strict";
import { Table } from "../../../src/lib/base/table.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { stepStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { MAX_PROBES } from "../../../src/lib/core/fleet/fleet.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import { discoveryEntry } from "../nvme/samples.ts";
import { OneDc } from "./one_dc.ts";
import { connecting } from "../../bench/connects.ts";

function partsOf(value: object): Iterable<unknown> {
  if (value instanceof Table) return value.parts();
  if (value instanceof Map) return [...value].flat();
  return value instanceof Set ? value : Object.values(value);
}

const TABLE = 48;

/** Visits each object that a value leads to, once, except those in `known`. */
function visit(value: unknown, known: Set<object>, seen: (parts: number) => void): void {
  const waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== "object" || next === null || known.has(next)) continue;
    known.add(next);
    const parts = [...partsOf(next)];
    // A change of a table makes a new root, a new shelf and a new row, whatever its size.
    seen(next instanceof Table ? TABLE : 1 + parts.length);
    for (const part of parts) waiting.push(part ?? false);
  }
}

/** What a state has that the one before it has not: objects, and the members of each. */
function newPieces(before: unknown, after: unknown): number {
  const known = new Set<object>();
  visit(before, known, () => undefined);
  let pieces = 0;
  visit(after, known, (parts) => pieces += parts);
  return pieces;
}

/** The most pieces and looks of the steps between two connects, and of those that end one, while so many wait. */
function mostOf(count: number, waiting: number): { readonly pieces: number; readonly work: number } {
  let most = { pieces: 0, work: 0 };
  let steps = 0;
  for (const { name, before, after, work } of connecting(count)) {
    const isBetween = name === "kernel-free" || name === "connected" || name === "reached";
    if (!isBetween || before.fleet.ready.waiters.size < waiting || steps > 60) continue;
    steps++;
    const pieces = newPieces(before.fleet, after.fleet);
    most = { pieces: Math.max(most.pieces, pieces), work: Math.max(most.work, work) };
  }
  assert.ok(steps > 20, `${steps} steps while ${waiting} wait`);
  return most;
}

Deno.test("S11: with 900 waiting for the kernel a connect takes hardly more pieces of work than with 40", () => {
  const few = mostOf(64, 40);
  const many = mostOf(1_024, 900);
  // Four doublings: a few more members of an ordered set are passed, and copied.
  assert.ok(many.work <= few.work + 12, `${few.work} and ${many.work} looks`);
  assert.ok(many.pieces <= few.pieces + 250, `${few.pieces} and ${many.pieces} new pieces of state`);
});

Deno.test("S16: a controller that waits and comes into the configuration takes the turn of the configuration at once", () => {
  const moment = connecting(64).find(({ after: { fleet } }) =>
    fleet.ready.waiters.size > 40 && fleet.lock.holder !== undefined
  );
  assert.ok(moment !== undefined);
  let state = moment.after;
  const latest = [...state.fleet.ready.waiters.values()].toSorted((a, b) => b.number - a.number)[0];
  const tid = state.fleet.ctls.get(latest?.key ?? "")?.tid;
  assert.ok(tid !== undefined);
  const line = `controller=transport=tcp;traddr=${tid.traddr};trsvcid=4420;nqn=${tid.subsysnqn}`;
  const parsed = parseStacdConf(`[Controllers]\n${line}\n`, "stacd.conf");
  assert.ok(parsed.ok);
  const now = { mono: 10_000, wall: 10_000 };
  state = stepStacd(state, { type: "config", conf: parsed.conf, reload: true }, now).state;
  const connects: string[] = [];
  for (let n = 0; n < 2; n++) {
    const op = state.fleet.lock.holder?.op;
    assert.ok(op !== undefined);
    const step = stepStacd(state, { type: "kernel-free", op }, now);
    state = step.state;
    for (const effect of step.effects) if (effect.do === "connect") connects.push(effect.key);
  }
  assert.equal(connects.length, 2);
  assert.ok(connects.includes(latest?.key ?? ""), "the page's others go before it");
});

Deno.test("S16: what waits takes the turns of the configuration once a line names the discovery controller that lists it", () => {
  const dc = new OneDc("none", []);
  const txt = [new TextEncoder().encode("p=tcp")];
  const names = { protocol: "IPv4" as const, name: "s", stype: "_nvme-disc._tcp", domain: "local" };
  dc.take({ type: "avahi", available: true, message: "" });
  const service = { key: "s", hostIface: "eth0", ...names, traddr: "192.0.2.11", port: 8009, txt };
  dc.take({ type: "service", service });
  const { op, key } = dc.last("supported-logs");
  dc.take({ type: "supported-logs", op, key, outcome: { ok: true, value: 0 } });
  const entries = Array.from(
    { length: 2 * MAX_PROBES },
    (_, n) => discoveryEntry({ subtype: 1, subnqn: WELL_KNOWN_DISC_NQN, traddr: `192.0.2.${100 + n}` }),
  );
  dc.take({
    type: "log-read",
    op: dc.last("read-log").op,
    key,
    outcome: { ok: true, value: { genctr: 1n, entries } },
  });
  const lanes = (): readonly number[] => [
    ...new Set([...dc.state.fleet.toReach.waiters.values()].map(({ lane }) => lane)),
  ];
  assert.equal(dc.state.fleet.toReach.waiters.size, MAX_PROBES);
  assert.deepEqual(lanes(), [2]);
  const text = "[Controllers]\ncontroller=transport=tcp;traddr=192.0.2.11;host-iface=eth0\n";
  const parsed = parseStafdConf(text, "stafd.conf");
  assert.ok(parsed.ok);
  dc.take({ type: "config", conf: parsed.conf, reload: true });
  assert.equal(dc.state.fleet.toReach.waiters.size, MAX_PROBES);
  assert.deepEqual(lanes(), [0]);
});
