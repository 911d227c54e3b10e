/** Defects of finding discovery controllers and of following what they say. */
import assert from "node:assert/strict";
import { finishStafd, takeStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { newDc } from "../../../src/lib/core/stafd/stafd_state.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import { Release } from "../../../src/lib/sim/release.ts";
import { doing, stafd, stafdStepping, withDevices } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { referral } from "../landscape.ts";
import type { StafdCore } from "../daemons.ts";
import type { Scenario } from "./scenario.ts";
import { HOST, Stage } from "./stage.ts";
import { stafdDraft } from "../../../src/lib/core/stafd/stafd_rules.ts";
import { ctlAt } from "../../../src/lib/core/fleet/questions.ts";
import { withdraw } from "../../../src/lib/core/fleet/claims.ts";

const DC_LINE = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n";
type StafdStep = ReturnType<StafdCore["step"]>;
type StafdEvent = Parameters<StafdCore["step"]>[1];

/** stafd, with something more done after each of its steps. */
const stafdAfter = (more: (next: StafdStep, event: StafdEvent) => StafdStep): Cores =>
  stafdStepping((state, event, now) => more(realCores.stafd.step(state, event, now), event));

const announced = { hostIface: "eth0", name: "dc", traddr: "10.0.0.100", port: 8009, txt: ["p=tcp"] };

export const STAFD_SCENARIOS: readonly Scenario[] = [
  {
    from: "ISS-22, STAF-54",
    name: "a controller that refuses the Supported Log Pages command is read all the same",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]).supported = undefined;
      stage.stafdConf(DC_LINE);
      await stage.start();
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () =>
      stafd((event) => event.type === "supported-logs" && !event.outcome.ok ? { type: "tick" } : event),
  },
  {
    from: "nvme-stas#528",
    name: "the host is registered",
    play: async (cores) => {
      const stage = new Stage(cores);
      const dc = stage.dc("nqn.dc", "10.0.0.100", []);
      stage.stafdConf(DC_LINE);
      await stage.start();
      assert.equal(dc.registered.length, 1);
    },
    original: () => ({
      ...realCores,
      stafd: doing(realCores.stafd, (effect) => effect.do === "register" ? [] : [effect]),
    }),
  },
  {
    from: "nvme-stas 2.3, STAF-62",
    name: "a discovery controller that the kernel gave up keeps its page, and stacd its connections",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      stage.stafdConf(DC_LINE);
      await stage.start();
      const [before] = stage.to(subsystem);
      stage.world.setManner(stage.target("nqn.dc"), "silent");
      for (const device of stage.to("nqn.dc")) stage.world.kernel.deleteNow(device);
      await stage.run(60_000);
      assert.deepEqual(stage.to(subsystem), [before]);
    },
    // The object goes with the device.
    original: () =>
      stafdAfter((next, event) => {
        if (event.type !== "removed") return next;
        let { fleet, dcs, retired } = next.state;
        for (const { key, tid, link } of fleet.ctls.values()) {
          if (link.phase !== "waiting") continue;
          fleet = { ...fleet, ctls: fleet.ctls.without(key) };
          dcs = dcs.without(key);
          retired = [...retired, { tid, why: "its device is gone", at: 0 }];
        }
        const signal = { do: "signal", signal: { type: "dc-removed" } } as const;
        return { state: { ...next.state, fleet, dcs, retired }, effects: [...next.effects, signal] };
      }),
  },
  {
    from: "nvme-stas#378, ISS-17",
    name:
      "a controller that said goodbye and is dead goes after the time that was asked for, also when its interface is gone",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.stafdConf(
        "[Discovery controller connection management]\nzeroconf-connections-persistence = 20 s\n",
      );
      stage.world.avahi.announce(announced);
      await stage.start(35_000);
      assert.equal(stage.to("nqn.dc").length, 1, "connected at the start");
      stage.world.fabric.setLink("eth0", false);
      const [service] = stage.world.avahi.announced;
      stage.world.avahi.withdraw(service?.key ?? "");
      for (const device of stage.to("nqn.dc")) stage.world.kernel.deleteNow(device);
      await stage.run(15_000);
      assert.equal(stage.stafd.state.fleet.ctls.size, 1, "not before its time");
      await stage.run(30_000);
      assert.equal(stage.stafd.state.fleet.ctls.size, 0);
    },
    original: () => stafd((event) => event.type === "service-gone" ? { type: "tick" } : event),
  },
  {
    from: "STAF-20, STAF-33",
    name: "an Avahi that restarts costs no connection",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.stafdConf("[Discovery controller connection management]\nzeroconf-connections-persistence = 0\n");
      stage.world.avahi.announce(announced);
      await stage.start();
      const [before] = stage.to("nqn.dc");
      stage.world.avahi.stop();
      await stage.run(60_000);
      stage.world.avahi.start();
      await stage.run(60_000);
      assert.ok(before !== undefined);
      assert.deepEqual(stage.to("nqn.dc"), [before]);
    },
    // What Avahi does not announce at the moment is not wanted.
    original: () =>
      stafdStepping((state, event, now) => {
        if (event.type !== "avahi" || event.available || state.services.size === 0) {
          return realCores.stafd.step(state, event, now);
        }
        let { fleet } = state;
        for (const ctl of fleet.ctls.values()) {
          const gone = { kind: "unresponsive", since: now.wall, timeoutMs: 0 } as const;
          const released = new Map([...ctl.claims.keys()].map((authority) => [authority, gone]));
          fleet = { ...fleet, ctls: fleet.ctls.with(ctl.key, { ...ctl, claims: new Map(), released }) };
        }
        const step = realCores.stafd.step({ ...state, fleet }, event, now);
        return realCores.stafd.step(
          step.state,
          { type: "nbft", targets: { discovery: [], boot: [] } },
          now,
        );
      }),
  },
  {
    from: "nvme-stas 2.3, STAF-39",
    name: "a controller that announces itself before it listens is connected when it does",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.world.setManner(stage.target("nqn.dc"), "closed");
      stage.world.avahi.announce(announced);
      await stage.start(5_000);
      stage.world.setManner(stage.target("nqn.dc"), "up");
      await stage.run(15_000);
      assert.equal(stage.to("nqn.dc").length, 1);
    },
    // Tried once.
    original: () => ({ ...realCores, stafd: { ...realCores.stafd, wakeAt: () => undefined } }),
  },
  {
    from: "STAF-19, STAF-20",
    name:
      "after zeroconf=disabled, ip-family keeps what mDNS had found, and turns it away when it is announced again",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.world.avahi.announce(announced);
      stage.stafdConf("");
      await stage.start();
      const before = stage.to("nqn.dc");
      assert.equal(before.length, 1);
      stage.stafdConf("[Service Discovery]\nzeroconf = disabled\n");
      await stage.run(5_000);
      stage.stafdConf("[Global]\nip-family = ipv6\n[Service Discovery]\nzeroconf = disabled\n");
      await stage.run(60_000);
      assert.deepEqual(stage.to("nqn.dc"), before);
      stage.stafd.kill();
      stage.startStafd();
      await stage.run(60_000);
      assert.deepEqual(stage.to("nqn.dc"), before, "also after a restart");
      stage.stafdConf("[Global]\nip-family = ipv6\n");
      await stage.run(5_000);
      assert.equal(stage.to("nqn.dc").length, 0, "announced, and of a family that is off");
    },
    // What was announced once is announced for good.
    original: () =>
      stafd((event) =>
        event.type === "config"
          ? { ...event, conf: { ...event.conf, zeroconf: { ...event.conf.zeroconf, value: true } } }
          : event
      ),
  },
  {
    from: "nvme-stas 2.2.3, STAF-112",
    name: "a foreign discovery controller is passed on when it is rediscovered, not when it is connected",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      await stage.start();
      const foreign = stage.connectedByOthers(stage.target("nqn.dc"));
      await stage.run(1_000);
      assert.deepEqual(stage.restarted, []);
      stage.world.kernel.devices.reset(foreign);
      await stage.run(15_000);
      assert.equal(stage.restarted.length, 1);
    },
    original: () =>
      stafd((event) =>
        event.type === "device" && event.cause === "connected" ? { ...event, cause: "rediscover" } : event
      ),
  },
  {
    from: "nvme-stas 2.3, unique NQN",
    name: "a controller connected by the well-known NQN is recognised by the NQN that it has",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.stafdConf(DC_LINE);
      await stage.start();
      stage.stafd.kill();
      stage.startStafd();
      await stage.run(5_000);
      assert.equal(stage.to("nqn.dc").length, 1);
    },
    original: () =>
      stafd(withDevices((ctrl) => ctrl.subsysnqn === "nqn.dc" ? { ...ctrl, isDc: false } : ctrl)),
  },
  {
    from: "STAF-57",
    name: "an entry with the address of any host, however it is written, is left out",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.other", "10.0.0.101", []);
      const other = stage.target("nqn.other");
      stage.dc(
        "nqn.dc",
        "10.0.0.100",
        ["", "0.0.0.0", "::", "0:0::0", "::ffff:0.0.0.0"].map((traddr) =>
          entryFor(other, "referral", { traddr, subnqn: WELL_KNOWN_DISC_NQN })
        ),
      );
      stage.stafdConf(DC_LINE);
      await stage.start();
      assert.deepEqual([...stage.stafd.state.fleet.ctls.values()].map(({ tid }) => tid.traddr), [
        "10.0.0.100",
      ]);
    },
    original: () =>
      stafd((event) =>
        event.type !== "log-read" || !event.outcome.ok ? event : {
          ...event,
          outcome: {
            ok: true,
            value: {
              ...event.outcome.value,
              entries: event.outcome.value.entries.map((entry) =>
                entry.traddr === "0:0::0" ? { ...entry, traddr: "10.0.0.101" } : entry
              ),
            },
          },
        }
      ),
  },
  {
    from: "IPv4-mapped addresses, DEC-11",
    name: "10.0.0.100 and ::ffff:10.0.0.100 are one controller",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.connectedByOthers(stage.target("nqn.dc"));
      stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=::ffff:10.0.0.100\n");
      await stage.start();
      assert.equal(stage.to("nqn.dc").length, 1);
    },
    original: () =>
      stafd(withDevices((ctrl) => ({ ...ctrl, traddr: ctrl.traddr.replace("10.0.0.100", "0.0.0.0") }))),
  },
  {
    from: "S2 (found by the simulation)",
    name: "a controller that is dropped and wanted again is heard before what it refers to goes",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.second", "10.0.0.101", []);
      const first = stage.dc("nqn.first", "10.0.0.100", [referral(stage.target("nqn.second"))]);
      stage.stafdConf(DC_LINE);
      await stage.start();
      const [before] = stage.to("nqn.second");
      stage.world.setManner(stage.target("nqn.first"), "silent");
      for (const device of stage.to("nqn.first")) stage.world.kernel.deleteNow(device);
      await stage.run(10_000);
      stage.stafdConf("");
      await stage.run(500);
      stage.stafdConf(DC_LINE);
      await stage.run(60_000);
      assert.ok(before !== undefined);
      assert.deepEqual(stage.to("nqn.second"), [before]);
      first.edit([], stage.mono);
      stage.world.setManner(stage.target("nqn.first"), "up");
      await stage.run(80_000);
      await stage.age();
      assert.deepEqual([stage.to("nqn.first").length, stage.to("nqn.second").length], [1, 0]);
    },
    // What was never read counts as read.
    original: () =>
      stafdStepping((state, event, now) => {
        let { dcs } = state;
        const page = { genctr: "0", readAt: 0, toldAt: undefined, fresh: true, entries: [], bytes: 2 };
        for (const [key, dc] of dcs) dcs = dcs.with(key, { ...dc, page: dc.page ?? page });
        for (const key of state.fleet.ctls.keys()) {
          if (!dcs.has(key)) dcs = dcs.with(key, { ...newDc, page });
        }
        return realCores.stafd.step({ ...state, dcs }, event, now);
      }),
  },
  {
    from: "S2, STAF-76 (found by the simulation)",
    name: "a controller whose time is up while it is being connected is connected, and stays",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.world.setManner(stage.target("nqn.dc"), "silent");
      stage.world.setManner(stage.subsystem("nqn.mute", "10.0.1.1"), "mute");
      stage.stafdConf("[Discovery controller connection management]\nzeroconf-connections-persistence = 0\n");
      stage.stacdConf(
        "[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.mute\n",
      );
      stage.world.avahi.announce(announced);
      await stage.start(40_000);
      stage.world.setManner(stage.target("nqn.dc"), "up");
      const { connecting } = stage.world.kernel;
      // The kernel is busy for ten seconds with what does not answer: stafd's turn comes after that.
      for (let n = 0; n < 1_000 && !connecting.holds("stacd"); n++) await stage.run(100);
      stage.world.avahi.announce(announced);
      for (let n = 0; n < 100 && !connecting.holds("stafd"); n++) await stage.run(10);
      assert.ok(connecting.holds("stacd") && connecting.holds("stafd"), "stafd waits for its turn");
      const [service] = stage.world.avahi.announced;
      stage.world.avahi.withdraw(service?.key ?? "");
      await stage.run(30_000);
      assert.equal(stage.to("nqn.dc").length, 1);
    },
    // Its time is up, whatever is under way.
    original: () =>
      stafdStepping((state, event, now) => {
        if (event.type !== "connected" || !event.outcome.ok) {
          return realCores.stafd.step(state, event, now);
        }
        const turn = stafdDraft(state, now);
        const gone = { kind: "unresponsive", since: now.wall, timeoutMs: 0 } as const;
        const authorities = ctlAt(turn, event.key)?.claims.keys() ?? [];
        for (const authority of authorities) withdraw(turn, event.key, authority, gone);
        takeStafd(turn, event);
        return finishStafd(turn);
      }),
  },
  {
    from: "nvme-cli#3837",
    name: "two controllers that only refer to each other do not keep each other alive",
    play: async (cores) => {
      const stage = new Stage(cores);
      const first = stage.dc("nqn.first", "10.0.0.100", []);
      stage.dc("nqn.second", "10.0.0.101", [referral(stage.target("nqn.first"))]);
      first.edit([referral(stage.target("nqn.second"))], 0);
      stage.stafdConf(DC_LINE);
      await stage.start();
      assert.deepEqual([stage.to("nqn.first").length, stage.to("nqn.second").length], [1, 1]);
      stage.stafdConf("");
      await stage.run(10_000);
      assert.deepEqual([stage.to("nqn.first").length, stage.to("nqn.second").length], [0, 0]);
    },
    // Whoever refers to it is enough.
    original: () =>
      stafdStepping((state, event, now) => {
        const next = realCores.stafd.step(state, event, now);
        const isReload = event.type === "config" && event.reload;
        return isReload ? { state: { ...next.state, fleet: state.fleet }, effects: [] } : next;
      }),
  },
  {
    from: "libnvme#431",
    name: "a connection that is only half made is not taken for a discovery controller",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.0.100");
      stage.dc("nqn.dc", "10.0.0.100", [], "4420");
      stage.world.kernel.devices.release = new Release("5.15.0");
      stage.startStafd();
      const half = stage.world.kernel.devices.make({
        ...subsystem.address,
        hostTraddr: "",
        hostIface: "",
        hostNqn: HOST.nqn,
        hostId: "",
        target: subsystem,
        maker: "others",
        owner: "",
        ctrlLossTmoMs: 1,
      });
      half.state = "connecting";
      await stage.run(500);
      stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100;trsvcid=4420\n");
      await stage.run(500);
      stage.world.kernel.devices.live(half);
      await stage.run(10_000);
      assert.equal(stage.to("nqn.dc").length, 1);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () =>
      stafd(
        withDevices((ctrl) => ctrl.state === "connecting" ? { ...ctrl, state: "live", isDc: true } : ctrl),
      ),
  },
  {
    from: "STAF-20 with persistence 0 (found by the simulation)",
    name: "a stafd that is started again does not drop what it has not looked for yet",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.stafdConf("[Discovery controller connection management]\nzeroconf-connections-persistence = 0\n");
      stage.world.avahi.announce(announced);
      await stage.start();
      stage.stafd.kill();
      stage.world.avahi.stop();
      stage.startStafd();
      await stage.run(60_000);
      assert.equal(stage.stafd.state.fleet.ctls.size, 1);
    },
    // It is not connected as far as this process knows: gone at once.
    original: () =>
      stafdAfter((next, event) => {
        if (event.type !== "config") return next;
        const [...keys] = next.state.fleet.ctls.keys();
        const ctls = keys.reduce((table, key) => table.without(key), next.state.fleet.ctls);
        return { ...next, state: { ...next.state, fleet: { ...next.state.fleet, ctls } } };
      }),
  },
  {
    from: "L3 (found by the simulation)",
    name: "a name whose controller is dead is asked for once a minute, however often the file was read again",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.world.resolver.names.set("dc.example.com", ["10.0.0.99"]);
      const conf = "[Controllers]\ncontroller = transport=tcp;traddr=dc.example.com\n";
      stage.stafdConf(conf);
      await stage.start();
      for (let n = 0; n < 10; n++) {
        await stage.run(5_000);
        stage.stafdConf(conf);
      }
      await stage.run(60_000);
      let asked = 0;
      stage.world.resolver.witness = () => asked++;
      await stage.run(600_000);
      assert.ok(asked >= 9 && asked <= 11, `asked ${asked} times in ten minutes`);
    },
    original: () => ({
      ...realCores,
      stafd: doing(realCores.stafd, (effect) => effect.do === "resolve" ? [effect, effect] : [effect]),
    }),
  },
  {
    from: "L1, nvme-stas 2.0 (found by the simulation)",
    name: "a change of a page whose event was lost is read all the same",
    play: async (cores) => {
      const stage = new Stage(cores);
      const page = stage.dc("nqn.dc", "10.0.0.100", []);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.stafdConf(DC_LINE);
      await stage.start();
      stage.world.kernel.devices.loseEvents(50);
      page.edit([entryFor(subsystem, "nvme")], stage.mono);
      await stage.run(3_000);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () => stafd((event) => event.type === "overflow" ? { type: "tick" } : event),
  },
  {
    from: "S9 (found by the simulation)",
    name: "a line that was removed while stafd was down takes its connection along",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.dc("nqn.dc", "10.0.0.100", []);
      stage.stafdConf(DC_LINE);
      await stage.start();
      stage.stafd.kill();
      stage.world.files.set("/etc/stas/stafd.conf", "");
      stage.startStafd();
      await stage.run(10_000);
      assert.equal(stage.to("nqn.dc").length, 0);
    },
    original: () => ({
      ...realCores,
      stafd: doing(
        realCores.stafd,
        (effect) => effect.do === "save" ? [{ ...effect, state: "{}" }] : [effect],
      ),
    }),
  },
];
