/** Who this host is, and its defaults, change between two runs or at a reload: nothing is disconnected for that (K1, S13). */
import { stacdStepping } from "../altered.ts";
import assert from "node:assert/strict";
import type { HostConf } from "../../../src/lib/core/request/host.ts";
import type { Fleet } from "../../../src/lib/core/fleet/fleet.ts";
import { Release } from "../../../src/lib/sim/release.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import type { Device } from "../../../src/lib/sim/devices.ts";
import { type Cores, realCores } from "../cores.ts";
import { STACD_CONF, STAFD_CONF } from "../daemons.ts";
import { DC_LINE, line } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { AUDIT, HOST, Stage } from "./stage.ts";

const OTHER: HostConf = {
  ...HOST,
  nqn: "nqn.2014-08.org.nvmexpress:uuid:11111111-2222-4333-8444-555555555555",
};

/** The record of who we were counts for nothing. */
function nameless(fleet: Fleet): Fleet {
  let { ctls } = fleet;
  for (const ctl of ctls.values()) {
    if (ctl.formerly.length > 0) ctls = ctls.with(ctl.key, { ...ctl, formerly: [] });
  }
  return { ...fleet, ctls };
}

const withoutRecord = (): Cores => ({
  stafd: {
    ...realCores.stafd,
    step: (state, event, now) => realCores.stafd.step({ ...state, fleet: nameless(state.fleet) }, event, now),
  },
  stacd: {
    ...realCores.stacd,
    step: (state, event, now) => realCores.stacd.step({ ...state, fleet: nameless(state.fleet) }, event, now),
  },
});

/** What the file says now is all that counts. */
const asTheFileSays: Cores = {
  stafd: {
    ...realCores.stafd,
    step: (state, event, now) =>
      realCores.stafd.step({ ...state, fleet: { ...state.fleet, families: undefined } }, event, now),
  },
  stacd: {
    ...realCores.stacd,
    step: (state, event, now) =>
      realCores.stacd.step({ ...state, fleet: { ...state.fleet, families: undefined } }, event, now),
  },
};

/** A stage on a kernel that takes one host NQN for one host ID. */
function strict(cores: Cores): Stage {
  const stage = new Stage(cores);
  stage.world.kernel.devices.release = new Release("6.12.0");
  return stage;
}

/** One subsystem by way of a discovery controller, another one by a line of stacd.conf, a third by a referral. */
async function connected(stage: Stage): Promise<readonly Device[]> {
  const listed = stage.subsystem("nqn.listed", "10.0.1.1");
  const deep = stage.subsystem("nqn.deep", "10.0.1.2");
  stage.subsystem("nqn.line", "10.0.1.3");
  stage.dc("nqn.dc2", "10.0.0.101", [entryFor(deep, "nvme")]);
  stage.dc("nqn.dc", "10.0.0.100", [
    entryFor(listed, "nvme"),
    entryFor(stage.target("nqn.dc2"), "referral"),
  ]);
  stage.world.files.set(STAFD_CONF, DC_LINE);
  stage.world.files.set(STACD_CONF, line("traddr=10.0.1.3;trsvcid=4420;nqn=nqn.line"));
  await stage.start(5_000);
  const { all } = stage.world.kernel.devices;
  assert.equal(all.length, 5, "two discovery controllers and three subsystems");
  return all;
}

const phases = (stage: Stage): readonly string[] =>
  [...stage.stafd.state.fleet.ctls.values(), ...stage.stacd.state.fleet.ctls.values()]
    .map(({ link, tid }) => `${tid.traddr} ${tid.hostNqn} ${link.phase}`).toSorted();

const upAs = (host: HostConf): readonly string[] =>
  ["10.0.0.100", "10.0.0.101", "10.0.1.1", "10.0.1.2", "10.0.1.3"].map((traddr) =>
    `${traddr} ${host.nqn} up`
  );

/** Nothing came, nothing went, and each counts as what the files ask for. */
function unchanged(stage: Stage, before: readonly Device[], host: HostConf): void {
  assert.deepEqual(stage.world.kernel.devices.all, before);
  assert.deepEqual(phases(stage), upAs(host));
}

const restart = async (stage: Stage): Promise<void> => {
  stage.stafd.kill();
  stage.stacd.kill();
  await stage.start(120_000);
};

export const HOST_SCENARIOS: readonly Scenario[] = [
  {
    from: "K1, S13",
    name: "another host NQN and a restart of both take nothing, and nothing is made twice",
    play: async (cores) => {
      const stage = strict(cores);
      const before = await connected(stage);
      stage.setHost(OTHER);
      await restart(stage);
      unchanged(stage, before, OTHER);
      // And again: the record outlives the next restart, and the way back.
      await restart(stage);
      unchanged(stage, before, OTHER);
      stage.setHost(HOST);
      await restart(stage);
      unchanged(stage, before, HOST);
    },
    original: withoutRecord,
  },
  {
    from: "K1, S13",
    name: "another host NQN and a restart of one after the other, in either order",
    play: async (cores) => {
      for (const first of ["stafd", "stacd"]) {
        const stage = strict(cores);
        const before = await connected(stage);
        stage.setHost(OTHER);
        const restarts = [
          () => {
            stage.stafd.kill();
            stage.startStafd();
          },
          () => {
            stage.stacd.kill();
            stage.startStacd();
          },
        ];
        for (const next of first === "stafd" ? restarts : restarts.toReversed()) {
          next();
          await stage.run(90_000);
          assert.deepEqual(stage.world.kernel.devices.all, before, `${first} first`);
        }
        unchanged(stage, before, OTHER);
      }
    },
    original: withoutRecord,
  },
  {
    from: "K1, S13",
    name: "what is no longer asked for goes, whatever the host NQN is now",
    play: async (cores) => {
      const stage = strict(cores);
      await connected(stage);
      stage.setHost(OTHER);
      stage.world.files.set(STACD_CONF, "");
      await restart(stage);
      assert.equal(stage.to("nqn.line").length, 0);
      assert.equal(stage.to("nqn.listed").length, 1);
      stage.dc("nqn.dc3", "10.0.0.102", []);
      stage.stafdConf(line("traddr=10.0.0.102"));
      await stage.run(30_000);
      assert.equal(stage.to("nqn.listed").length, 0);
      assert.equal(stage.to("nqn.dc").length, 0);
    },
    original: withoutRecord,
  },
  {
    from: "K1, audit scope",
    name: "without a record a connection of another host NQN is foreign, and stays in the audit scope, too",
    play: async (cores) => {
      const stage = strict(cores);
      const before = await connected(stage);
      stage.stafd.kill();
      stage.stacd.kill();
      for (const name of ["stafd", "stacd"]) stage.world.disk.lose(name);
      stage.world.files.set(STACD_CONF, `${AUDIT}${line("traddr=10.0.1.3;trsvcid=4420;nqn=nqn.line")}`);
      stage.setHost(OTHER);
      await stage.start(120_000);
      assert.deepEqual(stage.world.kernel.devices.all, before);
      const failures = [...stage.stafd.state.fleet.ctls.values(), ...stage.stacd.state.fleet.ctls.values()]
        .filter(({ claims }) => claims.size > 0).map(({ lastFailure }) => lastFailure?.failure);
      assert.equal(failures.length, 2);
      for (const failure of failures) {
        assert.ok(failure?.message.includes(`connected as ${HOST.nqn}`), failure?.message);
        assert.ok(failure?.remedy?.includes("reboot"));
      }
      // The same when nothing is unknown: nobody else is asked for, and the audit has everybody's word.
      const alone = strict(cores);
      const subsystem = alone.subsystem("nqn.sub", "10.0.1.1");
      const stranger = alone.connectedByOthers(subsystem, { hostNqn: OTHER.nqn });
      alone.stacdConf(`${AUDIT}${line("traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub")}`);
      await alone.start(120_000);
      assert.deepEqual(alone.to(subsystem), [stranger]);
      // No source wants it under any name: that is what the audit is for.
      alone.stacdConf(AUDIT);
      await alone.run(60_000);
      assert.equal(alone.to(subsystem).length, 0);
    },
    // The audit takes the identity for evidence.
    original: () =>
      stacdStepping((state, event, now) => {
        if (event.type !== "host") return realCores.stacd.step(state, event, now);
        return realCores.stacd.step(state, { ...event, host: HOST }, now);
      }),
  },
  {
    from: "K1, core.md: host NQN changed, reload",
    name: "what mDNS found has one identity when the host NQN changes under way or over a restart",
    play: async (cores) => {
      const stage = strict(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      const announced = { hostIface: "eth0", name: "dc", traddr: "10.0.0.100", port: 8009, txt: ["p=tcp"] };
      stage.world.avahi.announce(announced);
      await stage.start(5_000);
      const before = stage.world.kernel.devices.all;
      assert.equal(before.length, 2);
      stage.setHost(OTHER);
      stage.stafdConf("[Service Discovery]\nzeroconf = enabled\n");
      stage.stacdConf("");
      await stage.run(90_000);
      assert.deepEqual(stage.world.kernel.devices.all, before);
      await restart(stage);
      assert.deepEqual(stage.world.kernel.devices.all, before);
      for (const { state } of [stage.stafd, stage.stacd]) {
        assert.deepEqual(
          [...state.fleet.ctls.values()].map(({ tid, link }) => `${tid.hostNqn} ${link.phase}`),
          [`${OTHER.nqn} up`],
        );
      }
    },
    original: withoutRecord,
  },
  {
    from: "K1, the way out",
    name: "a connection that is lost is made as the host that is configured now",
    play: async (cores) => {
      const stage = strict(cores);
      const before = await connected(stage);
      stage.setHost({ ...OTHER, id: "11111111-7ce5-41fa-9452-48477bf00080" });
      await restart(stage);
      unchanged(stage, before, OTHER);
      const [first] = stage.to("nqn.line");
      assert.ok(first !== undefined);
      stage.world.kernel.deleteNow(first);
      await stage.run(30_000);
      assert.deepEqual(stage.to("nqn.line").map(({ hostNqn }) => hostNqn), [OTHER.nqn]);
      assert.equal(stage.world.kernel.devices.all.length, 5);
    },
    original: withoutRecord,
  },
  {
    from: "K1, a line with a host NQN of its own",
    name: "a line that names its host NQN is that host, whoever the others are",
    play: async (cores) => {
      const stage = new Stage(cores);
      const own = stage.subsystem("nqn.own", "10.0.1.4");
      stage.stacdConf(line(`traddr=10.0.1.4;trsvcid=4420;nqn=nqn.own;host-nqn=${HOST.nqn}`));
      await stage.start(5_000);
      const before = stage.to(own);
      stage.setHost(OTHER);
      await restart(stage);
      assert.deepEqual(stage.to(own), before);
      assert.deepEqual([...stage.stacd.state.fleet.ctls.values()].map(({ tid }) => tid.hostNqn), [HOST.nqn]);
      // Written anew without it, it asks for another host: a person's word.
      stage.stacdConf(line("traddr=10.0.1.4;trsvcid=4420;nqn=nqn.own"));
      await stage.run(20_000);
      assert.deepEqual(stage.to(own).map(({ hostNqn }) => hostNqn), [OTHER.nqn]);
    },
    // The host NQN of a line is that of the host.
    original: () =>
      stacdStepping((state, event, now) => {
        if (event.type !== "config") return realCores.stacd.step(state, event, now);
        const controllers = event.conf.controllers.map((one) => ({
          ...one,
          fields: { ...one.fields, hostNqn: undefined },
        }));
        return realCores.stacd.step(state, { ...event, conf: { ...event.conf, controllers } }, now);
      }),
  },
  {
    from: "K1, defaults, DEC-13",
    name:
      "another ip-family keeps what is connected over a restart, until a person has a changed file loaded",
    play: async (cores) => {
      const stage = new Stage(cores);
      const before = await connected(stage);
      for (const file of [STAFD_CONF, STACD_CONF]) {
        stage.world.files.set(file, `[Global]\nip-family = ipv6\n${stage.world.files.get(file)}`);
      }
      await restart(stage);
      unchanged(stage, before, HOST);
      // Once more, and a reload of the same file: nobody has said anything since.
      await restart(stage);
      stage.stafd.reload();
      stage.stacd.reload();
      await stage.run(60_000);
      unchanged(stage, before, HOST);
      // What is lost is not made again.
      const [lost] = stage.to("nqn.listed");
      assert.ok(lost !== undefined);
      stage.world.kernel.deleteNow(lost);
      await stage.run(120_000);
      assert.equal(stage.to("nqn.listed").length, 0);
      stage.stacdConf(`${stage.world.files.get(STACD_CONF)}# changed\n`);
      await stage.run(10_000);
      for (const name of ["nqn.deep", "nqn.line"]) assert.equal(stage.to(name).length, 0, name);
      assert.equal(stage.to("nqn.dc").length, 1, "stafd.conf was not loaded");
      stage.stafdConf(`${stage.world.files.get(STAFD_CONF)}# changed\n`);
      await stage.run(10_000);
      assert.equal(stage.world.kernel.devices.all.length, 0);
    },
    original: () => asTheFileSays,
  },
  {
    from: "K1, defaults, DEC-13",
    name: "another ip-family and a restart: a discovery controller that is lost takes nothing with it",
    play: async (cores) => {
      const stage = new Stage(cores);
      const six = stage.subsystem("nqn.six", "fd01::9");
      stage.dc("nqn.dc2", "fd01::2", [entryFor(six, "nvme")]);
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(stage.target("nqn.dc2"), "referral")]);
      stage.world.files.set(STAFD_CONF, DC_LINE);
      stage.world.files.set(STACD_CONF, "");
      await stage.start(5_000);
      const before = [...stage.to("nqn.dc2"), ...stage.to("nqn.six")];
      assert.equal(before.length, 2);
      stage.world.files.set(STAFD_CONF, `[Global]\nip-family = ipv6\n${DC_LINE}`);
      await restart(stage);
      const [lost] = stage.to("nqn.dc");
      assert.ok(lost !== undefined);
      stage.world.kernel.deleteNow(lost);
      await stage.run(120_000);
      assert.deepEqual([...stage.to("nqn.dc2"), ...stage.to("nqn.six")], before);
      assert.equal(stage.to("nqn.dc").length, 0, "it is not connected again");
      stage.stafdConf(`${stage.world.files.get(STAFD_CONF)}# changed\n`);
      await stage.run(20_000);
      assert.equal(stage.world.kernel.devices.all.length, 0, "a person's word");
    },
    original: () => asTheFileSays,
  },
  {
    from: "K1, defaults",
    name: "ignore-iface turned round is no reason to disconnect, also while a name does not resolve",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.world.resolver.names.set("array.example.com", ["10.0.1.1"]);
      const text =
        "controller = transport=tcp;traddr=array.example.com;trsvcid=4420;nqn=nqn.sub;host-iface=eth0\n";
      const conf = (ignore: boolean) => `[Global]\nignore-iface = ${ignore}\n[Controllers]\n${text}`;
      stage.stacdConf(conf(true));
      stage.startStacd();
      await stage.run(5_000);
      const before = stage.to(subsystem);
      assert.equal(before[0]?.hostIface, "");
      stage.world.resolver.names.delete("array.example.com");
      for (const ignore of [false, true, false]) {
        stage.world.files.set(STACD_CONF, conf(ignore));
        stage.stacd.kill();
        stage.startStacd();
        await stage.run(60_000);
        assert.deepEqual(stage.to(subsystem), before);
        const [ctl, ...others] = stage.stacd.state.fleet.ctls.values();
        assert.equal(ctl?.link.phase, "up");
        assert.equal(others.length, 0);
        stage.stacdConf(conf(!ignore));
        await stage.run(60_000);
        assert.deepEqual(stage.to(subsystem), before);
      }
    },
    // A line is called by what the defaults make of it.
    original: () =>
      stacdStepping((state, event, now) => {
        let { ctls } = state.fleet;
        if (event.type === "config") {
          for (const ctl of ctls.values()) {
            const claims = new Map([...ctl.claims].map(([authority, claim]) => [`${authority}?`, claim]));
            const lines = new Map(
              [...claims].map(([authority, claim]) => [authority.replace(/^line:/, "line:?"), claim]),
            );
            ctls = ctls.with(ctl.key, { ...ctl, claims: lines });
          }
        }
        return realCores.stacd.step({ ...state, fleet: { ...state.fleet, ctls } }, event, now);
      }),
  },
];
