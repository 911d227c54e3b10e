/** S16: what only mDNS leads to on one interface holds the kernel's connects for a quarter of the time at most. */
import assert from "node:assert/strict";
import { type Connect, emptyFleet, type Fleet } from "../../../src/lib/core/fleet/fleet.ts";
import { guest, nextEnd, restOf, withBeginning, withRest } from "../../../src/lib/core/fleet/kernel_share.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import type { StafdEffect, StafdEvent } from "../../../src/lib/core/effects.ts";
import { emptyStafd } from "../../../src/lib/core/stafd/stafd_state.ts";
import { stepStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { mdnsAuthority } from "../../../src/lib/core/sources/origin_of.ts";
import type { Now } from "../../../src/lib/base/time.ts";
import { foundDc, HOST_NQN } from "./one_dc.ts";
import { TID } from "./tid.ts";

const LAN = mdnsAuthority("eth0");
const DEVICE = foundDc("");
const DC = { ...TID, traddr: DEVICE.traddr, trsvcid: DEVICE.trsvcid, subsysnqn: DEVICE.subsysnqn };
const at = (mono: number): Now => ({ mono, wall: mono });
const busy: Connect = { op: 1, key: "dc", tid: DC, guest: LAN, begun: undefined };
const after = (took: number, connect: Connect = { ...busy, begun: 0 }): Fleet =>
  withRest(emptyFleet, connect, at(took));

Deno.test("the rest is three times the connect, and ten minutes at most", () => {
  assert.deepEqual([...after(61_000).rests], [[LAN, { mono: 4 * 61_000 }]]);
  assert.deepEqual([...after(1_001).rests], [[LAN, { mono: 1_001 + 3_003 }]]);
  assert.deepEqual([...after(900_000).rests], [[LAN, { mono: 900_000 + 600_000 }]]);
});

Deno.test("a connect of a second, one that the configuration leads to, and one that only waited for the kernel need no rest", () => {
  assert.equal(after(1_000).rests.size, 0);
  assert.equal(after(61_000, { ...busy, guest: undefined, begun: 0 }).rests.size, 0);
  assert.equal(after(61_000, busy).rests.size, 0);
  assert.equal(guest({ lane: 0, authority: "files" }), undefined);
  assert.equal(guest({ lane: 1, authority: LAN }), LAN, "also what was known before");
});

Deno.test("the time counts from the appearance of its own device, once", () => {
  const waiting: Fleet = { ...emptyFleet, busy };
  assert.equal(withBeginning(waiting, { ...DEVICE, traddr: "192.0.2.99" }, at(5)).busy?.begun, undefined);
  const begun = withBeginning(waiting, DEVICE, at(5));
  assert.equal(begun.busy?.begun, 5);
  assert.equal(withBeginning(begun, DEVICE, at(9)).busy?.begun, 5);
});

Deno.test("an authority rests until then, and no other", () => {
  const fleet = after(61_000);
  assert.deepEqual(restOf(fleet, LAN, at(243_999)), { mono: 244_000 });
  assert.equal(restOf(fleet, LAN, at(244_000)), undefined);
  assert.equal(restOf(fleet, mdnsAuthority("eth1"), at(0)), undefined);
  assert.equal(restOf(fleet, undefined, at(0)), undefined);
  assert.deepEqual(nextEnd(fleet.rests, at(243_999)), { mono: 244_000 });
  assert.equal(nextEnd(fleet.rests, at(244_000)), undefined);
  const two = withRest(fleet, { ...busy, guest: mdnsAuthority("eth1"), begun: 60_000 }, at(70_000));
  assert.deepEqual(nextEnd(two.rests, at(70_000)), { mono: 100_000 });
});

Deno.test("rests that are over are forgotten", () => {
  const fleet = withRest(after(2_000), { ...busy, guest: mdnsAuthority("eth1"), begun: 10_000 }, at(20_000));
  assert.deepEqual([...fleet.rests.keys()], [mdnsAuthority("eth1")]);
});

Deno.test("a connect that holds the kernel for long and succeeds counts as well, from its device to the kernel's return", () => {
  let state = emptyStafd;
  let mono = 0;
  const done: StafdEffect[] = [];
  const take = (event: StafdEvent): void => {
    const step = stepStafd(state, event, at(mono));
    state = step.state;
    done.push(...step.effects);
    for (const effect of step.effects) {
      const ok = { ok: true, value: undefined } as const;
      if (effect.do === "save") take({ type: "saved", op: effect.op, outcome: ok });
      if (effect.do === "scan") take({ type: "scanned", op: effect.op, outcome: { ok: true, value: [] } });
      if (effect.do === "reach") {
        take({ type: "reached", op: effect.op, key: effect.key, outcome: { ok: true, value: undefined } });
      }
    }
  };
  const parsed = parseStafdConf("", "stafd.conf");
  assert.ok(parsed.ok);
  const lan = { index: 2, mac: "02:00:00:00:00:01", up: true, v4: ["192.0.2.1"], v6: [] };
  take({ type: "host", host: { nqn: HOST_NQN, id: DEVICE.hostId, symname: "", key: undefined } });
  take({ type: "exclusions", exclusions: [] });
  take({ type: "network", interfaces: new Map([["eth0", lan]]) });
  take({ type: "config", conf: parsed.conf, reload: false });
  take({ type: "avahi", available: true, message: "" });
  const txt = [new TextEncoder().encode("p=tcp")];
  const names = { protocol: "IPv4" as const, name: "s", stype: "_nvme-disc._tcp", domain: "local" };
  const service = { key: "s", hostIface: "eth0", ...names, traddr: DEVICE.traddr, port: 8009, txt };
  take({ type: "service", service });
  const connect = done.find((effect) => effect.do === "connect");
  assert.ok(connect?.do === "connect");
  // It waited for another program's connect first.
  mono = 10_000;
  const connecting = { ...DEVICE, hostIface: "eth0", state: "connecting" as const };
  take({ type: "device", cause: "add", ctrl: connecting });
  mono = 40_000;
  take({ type: "kernel-free", op: connect.op });
  assert.deepEqual([...state.fleet.rests], [[LAN, { mono: 40_000 + 3 * 30_000 }]]);
});
