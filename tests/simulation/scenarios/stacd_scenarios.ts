/** Defects that ended in a wrong disconnect, or in none, of an I/O controller. */
import assert from "node:assert/strict";
import type { StacdEffect } from "../../../src/lib/core/effects.ts";
import { remind } from "../../../src/lib/core/fleet/agenda.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { doing, hearing, stacd, stacdStepping } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { lettingGo, stacdAfter } from "./original.ts";
import { DC_LINE, line, listed } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";

/** What is removed in a moment is removed at once when the daemon stops. */
function stopEndsSoak(): Cores {
  const { stacd: real } = realCores;
  const step: typeof real.step = (state, event, now) => {
    if (event.type !== "stop") return real.step(state, event, now);
    const effects: StacdEffect[] = [];
    for (const { key, tid, removeAt, link, released } of state.fleet.ctls.values()) {
      const [evidence] = released.values();
      if (removeAt === undefined || link.phase !== "up" || evidence === undefined) continue;
      effects.push({
        do: "disconnect",
        op: 0,
        key,
        tid,
        target: link.ref,
        evidence: [evidence],
        devicesToClaim: [],
      });
    }
    const next = real.step(state, event, now);
    return { ...next, effects: [...effects, ...next.effects] };
  };
  return { ...realCores, stacd: { ...real, step } };
}

export const STACD_SCENARIOS: readonly Scenario[] = [
  {
    from: "STAC-45",
    name:
      "a stop ends no soak: what was about to be removed is removed after the next start, if no source wants it then",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      await stage.age();
      page.edit([], stage.mono);
      await stage.run(500);
      stage.stacd.stop();
      await stage.run(5_000);
      assert.equal(stage.to(subsystem).length, 1);
      stage.startStacd();
      await stage.run(10_000);
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: stopEndsSoak,
  },
  {
    from: "ISS-1, nvme-stas#510, example 10",
    name: "a stacd that is reloaded while stafd is stopped disconnects nothing",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      await stage.age();
      stage.stafd.kill();
      await stage.run(1_000);
      stage.stacdConf("");
      await stage.run(60_000);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () =>
      stacdAfter((next, event, now) =>
        event.type === "config" && event.reload && !next.state.stafd.present
          ? lettingGo(next, "page:", now)
          : next
      ),
  },
  {
    from: "nvme-stas 1.1.3, STAC-30",
    name: "a stafd that comes back without its pages ends no connection",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      await stage.age();
      stage.stafd.kill();
      stage.world.disk.lose("stafd");
      stage.world.setManner(stage.target("nqn.dc"), "silent");
      for (const device of stage.to("nqn.dc")) stage.world.kernel.deleteNow(device);
      stage.startStafd();
      await stage.run(120_000);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () =>
      stacd((event) => {
        if (event.type !== "fetched" || !event.outcome.ok) return event;
        const { dcs, retired, unknowns } = event.outcome.value;
        const value = {
          dcs: dcs.map((dc) => ({ ...dc, page: "read" as const, current: true, young: null })),
          retired,
          unknowns,
        };
        return { ...event, outcome: { ok: true, value } };
      }),
  },
  {
    from: "ISS-11, STAC-32",
    name: "a name that does not resolve today keeps its connection",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.world.resolver.names.set("array.example.com", ["10.0.1.1"]);
      const conf = line("traddr=array.example.com;trsvcid=4420;nqn=nqn.sub");
      stage.stacdConf(conf);
      await stage.start();
      assert.equal(stage.to(subsystem).length, 1, "connected at the start");
      stage.world.resolver.names.delete("array.example.com");
      stage.stacdConf(conf);
      await stage.run(30_000);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () =>
      stacdAfter((next, event, now) =>
        event.type === "resolved" && !event.outcome.ok ? lettingGo(next, "line:", now) : next
      ),
  },
  {
    from: "ISS-15, STAC-33, nvme-stas 2.1.1",
    name: "what is listed again while it is being disconnected is connected again",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      await stage.age();
      // As a subsystem with much to write back takes it.
      Object.assign(stage.world.kernel.chaos, { deleteMs: [500, 500] });
      page.edit([], stage.mono);
      const isLeaving = () => stage.world.kernel.devices.all.some(({ state }) => state === "deleting");
      for (let n = 0; n < 5_000 && !isLeaving(); n++) await stage.run(1);
      assert.ok(isLeaving(), "it is being disconnected");
      page.edit([entryFor(subsystem, "nvme")], stage.mono);
      await stage.run(20_000);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () =>
      stacdAfter((next, event) => {
        if (event.type !== "disconnected") return next;
        const { fleet } = next.state;
        return {
          ...next,
          state: { ...next.state, fleet: { ...fleet, ctls: fleet.ctls.without(event.key) } },
        };
      }),
  },
  {
    from: "S2 (found by the simulation)",
    name: "a discovery controller that is dropped and wanted again is heard before what it listed goes",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      await stage.age();
      const other = stage.dc("nqn.other", "10.0.0.101", []);
      const otherLine = "controller = transport=tcp;traddr=10.0.0.101\n";
      stage.stafdConf(`${DC_LINE}${otherLine}`);
      await stage.run(5_000);
      const [before] = stage.to(subsystem);
      const dc = stage.target("nqn.dc");
      stage.world.setManner(dc, "silent");
      for (const device of stage.to(dc)) stage.world.kernel.deleteNow(device);
      await stage.run(10_000);
      stage.stafdConf(`[Controllers]\n${otherLine}`);
      await stage.run(500);
      stage.stafdConf(`${DC_LINE}${otherLine}`);
      other.edit([], stage.mono);
      await stage.run(60_000);
      assert.deepEqual(stage.to(subsystem), [before]);
      page.edit([], stage.mono);
      stage.world.setManner(dc, "up");
      await stage.run(80_000);
      await stage.age();
      assert.deepEqual([stage.to(dc).length, stage.to(subsystem).length], [1, 0]);
    },
    // What has no page does not count.
    original: () =>
      stacd((event) => {
        if (event.type !== "fetched" || !event.outcome.ok) return event;
        const dcs = event.outcome.value.dcs.filter(({ page }) => page !== "none");
        return { ...event, outcome: { ok: true, value: { ...event.outcome.value, dcs } } };
      }),
  },
  {
    from: "nvme-stas#298",
    name: "a dozen dead targets do not hold up the one that answers",
    play: async (cores) => {
      const stage = new Stage(cores);
      const dead = Array.from({ length: 12 }, (_, n) => stage.subsystem(`nqn.dead${n}`, `10.0.2.${n + 1}`));
      for (const target of dead) stage.world.setManner(target, "silent");
      const alive = stage.subsystem("nqn.alive", "10.0.3.1");
      stage.dc("nqn.dc", "10.0.0.100", [...dead, alive].map((target) => entryFor(target, "nvme")));
      stage.stafdConf(DC_LINE);
      await stage.start(1_500);
      assert.equal(stage.to(alive).length, 1);
    },
    // It is not probed before the kernel is held up with it.
    original: () => ({
      ...realCores,
      stacd: doing(
        hearing(
          realCores.stacd,
          (event) => event.type === "reached" ? { ...event, outcome: { ok: true, value: undefined } } : event,
        ),
        (effect) =>
          effect.do === "reach" ? [{ ...effect, probe: { ...effect.probe, timeout: { ms: 0 } } }] : [effect],
      ),
    }),
  },
  {
    from: "LIM-13",
    name: "a stream of changes does not put off what was listed first",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page } = await listed(stage);
      const late = stage.subsystem("nqn.late", "10.0.1.2");
      page.list(entryFor(late, "nvme"), stage.mono);
      for (let n = 0; n < 40 && stage.to(late).length === 0; n++) {
        page.edit(page.page.entries, stage.mono);
        await stage.run(100);
      }
      assert.equal(stage.to(late).length, 1);
    },
    // Each signal starts the 1.5 s again: nothing is fetched while they keep coming.
    original: () =>
      stacdAfter((next, event, now, before) =>
        event.type === "stafd-changed" && now.mono > 3_000 ? { state: before, effects: [] } : next
      ),
  },
  {
    from: "nvme-stas#261, #269",
    name:
      "an array that is away for longer than ctrl-loss-tmo is connected again, also when nobody heard it go",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.world.kernel.connecting.ctrlLossTmo = 15;
      const { subsystem } = await listed(stage);
      stage.world.setManner(subsystem, "silent");
      stage.world.kernel.devices.loseEvents(60_000);
      await stage.run(70_000);
      assert.equal(stage.to(subsystem).length, 0, "given up by the kernel");
      stage.world.setManner(subsystem, "up");
      await stage.run(80_000);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () => stacd((event) => event.type === "overflow" ? { type: "tick" } : event),
  },
  {
    from: "nvme-stas, February 2026",
    name: "a controller that somebody disconnects by hand is back after three seconds, not after sixty",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      for (const device of stage.to(subsystem)) stage.world.kernel.deleteNow(device);
      await stage.run(5_000);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () =>
      stacdAfter((next, event, now) => {
        if (event.type !== "removed") return next;
        let { fleet } = next.state;
        const until = { mono: now.mono + 60_000 };
        for (const ctl of fleet.ctls.values()) {
          if (ctl.link.phase !== "waiting") continue;
          const waiting = { ...ctl, link: { phase: "waiting", until } } as const;
          fleet = {
            ...fleet,
            ctls: fleet.ctls.with(ctl.key, waiting),
            agenda: remind(fleet.agenda, until, ctl.key),
          };
        }
        return { ...next, state: { ...next.state, fleet } };
      }),
  },
  {
    from: "nvme-stas 2.1, STAC-90",
    name: "an exclude that is added takes the existing connection away",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      stage.stacdConf("[Controllers]\nexclude = nqn=nqn.sub\n");
      await stage.run(5_000);
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: () =>
      stacd((event) => event.type === "config" ? { ...event, conf: { ...event.conf, excludes: [] } } : event),
  },
  {
    from: "ISS-3, CFG-46",
    name: "an empty exclude excludes nothing",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.stacdConf("[Controllers]\nexclude =\n");
      await listed(stage);
    },
    original: () =>
      stacd((event) => {
        if (event.type !== "config") return event;
        const origin = { kind: "file", file: "stacd.conf", line: 2 } as const;
        const all = { matches: {}, neverMatches: false, text: "", origin };
        return { ...event, conf: { ...event.conf, excludes: [all] } };
      }),
  },
  {
    from: "nvme-stas#438",
    name: "a subsystem that moves to another address is connected there before it is disconnected here",
    play: async (cores) => {
      const stage = new Stage(cores);
      const old = stage.subsystem("nqn.moving", "10.0.1.1");
      const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(old, "nvme")]);
      stage.stafdConf(DC_LINE);
      await stage.start();
      await stage.age();
      const place = stage.subsystem("nqn.moving", "10.0.1.2");
      page.edit([entryFor(place, "nvme")], stage.mono);
      for (let n = 0; n < 5_000; n++) {
        await stage.run(1);
        assert.ok(stage.to("nqn.moving").length > 0, `no connection ${n} ms after the change`);
      }
      assert.deepEqual([stage.to(old).length, stage.to(place).length], [0, 1]);
    },
    // Removed as soon as it is not listed.
    original: () =>
      stacdStepping((state, event, now) => {
        const next = realCores.stacd.step(state, event, now);
        let { fleet } = next.state;
        for (const ctl of fleet.ctls.values()) {
          if (ctl.removeAt === undefined || ctl.removeAt.mono <= now.mono) continue;
          const doomed = { ...ctl, removeAt: now };
          fleet = {
            ...fleet,
            ctls: fleet.ctls.with(ctl.key, doomed),
            agenda: remind(fleet.agenda, now, ctl.key),
          };
        }
        return { ...next, state: { ...next.state, fleet } };
      }),
  },
  {
    from: "stafd's own stop (found by the simulation)",
    name: "a stafd that stops with persistent-connections=false takes no I/O controller along",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      const section = "[Discovery controller connection management]\npersistent-connections = false\n";
      stage.stafdConf(`${section}${DC_LINE}`);
      await stage.start();
      stage.stafd.stop();
      await stage.run(20_000);
      assert.deepEqual([stage.to("nqn.dc").length, stage.to(subsystem).length], [0, 1]);
    },
    original: () =>
      stacdAfter((next, event, now) =>
        event.type === "stafd" && !event.present ? lettingGo(next, "page:", now) : next
      ),
  },
  {
    from: "S9, STAF-124 (found by the simulation)",
    name: "a removal that soaks is not forgotten by a restart",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      await stage.age();
      page.edit([], stage.mono);
      await stage.run(300);
      stage.stacd.kill();
      assert.equal(stage.to(subsystem).length, 1, "it soaks");
      stage.startStacd();
      await stage.run(10_000);
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: () => ({
      ...realCores,
      stacd: doing(
        realCores.stacd,
        (effect) => effect.do === "save" ? [{ ...effect, state: "{}" }] : [effect],
      ),
    }),
  },
];
