/** RDMA and FC: what cannot be tested beforehand (findings, H2). */
import assert from "node:assert/strict";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { doing, stacd } from "../altered.ts";
import { realCores } from "../cores.ts";
import { stacdAfter } from "./original.ts";
import type { Scenario } from "./scenario.ts";
import { HOST, Stage } from "./stage.ts";
import { STACD_CONF } from "../daemons.ts";
import type { Cores } from "../cores.ts";

/** What was not tested counts as what was. */
const asTested = () =>
  stacd((event) =>
    event.type === "reached" && event.outcome.ok
      ? { ...event, outcome: { ok: true, value: undefined } }
      : event
  );

const lineOf = ({ address: { transport, traddr, trsvcid }, nqn }: Target): string =>
  `controller = transport=${transport};traddr=${traddr};${
    trsvcid === "" ? "" : `trsvcid=${trsvcid};`
  }nqn=${nqn}\n`;

const file = (targets: readonly Target[]): string => `[Controllers]\n${targets.map(lineOf).join("")}`;

const rdma = (stage: Stage, nqn: string, traddr: string): Target =>
  stage.world.addSubsystem({ transport: "rdma", traddr, trsvcid: "4420" }, nqn);

/** Hosts on the link that speak no RDMA: each holds the kernel for three seconds. */
function deadRdma(stage: Stage): readonly Target[] {
  const dead = Array.from({ length: 20 }, (_, n) => rdma(stage, `nqn.dead${n}`, `10.0.2.${n + 1}`));
  for (const target of dead) stage.world.setManner(target, "silent");
  return dead;
}

const missing = (stage: Stage, targets: readonly Target[]): readonly string[] =>
  targets.filter((target) => stage.to(target).length !== 1).map(({ nqn }) => nqn);

const FC_PORT = "nn-0x10001100ab000001:pn-0x20001100ab000001";
const FC_HOST = "nn-0x10001100aa000001:pn-0x20001100aa000001";
const FC_LINE = `transport=fc;traddr=${FC_PORT};host-traddr=${FC_HOST}`;
const fcLines = (...nqns: readonly string[]): string =>
  `[Controllers]\n${nqns.map((nqn) => `controller = ${FC_LINE};nqn=${nqn}\n`).join("")}`;

/** A remote port that is logged in, and a subsystem that is not served there yet. */
function lateFc(stage: Stage, nqn = "nqn.fc"): Target {
  const target = stage.world.addSubsystem({ transport: "fc", traddr: FC_PORT, trsvcid: "" }, nqn);
  stage.world.setManner(target, "silent");
  stage.world.fabric.setFcPort(FC_PORT, true);
  return target;
}

/** Counts what the kernel is asked for. */
function counting(stage: Stage): { connects: number } {
  const count = { connects: 0 };
  stage.world.kernel.connecting.witness = () => count.connects++;
  return count;
}

const established = (stage: Stage): number =>
  stage.said.filter((line) => line.includes("Connection established!")).length;

/** A connect that the kernel has taken is a connection. */
const asEstablished = () =>
  stacd((event) =>
    event.type === "connected" && event.outcome.ok && event.outcome.value.subsysnqn === ""
      ? { ...event, outcome: { ok: true, value: { ...event.outcome.value, subsysnqn: "nqn.fc" } } }
      : event
  );

/** Tries again as if nothing had failed before. */
const untiring = () =>
  stacdAfter((next) => {
    let { fleet } = next.state;
    for (const ctl of fleet.ctls.values()) {
      fleet = { ...fleet, ctls: fleet.ctls.with(ctl.key, { ...ctl, attempts: 0 }) };
    }
    return { ...next, state: { ...next.state, fleet } };
  });

/** Does not remember what the kernel is still connecting for it. */
const forgetful = (): Cores => ({
  ...realCores,
  stacd: doing(
    realCores.stacd,
    (effect) =>
      effect.do === "save"
        ? [{
          ...effect,
          state: JSON.stringify(
            JSON.parse(effect.state, (key, value) => key === "standing" ? undefined : value),
          ),
        }]
        : [effect],
  ),
});

/** One test, and the connect that the kernel is at. */
const BOUND = 8_000;

export const TRANSPORT_SCENARIOS: readonly Scenario[] = [
  {
    from: "H2",
    name:
      "20 dead RDMA lines and one TCP line: the TCP line does not wait for them, and they are not forgotten",
    play: async (cores) => {
      const stage = new Stage(cores);
      const dead = deadRdma(stage);
      const tcp = stage.subsystem("nqn.tcp", "10.0.1.1");
      stage.stacdConf(file([...dead, tcp]));
      await stage.start(BOUND);
      assert.deepEqual(missing(stage, [tcp]), []);
      // One that comes later, while the kernel is busy with them without end.
      await stage.run(60_000);
      const later = stage.subsystem("nqn.later", "10.0.1.2");
      stage.stacdConf(file([...dead, tcp, later]));
      await stage.run(BOUND);
      assert.deepEqual(missing(stage, [tcp, later]), []);
      for (const target of dead) stage.world.setManner(target, "up");
      await stage.run(3 * 60_000);
      assert.deepEqual(missing(stage, dead), []);
    },
    original: asTested,
  },
  {
    from: "H2",
    name: "20 RDMA lines that have failed hold up no RDMA line that has not been tried",
    play: async (cores) => {
      const stage = new Stage(cores);
      const dead = deadRdma(stage);
      stage.stacdConf(file(dead));
      await stage.start(5 * 60_000);
      // The network has changed: all failures count as none.
      stage.world.fabric.touch();
      await stage.run(2_000);
      const live = rdma(stage, "nqn.live", "10.0.1.1");
      const tcp = stage.subsystem("nqn.tcp", "10.0.1.2");
      stage.stacdConf(file([...dead, live, tcp]));
      await stage.run(BOUND);
      assert.deepEqual(missing(stage, [live, tcp]), []);
    },
    original: asTested,
  },
  {
    from: "H5",
    name:
      "FC: a connect that the kernel goes on with is no connection before it is live, and counts as failed meanwhile",
    play: async (cores) => {
      const stage = new Stage(cores);
      const target = lateFc(stage);
      const count = counting(stage);
      stage.stacdConf(fcLines("nqn.fc"));
      await stage.start(5_000);
      assert.equal(established(stage), 0);
      assert.deepEqual(stage.world.kernel.devices.all.map(({ state }) => state), ["connecting"]);
      await stage.run(60_000);
      const failed = stage.seen.filter((line) =>
        line.includes("the kernel is still connecting nvme0: it has not been live")
      );
      assert.equal(failed.length, 1, "said once");
      assert.equal(established(stage), 0);
      stage.world.setManner(target, "up");
      await stage.run(11_000);
      assert.equal(stage.to(target).length, 1);
      assert.equal(established(stage), 1);
      assert.equal(stage.said.some((line) => line.includes("it existed already")), false);
      assert.equal(count.connects, 1, "the kernel was asked once");
      // It is ours: withdrawn, it goes.
      stage.stacdConf("");
      await stage.run(10_000);
      assert.deepEqual(stage.world.kernel.devices.all, []);
    },
    original: asEstablished,
  },
  {
    from: "H5",
    name:
      "FC: a target that never comes: the kernel gives up and is asked anew, with pauses; what is withdrawn is waited for",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.world.kernel.connecting.ctrlLossTmo = 40;
      const target = lateFc(stage);
      const count = counting(stage);
      stage.stacdConf(fcLines("nqn.fc"));
      await stage.start(10 * 60_000);
      assert.equal(established(stage), 0);
      assert.ok(count.connects >= 5 && count.connects <= 14, `${count.connects} connects in ten minutes`);
      assert.ok(stage.seen.some((line) => line.includes("was deleted before it was live")));
      // Withdrawn while the kernel is at it: no deletion is tried, and nothing is left when the kernel gives up.
      await untilForming(stage);
      stage.stacdConf("");
      await stage.run(60_000);
      assert.deepEqual(stage.world.kernel.devices.all, []);
      assert.equal(stage.seen.some((line) => line.includes("Failed to disconnect")), false);
      assert.equal(stage.stacd.state.fleet.ctls.size, 0);
      // Or it comes after all: then it is taken away.
      stage.stacdConf(fcLines("nqn.fc"));
      await untilForming(stage);
      stage.stacdConf("");
      await stage.run(2_000);
      stage.world.setManner(target, "up");
      await stage.run(20_000);
      assert.deepEqual(stage.world.kernel.devices.all, []);
      assert.equal(stage.stacd.state.fleet.ctls.size, 0);
    },
    original: asEstablished,
  },
  {
    from: "H5, K2",
    name:
      "FC: an unfinished connect of somebody else is told of, not tried every few seconds, and taken over when it is live",
    play: async (cores) => {
      const stage = new Stage(cores);
      const target = lateFc(stage);
      const foreign = stage.world.kernel.devices.make({
        ...target.address,
        hostTraddr: FC_HOST,
        hostIface: "",
        hostNqn: HOST.nqn,
        hostId: HOST.id,
        target,
        maker: "others",
        owner: "",
        ctrlLossTmoMs: Infinity,
      });
      stage.world.kernel.devices.reset(foreign);
      const count = counting(stage);
      stage.stacdConf(fcLines("nqn.fc"));
      await stage.start(5 * 60_000);
      assert.ok(count.connects >= 3 && count.connects <= 12, `${count.connects} connects in five minutes`);
      assert.ok(
        stage.seen.some((line) => line.includes("nvme0 is in the way: something else asked the kernel")),
      );
      stage.world.setManner(target, "up");
      await stage.run(11_000);
      assert.equal(stage.to(target).length, 1);
      assert.ok(stage.said.some((line) => line.includes("it existed already")));
      assert.equal(stage.stacd.state.fleet.users.get("nvme0")?.length, 1);
    },
    original: untiring,
  },
  {
    from: "H5, L5",
    name: "FC: the event that it is live gets lost: the next look at the states finds it",
    play: async (cores) => {
      const stage = new Stage(cores);
      const target = lateFc(stage);
      stage.stacdConf(fcLines("nqn.fc"));
      await stage.start(30_000);
      stage.world.kernel.devices.chaos.silentLoss = 1;
      stage.world.setManner(target, "up");
      await stage.run(20_000);
      assert.equal(established(stage), 1);
    },
    original: () => ({
      ...realCores,
      stacd: doing(realCores.stacd, (effect) => effect.do === "states" ? [] : [effect]),
    }),
  },
  {
    from: "H5, S9",
    name:
      "FC: what the kernel was still connecting when stacd crashed is stacd's own, and goes when it is no longer asked for",
    play: async (cores) => {
      const stage = new Stage(cores);
      const [kept, dropped] = [lateFc(stage, "nqn.kept"), lateFc(stage, "nqn.dropped")];
      const count = counting(stage);
      stage.stacdConf(fcLines("nqn.kept", "nqn.dropped"));
      stage.startStacd();
      await stage.run(30_000);
      stage.stacd.kill();
      stage.world.files.set(STACD_CONF, fcLines("nqn.kept"));
      stage.startStacd();
      await stage.run(30_000);
      for (const target of [kept, dropped]) stage.world.setManner(target, "up");
      await stage.run(20_000);
      assert.deepEqual(stage.world.kernel.devices.all.map(({ target }) => target?.nqn), ["nqn.kept"]);
      assert.equal(count.connects, 2, "each was asked for once");
      assert.equal(stage.stacd.state.fleet.ctls.size, 1);
    },
    original: forgetful,
  },
];

async function untilForming(stage: Stage): Promise<void> {
  for (let second = 0; second < 120; second++) {
    if (stage.world.kernel.devices.all.some(({ state }) => state === "connecting")) return;
    await stage.run(1_000);
  }
  assert.fail("nothing is being connected");
}
