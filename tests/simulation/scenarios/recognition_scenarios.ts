/** Defects of recognising a connection: by which way it goes, and what stands in the way of one that is not recognised. */
import assert from "node:assert/strict";
import { after, milliseconds } from "../../../src/lib/base/time.ts";
import { finishStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { Table } from "../../../src/lib/base/table.ts";
import type { Device } from "../../../src/lib/sim/devices.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { hearing, stacdStepping, stafd, withDevices } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { DC_LINE, line, listed } from "./listed.ts";
import { stacdAfter } from "./original.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";
import { stacdDraft } from "../../../src/lib/core/stacd/stacd_rules.ts";
import { ctlAt } from "../../../src/lib/core/fleet/questions.ts";
import { put, remindAt } from "../../../src/lib/core/fleet/draft.ts";

/** What the kernel was told of the interface counts for nothing: the source address alone tells. */
const forgotten = (ctrl: KernelCtrl): KernelCtrl => ({ ...ctrl, hostIface: "" });
const bySourceOnly = (): Cores => ({
  stafd: hearing(realCores.stafd, withDevices(forgotten)),
  stacd: hearing(realCores.stacd, withDevices(forgotten)),
});

/** Both daemons killed and started again: nothing is made and nothing is lost. */
async function restartsUnchanged(stage: Stage): Promise<void> {
  const before = stage.world.kernel.devices.all.map(({ incarnation }) => incarnation);
  stage.stafd.kill();
  stage.stacd.kill();
  await stage.start(20_000);
  assert.deepEqual(stage.world.kernel.devices.all.map(({ incarnation }) => incarnation), before);
}

/** A DC line by that interface, and what its page lists. */
async function byInterface(stage: Stage, iface: string): Promise<void> {
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  stage.stafdConf(line(`traddr=10.0.0.100;host-iface=${iface}`));
  await stage.start();
  assert.equal(stage.to(subsystem).length, 1, "connected at the start");
}

/** A second network of the host, which sends from an address of another interface. */
const UPLINK = { name: "up0", index: 7, mac: "02:00:00:00:00:07", v4: [], v6: [] } as const;

export const RECOGNITION_SCENARIOS: readonly Scenario[] = [
  {
    from: "K2, TID-44 overruled",
    name: "a connection by an altname of the interface is recognised after a restart",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.world.fabric.addInterface({
        ...UPLINK,
        v4: ["10.2.0.1"],
        nets: ["10.0."],
        altnames: ["enp129s0f0np0"],
      });
      await byInterface(stage, "enp129s0f0np0");
      await restartsUnchanged(stage);
    },
    original: bySourceOnly,
  },
  {
    from: "K2, routed host",
    name: "a connection that sends from an address of lo is recognised after a restart",
    play: async (cores) => {
      const stage = new Stage(cores);
      const lo = { name: "lo", index: 1, mac: "00:00:00:00:00:00", v6: [], nets: [] };
      stage.world.fabric.addInterface({ ...lo, v4: ["127.0.0.1", "10.9.9.9"] });
      stage.world.fabric.addInterface({ ...UPLINK, nets: ["10.0."], borrowed: "10.9.9.9" });
      await byInterface(stage, "up0");
      await restartsUnchanged(stage);
    },
    original: bySourceOnly,
  },
  {
    from: "K2, VLANs with one fe80:: address",
    name: "of two lines by two interfaces with one address each keeps its own connection",
    play: async (cores) => {
      const stage = new Stage(cores);
      const shared = { mac: "02:00:00:00:00:07", v4: ["10.2.0.1"], v6: [], nets: ["10.0."] };
      stage.world.fabric.addInterface({ ...shared, name: "up0", index: 7 });
      stage.world.fabric.addInterface({ ...shared, name: "up0.7", index: 8 });
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      const by = (iface: string) =>
        `controller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub;host-iface=${iface}\n`;
      stage.stacdConf(`[Controllers]\n${by("up0")}${by("up0.7")}`);
      stage.startStacd();
      await stage.run(5_000);
      assert.deepEqual(stage.to(subsystem).map(({ hostIface }) => hostIface).toSorted(), ["up0", "up0.7"]);
      stage.stacd.kill();
      stage.startStacd();
      await stage.run(5_000);
      assert.equal(stage.to(subsystem).length, 2, "recognised after a restart");
      stage.stacdConf(`[Controllers]\n${by("up0")}`);
      await stage.run(5_000);
      assert.deepEqual(stage.to(subsystem).map(({ hostIface }) => hostIface), ["up0"]);
    },
    original: bySourceOnly,
  },
  {
    from: "core.md, interface renamed and its link lost",
    name: "what a link loss changed without an event is read again before a connection is taken over",
    play: async (cores) => {
      const stage = new Stage(cores);
      await byInterface(stage, "eth0");
      const { fabric } = stage.world;
      fabric.setLink("eth0", false);
      fabric.rename("eth0", "fabx");
      await stage.run(14_000);
      fabric.setLink("fabx", true);
      stage.stafdConf(line("traddr=10.0.0.100;host-iface=fabx"));
      await stage.run(20_000);
      const [made, ...others] = stage.to("nqn.sub");
      assert.equal(made?.hostIface, "fabx", "connected again by the interface's new name");
      assert.equal(others.length, 0);
      const { all } = stage.world.kernel.devices;
      assert.deepEqual(all.map(({ hostIface }) => hostIface), ["fabx", "fabx"], "the old ones are gone");
    },
    // What was read once is believed.
    original: () =>
      stacdStepping((state, event, now) => {
        let readAt = Table.empty<number>();
        for (const name of state.fleet.devices.keys()) readAt = readAt.with(name, now.mono);
        return realCores.stacd.step({ ...state, fleet: { ...state.fleet, readAt } }, event, now);
      }),
  },
  {
    from: "H6, STAC-1",
    name: "what is only in the state file is not connected before stafd speaks of it",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      stage.dc("nqn.dc2", "10.0.0.101", []);
      stage.stafd.kill();
      stage.stacd.kill();
      for (const device of stage.world.kernel.devices.all) stage.world.kernel.deleteNow(device);
      const asked: string[] = [];
      stage.world.kernel.connecting.witness = (_who, { tid }) => asked.push(tid.traddr);
      stage.startStacd();
      await stage.run(60_000);
      assert.deepEqual(asked, [], "stafd has not spoken");
      stage.stafdConf(line("traddr=10.0.0.101"));
      stage.startStafd();
      await stage.run(60_000);
      assert.deepEqual(asked, ["10.0.0.101"]);
      stage.stafdConf(DC_LINE);
      await stage.run(10_000);
      assert.equal(stage.to(subsystem).length, 1, "listed again, connected again");
    },
    // What was saved is as good as what is said.
    original: () =>
      stacdStepping((state, event, now) => {
        const pages = new Map([...state.pages].map(([key, page]) => [key, { ...page, told: true }]));
        return realCores.stacd.step({ ...state, pages }, event, now);
      }),
  },
  {
    from: "K2, EALREADY",
    name: "a connection in the way that is not recognised is named, and asked for once a minute at most",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      // An I/O controller of type "reserved" that has no namespaces.
      const inTheWay = stage.connectedByOthers(subsystem);
      inTheWay.complete = false;
      subsystem.tellsNoType = true;
      let attempts = 0;
      stage.world.kernel.connecting.witness = () => attempts++;
      stage.stacdConf(line("traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub"));
      stage.startStacd();
      await stage.run(300_000);
      // Pauses of 3, 6, 12, 24, 48 and then 60 s, each up to a fifth shorter.
      assert.ok(attempts >= 3 && attempts <= 10, `${attempts} attempts in 300 s`);
      const said = stage.said.filter((text) => text.includes("in the way"));
      assert.ok(said[0]?.includes(inTheWay.name), "the log names it");
      const [ctl] = [...stage.stacd.state.fleet.ctls.values()];
      assert.ok(ctl?.lastFailure?.failure.message.includes(`${inTheWay.name} is in the way`));
      inTheWay.complete = true;
      subsystem.tellsNoType = false;
      stage.world.kernel.devices.stir(inTheWay);
      await stage.run(100);
      assert.equal(ctl === undefined ? "" : stage.stacd.state.fleet.ctls.get(ctl.key)?.link.phase, "up");
    },
    // Again after a second, for ever.
    original: () =>
      stacdAfter((next, event, now) => {
        if (event.type !== "connected" || event.outcome.ok) return next;
        const turn = stacdDraft(next.state, now);
        const ctl = ctlAt(turn, event.key);
        const until = after(now, milliseconds(1_000));
        if (ctl !== undefined) put(turn, { ...ctl, link: { phase: "waiting", until } });
        remindAt(turn, until, { of: "controller", key: event.key });
        const step = finishStacd(turn);
        return { state: step.state, effects: [...next.effects, ...step.effects] };
      }),
  },
  {
    from: "seed 70224",
    name: "beside another program's connection stafd takes its own again after a crash without a state file",
    play: async (cores) => {
      const stage = new Stage(cores);
      // No file survives the crash; the registry of owners does.
      stage.world.disk.full = true;
      stage.dc("nqn.dc", "10.0.0.100", []);
      let theirs: Device | undefined;
      // Another program connects it in the same moment, and the kernel lists that connection first.
      stage.world.kernel.connecting.witness = () =>
        theirs ??= stage.connectedByOthers(stage.target("nqn.dc"));
      stage.stafdConf(DC_LINE);
      await stage.start();
      assert.equal(stage.to("nqn.dc").length, 2, "both connected at the start");
      stage.stafd.kill();
      stage.startStafd();
      await stage.run(20_000);
      stage.stafdConf(`${DC_LINE}exclude = traddr=10.0.0.100\n`);
      await stage.run(120_000);
      assert.deepEqual(stage.to("nqn.dc"), [theirs]);
    },
    // The registry is not looked at.
    original: () => stafd(withDevices((ctrl) => ({ ...ctrl, owner: "" }))),
  },
];
