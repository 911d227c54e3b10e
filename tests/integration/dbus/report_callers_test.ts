/** A report belongs to the caller that began it: on a real bus, which tells when that caller leaves. */
import assert from "node:assert/strict";
import { emptyStacd } from "../../../src/lib/core/stacd/stacd_state.ts";
import type { StacdEvent } from "../../../src/lib/core/effects.ts";
import { Recorder } from "../../../src/lib/daemon/record/recorder.ts";
import { reportCalls } from "../../../src/lib/daemon/record/report_calls.ts";
import { MAX_OPEN } from "../../../src/lib/daemon/record/reports.ts";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAC } from "../../../src/lib/dbus/interfaces.ts";
import { type ReportHandlers, serveStac } from "../../../src/lib/dbus/server.ts";
import { stafHandlers } from "./fake_daemons.ts";
import { FACTS } from "../../unit/daemon/facts.ts";
import { privateBus } from "./private_bus.ts";
import { begun, told } from "./report_calls.ts";

async function connect(address: string): Promise<Bus> {
  const result = await Bus.connect(address);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.bus;
}

function reports(daemon: Bus): ReportHandlers {
  const clock = { now: () => ({ mono: 5, wall: 1_700_000_000_005 }), wakeAt: () => () => undefined };
  const recorder = new Recorder<typeof emptyStacd, StacdEvent>();
  return reportCalls({
    daemon: "stacd",
    clock,
    facts: FACTS,
    lines: { lines: [] },
    recorded: () => recorder.recorded(emptyStacd),
  }, { bus: daemon });
}

/** stacd on a bus with callers that read reports. */
async function withCallers(
  test: (parts: {
    readonly calls: ReportHandlers;
    readonly stays: Bus;
    readonly leaves: Bus;
    readonly next: Bus;
    /** Closes `leaves`; settles when the bus has told everybody, so the daemon knows it before any later call. */
    readonly leave: () => Promise<void>;
    /** The daemon gets to the call of `leaves` only after it has left; settles when the call has arrived. */
    readonly late: () => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  assert.equal(MAX_OPEN, 2, "two callers read at once");
  await using bus = await privateBus();
  const daemon = await connect(bus.address);
  const calls = reports(daemon);
  const left = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  let late = "";
  const reportBegin: ReportHandlers["reportBegin"] = async (caller) => {
    if (caller === late) {
      arrived.resolve();
      await left.promise;
    }
    return await calls.reportBegin(caller);
  };
  serveStac(daemon, { ...stafHandlers(), ...calls, reportBegin });
  assert.ok((await daemon.requestName(STAC.name)).ok);
  const stays = await connect(bus.address);
  const leaves = await connect(bus.address);
  const next = await connect(bus.address);
  const watched = await next.watchName(leaves.uniqueName, (owner) => {
    if (owner === "") left.resolve();
  });
  assert.ok(watched.ok);
  const leave = (): Promise<void> => {
    leaves.close();
    return left.promise;
  };
  await test({
    calls,
    stays,
    leaves,
    next,
    leave,
    late: () => {
      late = leaves.uniqueName;
      return arrived.promise;
    },
  });
  for (const one of [stays, next, daemon]) one.close();
}

Deno.test("a caller that leaves the bus takes its report along, and its place is free", () =>
  withCallers(async ({ calls, stays, leaves, next, leave }) => {
    const first = await begun(stays);
    const second = await begun(leaves);
    const name = leaves.uniqueName;
    await leave();
    const third = await begun(next);
    assert.equal(calls.reportPiece(name, Number(second)), undefined, "the report is dropped");
    // With the place of the one that left still taken, the oldest would have had to end.
    assert.match(await told(stays, "report_piece", [first]), /^\{/);
    assert.match(await told(next, "report_piece", [third]), /^\{/);
  }));

Deno.test("a caller that leaves before its report has begun takes no place", () =>
  withCallers(async ({ stays, leaves, next, leave, late }) => {
    const first = await begun(stays);
    const arrived = late();
    const never = told(leaves, "report_begin");
    await arrived;
    await leave();
    await never;
    const third = await begun(next);
    assert.match(await told(stays, "report_piece", [first]), /^\{/);
    assert.match(await told(next, "report_piece", [third]), /^\{/);
  }));
