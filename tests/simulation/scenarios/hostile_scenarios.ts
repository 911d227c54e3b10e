/** What a hostile network does to the others on it: nothing but what is its own (S16). */
import assert from "node:assert/strict";
import type { Fleet } from "../../../src/lib/core/fleet/fleet.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { doing } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { stacdAfter } from "./original.ts";
import { DC_LINE } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";

const TWO_DCS = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n" +
  "controller = transport=tcp;traddr=10.0.0.200\n";
/** How long a rightful subsystem takes at most, in milliseconds, whatever others do. */
const BOUND = 15_000;

/** The kernel gets whatever accepts a TCP connection. */
export const asksNobody = (): Cores => ({
  ...realCores,
  stacd: doing(
    realCores.stacd,
    (effect) => effect.do === "reach" ? [{ ...effect, probe: { ...effect.probe, asks: false } }] : [effect],
  ),
});

/** However long a connect took, the next one follows. */
export function nobodyRests(cores: Cores = realCores): Cores {
  const restless = <State extends { readonly fleet: Fleet }>(state: State): State => ({
    ...state,
    fleet: { ...state.fleet, lock: { ...state.fleet.lock, rests: new Map() } },
  });
  const { stafd, stacd } = cores;
  return {
    stafd: { ...stafd, step: (state, event, now) => stafd.step(restless(state), event, now) },
    stacd: { ...stacd, step: (state, event, now) => stacd.step(restless(state), event, now) },
  };
}

/** Whoever was first has the queue. */
const withoutTurns = (): Cores =>
  stacdAfter((next) => ({
    ...next,
    state: {
      ...next.state,
      pages: new Map([...next.state.pages].map(([key, page]) => [key, { ...page, authority: "all" }])),
    },
  }));

/** What the configuration asks for has its turn when all others have had theirs. */
function configuredLast(): Cores {
  const { stafd } = realCores;
  const step: typeof stafd.step = (state, event, now) => {
    const next = stafd.step(state, event, now);
    const { fleet } = next.state;
    const turns = { ...fleet.toReach.turns, credit: [-1e9, 0, 0] } as const;
    return { ...next, state: { ...next.state, fleet: { ...fleet, toReach: { ...fleet.toReach, turns } } } };
  };
  return { ...realCores, stafd: { ...stafd, step } };
}

/**
 * Targets of this manner, and a rightful one a moment later: in the page of another discovery controller if their own queue
 * is to be held up, in the same one if nothing but the test of the addresses can help.
 */
async function held(cores: Cores, manner: "mute" | "stuck"): Promise<void> {
  const stage = new Stage(cores);
  const bad = Array.from({ length: 10 }, (_, n) => stage.subsystem(`nqn.bad${n}`, `10.0.2.${n + 1}`));
  for (const target of bad) stage.world.setManner(target, manner);
  const rightful = stage.subsystem("nqn.rightful", "10.0.1.1");
  const entries = bad.map((target) => entryFor(target, "nvme"));
  const hostile = stage.dc("nqn.hostile", "10.0.0.100", entries);
  const other = stage.dc("nqn.dc", "10.0.0.200", []);
  stage.stafdConf(TWO_DCS);
  await stage.start(4_000);
  if (manner === "mute") hostile.edit([...entries, entryFor(rightful, "nvme")], stage.mono);
  else other.edit([entryFor(rightful, "nvme")], stage.mono);
  await stage.run(manner === "mute" ? BOUND : 2 * 61_000 + BOUND);
  assert.equal(stage.to(rightful).length, 1, `the rightful one waits behind targets that are ${manner}`);
  if (manner === "stuck") return;
  // The test may be wrong: nothing is forbidden, and what answers again is connected.
  for (const target of bad) stage.world.setManner(target, "up");
  await stage.run(4 * 60_000);
  assert.deepEqual(bad.filter((target) => stage.to(target).length !== 1).map(({ nqn }) => nqn), []);
}

/** Discovery controllers found by mDNS hang stafd's connects, and stacd connects what the file names. */
async function acrossDaemons(cores: Cores): Promise<void> {
  const stage = new Stage(cores);
  for (let n = 0; n < 8; n++) {
    stage.dc(`nqn.bad${n}`, `10.0.2.${n + 1}`, []);
    stage.world.setManner(stage.target(`nqn.bad${n}`), "stuck");
    stage.world.avahi.announce({
      hostIface: "eth0",
      name: `bad${n}`,
      traddr: `10.0.2.${n + 1}`,
      port: 8009,
      txt: ["p=tcp"],
    });
  }
  stage.startStafd();
  await stage.run(5_000);
  const rightful = Array.from({ length: 6 }, (_, n) => stage.subsystem(`nqn.own${n}`, `10.0.1.${n + 1}`));
  const lines = rightful.map(({ nqn, address: { traddr } }) =>
    `controller = transport=tcp;traddr=${traddr};trsvcid=4420;nqn=${nqn}\n`
  );
  stage.stacdConf(`[Controllers]\n${lines.join("")}`);
  stage.startStacd();
  await stage.run(61_000 + BOUND);
  const left = rightful.filter((target) => stage.to(target).length === 0).map(({ nqn }) => nqn);
  assert.deepEqual(left, [], "each waits for a connect of stafd that hangs");
  // Nothing is forbidden: what answers again is connected, one after the other.
  for (let n = 0; n < 8; n++) stage.world.setManner(stage.target(`nqn.bad${n}`), "up");
  await stage.run(10 * 60_000);
  for (let n = 0; n < 8; n++) assert.equal(stage.to(`nqn.bad${n}`).length, 1);
}

export const HOSTILE_SCENARIOS: readonly Scenario[] = [
  {
    from: "S16",
    name: "a flood of 1,500 services, more than are followed, holds up no configured discovery controller",
    play: async (cores) => {
      const stage = new Stage(cores);
      const flood = Array.from({ length: 1500 }, (_, n) => ({
        hostIface: "eth0",
        name: `hostile${n}`,
        traddr: `10.0.${100 + (n >> 8)}.${n & 255}`,
        port: 8009,
        txt: ["p=tcp"],
      }));
      stage.stafdConf("[Service Discovery]\nzeroconf = enabled\n");
      await stage.start();
      for (const one of flood) stage.world.avahi.announce(one);
      await stage.run(2_000);
      const rightful = stage.subsystem("nqn.rightful", "10.0.1.1");
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(rightful, "nvme")]);
      stage.stafdConf(`[Service Discovery]\nzeroconf = enabled\n${DC_LINE}`);
      await stage.run(BOUND);
      assert.equal(stage.to(rightful).length, 1, "the configured one waits behind announcements");
    },
    original: configuredLast,
  },
  {
    from: "S16, V6",
    name:
      "ten targets that accept connections and say nothing hold up nobody, and are connected when they answer",
    play: (cores) => held(cores, "mute"),
    original: asksNobody,
  },
  {
    from: "S16, queues",
    name:
      "ten targets of one discovery controller that hold the kernel for a minute each hold up another's for two turns",
    play: (cores) => held(cores, "stuck"),
    original: withoutTurns,
  },
  {
    from: "S16, the kernel's lock",
    name: "mDNS targets that hang stafd's connects hold up stacd's once, not at every connect",
    play: acrossDaemons,
    original: nobodyRests,
  },
];
