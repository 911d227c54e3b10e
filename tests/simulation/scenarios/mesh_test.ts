/**
 * Discovery controllers that refer to each other, and sizes that no hand-made story has: the work of each step stays within
 * known controllers (S11). With one walk for each path, nine of them took a minute and ten were never done.
 */
import assert from "node:assert/strict";
import { Discovery, entryFor } from "../../../src/lib/sim/discovery.ts";
import { MAX_REFERRALS } from "../../../src/lib/core/stafd/referrals.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { withinBudget } from "../budget.ts";
import { type Cores, realCores } from "../cores.ts";
import { referral } from "../landscape.ts";
import { Stage } from "./stage.ts";

const DC_LINE = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n";

/** The real cores, each step within its budget; what it takes at most for each thing that is known is not asked. */
const counted: Cores = {
  stafd: {
    ...realCores.stafd,
    step: (state, event, now) => {
      const next = realCores.stafd.step(state, event, now);
      withinBudget("stafd", state, event, next);
      return next;
    },
  },
  stacd: {
    ...realCores.stacd,
    step: (state, event, now) => {
      const next = realCores.stacd.step(state, event, now);
      withinBudget("stacd", state, event, next);
      return next;
    },
  },
};

/** One controller with a line, and `size` more that it and each of them refer to. */
function mesh(
  stage: Stage,
  size: number,
): { readonly first: Discovery; readonly targets: readonly Target[] } {
  const services = Array.from({ length: size }, () => new Discovery("none", []));
  const targets = services.map((service, n) =>
    stage.world.addDiscovery(
      { transport: "tcp", traddr: `10.0.${1 + Math.floor(n / 200)}.${n % 200}`, trsvcid: "8009" },
      `nqn.mesh${n}`,
      service,
    )
  );
  for (const service of services) service.edit(targets.map(referral), 0);
  const first = stage.dc("nqn.dc", "10.0.0.100", targets.map(referral));
  stage.stafdConf(DC_LINE);
  return { first, targets };
}

Deno.test("V1: thirty discovery controllers that all list each other are connected, and go when the one with a line does", async () => {
  const stage = new Stage(counted);
  const { targets } = mesh(stage, 30);
  stage.startStafd();
  await stage.run(30_000);
  assert.ok(targets.every((target) => stage.to(target).length === 1));
  stage.stafd.kill();
  stage.startStafd();
  await stage.run(30_000);
  assert.ok(
    targets.every((target) => stage.to(target).length === 1),
    "a start from the state file changes nothing",
  );
  stage.stafdConf("");
  await stage.run(30_000);
  assert.equal(stage.world.kernel.devices.all.length, 0);
  assert.equal(stage.stafd.state.fleet.ctls.size, 0);
});

Deno.test("V1: a mesh of which nothing answers is dropped in one step", async () => {
  const stage = new Stage(counted);
  const { first, targets } = mesh(stage, 30);
  for (const target of targets) stage.world.setManner(target, "closed");
  stage.startStafd();
  await stage.run(20_000);
  assert.equal(stage.stafd.state.fleet.ctls.size, 31);
  await stage.age();
  first.edit([], stage.mono);
  await stage.run(10_000);
  assert.equal(stage.stafd.state.fleet.ctls.size, 31, "it withdrew all at once: it is young");
  await stage.age();
  assert.equal(stage.stafd.state.fleet.ctls.size, 1);
});

Deno.test("S9: a mesh that a page withdrew goes also after a restart while that page is young (seed 307406)", async () => {
  const stage = new Stage(counted);
  const { first, targets } = mesh(stage, 4);
  stage.startStafd();
  await stage.run(20_000);
  await stage.age();
  first.edit([], stage.mono);
  await stage.run(10_000);
  assert.ok(targets.every((target) => stage.to(target).length === 1), "it withdrew all at once: it is young");
  stage.stafd.kill();
  stage.startStafd();
  await stage.run(10_000);
  assert.ok(
    targets.every((target) => stage.to(target).length === 1),
    "the page is young after the restart, too",
  );
  await stage.age();
  await stage.run(10_000);
  assert.ok(targets.every((target) => stage.to(target).length === 0));
  assert.equal(stage.stafd.state.fleet.ctls.size, 1);
  const disconnects = stage.said.filter((text) =>
    text.includes("Disconnect initiated") && text.includes("10.0.1.")
  );
  assert.equal(disconnects.length, targets.length);
  for (const text of disconnects) assert.match(text, /10\.0\.0\.100/, "it names the page that withdrew it");
});

Deno.test("V1: a mesh that an exclude cuts off goes, and says why", async () => {
  const stage = new Stage(counted);
  const { targets } = mesh(stage, 12);
  stage.startStafd();
  await stage.run(20_000);
  stage.stafdConf(`${DC_LINE}exclude = transport=tcp;traddr=10.0.0.100\n`);
  await stage.run(20_000);
  assert.ok(targets.every((target) => stage.to(target).length === 0));
  const disconnects = stage.said.filter((text) =>
    text.includes("Disconnect initiated") && text.includes("10.0.1.")
  );
  assert.equal(disconnects.length, targets.length);
  for (const text of disconnects) assert.match(text, /exclude = transport=tcp;traddr=10\.0\.0\.100/);
});

Deno.test("S6: of one controller so many referrals are followed, those from before first; more is unknown, not absent", async () => {
  const stage = new Stage(counted);
  const { first, targets } = mesh(stage, MAX_REFERRALS + 20);
  for (const target of targets) target.manner = "closed";
  const some = targets.slice(-30);
  first.edit(some.map(referral), 0);
  stage.startStafd();
  await stage.run(2_000);
  first.edit(targets.map(referral), stage.mono);
  await stage.run(5_000);
  const followed = [...stage.stafd.state.fleet.ctls.values()].map(({ tid }) => tid.traddr);
  assert.equal(followed.length, 1 + MAX_REFERRALS);
  assert.ok(some.every(({ address }) => followed.includes(address.traddr)), "those from before stay");
  assert.ok(stage.said.some((text) => /20 of its 276 referrals are not followed/.test(text)), "it is said");
});

Deno.test("S11: 15 discovery controllers with 100 entries each, 200 controllers, audit and restart: within the budget", async () => {
  const stage = new Stage(counted);
  const subsystems = Array.from(
    { length: 200 },
    (_, n) => stage.subsystem(`nqn.s${n}`, `10.0.${10 + Math.floor(n / 200)}.${n % 200}`),
  );
  const lines: string[] = [];
  for (let n = 0; n < 15; n++) {
    const entries = subsystems.filter((_, at) => (at + n * 13) % 200 < 100).map((one) =>
      entryFor(one, "nvme")
    );
    stage.dc(`nqn.dc${n}`, `10.0.2.${n}`, entries);
    lines.push(`controller = transport=tcp;traddr=10.0.2.${n}\n`);
  }
  stage.stafdConf(`[Controllers]\n${lines.join("")}`);
  stage.stacdConf(
    "[I/O controller connection management]\ndisconnect-scope = all-connections-matching-disconnect-trtypes\n",
  );
  await stage.start(40_000);
  assert.equal(stage.world.kernel.devices.all.filter(({ maker }) => maker === "stacd").length, 200);
  stage.stafd.kill();
  stage.stacd.kill();
  stage.startStafd();
  stage.startStacd();
  await stage.run(20_000);
  stage.stafdConf(`[Controllers]\n${lines.slice(0, 3).join("")}`);
  await stage.run(60_000);
  const left = stage.world.kernel.devices.all.filter(({ maker }) => maker === "stacd").length;
  assert.ok(left >= 100 && left < 200, `${left} are still listed`);
});

/** Discovery controllers that each refer to the next one; a line names the first. */
async function chainOf(stage: Stage, length: number): Promise<readonly Discovery[]> {
  const chain = Array.from({ length }, (_, n) => stage.dc(`nqn.dc${n}`, `10.0.3.${n + 1}`, []));
  for (const [n, dc] of chain.entries()) {
    if (n + 1 < chain.length) dc.list(referral(stage.target(`nqn.dc${n + 1}`)), 0);
  }
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.3.1\n");
  await stage.start(30_000);
  return chain;
}

Deno.test("referrals are followed eight steps deep, and from the nearest line", async () => {
  const stage = new Stage(realCores);
  const chain = await chainOf(stage, 11);
  const connected = chain.map((_, n) => stage.to(`nqn.dc${n}`).length);
  assert.deepEqual(connected, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
  // A line brings what is behind it nearer.
  stage.stafdConf(
    "[Controllers]\ncontroller = transport=tcp;traddr=10.0.3.1\ncontroller = transport=tcp;traddr=10.0.3.3\n",
  );
  await stage.run(30_000);
  assert.deepEqual(chain.map((_, n) => stage.to(`nqn.dc${n}`).length), chain.map(() => 1));
});

Deno.test("what a shorter way by another page brings nearer is connected (L1; seed 301526)", async () => {
  const stage = new Stage(realCores);
  const chain = await chainOf(stage, 12);
  const connected = (): readonly number[] => chain.map((_, n) => stage.to(`nqn.dc${n}`).length);
  assert.deepEqual(connected(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
  // Only the controllers up the way are named by the new entry, not the one that it brings nearer.
  chain[2]?.list(referral(stage.target("nqn.dc5")), stage.mono);
  await stage.run(30_000);
  assert.deepEqual(connected(), [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
});
