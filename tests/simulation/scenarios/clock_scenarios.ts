/** Somebody sets the clock: what was is as long ago as before, and nothing of the past lies in the future. */
import assert from "node:assert/strict";
import { Table } from "../../../src/lib/base/table.ts";
import { controllerOf } from "../../../src/lib/daemon/views/v1_common.ts";
import { explain } from "../../../src/lib/daemon/views/v1_explain.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { hours, type Now } from "../../../src/lib/base/time.ts";
import { stacd, stafd } from "../altered.ts";
import type { Cores } from "../cores.ts";
import { line, listed } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";
import type { View } from "../../../src/lib/core/fleet/view.ts";
import { stafdView } from "../../../src/lib/core/stafd/stafd_rules.ts";
import { stacdView } from "../../../src/lib/core/stacd/stacd_rules.ts";

/** Everything in a state that is milliseconds since 1970, by its place; but for an instant's, which nothing can read. */
function wallTimes(value: unknown, place = ""): [place: string, wall: number][] {
  if (place.endsWith("/wall")) return [];
  if (typeof value === "number") return value > 1e11 ? [[place, value]] : [];
  if (typeof value !== "object" || value === null) return [];
  const parts = value instanceof Map || value instanceof Table ? [...value] : Object.entries(value);
  return parts.flatMap(([key, part]) => wallTimes(part, `${place}/${String(key)}`));
}

/** A lasting connection, one that failed, one that is gone, and pages that changed. */
async function story(cores: Cores): Promise<Stage> {
  const stage = new Stage(cores);
  const { page, subsystem } = await listed(stage);
  await stage.age();
  const other = stage.subsystem("nqn.other", "10.0.1.2");
  page.list(entryFor(other, "nvme"), stage.mono);
  stage.stacdConf(line("traddr=10.0.1.9;nqn=nqn.nobody"));
  await stage.run(20_000);
  page.unlist(entryFor(other, "nvme"), stage.mono);
  await stage.run(20_000);
  assert.deepEqual([stage.to(subsystem).length, stage.to(other).length], [1, 0]);
  return stage;
}

/** How old everything is that is told of a daemon's controllers. */
function ages(core: View, daemon: "stafd" | "stacd", now: Now): Record<string, readonly number[]> {
  const told: Record<string, readonly number[]> = {};
  const peek = (): undefined => undefined;
  for (const ctl of core.state.fleet.ctls.values()) {
    const { since, lastFailure, text } = controllerOf(ctl, core, peek, now);
    told[text] = [now.wall - since, ...lastFailure === null ? [] : [now.wall - lastFailure.at]];
  }
  for (const { text, chain } of explain("", daemon, core, () => false, peek, now).matches) {
    const past = chain.filter(({ step }) => step !== "next");
    told[`explain ${text}`] = past.flatMap(({ at }) => at === null ? [] : [now.wall - at]);
  }
  return told;
}

const agesOf = (stage: Stage): readonly Record<string, readonly number[]>[] => {
  const now = stage.world.clock.now();
  return [
    ages(stafdView(stage.stafd.state, now), "stafd", now),
    ages(stacdView(stage.stacd.state, now), "stacd", now),
  ];
};

async function play(cores: Cores, by: number): Promise<void> {
  const stage = await story(cores);
  const before = agesOf(stage);
  const times = [wallTimes(stage.stafd.state), wallTimes(stage.stacd.state)];
  assert.ok(times.every((all) => all.length > 3));
  stage.world.clock.step({ ms: by });
  // Asked at once, before anything has happened.
  assert.deepEqual(agesOf(stage), before);
  const shifted = times.map((all) => all.map(([place, wall]) => [place, wall + by]));
  assert.deepEqual([wallTimes(stage.stafd.state), wallTimes(stage.stacd.state)], shifted);
  await stage.run(60_000);
  const now = stage.world.clock.now().wall;
  for (const state of [stage.stafd.state, stage.stacd.state]) {
    for (const [place, wall] of wallTimes(state)) {
      assert.ok(wall <= now, `${place} is ${wall - now} ms ahead`);
    }
  }
}

const deaf = (): Cores => ({
  stafd: stafd((event) => event.type === "clock-set" ? { type: "tick" } : event).stafd,
  stacd: stacd((event) => event.type === "clock-set" ? { type: "tick" } : event).stacd,
});

export const CLOCK_SCENARIOS: readonly Scenario[] = [
  {
    from: "status after the clock was set back: connected (in 119 min)",
    name: "a clock that is set back changes no age",
    play: async (cores) => await play(cores, -hours(2).ms),
    original: deaf,
  },
  {
    from: "a host that starts with a wrong clock",
    name: "a clock that is set forward changes no age",
    play: async (cores) => await play(cores, hours(2).ms),
    original: deaf,
  },
];
