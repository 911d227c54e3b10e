/** V5, V7, S16: a hostile authority fills what room there is, and no more than that; nothing is taken away for it. */
import assert from "node:assert/strict";
import { parseStacdConf } from "../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../src/lib/config/stafd_conf.ts";
import { stacdWakeAt, stepStacd } from "../../src/lib/core/stacd/stacd_step.ts";
import { emptyStacd, type StacdState } from "../../src/lib/core/stacd/stacd_state.ts";
import type { StacdEffect, StacdEvent, StafdEffect, StafdEvent } from "../../src/lib/core/effects.ts";
import { stepStafd } from "../../src/lib/core/stafd/stafd_step.ts";
import {
  emptyStafd,
  MAX_SERVICES,
  ROOMY_SERVICES,
  type StafdState,
} from "../../src/lib/core/stafd/stafd_state.ts";
import { MAX_CTLS, MAX_PROBES } from "../../src/lib/core/fleet/fleet.ts";
import { mdnsAuthority } from "../../src/lib/core/sources/origin_of.ts";
import type { MdnsService, ReportedDc } from "../../src/lib/ports.ts";
import { stacdRoom } from "../../src/lib/daemon/views/v1_room.ts";
import { foundDc, HOST_NQN } from "../unit/core/one_dc.ts";
import { discoveryEntry } from "../unit/nvme/samples.ts";

const host = { nqn: HOST_NQN, id: HOST_NQN.slice(-36), symname: "", key: undefined };

const dc = (n: number, count: number, more: Partial<ReportedDc> = {}): ReportedDc => ({
  tid: {
    transport: "tcp",
    traddr: `10.0.0.${n}`,
    trsvcid: "8009",
    subsysnqn: "nqn.2014-08.org.nvmexpress.discovery",
    hostTraddr: "",
    hostIface: "",
    hostNqn: HOST_NQN,
  },
  device: `nvme${n}`,
  page: "read",
  genctr: String(count),
  readAt: count,
  toldAt: null,
  entries: Array.from(
    { length: count },
    (_, at) => discoveryEntry({ traddr: `192.0.${n}.1`, subnqn: `nqn.2014-08.x:${n}-${at}` }),
  ),
  current: true,
  young: null,
  ...more,
});

class Stacd {
  state: StacdState = emptyStacd;
  mono = 0;
  scan: number | undefined;
  lines: string[] = [];
  fetches: number[] = [];
  /** Addresses that are being tested, first the one that began first. */
  reaching: Extract<StacdEffect, { readonly do: "reach" }>[] = [];
  /** Looks and decisions of the last step. */
  work = 0;

  constructor(lines: readonly string[] = []) {
    const parsed = parseStacdConf(`[Controllers]\n${lines.join("\n")}\n`, "stacd.conf");
    assert.ok(parsed.ok);
    this.take({ type: "host", host });
    this.take({ type: "config", conf: parsed.conf, reload: false });
    this.take({ type: "stafd", present: true });
  }

  take(event: StacdEvent): void {
    const { state, effects, work } = stepStacd(this.state, event, { mono: this.mono, wall: this.mono });
    this.state = state;
    this.work = work ?? 0;
    for (const effect of effects) {
      if (effect.do === "log") this.lines.push(effect.entry.message);
      if (effect.do === "fetch") this.fetches.push(effect.op);
      if (effect.do === "reach") this.reaching.push(effect);
      if (effect.do === "scan") this.scan = effect.op;
      if (effect.do === "disconnect") assert.fail("nothing is disconnected for lack of room");
    }
  }

  /** The kernel has nothing, and every address can be tested. */
  begin(): void {
    this.take({ type: "exclusions", exclusions: [] });
    const eth0 = { index: 2, mac: "", up: true, v4: ["192.0.0.9"], v6: [] };
    this.take({ type: "network", interfaces: new Map([["eth0", eth0]]) });
    assert.ok(this.scan !== undefined);
    this.take({ type: "scanned", op: this.scan, outcome: { ok: true, value: [] } });
  }

  /** One test has ended: nothing answers. */
  unreached(): void {
    const first = this.reaching.shift();
    assert.ok(first !== undefined);
    const failure = { phase: "reach", kind: "transient", message: "no answer" } as const;
    this.take({ type: "reached", op: first.op, key: first.key, outcome: { ok: false, failure } });
  }

  report(...dcs: readonly ReportedDc[]): void {
    if (this.state.stafd.op === undefined) this.take({ type: "stafd-changed" });
    const op = this.fetches.at(-1);
    assert.ok(op !== undefined);
    this.take({ type: "fetched", op, outcome: { ok: true, value: { dcs, retired: [], unknowns: [] } } });
  }

  /** How many records each discovery controller has. */
  of(n: number): number {
    let count = 0;
    for (const ctl of this.state.fleet.ctls.values()) if (ctl.tid.traddr === `192.0.${n}.1`) count++;
    return count;
  }
}

const ETH0 = { authority: mdnsAuthority("eth0") };

Deno.test("V5: a discovery controller heard by mDNS that lists 12,288 has a quarter when a configured one needs room", () => {
  const stacd = new Stacd();
  stacd.report(dc(1, MAX_CTLS, ETH0));
  assert.equal(stacd.of(1), MAX_CTLS, "what nobody else needs");
  stacd.report(dc(1, MAX_CTLS, ETH0), dc(2, 1000));
  assert.deepEqual([stacd.of(2), stacd.of(1)], [1000, MAX_CTLS - 1000], "the rightful one is not ignored");
  stacd.report(dc(1, MAX_CTLS, ETH0), dc(2, MAX_CTLS));
  assert.deepEqual([stacd.of(2), stacd.of(1)], [MAX_CTLS * 3 / 4, MAX_CTLS / 4]);
  assert.equal(stacd.state.fleet.ctls.size, MAX_CTLS);
  assert.ok(stacd.lines.some((line) => line.includes("are left out: there is no room")), "it is said");
  assert.match(
    stacdRoom(stacd.state).map(({ text }) => text).join(),
    /^9216 controllers of the log page of \(tcp, 10\.0\.0\.1,/,
  );
});

Deno.test("a configured one may fill the table; two of them share it", () => {
  const stacd = new Stacd();
  stacd.report(dc(1, MAX_CTLS));
  assert.equal(stacd.of(1), MAX_CTLS);
  stacd.report(dc(1, MAX_CTLS), dc(2, 5000));
  assert.deepEqual([stacd.of(1), stacd.of(2)], [MAX_CTLS - 5000, 5000]);
  stacd.report(dc(1, MAX_CTLS), dc(2, MAX_CTLS));
  assert.ok(Math.abs(stacd.of(1) - stacd.of(2)) <= 2, `${stacd.of(1)} and ${stacd.of(2)}`);
});

Deno.test("S11: when thirty hostile pages change as a whole, the room in the full table is counted once", () => {
  const PAGES = 30;
  const ENTRIES = 800;
  const stacd = new Stacd();
  const pages = (generation: number): readonly ReportedDc[] =>
    Array.from({ length: PAGES }, (_, n) => {
      const page = dc(n + 1, ENTRIES, { genctr: String(generation), readAt: generation });
      const entries = page.entries.map((entry) => ({ ...entry, subnqn: `${entry["subnqn"]}-${generation}` }));
      return { ...page, entries };
    });
  stacd.report(...pages(1));
  assert.equal(stacd.state.fleet.ctls.size, MAX_CTLS);
  const shares = (): readonly number[] => Array.from({ length: PAGES }, (_, n) => stacd.of(n + 1));
  const before = shares();
  stacd.report(...pages(2));
  assert.equal(stacd.state.fleet.ctls.size, MAX_CTLS);
  for (const [n, share] of shares().entries()) {
    assert.ok(Math.abs(share - (before[n] ?? 0)) <= 60, `page ${n + 1}: ${share} instead of ${before[n]}`);
  }
  const things = MAX_CTLS + PAGES * ENTRIES;
  assert.ok(stacd.work <= 8 * things, `${stacd.work} looks for ${things} things`);
});

Deno.test("a line of the file has room in a full table", () => {
  const lines = Array.from(
    { length: 5 },
    (_, n) => `controller = transport=tcp;traddr=192.0.9.1;trsvcid=4420;nqn=nqn.2014-08.line:${n}`,
  );
  const stacd = new Stacd();
  stacd.report(dc(1, MAX_CTLS));
  const parsed = parseStacdConf(`[Controllers]\n${lines.join("\n")}\n`, "stacd.conf");
  assert.ok(parsed.ok);
  stacd.take({ type: "config", conf: parsed.conf, reload: true });
  assert.deepEqual([stacd.of(9), stacd.of(1)], [5, MAX_CTLS - 5]);
});

Deno.test("a page that was cut by the limit takes nothing away, and is taken in when there is room", () => {
  const stacd = new Stacd();
  stacd.report(dc(1, 10, ETH0));
  const kept = [...stacd.state.fleet.ctls.keys()];
  // The entries it had before are not in the page any more; but the page is longer than there is room for.
  const other = dc(1, MAX_CTLS + 100, { ...ETH0, genctr: "7", readAt: 7 });
  const flood = { ...other, entries: other.entries.slice(10) };
  stacd.report(flood);
  assert.equal([...kept].filter((key) => stacd.state.fleet.ctls.has(key)).length, 10);
  assert.equal(stacd.state.fleet.ctls.size, MAX_CTLS);
  assert.ok((stacd.state.pages.values().next().value?.left ?? 0) > 0);
  // It lists less: now there is room, and now it takes away.
  stacd.report(dc(1, 20, { ...ETH0, genctr: "8", readAt: 8, entries: flood.entries.slice(0, 20) }));
  assert.equal(stacd.state.pages.values().next().value?.left, 0);
  assert.equal(kept.filter((key) => stacd.state.fleet.ctls.has(key)).length, 0);
  assert.equal(stacd.of(1), 20);
});

Deno.test("what was left out is asked for again when there is room, without a change at stafd", () => {
  const stacd = new Stacd();
  stacd.report(dc(1, MAX_CTLS));
  stacd.report(dc(1, MAX_CTLS), dc(2, MAX_CTLS));
  const before = stacd.of(2);
  assert.ok(before < MAX_CTLS * 0.6);
  const asked = stacd.fetches.length;
  // The first one withdraws what it has; the second one's page is as it was.
  stacd.report(dc(1, 10, { genctr: "9", readAt: 9 }), dc(2, MAX_CTLS));
  if (stacd.of(2) === before) {
    const wake = stacdWakeAt(stacd.state)?.mono ?? Infinity;
    assert.ok(wake <= stacd.mono + 5_000, String(wake));
    stacd.mono = wake;
    stacd.take({ type: "tick" });
    assert.ok(stacd.fetches.length > asked + 1, "it is fetched again");
    stacd.report(dc(1, 10, { genctr: "9", readAt: 9 }), dc(2, MAX_CTLS));
  }
  assert.equal(stacd.of(2), MAX_CTLS - 10);
});

Deno.test("S11, S16: the next test costs no more in a long queue, and a newcomer's turn is the next one", () => {
  const stacd = new Stacd();
  stacd.begin();
  stacd.report(dc(1, 5000));
  assert.equal(stacd.reaching.length, MAX_PROBES);
  for (let n = 0; n < 4 * MAX_PROBES; n++) {
    stacd.unreached();
    assert.equal(stacd.reaching.length, MAX_PROBES, "every slot is used");
    assert.ok(stacd.work < 100, `${stacd.work} looks for one of 5,000`);
  }
  // Another authority: its turn is the next one.
  stacd.report(dc(1, 5000), dc(2, 1));
  let waited = 0;
  while (!stacd.reaching.some(({ tid }) => tid.traddr === "192.0.2.1")) {
    stacd.unreached();
    assert.ok(waited++ <= 2, "it waits behind a queue that it has no part in");
  }
  // To the end, each has been tested once.
  const tested = new Set<string>();
  for (let n = 0; n < 6000 && stacd.reaching.length > 0; n++) {
    for (const { key } of stacd.reaching) tested.add(key);
    stacd.unreached();
  }
  assert.ok(tested.size > 5000 - 6 * MAX_PROBES, String(tested.size));
  assert.equal(stacd.state.fleet.toReach.waiters.size, 0);
});

// --- stafd -----------------------------------------------------------------------------------------------------------

class Stafd {
  state: StafdState = emptyStafd;
  effects: StafdEffect[] = [];

  constructor() {
    const parsed = parseStafdConf("", "stafd.conf");
    assert.ok(parsed.ok);
    this.take({ type: "host", host: { ...host, id: foundDc("").hostId } });
    this.take({ type: "config", conf: parsed.conf, reload: false });
    this.take({ type: "avahi", available: true, message: "" });
  }

  take(event: StafdEvent): void {
    const step = stepStafd(this.state, event, { mono: 0, wall: 0 });
    this.state = step.state;
    this.effects.push(...step.effects);
  }

  has(traddr: string): boolean {
    return [...this.state.fleet.ctls.values()].some(({ tid }) => tid.traddr === traddr);
  }
}

const service = (n: number, hostIface: string): MdnsService => ({
  key: `${hostIface}/${n}`,
  hostIface,
  protocol: "IPv4",
  name: `s${n}`,
  stype: "_nvme-disc._tcp",
  domain: "local",
  traddr: `10.${hostIface.slice(3)}.${n >> 8}.${n & 255}`,
  port: 8009,
  txt: [new TextEncoder().encode("p=tcp")],
});

Deno.test("V7: after a flood on one interface a service on another is followed at once", () => {
  const stafd = new Stafd();
  for (let n = 0; n < 3 * MAX_SERVICES; n++) stafd.take({ type: "service", service: service(n, "eth0") });
  assert.equal(stafd.state.services.size, MAX_SERVICES);
  stafd.take({ type: "service", service: service(1, "eth1") });
  assert.ok(stafd.has("10.1.0.1"));
  assert.equal(stafd.state.services.size, MAX_SERVICES);
});

Deno.test("V7: what was left out is browsed for anew once when there is room", () => {
  const stafd = new Stafd();
  for (let n = 0; n <= MAX_SERVICES; n++) stafd.take({ type: "service", service: service(n, "eth0") });
  assert.equal(stafd.has(service(MAX_SERVICES, "eth0").traddr), false);
  const again = (): number => stafd.effects.filter((effect) => effect.do === "browse-again").length;
  for (let n = 0; n < MAX_SERVICES - ROOMY_SERVICES - 1; n++) {
    stafd.take({ type: "service-gone", key: `eth0/${n}` });
  }
  assert.equal(again(), 0);
  for (let n = 100; n < 200; n++) stafd.take({ type: "service-gone", key: `eth0/${n}` });
  assert.equal(again(), 1);
  stafd.take({ type: "service", service: service(MAX_SERVICES, "eth0") });
  assert.ok(stafd.has(service(MAX_SERVICES, "eth0").traddr));
});

Deno.test("a service that made way for others is withdrawn all the same", () => {
  const stafd = new Stafd();
  for (let n = 0; n < MAX_SERVICES; n++) stafd.take({ type: "service", service: service(n, "eth0") });
  stafd.take({ type: "service", service: service(1, "eth1") });
  const gone = Array.from({ length: MAX_SERVICES }, (_, n) => `eth0/${n}`).find((key) =>
    !stafd.state.services.has(key)
  );
  assert.ok(gone !== undefined);
  const claims = (): readonly unknown[] =>
    [...stafd.state.fleet.ctls.values()].flatMap(({ claims }) => claims.get(`mdns:${gone}`) ?? []);
  assert.deepEqual(claims().map((claim) => Object(claim).present), [true]);
  stafd.take({ type: "service-gone", key: gone });
  assert.deepEqual(claims().map((claim) => Object(claim).present), [false]);
});
