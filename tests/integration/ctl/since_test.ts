/** `since` is the time of the present state, and a daemon that is started anew has changed nothing of it. */
import assert from "node:assert/strict";
import type { V1State } from "../../../src/lib/dbus/v1_types.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { line, type Site, withSite } from "./site.ts";

const NQN = "nqn.2014-08.org.example:volume";

/** Phase and age in seconds, by the address's last part. */
async function ages({ stage, stac }: Site): Promise<Readonly<Record<string, readonly [string, number]>>> {
  const state: V1State = JSON.parse(await stac.state());
  const now = stage.world.clock.now().wall;
  return Object.fromEntries(
    state.controllers.map(({ tid, phase, since }) => [
      tid.traddr.replace(/.*\./, ""),
      [phase, Math.round((now - since) / 1000)],
    ]),
  );
}

function near(found: readonly [string, number] | undefined, phase: RegExp, seconds: number): void {
  assert.ok(found !== undefined);
  assert.match(found[0], phase);
  assert.ok(Math.abs(found[1] - seconds) <= 12, `${found[0]} for ${found[1]} s, not ${seconds} s`);
}

async function eventful({ stage }: Site): Promise<void> {
  const [kept, lost, listed] = [
    stage.subsystem(`${NQN}1`, "10.0.0.25"),
    stage.subsystem(`${NQN}2`, "10.0.0.26"),
    stage.subsystem(`${NQN}4`, "10.0.0.28"),
  ];
  listed.manner = "closed";
  stage.dc("nqn.dc", "10.0.0.100", [
    entryFor(kept, "nvme"),
    entryFor(lost, "nvme"),
    entryFor(listed, "nvme"),
  ]);
  stage.stafdConf(line("traddr=10.0.0.100"));
  stage.stacdConf(
    `[Controllers]\nexclude = transport=tcp;traddr=10.0.0.27\n` +
      `controller = transport=tcp;traddr=10.0.0.27;trsvcid=4420;nqn=${NQN}3\n` +
      `controller = transport=tcp;traddr=10.0.0.29;trsvcid=4420;nqn=${NQN}5\n`,
  );
  await stage.start(600_000);
  stage.world.setManner(lost, "silent");
  await stage.run(100_000);
}

Deno.test("since: of the present state, also of what is excluded and of what keeps failing", () =>
  withSite(async (site) => {
    await eventful(site);
    const seen = await ages(site);
    near(seen["25"], /^connected$/, 700);
    near(seen["26"], /^reconnecting$/, 100);
    near(seen["27"], /^excluded$/, 700);
    near(seen["28"], /^(failing|connecting)$/, 700);
    near(seen["29"], /^(failing|connecting)$/, 700);
    site.stage.world.setManner(site.stage.target(`${NQN}2`), "up");
    await site.stage.run(60_000);
    const back = await ages(site);
    assert.equal(back["26"]?.[0], "connected");
    assert.ok((back["26"]?.[1] ?? 0) < 61, String(back["26"]?.[1]));
  }));

Deno.test("since survives a restart of stacd: connected, lost, excluded, failing by a line and by a log page", () =>
  withSite(async (site) => {
    await eventful(site);
    const { stage } = site;
    stage.stacd.kill();
    await stage.run(20_000);
    stage.startStacd();
    await stage.run(30_000);
    const seen = await ages(site);
    near(seen["25"], /^connected$/, 750);
    near(seen["26"], /^reconnecting$/, 150);
    near(seen["27"], /^excluded$/, 750);
    near(seen["28"], /^(failing|connecting)$/, 750);
    near(seen["29"], /^(failing|connecting)$/, 750);
  }));

Deno.test("since: what went away while stacd did not run begins anew", () =>
  withSite(async (site) => {
    await eventful(site);
    const { stage } = site;
    stage.stacd.kill();
    const [device] = stage.to(`${NQN}1`);
    assert.ok(device !== undefined);
    stage.world.kernel.devices.remove(device);
    await stage.run(20_000);
    stage.startStacd();
    await stage.run(30_000);
    const [phase, age] = (await ages(site))["25"] ?? [];
    assert.equal(phase, "connected");
    assert.ok((age ?? Infinity) <= 31, String(age));
  }));
