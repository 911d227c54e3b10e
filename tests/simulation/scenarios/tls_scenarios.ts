/** TLS by log page (DEC-15, S15): used where a page asks for it and it is possible, demanded where it is required or was had. */
import assert from "node:assert/strict";
import type { DaemonConf } from "../../../src/lib/config/daemon_conf.ts";
import { Table } from "../../../src/lib/base/table.ts";
import type { ConnectRequest } from "../../../src/lib/ports.ts";
import type { DiscoveryEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import type { TlsDemand } from "../../../src/lib/nvme/entry_tls.ts";
import { tlsPair } from "../../../src/lib/nvme/tls_host.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import type { Device } from "../../../src/lib/sim/devices.ts";
import { type Discovery, entryFor } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { doing, hearing, stacdStepping } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { HOST_NQN } from "../landscape.ts";
import { line } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";

const KEY = new Set([tlsPair(HOST_NQN, "nqn.sub")]);

interface Scene {
  readonly stage: Stage;
  readonly subsystem: Target;
  readonly discovery: Discovery;
  /** Somebody edits the page: what it says of TLS from now on. */
  readonly say: (demand: TlsDemand) => void;
}

/** A configured discovery controller that lists one subsystem; `options` are those of `[Global]` in stacd.conf. */
function scene(cores: Cores, demand: TlsDemand, options = ""): Scene {
  const stage = new Stage(cores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  subsystem.listsTls = demand;
  const discovery = stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  stage.stafdConf(line("traddr=10.0.0.100"));
  stage.stacdConf(`[Global]\n${options}\n`);
  stage.world.kernel.connecting.tls = { daemon: true, pairs: KEY };
  const say = (now: TlsDemand): void => {
    subsystem.listsTls = now;
    discovery.list(entryFor(subsystem, "nvme"), stage.mono);
  };
  return { stage, subsystem, discovery, say };
}

const tlsOf = (devices: readonly Device[]): readonly (string | undefined)[] =>
  devices.map(({ made }) => made?.tls);

/** stacd, with other options than it asks for. */
const asking = (change: (request: ConnectRequest) => ConnectRequest["options"]) => (): Cores => ({
  ...realCores,
  stacd: doing(realCores.stacd, (effect) => [
    effect.do === "connect"
      ? { ...effect, request: { ...effect.request, options: change(effect.request) } }
      : effect,
  ]),
});
const inClear = asking(({ options: { tls: _, ...rest } }) => rest);
const alwaysTls = asking(({ options }) => ({ ...options, tls: true }));

/** What was connected by TLS is not remembered. */
const forgetful = (): Cores => {
  const { stacd: real } = realCores;
  return stacdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    const fleet = { ...next.state.fleet, secured: Table.empty<true>() };
    return { ...next, state: { ...next.state, fleet } };
  });
};

/** The link is lost for longer than the kernel tries to have it back: the connection is made again. */
async function madeAnew({ stage, subsystem }: Pick<Scene, "stage" | "subsystem">): Promise<void> {
  for (const device of stage.to(subsystem)) stage.world.kernel.deleteNow(device);
  await stage.run(120_000);
}

export const TLS_SCENARIOS: readonly Scenario[] = [
  {
    from: "DEC-15",
    name: "a page requires TLS and there is no key: no connection; with the key, one by TLS",
    play: async (cores) => {
      const { stage, subsystem } = scene(cores, "required");
      stage.world.kernel.connecting.tls = { daemon: true, pairs: new Set() };
      await stage.start(60_000);
      assert.deepEqual(stage.to(subsystem), []);
      assert.match(stage.seen.join("\n"), /there is no TLS key/);
      stage.world.kernel.connecting.tls = { daemon: true, pairs: KEY };
      await stage.run(600_000);
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["tls"]);
    },
    original: inClear,
  },
  {
    from: "DEC-15",
    name: "a page offers TLS, with a key and a handshake daemon: TLS",
    play: async (cores) => {
      const { stage, subsystem } = scene(cores, "offered");
      await stage.start(30_000);
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["tls"]);
    },
    original: inClear,
  },
  ...([
    ["there is no key", { daemon: true, pairs: new Set<string>() }, /and there is no key for this host/],
    ["no daemon does handshakes", { daemon: false, pairs: KEY }, /and no daemon does the handshakes/],
  ] as const).map(([why, tls, words]): Scenario => ({
    from: "DEC-15",
    name: `a page offers TLS and ${why}: without TLS, at once and said`,
    play: async (cores) => {
      const { stage, subsystem } = scene(cores, "offered");
      stage.world.kernel.connecting.tls = tls;
      await stage.start(5_000);
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["none"]);
      assert.match(stage.seen.join("\n"), words);
    },
    original: alwaysTls,
  })),
  {
    from: "DEC-15",
    name: "a page offers TLS and the keys differ: without TLS within half a minute, and said",
    play: async (cores) => {
      const { stage, subsystem } = scene(cores, "offered");
      subsystem.hasOtherKey = true;
      await stage.start(30_000);
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["none"]);
      assert.match(stage.seen.join("\n"), /with TLS it failed: the TLS handshake failed/);
    },
    original: alwaysTls,
  },
  ...(["offered", "none"] as const).map((later): Scenario => ({
    from: "DEC-15",
    name:
      `what was connected by TLS is not connected without TLS when the page says ${later} and the key is gone`,
    play: async (cores) => {
      const it = scene(cores, "offered");
      const { stage, subsystem } = it;
      await stage.start(30_000);
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["tls"]);
      it.say(later);
      stage.world.kernel.connecting.tls = { daemon: false, pairs: new Set() };
      await madeAnew(it);
      assert.deepEqual(stage.to(subsystem), []);
      stage.stacd.kill();
      stage.startStacd();
      await stage.run(120_000);
      assert.deepEqual(stage.to(subsystem), [], "nor after a restart");
      stage.stacdConf("[Global]\ntls-from-log-page = ignore\n");
      await stage.run(30_000);
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["none"], "a person may say so");
    },
    original: forgetful,
  })),
  {
    from: "DEC-15",
    name: "a page requires TLS of what is connected without TLS: it stays, and is not called good",
    play: async (cores) => {
      const { stage, subsystem } = scene(cores, "required");
      const byHand = stage.connectedByOthers(subsystem);
      await stage.start(90_000);
      assert.deepEqual(stage.to(subsystem), [byHand]);
      assert.match(stage.seen.join("\n"), /less safe than asked: without TLS/);
    },
    original: () => ({
      ...realCores,
      stacd: hearing(
        realCores.stacd,
        (event) => event.type === "config" ? { ...event, conf: ignoring(event.conf) } : event,
      ),
    }),
  },
  {
    from: "DEC-15",
    name: "tls-from-log-page = ignore: what a page requires does not count",
    play: async (cores) => {
      const { stage, subsystem } = scene(cores, "required", "tls-from-log-page = ignore");
      await stage.start(10_000);
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["none"]);
    },
    original: alwaysTls,
  },
  {
    from: "DEC-15",
    name: "SECTYPE none: TREQ says nothing about TLS",
    play: async (cores) => {
      const { stage, subsystem, discovery } = scene(cores, "none");
      discovery.list({ ...entryFor(subsystem, "nvme"), treq: 1 }, stage.mono);
      await stage.start(10_000);
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["none"]);
    },
    original: alwaysTls,
  },
  {
    from: "DEC-15",
    name: "a referral that requires TLS is followed by TLS or not at all",
    play: async (cores) => {
      const stage = new Stage(cores);
      const refer = (): void => {
        const behind = stage.target("nqn.behind");
        behind.listsTls = "required";
        first.list(entryFor(behind, "referral", { subnqn: WELL_KNOWN_DISC_NQN }), stage.mono);
      };
      const first = stage.dc("nqn.dc", "10.0.0.100", []);
      stage.dc("nqn.behind", "10.0.0.101", []);
      stage.stafdConf(line("traddr=10.0.0.100"));
      stage.world.kernel.connecting.tls = { daemon: true, pairs: new Set() };
      refer();
      await stage.start(60_000);
      assert.deepEqual(stage.to("nqn.behind"), []);
      stage.world.kernel.connecting.tls = {
        daemon: true,
        pairs: new Set([tlsPair(HOST_NQN, WELL_KNOWN_DISC_NQN)]),
      };
      await stage.run(600_000);
      assert.deepEqual(tlsOf(stage.to("nqn.behind")), ["tls"]);
    },
    original: () => ({
      ...realCores,
      stafd: doing(realCores.stafd, (effect) => {
        if (effect.do !== "connect") return [effect];
        const { tls: _, ...options } = effect.request.options;
        return [{ ...effect, request: { ...effect.request, options } }];
      }),
    }),
  },
  {
    from: "S16",
    name:
      "a discovery controller that only mDNS leads to cannot demand TLS of what a configured one lists without TLS",
    play: async (cores) => {
      const { stage, subsystem } = scene(cores, "none");
      stage.world.kernel.connecting.tls = { daemon: true, pairs: new Set() };
      stage.stafdConf(line("traddr=10.0.0.100;host-iface=eth0"));
      const hostile = {
        ...entryFor(subsystem, "nvme"),
        treq: 1,
        tsas: { kind: "tcp", sectype: "tls1.3" },
      } as const;
      hears(stage, hostile);
      await stage.start(30_000);
      await madeAnew({ stage, subsystem });
      assert.deepEqual(tlsOf(stage.to(subsystem)), ["none"]);
    },
    original: () => ({
      ...realCores,
      stacd: hearing(realCores.stacd, (event) => {
        if (event.type !== "fetched" || !event.outcome.ok) return event;
        const dcs = event.outcome.value.dcs.map(({ authority: _, ...dc }) => dc);
        return { ...event, outcome: { ok: true, value: { ...event.outcome.value, dcs } } };
      }),
    }),
  },
  {
    from: "S15",
    name:
      "a page that only mDNS leads to does not lead to a connection without TLS where the page of a configured one requires it",
    play: async (cores) => {
      const { stage, subsystem } = scene(cores, "required");
      stage.world.kernel.connecting.tls = { daemon: true, pairs: new Set() };
      // By another way: another id of the same target.
      const { treq: _, tsas: __, ...same } = entryFor(subsystem, "nvme");
      hears(stage, { ...same, treq: 0, tsas: { kind: "tcp", sectype: "none" } });
      await stage.start(60_000);
      assert.equal(stage.to("nqn.hostile").length, 1);
      assert.deepEqual(stage.to(subsystem), []);
    },
    original: () => ({
      ...realCores,
      stacd: doing(realCores.stacd, (effect) => {
        if (effect.do !== "connect" || effect.request.tid.hostIface === "") return [effect];
        const { tls: _, ...options } = effect.request.options;
        return [{ ...effect, request: { ...effect.request, options } }];
      }),
    }),
  },
];

/** What a discovery controller lists that only mDNS leads to. */
function hears(stage: Stage, entry: DiscoveryEntry): void {
  stage.dc("nqn.hostile", "10.0.0.66", [entry]);
  const txt = ["p=tcp", "NQN=nqn.hostile"];
  stage.world.avahi.announce({ hostIface: "eth0", name: "hostile", traddr: "10.0.0.66", port: 8009, txt });
}

function ignoring<C extends DaemonConf>(conf: C): C {
  return { ...conf, tlsFromLogPage: { ...conf.tlsFromLogPage, value: "ignore" } };
}
