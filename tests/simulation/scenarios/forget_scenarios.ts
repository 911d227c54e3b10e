/** A discovery controller that mDNS announced and that is gone for good: what a person may have stafd forget, and what goes with it (S2, S9, S12). */
import assert from "node:assert/strict";
import type { V1ForgetAnswer } from "../../../src/lib/dbus/v1_types.ts";
import type { ForgetMode } from "../../../src/lib/dbus/server.ts";
import { finishStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import { nothingInUse, stacd, stafd, stafdStepping } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { referral } from "../landscape.ts";
import { Person } from "../person.ts";
import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";
import { stafdDraft } from "../../../src/lib/core/stafd/stafd_rules.ts";
import { ctlAt } from "../../../src/lib/core/fleet/questions.ts";
import { withdraw } from "../../../src/lib/core/fleet/claims.ts";

const announcing = (traddr: string) =>
  ({ hostIface: "eth0", name: `dc ${traddr}`, traddr, port: 8009, txt: ["p=tcp"] }) as const;

async function forget(stage: Stage, what: string, mode: ForgetMode = "do"): Promise<V1ForgetAnswer> {
  const answer = new Person(stage.world).forget(what, mode);
  await stage.run(1_000);
  const result = await answer;
  if (!result.ok) assert.fail(result.error.message);
  return result.value;
}

/** The array is gone: it announces nothing any more, and does not answer. */
async function silenced(stage: Stage, nqn: string): Promise<void> {
  const target = stage.target(nqn);
  for (const { key, traddr } of stage.world.avahi.announced) {
    if (traddr === target.address.traddr) stage.world.avahi.withdraw(key);
  }
  stage.world.setManner(target, "silent");
  await stage.run(60_000);
}

/** One found by mDNS that lists two subsystems, of which another lists one, too. */
async function found(stage: Stage): Promise<void> {
  const [only, both] = [stage.subsystem("nqn.only", "10.0.1.1"), stage.subsystem("nqn.both", "10.0.1.2")];
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(only, "nvme"), entryFor(both, "nvme")]);
  stage.dc("nqn.dc2", "10.0.0.101", [entryFor(both, "nvme")]);
  stage.world.avahi.announce(announcing("10.0.0.100"));
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.101\n");
  await stage.start(40_000);
  for (const nqn of ["nqn.dc", "nqn.dc2", "nqn.only", "nqn.both"]) {
    assert.equal(stage.to(nqn).length, 1, `${nqn} is connected`);
  }
}

const has = (stage: Stage, traddr: string): boolean =>
  [...stage.stafd.state.fleet.ctls.values()].some(({ tid }) => tid.traddr === traddr);

/** The addresses of the discovery controllers of which stafd's state file has a page. */
function savedPages(stage: Stage): readonly string[] {
  const { pages }: { readonly pages: readonly { readonly tid: { readonly traddr: string } }[] } = JSON.parse(
    stage.world.disk.texts.get("stafd") ?? "",
  );
  return pages.map(({ tid }) => tid.traddr);
}

const deaf = (): Cores => stafd((event) => event.type === "forget" ? { ...event, mode: "ask" } : event);

/** What a person says goes, whichever other source wants it. */
const obedient = (): Cores =>
  stafdStepping((state, event, now) => {
    if (event.type !== "forget") return realCores.stafd.step(state, event, now);
    const turn = stafdDraft(state, now);
    const { uid, what, call, keys } = event;
    for (const key of keys) {
      for (const authority of ctlAt(turn, key)?.claims.keys() ?? []) {
        withdraw(turn, key, authority, { kind: "forgotten", what, uid, at: now.wall });
      }
    }
    const { state: next, effects } = finishStafd(turn);
    const answer = { result: "forgotten", reasons: [], controllers: [] } as const;
    return { state: next, effects: [...effects, { do: "answer", call, answer }] };
  });

export const FORGET_SCENARIOS: readonly Scenario[] = [
  {
    from: "S9, S12, ten tasks: an array was replaced",
    name:
      "a silent controller found by mDNS goes now, with what only it lists and nobody uses, and stays away",
    play: async (cores) => {
      const stage = new Stage(cores);
      await found(stage);
      await silenced(stage, "nqn.dc");
      assert.ok(has(stage, "10.0.0.100"), "kept for 72 hours");
      const asked = await forget(stage, "10.0.0.100", "ask");
      assert.equal(asked.result, "possible");
      assert.deepEqual(asked.controllers.map(({ listed, only }) => [listed, only]), [[2, 1]]);
      assert.ok(has(stage, "10.0.0.100"), "only asked");
      assert.equal((await forget(stage, "10.0.0.100")).result, "forgotten");
      await stage.run(10_000);
      assert.ok(!has(stage, "10.0.0.100"));
      assert.equal(stage.to("nqn.dc").length, 0);
      assert.equal(stage.to("nqn.only").length, 0, "only it listed that");
      assert.equal(stage.to("nqn.both").length, 1, "another lists that, too");
      assert.deepEqual(savedPages(stage), ["10.0.0.101"]);
      assert.equal(
        stage.seen.filter((text) =>
          /stafd Discovery controllers are forgotten by uid 0 at .*: 10\.0\.0\.100/.test(text)
        ).length,
        1,
      );
      assert.ok(
        stage.seen.some((text) =>
          /stacd .*nqn\.only.*Disconnected: listed only by .*, which stafd dropped at .*: forgotten by uid 0/
            .test(text)
        ),
      );
      stage.stafd.kill();
      stage.stacd.kill();
      await stage.start(60_000);
      assert.ok(!has(stage, "10.0.0.100"), "a restart does not bring it back");
      assert.equal(stage.to("nqn.only").length, 0);
    },
    original: deaf,
  },
  {
    from: "S12",
    name: "what is mounted keeps its path when the controller that listed it is forgotten",
    play: async (cores) => {
      const stage = new Stage(cores);
      await found(stage);
      assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.only", "/srv"));
      await silenced(stage, "nqn.dc");
      assert.equal((await forget(stage, "10.0.0.100")).result, "forgotten");
      await stage.run(120_000);
      assert.equal(stage.to("nqn.only").length, 1);
      assert.ok(
        stage.seen.some((text) => /withdrawn, held: .*mounted on \/srv .*forgotten by uid 0/.test(text)),
      );
      stage.world.kernel.devices.namespaces.unmount("nqn.only", "/srv");
      await stage.run(180_000);
      assert.equal(stage.to("nqn.only").length, 0, "used no longer");
    },
    original: () => stacd(nothingInUse),
  },
  {
    from: "S2",
    name:
      "a controller that a line, the boot firmware or an announcement asks for, or that answers, is not forgotten",
    play: async (cores) => {
      const stage = new Stage(cores);
      await found(stage);
      const refused = async (traddr: string, why: RegExp): Promise<void> => {
        const { result, reasons } = await forget(stage, traddr);
        assert.equal(result, "refused");
        assert.match(reasons.join(), why);
      };
      await refused("10.0.0.101", /configured \(.*stafd\.conf:2: .*remove that line/);
      await refused(
        "10.0.0.100",
        /still announced \(mDNS service .*\) and would come back.*or exclude it: exclude = /,
      );
      for (const { key } of stage.world.avahi.announced) stage.world.avahi.withdraw(key);
      await stage.run(10_000);
      await refused("10.0.0.100", /not silent: it is connected as nvme\d+; switch it off first/);
      stage.world.setManner(stage.target("nqn.dc"), "silent");
      stage.world.avahi.stop();
      await stage.run(60_000);
      await refused("10.0.0.100", /not known whether mDNS announces it: see that avahi-daemon runs/);
      await stage.run(10_000);
      assert.ok(has(stage, "10.0.0.100") && has(stage, "10.0.0.101"));
      assert.equal(stage.to("nqn.only").length, 1, "nothing has changed");
    },
    original: obedient,
  },
  {
    from: "S2",
    name:
      "a controller to which another one refers is not forgotten alone; one to which only it refers goes along",
    play: async (cores) => {
      const stage = new Stage(cores);
      const sub = stage.subsystem("nqn.sub", "10.0.1.1");
      const a = stage.dc("nqn.a", "10.0.0.100", []);
      stage.dc("nqn.b", "10.0.0.101", [referral(stage.target("nqn.a"))]);
      stage.dc("nqn.c", "10.0.0.102", [entryFor(sub, "nvme")]);
      a.edit([referral(stage.target("nqn.b")), referral(stage.target("nqn.c"))], stage.mono);
      for (const traddr of ["10.0.0.100", "10.0.0.101"]) stage.world.avahi.announce(announcing(traddr));
      stage.stafdConf("");
      await stage.start(40_000);
      for (const nqn of ["nqn.a", "nqn.b", "nqn.c"]) await silenced(stage, nqn);
      assert.equal(stage.to("nqn.sub").length, 1);
      const alone = await forget(stage, "10.0.0.100");
      assert.equal(alone.result, "refused");
      assert.match(alone.reasons.join(), /another controller still lists it \(referral by .*10\.0\.0\.101/);
      const referred = await forget(stage, "10.0.0.102");
      assert.match(referred.reasons.join(), /mDNS never announced it; another controller lists it/);
      stage.world.avahi.announce(announcing("10.0.0.101"));
      await stage.run(1_000);
      stage.stafdConf("[Controllers]\nexclude = traddr=10.0.0.101\n");
      await stage.run(10_000);
      const along = await forget(stage, "10.0.0.100");
      assert.equal(along.result, "forgotten", "what is excluded refers to nothing");
      assert.deepEqual(along.controllers.map(({ tid }) => tid.traddr), ["10.0.0.100", "10.0.0.102"]);
      await stage.run(10_000);
      assert.ok(!has(stage, "10.0.0.100") && !has(stage, "10.0.0.102"));
      assert.equal(stage.to("nqn.sub").length, 0, "only a referral of a referral listed it");
    },
    original: obedient,
  },
  {
    from: "S2",
    name: "two silent controllers that refer to each other are forgotten together",
    play: async (cores) => {
      const stage = new Stage(cores);
      const a = stage.dc("nqn.a", "10.0.0.100", []);
      stage.dc("nqn.b", "10.0.0.101", [referral(stage.target("nqn.a"))]);
      a.edit([referral(stage.target("nqn.b"))], stage.mono);
      for (const traddr of ["10.0.0.100", "10.0.0.101"]) stage.world.avahi.announce(announcing(traddr));
      stage.stafdConf("");
      await stage.start(40_000);
      for (const nqn of ["nqn.a", "nqn.b"]) await silenced(stage, nqn);
      for (const traddr of ["10.0.0.100", "10.0.0.101"]) {
        assert.equal((await forget(stage, traddr)).result, "refused", "the other one lists it");
      }
      const both = await forget(stage, WELL_KNOWN_DISC_NQN);
      assert.equal(both.result, "forgotten");
      assert.equal(both.controllers.length, 2);
      await stage.run(10_000);
      assert.ok(!has(stage, "10.0.0.100") && !has(stage, "10.0.0.101"));
    },
    original: obedient,
  },
  {
    from: "S2, S9",
    name: "what was forgotten comes back when it is announced again",
    play: async (cores) => {
      const stage = new Stage(cores);
      await found(stage);
      await silenced(stage, "nqn.dc");
      assert.equal((await forget(stage, "10.0.0.100")).result, "forgotten");
      await stage.run(10_000);
      assert.equal(stage.to("nqn.only").length, 0);
      stage.world.setManner(stage.target("nqn.dc"), "up");
      stage.world.avahi.announce(announcing("10.0.0.100"));
      await stage.run(30_000);
      assert.equal(stage.to("nqn.dc").length, 1);
      assert.equal(stage.to("nqn.only").length, 1);
    },
    original: deaf,
  },
];
