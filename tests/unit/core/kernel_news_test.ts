/** What the kernel says out of order: scans, answers and events that are older or newer than each other. */
import assert from "node:assert/strict";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { stepStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import { emptyStacd, type StacdState } from "../../../src/lib/core/stacd/stacd_state.ts";
import type { Ctl } from "../../../src/lib/core/controller/ctl.ts";
import type { StacdEffect, StacdEvent } from "../../../src/lib/core/effects.ts";
import type { Failure } from "../../../src/lib/base/failure.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { kernelCtrl } from "../nvme/samples.ts";

const HOST = { nqn: "nqn.host", id: "46ba5037-7ce5-41fa-9452-48477bf00080", symname: "", key: undefined };
const ETH0 = { index: 2, mac: "02:00:00:00:00:01", up: true, v4: ["10.0.0.1"], v6: [] };
const ETH1 = { index: 3, mac: "02:00:00:00:00:02", up: true, v4: ["10.0.9.1"], v6: [] };
const NETWORK: StacdEvent = { type: "network", interfaces: new Map([["eth0", ETH0], ["eth1", ETH1]]) };
const line = (n: number, more = ""): string =>
  `controller = transport=tcp;traddr=10.0.1.${n};trsvcid=4420;nqn=nqn.sub${n}${more}\n`;

/** A connection to the subsystem of `line(n)`. */
const device = (name: string, incarnation: number, n: number): KernelCtrl =>
  kernelCtrl({
    device: name,
    incarnation,
    traddr: `10.0.1.${n}`,
    trsvcid: "4420",
    subsysnqn: `nqn.sub${n}`,
    hostNqn: HOST.nqn,
    hostId: HOST.id,
    srcAddr: "10.0.0.1",
    owner: "stas",
  });

/** stacd, told everything by hand; what is asked for is saved and reached at once. */
class Told {
  state: StacdState = emptyStacd;
  mono = 0;
  effects: StacdEffect[] = [];

  constructor(controllers: string) {
    this.take({ type: "host", host: HOST });
    this.take({ type: "exclusions", exclusions: [] });
    this.take({ type: "config", conf: this.conf(controllers), reload: false });
  }

  conf(controllers: string) {
    const parsed = parseStacdConf(`[Controllers]\n${controllers}`, "stacd.conf");
    assert.ok(parsed.ok);
    return parsed.conf;
  }

  /** The effects of one event, and of those that follow from it at once. */
  take(event: StacdEvent): readonly StacdEffect[] {
    const step = stepStacd(this.state, event, { mono: this.mono, wall: this.mono });
    this.state = step.state;
    const all = [...step.effects];
    for (const effect of step.effects) {
      if (effect.do === "save") {
        all.push(...this.take({ type: "saved", op: effect.op, outcome: { ok: true, value: undefined } }));
      }
      if (effect.do === "look-at-use") {
        const { op, key } = effect;
        all.push(...this.take({ type: "use-seen", op, key, outcome: { ok: true, value: [] } }));
      }
      if (effect.do === "reach") {
        const { op, key } = effect;
        all.push(...this.take({ type: "reached", op, key, outcome: { ok: true, value: undefined } }));
      }
    }
    this.effects = all;
    return all;
  }

  /** The answer to the scan that is under way. */
  scanned(...devices: readonly KernelCtrl[]): readonly StacdEffect[] {
    const { scan } = this.state.fleet;
    assert.ok(scan !== undefined, "it looks at the kernel");
    return this.take({ type: "scanned", op: scan, outcome: { ok: true, value: devices } });
  }

  /** The answer to the last connect. */
  connected(ctrl: KernelCtrl): void {
    const ctl = this.ctls.find(({ link }) => link.phase === "connecting");
    assert.ok(ctl?.link.phase === "connecting", "it connects");
    this.take({ type: "connected", op: ctl.link.op, key: ctl.key, outcome: { ok: true, value: ctrl } });
  }

  /** The last connect made this, less safe than asked, and it was deleted again. */
  undone(name: string, incarnation: number): void {
    const ctl = this.ctls.find(({ link }) => link.phase === "connecting");
    assert.ok(ctl?.link.phase === "connecting", "it connects");
    const failure: Failure = {
      phase: "verify",
      kind: "permanent",
      message: "the connection came up without TLS",
      undone: { device: name, incarnation },
    };
    this.take({ type: "connected", op: ctl.link.op, key: ctl.key, outcome: { ok: false, failure } });
  }

  get ctls(): readonly Ctl[] {
    return [...this.state.fleet.ctls.values()];
  }

  /** How far the subsystem of `line(n)` is. */
  phase(n: number): string {
    return this.ctls.filter(({ tid }) => tid.subsysnqn === `nqn.sub${n}`).map(({ link }) => link.phase)
      .join();
  }

  incarnation(name: string): number | undefined {
    return this.state.fleet.devices.get(name)?.incarnation;
  }
}

/** Started, the interfaces known, and the kernel looked at. */
function started(controllers: string, ...devices: readonly KernelCtrl[]): Told {
  const told = new Told(controllers);
  told.take(NETWORK);
  told.scanned(...devices);
  return told;
}

Deno.test("a connect that is answered with the number of another one ends that one", () => {
  const told = started(line(1) + line(2), device("nvme0", 1, 1));
  assert.deepEqual([told.phase(1), told.phase(2)], ["up", "connecting"]);
  told.connected(device("nvme0", 2, 2));
  assert.deepEqual([told.phase(1), told.phase(2)], ["waiting", "up"]);
});

Deno.test("what was heard of a device during a scan is newer than the scan", () => {
  const told = new Told(line(1));
  told.take(NETWORK);
  told.take({ type: "device", cause: "add", ctrl: device("nvme0", 2, 1) });
  told.take({ type: "device", cause: "add", ctrl: device("nvme1", 3, 2) });
  told.scanned(device("nvme0", 1, 1));
  assert.deepEqual([told.incarnation("nvme0"), told.incarnation("nvme1")], [2, 3]);
});

Deno.test("what was removed during a scan does not come back with it", () => {
  const told = new Told(line(1));
  told.take(NETWORK);
  told.take({ type: "removed", device: "nvme0", now: undefined });
  told.scanned(device("nvme0", 1, 1));
  assert.equal(told.incarnation("nvme0"), undefined);
});

Deno.test("what was heard before a scan began is older than the scan", () => {
  const told = started(line(1));
  told.take({ type: "device", cause: "add", ctrl: device("nvme5", 5, 5) });
  told.take({ type: "overflow" });
  told.scanned();
  assert.equal(told.incarnation("nvme5"), undefined);
});

Deno.test("events that are lost during a scan make it look again", () => {
  const told = new Told(line(1));
  told.take(NETWORK);
  told.take({ type: "overflow" });
  const effects = told.scanned();
  assert.ok(effects.some((effect) => effect.do === "scan"));
  assert.equal(told.phase(1), "idle");
  told.scanned();
  assert.equal(told.phase(1), "connecting");
});

Deno.test("what is removed before its connect is answered is not connected", () => {
  const told = started(line(1));
  told.take({ type: "device", cause: "add", ctrl: device("nvme0", 1, 1) });
  told.take({ type: "removed", device: "nvme0", now: undefined });
  told.connected(device("nvme0", 1, 1));
  told.scanned();
  assert.equal(told.phase(1), "waiting");
});

Deno.test("a connection that was made and deleted again at once is not taken over, though its end is heard later", () => {
  const told = started(line(1));
  told.take({ type: "device", cause: "add", ctrl: device("nvme0", 1, 1) });
  told.undone("nvme0", 1);
  assert.deepEqual([told.phase(1), told.incarnation("nvme0")], ["waiting", undefined]);
  const said = told.take({ type: "removed", device: "nvme0", now: undefined });
  assert.deepEqual(said.filter((effect) => effect.do === "log" || effect.do === "connect"), []);
  assert.equal(told.phase(1), "waiting");
});

Deno.test("a connection that was made and deleted again at once does not come back with a scan that saw it", () => {
  const told = started(line(1));
  told.take({ type: "overflow" });
  told.undone("nvme0", 1);
  told.scanned(device("nvme0", 1, 1));
  assert.deepEqual([told.phase(1), told.incarnation("nvme0")], ["waiting", undefined]);
});

Deno.test("whoever has the number of a connection that was deleted again stays", () => {
  const told = started(line(1) + line(2));
  told.take({ type: "device", cause: "add", ctrl: device("nvme0", 9, 3) });
  told.undone("nvme0", 8);
  assert.equal(told.incarnation("nvme0"), 9);
});

Deno.test("a removal that was heard before the connection was made is no removal of it", () => {
  const told = started(line(1));
  // The connect waits in the kernel; the number is another's until then.
  told.take({ type: "removed", device: "nvme0", now: undefined });
  told.connected(device("nvme0", 7, 1));
  told.scanned(device("nvme0", 7, 1));
  assert.equal(told.phase(1), "up");
});

Deno.test("the removal of the one that had the number before is heard while it is connected", () => {
  const told = started(line(1));
  told.take({ type: "removed", device: "nvme0", now: 7 });
  told.connected(device("nvme0", 7, 1));
  assert.equal(told.phase(1), "up");
});

Deno.test("the removal of the one that had the number before is heard when it is connected", () => {
  const told = started(line(1));
  told.connected(device("nvme0", 7, 1));
  told.take({ type: "removed", device: "nvme0", now: 7 });
  assert.deepEqual([told.phase(1), told.incarnation("nvme0")], ["up", 7]);
  told.take({ type: "removed", device: "nvme0", now: 8 });
  assert.deepEqual([told.phase(1), told.incarnation("nvme0")], ["waiting", undefined]);
});

Deno.test("the removal of the one that had the number before is heard during a scan", () => {
  const told = new Told(line(1));
  told.take(NETWORK);
  told.take({ type: "removed", device: "nvme0", now: 7 });
  told.scanned(device("nvme0", 7, 1));
  assert.equal(told.phase(1), "up");

  const older = new Told(line(1));
  older.take(NETWORK);
  older.take({ type: "removed", device: "nvme0", now: 7 });
  older.scanned(device("nvme0", 6, 1));
  assert.equal(older.incarnation("nvme0"), undefined);
});

Deno.test("an answer that is older than who has its number now does not take that one's place", () => {
  const told = started(line(1) + line(2), device("nvme7", 1, 2));
  // The connect of the first made nvme0, which was removed; its number is another's before the answer comes.
  told.take({ type: "device", cause: "add", ctrl: device("nvme0", 9, 3) });
  told.connected(device("nvme0", 8, 1));
  assert.deepEqual([told.phase(1), told.incarnation("nvme0")], ["waiting", 9]);
});

Deno.test("without the interfaces nobody knows what is connected: nothing is made, and all is found with them", () => {
  const told = new Told(line(1, ";host-iface=eth0"));
  const before = told.scanned(device("nvme0", 1, 1));
  assert.deepEqual(before.filter((effect) => effect.do === "reach" || effect.do === "connect"), []);
  told.take(NETWORK);
  assert.equal(told.phase(1), "up");
});

Deno.test("a connection that serves two is deleted for one of them, and is gone for the other", () => {
  const both = line(1) + line(1, ";host-iface=eth0");
  const told = started(both, device("nvme0", 1, 1));
  assert.equal(told.phase(1), "up,up");
  told.take({ type: "config", conf: told.conf(`${both}exclude = nqn=nqn.sub1\n`), reload: true });
  const disconnects = (mono: number) => {
    told.mono = mono;
    return told.take({ type: "tick" }).filter((effect) => effect.do === "disconnect");
  };
  const [first, second] = disconnects(5_000);
  assert.ok(first !== undefined && second === undefined);
  const failure: Failure = { phase: "disconnect", kind: "transient", errno: "EBUSY", message: "busy" };
  told.take({ type: "disconnected", op: first.op, key: first.key, outcome: { ok: false, failure } });
  assert.equal(told.phase(1), "up,up");
  const [again, other] = disconnects(20_000);
  assert.ok(again !== undefined && other === undefined);
  told.take({ type: "disconnected", op: again.op, key: again.key, outcome: { ok: true, value: "deleted" } });
  assert.equal(told.ctls.filter(({ link }) => link.phase === "up" || link.phase === "deleting").length, 0);
});

Deno.test("while a connection is read back, another one is made, but not one that may be the same", () => {
  const both = line(1) + line(1, ";host-iface=eth0");
  const told = started(both);
  told.take({ type: "config", conf: told.conf(both + line(2)), reload: true });
  const first = told.ctls.find(({ link }) => link.phase === "connecting");
  assert.ok(first?.link.phase === "connecting" && first.tid.subsysnqn === "nqn.sub1");
  told.take({ type: "kernel-free", op: first.link.op });
  assert.deepEqual([told.phase(1).split(",").toSorted(), told.phase(2)], [
    ["connecting", "ready"],
    "connecting",
  ]);
  const { op } = first.link;
  told.take({ type: "connected", op, key: first.key, outcome: { ok: true, value: device("nvme0", 1, 1) } });
  assert.deepEqual(told.phase(1).split(",").toSorted(), ["ready", "up"]);
  told.connected(device("nvme1", 2, 2));
  assert.equal(told.phase(1), "up,up");
});

Deno.test("a connection whose path shows when it is back is kept by whom it serves, and dropped by whom it does not", () => {
  for (const [iface, phase] of [["eth0", "up"], ["eth1", "connecting"]] as const) {
    // The kernel does not tell the source address of a connection that is down.
    const down = { ...device("nvme0", 1, 1), state: "connecting", srcAddr: "" } as const;
    const told = started(line(1, `;host-iface=${iface}`), down);
    assert.equal(told.phase(1), "up", "it may be this one");
    told.take({ type: "device", cause: "connected", ctrl: device("nvme0", 1, 1) });
    assert.equal(told.phase(1), phase, iface);
  }
});

Deno.test("a connection that comes back by another interface is dropped by whom it no longer serves", () => {
  const told = started(line(1, ";host-iface=eth0") + line(1), device("nvme0", 1, 1));
  assert.equal(told.phase(1), "up,up");
  told.take({ type: "device", cause: "connected", ctrl: { ...device("nvme0", 1, 1), srcAddr: "10.0.9.1" } });
  assert.deepEqual(told.phase(1).split(",").toSorted(), ["connecting", "up"]);
});

/** Two connects under way: the kernel is free of the first, which is being read back. */
function connectingTwo(): { readonly told: Told; readonly read: (ctrl: KernelCtrl) => void } {
  const told = started(line(1));
  const [first] = told.ctls;
  assert.ok(first?.link.phase === "connecting");
  told.take({ type: "config", conf: told.conf(line(1) + line(2)), reload: true });
  const { key, link: { op } } = first;
  told.take({ type: "kernel-free", op });
  assert.equal(told.phase(2), "connecting");
  return {
    told,
    read: (ctrl) => void told.take({ type: "connected", op, key, outcome: { ok: true, value: ctrl } }),
  };
}

/** The answer to the second connect. */
function secondAnswered(told: Told, ctrl: KernelCtrl): void {
  const second = told.ctls.find(({ tid }) => tid.subsysnqn === "nqn.sub2");
  assert.ok(second?.link.phase === "connecting");
  const { key, link: { op } } = second;
  told.take({ type: "connected", op, key, outcome: { ok: true, value: ctrl } });
}

Deno.test("what was heard during two connects counts until both are answered, and is forgotten then", () => {
  const { told, read } = connectingTwo();
  // The connect of the second made nvme5, which was removed; its number is another's before the answer comes.
  told.take({ type: "device", cause: "add", ctrl: device("nvme5", 9, 3) });
  read(device("nvme0", 1, 1));
  assert.deepEqual([told.phase(1), told.state.fleet.lock.heard.size], ["up", 1]);
  secondAnswered(told, device("nvme5", 8, 2));
  assert.deepEqual([told.phase(2), told.incarnation("nvme5")], ["waiting", 9]);
  assert.equal(told.state.fleet.lock.heard.size, 0);
});

Deno.test("the same when the answer to the second comes first", () => {
  const { told, read } = connectingTwo();
  told.take({ type: "device", cause: "add", ctrl: device("nvme0", 9, 3) });
  secondAnswered(told, device("nvme1", 2, 2));
  assert.deepEqual([told.phase(2), told.state.fleet.lock.heard.size], ["up", 1]);
  read(device("nvme0", 8, 1));
  assert.deepEqual([told.phase(1), told.incarnation("nvme0")], ["waiting", 9]);
  assert.equal(told.state.fleet.lock.heard.size, 0);
});
