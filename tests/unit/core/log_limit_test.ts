/** Log lines that others can cause are bounded for each source and time, and what was left out is counted. */
import assert from "node:assert/strict";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import type { StafdEffect, StafdEvent } from "../../../src/lib/core/effects.ts";
import { stafdWakeAt, stepStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { emptyStafd, type StafdState } from "../../../src/lib/core/stafd/stafd_state.ts";
import {
  LINES_OF_SOURCE,
  LOG_PERIOD,
  MAX_SOURCES,
  mayTell,
  periodEnded,
  toldNothing,
} from "../../../src/lib/core/fleet/log_limit.ts";

class Daemon {
  state: StafdState = emptyStafd;
  mono = 0;
  lines: string[] = [];

  constructor() {
    const parsed = parseStafdConf("", "stafd.conf");
    assert.ok(parsed.ok);
    this.take({ type: "config", conf: parsed.conf, reload: false });
    this.take({ type: "avahi", available: true, message: "avahi-daemon is available" });
  }

  take(event: StafdEvent): void {
    const step = stepStafd(this.state, event, { mono: this.mono, wall: this.mono });
    this.state = step.state;
    this.lines.push(
      ...step.effects.flatMap((effect: StafdEffect) => effect.do === "log" ? [effect.entry.message] : []),
    );
  }

  /** An announcement without the transport, and its withdrawal. */
  announce(n: number, hostIface: string): void {
    const key = `${hostIface}-${n}`;
    const service = {
      key,
      hostIface,
      protocol: "IPv4",
      name: `n\u009b2J${n}`,
      stype: "_nvme-disc._udp",
      domain: "local",
      traddr: "10.0.0.1",
      port: 8009,
      txt: [],
    } as const;
    this.take({ type: "service", service });
    this.take({ type: "service-gone", key });
  }

  invalid(): number {
    return this.lines.filter((line) => line.includes("the transport is unknown")).length;
  }
}

Deno.test("10,000 invalid announcements are a few lines, and a count of the rest; another interface has its own", () => {
  const daemon = new Daemon();
  for (let n = 0; n < 10_000; n++) daemon.announce(n, "eth0");
  assert.equal(daemon.invalid(), LINES_OF_SOURCE);
  daemon.announce(1, "eth1");
  assert.equal(daemon.invalid(), LINES_OF_SOURCE + 1);
  daemon.mono += LOG_PERIOD.ms;
  assert.ok((stafdWakeAt(daemon.state)?.mono ?? Infinity) <= daemon.mono, "somebody is to hear of it");
  daemon.take({ type: "tick" });
  const suppressed = daemon.lines.filter((line) => line.includes("suppressed"));
  assert.deepEqual(suppressed, [
    `${10_000 - LINES_OF_SOURCE} more messages about mDNS on eth0 were suppressed within 60 s`,
  ]);
  daemon.announce(1, "eth0");
  assert.equal(daemon.invalid(), LINES_OF_SOURCE + 2, "the next period has lines again");
});

Deno.test("what nobody suppressed wakes nobody", () => {
  const daemon = new Daemon();
  const before = stafdWakeAt(daemon.state);
  daemon.announce(1, "eth0");
  assert.deepEqual(stafdWakeAt(daemon.state), before);
});

Deno.test("sources are bounded: those beyond share their lines, and old ones make room", () => {
  let told = toldNothing;
  const now = { mono: 0, wall: 0 };
  for (let n = 0; n < 3 * MAX_SOURCES; n++) told = mayTell(told, `source ${n}`, now).told;
  assert.ok(told.size <= MAX_SOURCES + 1, String(told.size));
  const later = { mono: LOG_PERIOD.ms, wall: 0 };
  assert.match(
    periodEnded(told, "other sources", later).text ?? "",
    /^\d+ more messages about other sources/,
  );
  assert.equal(mayTell(told, "another", later).says, true);
});
