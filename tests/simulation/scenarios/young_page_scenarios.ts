/** Log pages that take nothing away: of controllers that have just come back, and those that are not up to date (S14, L5). */
import assert from "node:assert/strict";
import { hours } from "../../../src/lib/base/time.ts";
import { type Discovery, entryFor } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { stacd, stacdStepping } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { referral } from "../landscape.ts";
import { DC_LINE, line, listed } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { AUDIT, Stage } from "./stage.ts";

const MINUTE = 60_000;

/** stacd is told of every page that it is up to date and old. */
const believing = (): Cores =>
  stacd((event) => {
    if (event.type !== "fetched" || !event.outcome.ok) return event;
    const { value } = event.outcome;
    const dcs = value.dcs.map((dc) => ({ ...dc, current: true, young: null }));
    return { ...event, outcome: { ok: true, value: { ...value, dcs } } };
  });

/** stafd's and stacd's soak is none. */
const soakless = (): Cores => {
  const none = <C extends { readonly youngPageSoak: { readonly value: { readonly ms: number } } }>(
    conf: C,
  ): C => ({
    ...conf,
    youngPageSoak: { ...conf.youngPageSoak, value: { ms: 0 } },
  });
  const { stafd, stacd: stacd } = realCores;
  return {
    stafd: {
      ...stafd,
      step: (state, event, now) =>
        stafd.step(state, event.type === "config" ? { ...event, conf: none(event.conf) } : event, now),
    },
    stacd: {
      ...stacd,
      step: (state, event, now) =>
        stacd.step(state, event.type === "config" ? { ...event, conf: none(event.conf) } : event, now),
    },
  };
};

/** The end of a removal is no reason to audit. */
function noAuditAtTheEnd(): Cores {
  const { stacd: real } = realCores;
  return stacdStepping((state, event, now) => {
    if (event.type !== "disconnected" || state.conf === undefined) return real.step(state, event, now);
    const { conf } = state;
    const disconnectScope = { ...conf.disconnectScope, value: "only-stas-connections" } as const;
    const next = real.step({ ...state, conf: { ...conf, disconnectScope } }, event, now);
    return { ...next, state: { ...next.state, conf } };
  });
}

/** One discovery controller that lists three subsystems. Its page is old. */
async function three(
  stage: Stage,
): Promise<{ readonly page: Discovery; readonly subsystems: readonly Target[] }> {
  const subsystems = [1, 2, 3].map((n) => stage.subsystem(`nqn.sub${n}`, `10.0.1.${n}`));
  const page = stage.dc("nqn.dc", "10.0.0.100", subsystems.map((one) => entryFor(one, "nvme")));
  stage.stafdConf(DC_LINE);
  await stage.start();
  await stage.age();
  assert.deepEqual(connections(stage, subsystems), [1, 1, 1]);
  return { page, subsystems };
}

const connections = (stage: Stage, targets: readonly Target[]): number[] =>
  targets.map((target) => stage.to(target).length);

/** It starts again: its connections break, and it comes back with this page. */
async function restarted(
  stage: Stage,
  page: Discovery,
  genctr: bigint,
  targets: readonly Target[],
): Promise<void> {
  const dc = stage.target("nqn.dc");
  stage.world.setManner(dc, "closed");
  await stage.run(8_000);
  page.restart(genctr, targets.map((one) => entryFor(one, "nvme")), stage.mono);
  stage.world.setManner(dc, "up");
}

/** The page is young when stafd is killed, and the clock is set by so much. */
async function clockSetAround(cores: Cores, by: number, when: string, isSaved: boolean): Promise<void> {
  const stage = new Stage(cores);
  const { page, subsystems } = await three(stage);
  await restarted(stage, page, 1n, []);
  await stage.run(20_000);
  const { clock, disk } = stage.world;
  disk.full = !isSaved;
  if (when === "before") clock.step({ ms: by });
  await stage.run(8_000);
  stage.stafd.kill();
  if (when !== "before") clock.step({ ms: by });
  stage.startStafd();
  const story = `set by ${by} ms ${when}, ${isSaved ? "saved" : "not saved"}`;
  await stage.run(10 * MINUTE);
  assert.deepEqual(connections(stage, subsystems), [1, 1, 1], `${story}: young`);
  disk.full = false;
  await stage.run(8 * MINUTE);
  assert.deepEqual(connections(stage, subsystems), [0, 0, 0], `${story}: old`);
}

export const YOUNG_PAGE_SCENARIOS: readonly Scenario[] = [
  {
    from: "findings: DC restarts",
    name:
      "a discovery controller that comes back with generation 1 and an empty page for a while takes no path",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page, subsystems } = await three(stage);
      await restarted(stage, page, 1n, []);
      await stage.run(60_000);
      assert.equal(
        stage.stafd.state.dcs.get([...stage.stafd.state.dcs.keys()][0] ?? "")?.page?.entries.length,
        0,
      );
      assert.deepEqual(connections(stage, subsystems), [1, 1, 1], "young");
      page.complete(stage.mono);
      await stage.run(40 * MINUTE);
      assert.deepEqual(connections(stage, subsystems), [1, 1, 1], "it is whole again");
    },
    original: believing,
  },
  {
    from: "S14",
    name:
      "what a restarted discovery controller does not list for a quarter of an hour goes, counted from its last change",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page, subsystems } = await three(stage);
      const [first, second, third] = subsystems;
      assert.ok(first !== undefined && second !== undefined && third !== undefined);
      await restarted(stage, page, 1n, []);
      await stage.run(10 * MINUTE);
      page.list(entryFor(first, "nvme"), stage.mono);
      await stage.run(10 * MINUTE);
      page.list(entryFor(second, "nvme"), stage.mono);
      await stage.run(14 * MINUTE);
      assert.deepEqual(connections(stage, subsystems), [1, 1, 1], "it changed a moment ago");
      await stage.run(3 * MINUTE);
      assert.deepEqual(connections(stage, subsystems), [1, 1, 0]);
    },
    original: soakless,
  },
  {
    from: "S14",
    name:
      "a lower generation, and other entries under the same generation, make a page young without a lost link",
    play: async (cores) => {
      for (const genctr of [0n, 1n]) {
        const stage = new Stage(cores);
        const { page, subsystems } = await three(stage);
        const [, ...left] = subsystems;
        page.restart(genctr, left.map((one) => entryFor(one, "nvme")), stage.mono);
        page.edit(page.page.entries, stage.mono);
        page.versions.splice(-1, 1);
        await stage.run(13 * MINUTE);
        assert.deepEqual(connections(stage, subsystems), [1, 1, 1], `generation ${genctr}`);
        await stage.run(5 * MINUTE);
        assert.deepEqual(connections(stage, subsystems), [0, 1, 1], `generation ${genctr}, old`);
      }
    },
    original: soakless,
  },
  {
    from: "S14",
    name:
      "a page that withdraws more than half of its entries at once takes them away late, and one entry after a second",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page, subsystems } = await three(stage);
      const [first, second, third] = subsystems;
      assert.ok(first !== undefined && second !== undefined && third !== undefined);
      page.unlist(entryFor(first, "nvme"), stage.mono);
      await stage.run(3_000);
      assert.deepEqual(connections(stage, subsystems), [0, 1, 1], "one entry of an old page");
      page.edit([], stage.mono);
      await stage.run(14 * MINUTE);
      assert.deepEqual(connections(stage, subsystems), [0, 1, 1], "two of two");
      await stage.run(2 * MINUTE);
      assert.deepEqual(connections(stage, subsystems), [0, 0, 0]);
    },
    original: soakless,
  },
  {
    from: "S14",
    name: "the first page after a start is young unless it is the one that was saved",
    play: async (cores) => {
      for (const isSaved of [true, false]) {
        const stage = new Stage(cores);
        const { page, subsystems } = await three(stage);
        const [first] = subsystems;
        assert.ok(first !== undefined);
        stage.stafd.kill();
        if (!isSaved) page.edit(page.page.entries, stage.mono);
        stage.startStafd();
        await stage.run(60_000);
        page.unlist(entryFor(first, "nvme"), stage.mono);
        await stage.run(5_000);
        assert.deepEqual(connections(stage, subsystems), [isSaved ? 0 : 1, 1, 1], String(isSaved));
        await stage.age();
        assert.deepEqual(connections(stage, subsystems), [0, 1, 1]);
      }
    },
    original: soakless,
  },
  {
    from: "S14, S9",
    name: "a page that is young stays young when stafd is started again, and when stacd is",
    play: async (cores) => {
      for (const who of ["stafd", "stacd"] as const) {
        const stage = new Stage(cores);
        const { page, subsystems } = await three(stage);
        await restarted(stage, page, 1n, []);
        await stage.run(5 * MINUTE);
        stage[who].kill();
        if (who === "stafd") stage.startStafd();
        else stage.startStacd();
        await stage.run(8 * MINUTE);
        assert.deepEqual(connections(stage, subsystems), [1, 1, 1], who);
        await stage.run(20 * MINUTE);
        assert.deepEqual(connections(stage, subsystems), [0, 0, 0], who);
      }
    },
    original: believing,
  },
  {
    from: "S14",
    name: "removed lines and excludes wait for no page, and a page that is young adds at once",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page, subsystems } = await three(stage);
      await restarted(stage, page, 1n, subsystems);
      await stage.run(60_000);
      const added = stage.subsystem("nqn.added", "10.0.1.9");
      page.list(entryFor(added, "nvme"), stage.mono);
      await stage.run(2_000);
      assert.equal(stage.to(added).length, 1, "added by a young page");
      stage.stacdConf("[Controllers]\nexclude = nqn=nqn.sub1\n");
      await stage.run(5_000);
      assert.deepEqual(connections(stage, subsystems), [0, 1, 1]);
    },
    original: () =>
      stacd((event) => event.type === "config" ? { ...event, conf: { ...event.conf, excludes: [] } } : event),
  },
  {
    from: "S14, README: young-page-soak",
    name: "young-page-soak is reloaded: 0 takes away after a second",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page, subsystems } = await three(stage);
      await restarted(stage, page, 1n, []);
      await stage.run(60_000);
      assert.deepEqual(connections(stage, subsystems), [1, 1, 1]);
      stage.stacdConf("[I/O controller connection management]\nyoung-page-soak = 0\n");
      await stage.run(10_000);
      assert.deepEqual(connections(stage, subsystems), [0, 0, 0]);
    },
    original: believing,
  },
  {
    from: "S14",
    name: "a referral that a young page withdraws stays, and what its controller lists",
    play: async (cores) => {
      for (const isUp of [true, false]) {
        const stage = new Stage(cores);
        const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
        stage.dc("nqn.second", "10.0.0.101", [entryFor(subsystem, "nvme")]);
        const second = stage.target("nqn.second");
        const first = stage.dc("nqn.dc", "10.0.0.100", [referral(second)]);
        stage.stafdConf(DC_LINE);
        await stage.start();
        await stage.age();
        if (!isUp) {
          stage.world.setManner(second, "closed");
          for (const device of stage.to(second)) stage.world.kernel.deleteNow(device);
        }
        await restarted(stage, first, 1n, []);
        await stage.run(13 * MINUTE);
        assert.deepEqual(
          [stage.to(second).length, stage.to(subsystem).length],
          [isUp ? 1 : 0, 1],
          `up: ${isUp}`,
        );
        await stage.run(5 * MINUTE);
        assert.deepEqual([stage.to(second).length, stage.to(subsystem).length], [0, 0], `up: ${isUp}, old`);
      }
    },
    original: soakless,
  },
  {
    from: "S14 (a mutant that survived)",
    name: "what a referral that a young page withdraws leads to in turn stays as long, also in a circle",
    play: async (cores) => {
      for (const inCircle of [false, true]) {
        const stage = new Stage(cores);
        const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
        const behind = stage.dc("nqn.third", "10.0.0.102", [entryFor(subsystem, "nvme")]);
        const third = stage.target("nqn.third");
        stage.dc("nqn.second", "10.0.0.101", [referral(third)]);
        const second = stage.target("nqn.second");
        if (inCircle) behind.edit([entryFor(subsystem, "nvme"), referral(second)], stage.mono);
        const first = stage.dc("nqn.dc", "10.0.0.100", [referral(second)]);
        stage.stafdConf(DC_LINE);
        await stage.start();
        await stage.age();
        const [before] = stage.to(third);
        assert.ok(before !== undefined);
        await restarted(stage, first, 1n, []);
        await stage.run(13 * MINUTE);
        const what = `circle: ${inCircle}`;
        assert.deepEqual(connections(stage, [second, third, subsystem]), [1, 1, 1], what);
        assert.deepEqual(stage.to(third), [before], `${what}, never disconnected`);
        await stage.run(5 * MINUTE);
        assert.deepEqual(connections(stage, [second, third, subsystem]), [0, 0, 0], `${what}, old`);
      }
    },
    original: soakless,
  },
  {
    from: "findings: old page, audit scope",
    name:
      "no audit by the page of a discovery controller that is unreachable, or that could not be read again",
    play: async (cores) => {
      for (const how of ["unreachable", "unreadable"] as const) {
        const stage = new Stage(cores);
        stage.stacdConf(AUDIT);
        const { page } = await listed(stage);
        await stage.age();
        const other = stage.subsystem("nqn.other", "10.0.1.7");
        if (how === "unreachable") {
          stage.world.setManner(stage.target("nqn.dc"), "silent");
          await stage.run(60_000);
        } else page.torn = 1_000;
        page.list(entryFor(other, "nvme"), stage.mono);
        await stage.run(1_000);
        const device = stage.connectedByOthers(other);
        await stage.run(60 * MINUTE);
        assert.deepEqual(stage.to(other), [device], how);
      }
    },
    original: believing,
  },
  {
    from: "S14",
    name: "what an old page withdrew stays when something speaks against that page before the removal",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page, subsystems } = await three(stage);
      const [first] = subsystems;
      assert.ok(first !== undefined);
      page.unlist(entryFor(first, "nvme"), stage.mono);
      await stage.run(500);
      // Listed again at once: stafd hears of it, and cannot read it.
      page.torn = 1_000;
      page.list(entryFor(first, "nvme"), stage.mono);
      const before = stage.to(first);
      await stage.run(5 * MINUTE);
      assert.deepEqual(stage.to(first), before);
      page.torn = 0;
      await stage.run(60_000);
      assert.deepEqual(stage.to(first), before);
    },
    original: believing,
  },
  {
    from: "findings: slow delete",
    name:
      "a connection of others that appears while ours to the same controller is being removed is audited after that",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.stacdConf(AUDIT);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      // The audit names what it finds by its interface.
      stage.stafdConf(line("traddr=10.0.0.100;host-iface=eth0"));
      await stage.start();
      await stage.age();
      assert.equal(stage.to(subsystem).length, 1);
      Object.assign(stage.world.kernel.chaos, { deleteMs: [20_000, 20_000] });
      page.edit([], stage.mono);
      await stage.run(10_000);
      assert.ok(
        stage.world.kernel.devices.all.some(({ state }) => state === "deleting"),
        "it is being removed",
      );
      const device = stage.connectedByOthers(subsystem);
      await stage.run(8_000);
      assert.deepEqual(stage.to(subsystem), [device], "it waits for the end of the removal");
      await stage.run(60_000);
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: noAuditAtTheEnd,
  },
  {
    from: "S2, seed 539 of both",
    name: "a path that only a page of stafd's state file no longer lists is made again when it is lost",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page, subsystems } = await three(stage);
      const [first] = subsystems;
      assert.ok(first !== undefined);
      // stafd reads and saves the change, and is gone before stacd has heard of it.
      stage.world.bus.callsFail = 1;
      page.unlist(entryFor(first, "nvme"), stage.mono);
      await stage.run(500);
      stage.stafd.kill();
      stage.world.bus.callsFail = 0;
      stage.world.setManner(stage.target("nqn.dc"), "closed");
      stage.startStafd();
      await stage.run(10_000);
      assert.deepEqual(connections(stage, subsystems), [1, 1, 1], "stafd has read nothing since");
      for (const device of stage.to(first)) stage.world.kernel.deleteNow(device);
      await stage.run(10_000);
      assert.deepEqual(connections(stage, subsystems), [1, 1, 1], "unknown is not empty");
      stage.world.setManner(stage.target("nqn.dc"), "up");
      await stage.run(60 * MINUTE);
      assert.deepEqual(connections(stage, subsystems), [0, 1, 1], "read");
    },
    original: () =>
      stacd((event) => {
        if (event.type !== "fetched" || !event.outcome.ok) return event;
        const { value } = event.outcome;
        const dcs = value.dcs.map((dc) => ({
          ...dc,
          page: dc.page === "cached" ? "read" as const : dc.page,
          current: true,
          young: null,
        }));
        return { ...event, outcome: { ok: true, value: { ...value, dcs } } };
      }),
  },
  {
    from: "S14, seed 305008 of both",
    name: "a young page stays young when the clock is set before stafd is killed, or while it is down",
    play: async (cores) => {
      for (const by of [-hours(2).ms, hours(2).ms]) {
        for (const isSaved of [true, false]) {
          for (const when of ["before", "while it is down"]) await clockSetAround(cores, by, when, isSaved);
        }
      }
    },
    original: believing,
  },
  {
    from: "S14",
    name:
      "where the state file does not say of which clock its times are, a young page is young from the start on",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page, subsystems } = await three(stage);
      await restarted(stage, page, 1n, []);
      await stage.run(MINUTE);
      stage.stafd.kill();
      const { texts } = stage.world.disk;
      const text = texts.get("stafd") ?? "";
      assert.match(text, /"lead":\d+,/);
      texts.set("stafd", text.replace(/"lead":\d+,/, ""));
      stage.world.clock.step(hours(2));
      stage.startStafd();
      await stage.run(14 * MINUTE);
      assert.deepEqual(connections(stage, subsystems), [1, 1, 1], "young");
      await stage.run(3 * MINUTE);
      assert.deepEqual(connections(stage, subsystems), [0, 0, 0], "old");
    },
    original: believing,
  },
];
