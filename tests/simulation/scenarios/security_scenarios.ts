/** Connections less safe than asked for (S15): made, called good, or taken away for it. */
import assert from "node:assert/strict";
import { stacdAnswers } from "../../../src/lib/daemon/views/stacd_view.ts";
import type { StacdConf } from "../../../src/lib/config/stacd_conf.ts";
import type { Peek } from "../../../src/lib/daemon/views/classic.ts";
import { controllerOf } from "../../../src/lib/daemon/views/v1_common.ts";
import { explain } from "../../../src/lib/daemon/views/v1_explain.ts";
import { healthOf, securityProblems } from "../../../src/lib/daemon/views/v1_health.ts";
import type { V1Health } from "../../../src/lib/dbus/v1_types.ts";
import type { ConnectOptions } from "../../../src/lib/nvme/connect_options.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { doing, hearing, withDevices } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { line } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";
import { stacdView } from "../../../src/lib/core/stacd/stacd_rules.ts";

const SUB = "traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub";
const KEY = "dhchap-secret=DHHC-1:00:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0:";

/** A subsystem that a page lists by eth0, so under another id than that of a line without interface. */
function listedByInterface(cores: Cores, stacd: string): { stage: Stage; subsystem: Target } {
  const stage = new Stage(cores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  stage.stafdConf(line("traddr=10.0.0.100;host-iface=eth0"));
  stage.stacdConf(stacd);
  return { stage, subsystem };
}

/** How stacd's connections look to a person. */
function told(stage: Stage): { health: V1Health; ls: string; explained: string } {
  const { state } = stage.stacd;
  const now = stage.world.clock.now();
  const core = stacdView(state, now);
  const { devices } = stage.world.kernel;
  const peek: Peek = (name) => {
    const device = devices.get(name);
    return device === undefined ? undefined : devices.view(device);
  };
  const controllers = [...state.fleet.ctls.values()].map((ctl) => controllerOf(ctl, core, peek, now));
  return {
    health: healthOf("stacd", now.wall, controllers, securityProblems(state.conf, state.fleet.host)),
    ls: JSON.stringify(stacdAnswers(state, now, peek).listControllers(true)),
    explained: JSON.stringify(explain("", "stacd", core, () => true, peek, now)),
  };
}

const problems = (health: V1Health): readonly string[] => health.problems.map(({ id }) => id);

/** stacd reads its file like this. */
const reading = (change: (conf: StacdConf) => StacdConf) => (): Cores => ({
  ...realCores,
  stacd: hearing(
    realCores.stacd,
    (event) => event.type === "config" ? { ...event, conf: change(event.conf) } : event,
  ),
});

/** What a page lists is connected without what lines say of it. */
const withoutLines = (plain: ConnectOptions) => (): Cores => ({
  ...realCores,
  stacd: doing(realCores.stacd, (effect) => [
    effect.do === "connect" && effect.request.tid.hostIface !== ""
      ? {
        ...effect,
        request: { ...effect.request, options: { ...effect.request.options, ...plain }, keys: {} },
      }
      : effect,
  ]),
});

/** Every connection looks as safe as it can be. */
const trusting = (): Cores => {
  const safe = (ctrl: KernelCtrl): KernelCtrl =>
    ctrl.made === undefined
      ? ctrl
      : { ...ctrl, made: { ...ctrl.made, tls: "tls", dhchap: true, dhchapCtrl: true } };
  return { ...realCores, stacd: hearing(realCores.stacd, withDevices(safe)) };
};

export const SECURITY_SCENARIOS: readonly Scenario[] = [
  {
    from: "H1",
    name: "what a page lists is not connected without TLS when a line wants TLS to it",
    play: async (cores) => {
      const { stage, subsystem } = listedByInterface(cores, line(`${SUB};tls=true`));
      subsystem.offersTls = false;
      await stage.start(90_000);
      assert.deepEqual(stage.to(subsystem), []);
      const { health } = told(stage);
      assert.equal(health.status, "degraded");
    },
    original: withoutLines({ tls: false }),
  },
  {
    from: "H1",
    name: "what a page lists is authenticated when a line has a secret for it, on RDMA",
    play: async (cores) => {
      const stage = new Stage(cores);
      const address = { transport: "rdma", traddr: "10.0.1.1", trsvcid: "4420" } as const;
      const subsystem = stage.world.addSubsystem(address, "nqn.sub");
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      stage.stafdConf(line("traddr=10.0.0.100;host-iface=eth0"));
      stage.stacdConf(`[Controllers]\ncontroller = transport=rdma;${SUB};${KEY}\n`);
      await stage.start(30_000);
      const made = stage.to(subsystem).map((device) => device.made?.dhchap);
      assert.ok(made.length > 0 && made.every((dhchap) => dhchap === true), String(made));
    },
    original: () => ({
      ...realCores,
      stacd: doing(
        realCores.stacd,
        (
          effect,
        ) => [effect.do === "connect" ? { ...effect, request: { ...effect.request, keys: {} } } : effect],
      ),
    }),
  },
  ...(["tls=true", KEY] as const).map((wish): Scenario => ({
    from: "H1",
    name: `a connection made by hand without ${wish.split("=")[0]} stays, and is not called good`,
    play: async (cores) => {
      const { stage, subsystem } = listedByInterface(cores, line(`${SUB};${wish}`));
      const byHand = stage.connectedByOthers(subsystem);
      await stage.start(90_000);
      assert.deepEqual(stage.to(subsystem), [byHand]);
      const { health, ls, explained } = told(stage);
      assert.equal(health.status, "degraded");
      assert.ok(problems(health).includes("less-safe-than-asked"), problems(health).join());
      assert.doesNotMatch(ls, /"tls":"True"|dhchap-secret/);
      assert.match(explained, /less safe than asked: without/);
      assert.match(stage.said.join("\n"), /stacd .*less safe than asked: without .*nvme disconnect -d nvme/);
      // Nor for a reload, nor for a restart.
      stage.stacdConf(line(`${SUB};${wish}`));
      await stage.run(10_000);
      stage.stacd.kill();
      stage.startStacd();
      await stage.run(30_000);
      assert.deepEqual(stage.to(subsystem), [byHand]);
    },
    original: trusting,
  })),
  ...([";tls", ";tsl=true", ";kxchap-secret=DHHC-1:00:c2VjcmV0:"] as const).map((token): Scenario => ({
    from: "K3",
    name: `nothing is connected for a line with "${
      token.split(":")[0]
    }", though a page lists its subsystem, too`,
    play: async (cores) => {
      const { stage, subsystem } = listedByInterface(cores, line(`${SUB}${token}`));
      await stage.start(60_000);
      assert.deepEqual(stage.to(subsystem), []);
      const { health, explained } = told(stage);
      assert.deepEqual([health.status, problems(health)], ["degraded", ["security-unreadable"]]);
      assert.match(explained, /stacd\.conf:2:\d+: .*write (tls|dhchap-secret)=/);
      stage.stacdConf(line(SUB));
      await stage.run(20_000);
      assert.equal(stage.to(subsystem).length, 1, "connected when it is corrected");
      const [connected] = stage.to(subsystem);
      stage.stacdConf(line(`${SUB}${token}`));
      await stage.run(60_000);
      assert.deepEqual(stage.to(subsystem), [connected], "the existing connection stays");
    },
    original: reading((conf) => ({ ...conf, unusable: [] })),
  })),
  {
    from: "K4",
    name: "of two lines for one controller the stricter counts, and the first one for everything else",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.stacdConf(
        `${line(`${SUB};kato=7`)}controller = transport=tcp;${
          SUB.replace("10.", "::ffff:10.")
        };kato=9;tls=true\n`,
      );
      await stage.start(10_000);
      assert.deepEqual(stage.to(subsystem).map(({ made }) => [made?.tls, made?.kato]), [["tls", 7]]);
    },
    original: reading((conf) => ({ ...conf, controllers: conf.controllers.toReversed().slice(1) })),
  },
  {
    from: "K4",
    name: "two lines for one controller, one of them by its name",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.world.resolver.names.set("array.example.com", ["10.0.1.1"]);
      stage.stacdConf(
        `${line(`${SUB};kato=7`)}controller = transport=tcp;${
          SUB.replace("10.0.1.1", "array.example.com")
        };tls=true\n`,
      );
      await stage.start(10_000);
      assert.deepEqual(stage.to(subsystem).map(({ made }) => [made?.tls, made?.kato]), [["tls", 7]]);
      assert.match(
        stage.said.join("\n"),
        /stacd\.conf:3: line 3 means the same controller as line 2: .* line 3 asks for tls and line 2 does not/,
      );
    },
    original: reading((conf) => ({ ...conf, controllers: conf.controllers.slice(0, 1) })),
  },
  {
    from: "K3",
    name: "a mistyped security option in [Global] is no permission to connect without it",
    play: async (cores) => {
      const stage = new Stage(cores);
      const there = stage.subsystem("nqn.there", "10.0.1.9");
      const secure = stage.subsystem("nqn.secure", "10.0.1.2");
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme"), entryFor(there, "nvme")]);
      stage.stafdConf(line("traddr=10.0.0.100"));
      const byHand = stage.connectedByOthers(there);
      const secureLine = "controller = transport=tcp;traddr=10.0.1.2;trsvcid=4420;nqn=nqn.secure;tls=true\n";
      stage.stacdConf(`[Global]\ntsl = true\n[Controllers]\n${secureLine}`);
      await stage.start(30_000);
      assert.deepEqual(stage.to(subsystem), []);
      assert.deepEqual(stage.to(there), [byHand]);
      assert.deepEqual(stage.to(secure).map(({ made }) => made?.tls), ["tls"]);
      const { health, explained } = told(stage);
      assert.deepEqual(problems(health), ["security-unreadable"]);
      assert.match(explained, /stacd\.conf:2:1: \[Global\] has no option \\"tsl\\"/);
      // A reload of such a file changes nothing.
      stage.stacdConf("[Global]\ntls = false\n");
      await stage.run(20_000);
      assert.equal(stage.to(subsystem).length, 1);
      stage.world.kernel.deleteNow(stage.to(subsystem)[0] ?? byHand);
      stage.stacdConf("[Global]\nTLS_mode = on\nkato = 3\n");
      await stage.run(30_000);
      assert.deepEqual(stage.to(subsystem).map(({ made }) => made?.kato), [undefined]);
    },
    original: reading((conf) => ({ ...conf, unreadSecurity: [] })),
  },
];
