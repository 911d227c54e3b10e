/** The kernel's lock: what may be connected next, and what only mDNS leads to has it a quarter of the time at most (S16). */
import assert from "node:assert/strict";
import {
  appeared,
  type Connect,
  ended,
  freeLock,
  guest,
  heard,
  heardSince,
  isHeld,
  type KernelLock,
  mayConnect,
  nextEnd,
  partOf,
  restOf,
  returned,
  sharedWith,
  sharing,
  taken,
  UNSAVED,
} from "../../../src/lib/core/fleet/kernel_lock.ts";
import { newCtl } from "../../../src/lib/core/controller/ctl.ts";
import { OPEN } from "../../../src/lib/core/fleet/waiting.ts";
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
const connect: Connect = { op: 1, key: "dc", tid: DC, guest: LAN, begun: undefined };
/** After this connect, which ended then. */
const after = (
  took: number,
  holder: Connect = { ...connect, begun: 0 },
  before: KernelLock = freeLock,
): KernelLock => ended({ ...before, holder }, holder.op, at(took));

Deno.test("the rest is three times the connect, and ten minutes at most", () => {
  assert.deepEqual([...after(61_000).rests], [[LAN, { mono: 4 * 61_000 }]]);
  assert.deepEqual([...after(1_001).rests], [[LAN, { mono: 1_001 + 3_003 }]]);
  assert.deepEqual([...after(900_000).rests], [[LAN, { mono: 900_000 + 600_000 }]]);
});

Deno.test("a connect of a second, one that the configuration leads to, and one that only waited for the kernel need no rest", () => {
  assert.equal(after(1_000).rests.size, 0);
  assert.equal(after(61_000, { ...connect, guest: undefined, begun: 0 }).rests.size, 0);
  assert.equal(after(61_000, connect).rests.size, 0);
  assert.equal(guest({ lane: 0, authority: "files" }), undefined);
  assert.equal(guest({ lane: 1, authority: LAN }), LAN, "also what was known before");
});

Deno.test("the time counts from the appearance of its own device, once", () => {
  const waiting = taken(freeLock, connect);
  assert.equal(appeared(waiting, { ...DEVICE, traddr: "192.0.2.99" }, at(5)).holder?.begun, undefined);
  const begun = appeared(waiting, DEVICE, at(5));
  assert.equal(begun.holder?.begun, 5);
  assert.equal(appeared(begun, DEVICE, at(9)).holder?.begun, 5);
});

Deno.test("an authority rests until then, and no other", () => {
  const lock = after(61_000);
  assert.deepEqual(restOf(lock, LAN, at(243_999)), { mono: 244_000 });
  assert.equal(restOf(lock, LAN, at(244_000)), undefined);
  assert.equal(restOf(lock, mdnsAuthority("eth1"), at(0)), undefined);
  assert.equal(restOf(lock, undefined, at(0)), undefined);
  assert.deepEqual(nextEnd(lock, at(243_999)), { mono: 244_000 });
  assert.equal(nextEnd(lock, at(244_000)), undefined);
  const two = after(70_000, { ...connect, guest: mdnsAuthority("eth1"), begun: 60_000 }, lock);
  assert.deepEqual(nextEnd(two, at(70_000)), { mono: 100_000 });
});

Deno.test("rests that are over are forgotten", () => {
  const lock = after(20_000, { ...connect, guest: mdnsAuthority("eth1"), begun: 10_000 }, after(2_000));
  assert.deepEqual([...lock.rests.keys()], [mdnsAuthority("eth1")]);
});

Deno.test("one connect at a time; the next one once the kernel has returned, and at most eight are still to be read back", () => {
  let lock = freeLock;
  for (let op = 1; op <= 8; op++) {
    assert.equal(mayConnect(lock), true);
    lock = taken(lock, { ...connect, op });
    assert.equal(mayConnect(lock), false);
    assert.equal(returned(lock, op + 1, at(0)), lock, "another one's return");
    lock = returned(lock, op, at(0));
  }
  assert.equal(mayConnect(lock), false);
  assert.equal(mayConnect(ended(lock, 3, at(0))), true);
});

Deno.test("S4: what may be served by a connection that is being read back waits for it, and for no other", () => {
  const lock = returned(taken(freeLock, { ...connect, tid: TID }), connect.op, at(0));
  assert.equal(sharedWith(lock, { ...TID, hostIface: "eth1" })?.op, connect.op);
  assert.equal(
    sharedWith(lock, { ...TID, subsysnqn: DC.subsysnqn })?.op,
    connect.op,
    "the NQN of any of them",
  );
  assert.equal(sharedWith(lock, { ...TID, subsysnqn: "nqn.other" }), undefined);
  assert.equal(sharedWith(lock, { ...TID, trsvcid: "1" }), undefined);
  assert.equal(sharedWith(ended(lock, connect.op, at(0)), TID), undefined);
  assert.equal(sharedWith(taken(freeLock, { ...connect, tid: TID }), TID), undefined, "it is not made yet");
});

Deno.test("S1: events while a connect is under way are newer than its outcome, and forgotten with the last of them", () => {
  assert.equal(heard(freeLock, "nvme1", 7, 1), freeLock);
  let lock = heard(taken(freeLock, connect), "nvme1", 7, 2);
  assert.equal(heardSince(lock, 1, "nvme1")?.now, 7);
  assert.equal(heardSince(lock, 1, "nvme2"), undefined);
  lock = taken(returned(lock, 1, at(0)), { ...connect, op: 2 });
  assert.equal(heardSince(lock, 2, "nvme1"), undefined, "it began after the event");
  lock = heard(lock, "nvme1", undefined, 3);
  assert.deepEqual(heardSince(lock, 2, "nvme1"), { now: undefined, at: 3 });
  lock = ended(lock, 1, at(0));
  assert.equal(lock.heard.size, 1);
  assert.equal(ended(lock, 2, at(0)).heard.size, 0);
});

Deno.test("what waits for the state file, for a connection or for a rest may not be connected", () => {
  const ctl = newCtl("a", TID, 4);
  const files = { lane: 0, authority: "files" } as const;
  assert.equal(partOf(ctl, files, 3), UNSAVED);
  assert.equal(partOf(ctl, files, 4), OPEN);
  assert.equal(partOf(ctl, { lane: 2, authority: LAN }, 4), LAN);
  const lock = after(61_000);
  const held = [UNSAVED, sharing(1), LAN, OPEN, mdnsAuthority("eth1")].map((part) =>
    isHeld(lock, part, at(61_000))
  );
  assert.deepEqual(held, [true, true, true, false, false]);
  assert.equal(isHeld(lock, LAN, at(244_000)), false);
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
  assert.deepEqual([...state.fleet.lock.rests], [[LAN, { mono: 40_000 + 3 * 30_000 }]]);
});
