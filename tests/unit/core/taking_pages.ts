/** stacd's core, to which a test reports pages. */
import assert from "node:assert/strict";
import { parseStacdConf, type StacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { claimText, type Ctl } from "../../../src/lib/core/controller/ctl.ts";
import type { StacdEffect, StacdEvent } from "../../../src/lib/core/effects.ts";
import { claimsOf } from "../../../src/lib/core/fleet/questions.ts";
import { stacdView } from "../../../src/lib/core/stacd/stacd_rules.ts";
import { emptyStacd, type StacdState } from "../../../src/lib/core/stacd/stacd_state.ts";
import { stepStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import type { FetchedReport, ReportedDc } from "../../../src/lib/ports.ts";
import type { DiscoveryEntry, PageEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import { discoveryEntry, kernelCtrl } from "../nvme/samples.ts";

export const HOST = {
  nqn: "nqn.host",
  id: "46ba5037-7ce5-41fa-9452-48477bf00080",
  symname: "",
  key: undefined,
};
const ETH0 = { index: 2, mac: "", up: true, v4: ["10.255.0.9"], v6: [] };

/** The i-th entry of the n-th discovery controller. */
export const entry = (n: number, i: number, more: Partial<DiscoveryEntry> = {}): PageEntry =>
  discoveryEntry({ traddr: `10.${n}.${i >> 8}.${i & 255}`, subnqn: `nqn.x:${n}-${i}`, ...more });

export const page = (
  n: number,
  genctr: number,
  entries: readonly PageEntry[],
  more: Partial<ReportedDc> = {},
): ReportedDc => ({
  tid: {
    transport: "tcp",
    traddr: `10.255.1.${n}`,
    trsvcid: "8009",
    subsysnqn: "nqn.2014-08.org.nvmexpress.discovery",
    hostTraddr: "",
    hostIface: "",
    hostNqn: HOST.nqn,
  },
  device: `nvme${n}`,
  page: "read",
  genctr: String(genctr),
  readAt: genctr * 100,
  toldAt: null,
  // As from the bus: no two reports share an object.
  entries: entries.map((one) => ({ ...one })),
  current: true,
  young: null,
  ...more,
});

export const listOf = (n: number, from: number, count: number): readonly PageEntry[] =>
  Array.from({ length: count }, (_, i) => entry(n, from + i));

export function conf(text: string): StacdConf {
  const parsed = parseStacdConf(text, "stacd.conf");
  assert.ok(parsed.ok);
  return parsed.conf;
}

export class Stacd {
  state: StacdState;
  mono = 0;
  work = 0;
  effects: readonly StacdEffect[] = [];

  constructor(state: StacdState = emptyStacd, text = "") {
    this.state = state;
    this.take({ type: "host", host: HOST });
    this.take({ type: "exclusions", exclusions: [] });
    this.take({ type: "config", conf: conf(text), reload: false });
    this.take({ type: "network", interfaces: new Map([["eth0", ETH0]]) });
    this.take({ type: "stafd", present: true });
  }

  take(event: StacdEvent): void {
    const step = stepStacd(this.state, event, { mono: this.mono, wall: this.mono });
    this.state = step.state;
    this.work = step.work ?? 0;
    this.effects = step.effects;
  }

  report(...dcs: readonly ReportedDc[]): void {
    if (this.state.stafd.op === undefined) this.take({ type: "stafd-changed" });
    this.answer({ dcs, retired: [], unknowns: [] });
  }

  answer(value: FetchedReport): void {
    const { op } = this.state.stafd;
    assert.ok(op !== undefined);
    this.take({ type: "fetched", op, outcome: { ok: true, value } });
  }

  /** Which page the last step asked stafd for; all: the whole report. */
  get asked(): string | undefined {
    const fetch = this.effects.find((effect) => effect.do === "fetch");
    return fetch === undefined ? undefined : fetch.page?.traddr ?? "all";
  }

  /** All that is listed is connected. */
  connectAll(): void {
    const { scan } = this.state.fleet;
    assert.ok(scan !== undefined);
    const value = this.ctls.map(({ tid }, n) =>
      kernelCtrl({ ...tid, device: `nvme${n}`, incarnation: n + 1, srcAddr: "10.255.0.9", owner: "stas" })
    );
    this.take({ type: "scanned", op: scan, outcome: { ok: true, value } });
    assert.ok(this.ctls.every(({ link }) => link.phase === "up"));
  }

  get ctls(): readonly Ctl[] {
    return [...this.state.fleet.ctls.values()];
  }

  at(n: number, i: number): Ctl {
    const found = this.ctls.find(({ tid }) => tid.subsysnqn === `nqn.x:${n}-${i}`);
    assert.ok(found !== undefined, `${n}-${i} is known`);
    return found;
  }

  /** What its sources say now. */
  says(n: number, i: number): string {
    return claimsOf(stacdView(this.state, { mono: this.mono, wall: this.mono }), this.at(n, i)).map(claimText)
      .join();
  }

  phase(n: number, i: number): string {
    return this.at(n, i).link.phase;
  }
}
