/** Notifications that are lost without a word: made good within six minutes (docs/architecture.md, L5). */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { doing, hearing } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { DC_LINE, listed } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";

const SIX_MINUTES = 6 * 60_000 + 2_000;

/** Nobody looks by itself. */
const deaf = (): Cores => {
  let scans = 0;
  return {
    stafd: doing(
      realCores.stafd,
      (effect) => effect.do === "generation" || (effect.do === "scan" && ++scans > 2) ? [] : [effect],
    ),
    stacd: doing(realCores.stacd, (effect) => effect.do === "scan" && ++scans > 2 ? [] : [effect]),
  };
};

export const LOST_SCENARIOS: readonly Scenario[] = [
  {
    from: "L5, findings: AEN lost without overflow",
    name: "the change of a page that no notification told of is read within six minutes",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page } = await listed(stage);
      const other = stage.subsystem("nqn.other", "10.0.1.2");
      const { chaos } = stage.world.kernel.devices;
      chaos.aenLoss = 1;
      page.list(entryFor(other, "nvme"), stage.mono);
      await stage.run(1_000);
      chaos.aenLoss = 0;
      await stage.run(SIX_MINUTES);
      assert.equal(stage.to(other).length, 1);
    },
    original: deaf,
  },
  {
    from: "L5",
    name:
      "looking at the generation leaves the notification armed, and is not done more often than every four minutes",
    play: async (cores) => {
      const stage = new Stage(cores);
      let looks = 0;
      const { page } = await listed(stage);
      stage.world.kernel.generationRead = () => looks++;
      await stage.run(60 * 60_000);
      assert.ok(looks >= 10 && looks <= 15, `${looks} looks in an hour`);
      const [dc] = stage.to("nqn.dc");
      assert.equal(dc?.armed, true);
      const other = stage.subsystem("nqn.other", "10.0.1.2");
      page.list(entryFor(other, "nvme"), stage.mono);
      await stage.run(2_000);
      assert.equal(stage.to(other).length, 1, "heard at once");
    },
    original: deaf,
  },
  {
    from: "L5",
    name:
      "a controller that refuses to give the header alone is asked once, and not again before it is connected again",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page } = await listed(stage);
      page.refusesHeader = true;
      let looks = 0;
      stage.world.kernel.generationRead = () => looks++;
      await stage.run(60 * 60_000);
      assert.equal(looks, 1);
      const read = stage.said.filter((text) =>
        text.includes("Cannot check for changes without a notification")
      );
      assert.equal(read.length, 1);
    },
    original: deaf,
  },
  {
    from: "L5",
    name: "a connection whose removal nobody heard of is made again within six minutes",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      const { chaos } = stage.world.kernel.devices;
      chaos.silentLoss = 1;
      for (const device of stage.to(subsystem)) stage.world.kernel.deleteNow(device);
      await stage.run(1_000);
      chaos.silentLoss = 0;
      assert.equal(stage.to(subsystem).length, 0);
      await stage.run(SIX_MINUTES);
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: deaf,
  },
  {
    from: "L6, findings: hung scan or command",
    name:
      "a log page whose reading does not return holds up no other one, is named, and is read when it can be",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { page } = await listed(stage);
      const second = stage.dc("nqn.dc2", "10.0.0.101", []);
      stage.stafdConf(`${DC_LINE}controller = transport=tcp;traddr=10.0.0.101\n`);
      await stage.run(3_000);
      const behind = [1, 2].map((n) => stage.subsystem(`nqn.behind${n}`, `10.0.1.1${n}`));
      const [first, other] = behind;
      assert.ok(first !== undefined && other !== undefined);
      const { kernel } = stage.world;
      kernel.chaos.hangs = 1;
      page.list(entryFor(first, "nvme"), stage.mono);
      await stage.run(100);
      kernel.chaos.hangs = 0;
      assert.ok(kernel.stuck.length > 0);
      second.list(entryFor(other, "nvme"), stage.mono);
      await stage.run(3_000);
      assert.deepEqual(behind.map((one) => stage.to(one).length), [0, 1], "the other page is read");
      await stage.run(5 * 60_000);
      assert.ok(stage.seen.some((text) => text.startsWith("stafd") && text.includes("has not returned")));
      for (const end of kernel.stuck.splice(0)) end();
      await stage.run(SIX_MINUTES);
      assert.deepEqual(behind.map((one) => stage.to(one).length), [1, 1]);
    },
    original: () => {
      // A reading that fails is not tried again.
      let isOver = false;
      return {
        ...realCores,
        stafd: doing(
          hearing(realCores.stafd, (event) => {
            isOver ||= event.type === "log-read" && !event.outcome.ok;
            return event;
          }),
          (effect) => isOver && (effect.do === "read-log" || effect.do === "generation") ? [] : [effect],
        ),
      };
    },
  },
];
