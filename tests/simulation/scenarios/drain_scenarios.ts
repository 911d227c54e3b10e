/** Controllers that a person takes out for maintenance: what may go and for how long (S7, S9, S12, S13). */
import assert from "node:assert/strict";
import type { V1DrainAnswer } from "../../../src/lib/dbus/v1_types.ts";
import { hours } from "../../../src/lib/base/time.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { doing, nothingInUse, stacd } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { Person } from "../person.ts";
import { line, listed } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";

/** A person's act, once it is answered. */
async function acted(
  stage: Stage,
  act: (person: Person) => ReturnType<Person["undrain"]>,
): Promise<V1DrainAnswer> {
  const answer = act(new Person(stage.world));
  await stage.run(1_000);
  const result = await answer;
  if (!result.ok) assert.fail(result.error.message);
  return result.value;
}

const withSecondPath = async (stage: Stage): Promise<{ first: Target; second: Target }> => {
  const { subsystem: first, page } = await listed(stage);
  const second = stage.subsystem("nqn.sub", "10.0.1.2");
  page.edit([entryFor(first, "nvme"), entryFor(second, "nvme")], stage.mono);
  await stage.run(10_000);
  assert.equal(stage.to(second).length, 1);
  return { first, second };
};

/** A drain as other tools have it: it ends where the process does. */
const forgetful = (): Cores => ({
  ...realCores,
  stacd: doing(realCores.stacd, (effect) => {
    if (effect.do !== "save") return [effect];
    const state = JSON.parse(effect.state, (name, value) => name === "drains" ? [] : value);
    return [{ ...effect, state: JSON.stringify(state) }];
  }),
});
const unguarded = (): Cores => stacd(nothingInUse);
/** An act that disconnects once, and forbids nothing. */
const once = (): Cores =>
  stacd((event) => event.type === "drain" ? { ...event, names: [], term: { ms: 1 } } : event);

export const DRAIN_SCENARIOS: readonly Scenario[] = [
  {
    from: "S12, ten tasks: maintenance",
    name:
      "a drain that would take the last usable path of what is mounted is refused, and accepted with a second path",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem: first, page } = await listed(stage);
      const { namespaces } = stage.world.kernel.devices;
      assert.ok(namespaces.mount("nqn.sub", "/srv"));
      const refused = await acted(stage, (person) => person.drain("10.0.1.1", 3_600));
      assert.equal(refused.result, "refused");
      assert.match(refused.reasons.join(), /^nvme\d+ \(tcp, 10\.0\.1\.1.*is in use: mounted on \/srv$/);
      await stage.run(120_000);
      assert.equal(stage.to(first).length, 1, "refused: nothing has changed");

      const second = stage.subsystem("nqn.sub", "10.0.1.2");
      page.edit([entryFor(first, "nvme"), entryFor(second, "nvme")], stage.mono);
      await stage.run(10_000);
      assert.equal(stage.to(second).length, 1);
      const drained = await acted(stage, (person) => person.drain("10.0.1.1", 3_600));
      assert.equal(drained.result, "drained");
      assert.equal(drained.controllers[0]?.becomes, "disconnected");
      await stage.run(10_000);
      assert.equal(stage.to(first).length, 0, "the other path serves it");
      const other = await acted(stage, (person) => person.drain("10.0.1.2"));
      assert.equal(other.result, "refused", "what is drained already is no other path");
      await stage.run(3_500_000);
      assert.equal(stage.to(first).length, 0, "not tried again before its term (S7)");
      await stage.run(120_000);
      assert.equal(stage.to(first).length, 1, "over at its term");
      assert.equal(
        stage.seen.filter((text) => /drained by uid 0 until .*its term is over/.test(text)).length,
        1,
      );
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "of two paths that one drain names none is the other's, nor is one that has no ANA access",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { first, second } = await withSecondPath(stage);
      assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));
      assert.equal((await acted(stage, (person) => person.drain("nqn.sub"))).result, "refused");
      for (const device of stage.to(second)) device.anaState = "inaccessible";
      assert.equal((await acted(stage, (person) => person.drain("10.0.1.1"))).result, "refused");
      await stage.run(60_000);
      assert.equal(stage.to(first).length + stage.to(second).length, 2);
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "whether a program writes to the device itself is watched before a drain is accepted",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      const { namespaces } = stage.world.kernel.devices;
      namespaces.write("nqn.sub", 8);
      const watching = await acted(stage, (person) => person.drain("nqn.sub"));
      assert.equal(watching.result, "watching");
      assert.ok((watching.again ?? 0) > 0);
      assert.equal(stage.to(subsystem).length, 1);
      namespaces.write("nqn.sub", 8);
      await stage.run(watching.again ?? 0);
      assert.equal((await acted(stage, (person) => person.drain("nqn.sub"))).result, "refused");
      const again = await acted(stage, (person) => person.drain("nqn.sub"));
      assert.equal(again.result, "watching");
      await stage.run(again.again ?? 0);
      assert.equal((await acted(stage, (person) => person.drain("nqn.sub"))).result, "drained");
      await stage.run(120_000);
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "what begins to be used after a drain was accepted keeps its path; by force it goes",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      const { namespaces } = stage.world.kernel.devices;
      const answer = new Person(stage.world).drain("nqn.sub");
      await stage.run(200);
      assert.equal((await answer).ok, true);
      assert.ok(namespaces.mount("nqn.sub", "/srv"), "mounted while the removal soaks");
      await stage.run(120_000);
      assert.equal(stage.to(subsystem).length, 1);
      assert.ok(
        stage.seen.some((text) => /withdrawn, held: .*mounted on \/srv .*drained by uid 0/.test(text)),
      );
      const forced = await acted(stage, (person) => person.drain("nqn.sub", undefined, "force"));
      assert.equal(forced.result, "drained");
      await stage.run(60_000);
      assert.equal(stage.to(subsystem).length, 0);
      assert.ok(
        stage.seen.some((text) =>
          /Disconnected: drained by uid 0 until undrain or a reboot, by force/.test(text)
        ),
      );
    },
    original: unguarded,
  },
  {
    from: "S7, S9",
    name: "a restart of stacd ends no drain, and takes no path back before its term",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem } = await listed(stage);
      assert.equal((await acted(stage, (person) => person.drain("nqn.sub", 600))).result, "drained");
      await stage.run(10_000);
      assert.equal(stage.to(subsystem).length, 0);
      stage.stacd.kill();
      stage.startStacd();
      await stage.run(500_000);
      assert.equal(stage.to(subsystem).length, 0, "still drained");
      await stage.run(150_000);
      assert.equal(stage.to(subsystem).length, 1, "its term is over");
    },
    original: forgetful,
  },
  {
    from: "S7",
    name: "a drain of an address takes what is listed there later, and undrain brings all back",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      assert.equal((await acted(stage, (person) => person.drain("10.0.1.1"))).result, "drained");
      const new2 = stage.subsystem("nqn.new", "10.0.1.1");
      page.edit([entryFor(subsystem, "nvme"), entryFor(new2, "nvme")], stage.mono);
      await stage.run(600_000);
      assert.equal(stage.to(subsystem).length + stage.to(new2).length, 0);
      assert.equal(
        (await acted(stage, (person) => person.undrain("nqn.sub"))).result,
        "unknown",
        "not all of it",
      );
      assert.equal((await acted(stage, (person) => person.undrain("10.0.1.1"))).result, "undrained");
      await stage.run(10_000);
      assert.equal(stage.to(subsystem).length + stage.to(new2).length, 2);
    },
    original: once,
  },
  {
    from: "S7, S13",
    name: "a drain of a device goes with its controller, not with its number",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      const [device] = stage.to(subsystem);
      assert.equal((await acted(stage, (person) => person.drain(device?.name ?? ""))).result, "drained");
      await stage.run(10_000);
      const other = stage.subsystem("nqn.other", "10.0.1.3");
      page.edit([entryFor(subsystem, "nvme"), entryFor(other, "nvme")], stage.mono);
      await stage.run(60_000);
      assert.equal(stage.to(other)[0]?.name, device?.name, "it has the number now");
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: once,
  },
  {
    from: "S1",
    name: "what stacd may not disconnect makes a drain refused, and stays by force",
    play: async (cores) => {
      for (
        const scope of ["", "[I/O controller connection management]\ndisconnect-scope = no-disconnect\n"]
      ) {
        const stage = new Stage(cores);
        const target = stage.subsystem("nqn.sub", "10.0.1.1");
        if (scope === "") stage.bootFrom(target);
        stage.stacdConf(scope + line("traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub"));
        await stage.start();
        const refused = await acted(stage, (person) => person.drain("nqn.sub"));
        assert.equal(refused.result, "refused");
        assert.equal(refused.controllers[0]?.becomes, "kept");
        assert.equal(
          (await acted(stage, (person) => person.drain("nqn.sub", undefined, "force"))).result,
          "drained",
        );
        await stage.run(120_000);
        assert.equal(stage.to(target).length, 1);
      }
    },
    original: () => stacd((event) => event.type === "drain" ? { ...event, mode: "force" } : event),
  },
  {
    from: "S7, S9, seed 501255 of both",
    name: "a drain lasts for its term also when the clock is set while stacd is down",
    play: async (cores) => {
      for (const by of [-hours(2).ms, hours(2).ms]) {
        const stage = new Stage(cores);
        const { subsystem } = await listed(stage);
        assert.equal((await acted(stage, (person) => person.drain("10.0.1.1", 600))).result, "drained");
        await stage.run(10_000);
        stage.stacd.kill();
        stage.world.clock.step({ ms: by });
        stage.startStacd();
        await stage.run(300_000);
        assert.equal(stage.to(subsystem).length, 0, `set by ${by} ms: drained`);
        await stage.run(310_000);
        assert.equal(stage.to(subsystem).length, 1, `set by ${by} ms: the term is over`);
      }
    },
    original: forgetful,
  },
];
