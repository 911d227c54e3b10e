/** A path that is lost: what the tools say of it, and what is told and counted when it goes and comes back. */
import assert from "node:assert/strict";
import type { V1Controller } from "../../../src/lib/dbus/v1_types.ts";
import { lostText } from "../../../src/lib/daemon/views/v1_common.ts";
import { remark } from "../../../src/ctl/controllers_view.ts";
import { line, type Site, withSite } from "./site.ts";
import { NOW, v1Controller } from "./sample_daemon.ts";

const NQN = "nqn.2014-08.org.example:volume";

async function lost({ stage }: Site): Promise<void> {
  const target = stage.subsystem(NQN, "10.0.0.25");
  stage.stafdConf("");
  stage.stacdConf(line(`traddr=10.0.0.25;trsvcid=4420;nqn=${NQN}`));
  await stage.start(20_000);
  const [device] = stage.to(target);
  assert.ok(device !== undefined);
  stage.world.setManner(target, "silent");
  await stage.run(30_000);
  assert.equal(device.state, "connecting");
}

Deno.test("a lost path is not called connected: status, ls, doctor, JSON, health and explain", () =>
  withSite(async (site) => {
    await lost(site);
    const status = await site.run("stacctl status -o table");
    assert.equal(status.status, 3);
    assert.match(status.out, /! \(tcp, 10\.0\.0\.25.*: link lost at .*the kernel retries/);
    assert.match((await site.run("stacctl ls -o wide")).out, /reconnecting .*link lost at/);
    assert.match((await site.run("stacctl doctor")).out, /link lost at .*the kernel retries/);
    assert.match((await site.run("stacctl explain 10.0.0.25")).out, /state +link lost at/);
    const paths: V1Controller[] = JSON.parse((await site.run("stacctl ls -o json")).out);
    const [path] = paths;
    assert.equal(path?.phase, "reconnecting");
    assert.match(path?.detail ?? "", /^link lost at .*; the kernel retries/);
    for (const command of ["status -o table", "status -o json", "ls -o wide", "doctor"]) {
      assert.doesNotMatch((await site.run(`stacctl ${command}`)).out, /: connected; wanted by/, command);
    }
    // Since the loss, and not since the connection was made.
    const age = site.stage.world.clock.now().wall - (path?.since ?? 0);
    assert.ok(age < 31_000, String(age));
  }));

Deno.test("loss and return are events, journal lines with the duration, history, and counted", () =>
  withSite(async (site) => {
    const { stage } = site;
    await lost(site);
    stage.world.setManner(stage.target(NQN), "up");
    await stage.run(60_000);
    assert.equal(stage.to(NQN).length, 1);
    const told = stage.said.filter((text) => text.startsWith("stacd ") && text.includes("link"));
    assert.equal(told.length, 2, told.join("\n"));
    assert.match(told[0] ?? "", /The link is lost: nvme\d+ is connecting/);
    assert.match(told[1] ?? "", /The link is back after \d+ s/);
    const explained = await site.run("stacctl explain 10.0.0.25");
    assert.match(explained.out, /the link is lost/);
    assert.match(explained.out, /the link is back after \d+ s/);
    const metrics = (await site.run("stacctl metrics")).out;
    assert.match(metrics, /nvme_stas_link_losses_total\{daemon="stacd"\} 1\n/);
    assert.match(metrics, /nvme_stas_link_returns_total\{daemon="stacd"\} 1\n/);
  }));

Deno.test("what the kernel does about a lost link is told with its times", () => {
  const path = v1Controller({
    phase: "reconnecting",
    lost: { at: NOW, retryEvery: 10_000, givesUpAt: NOW + 600_000, forever: false },
  });
  assert.match(
    remark(path, NOW + 1_000),
    /^link lost at [\d:]+, the kernel retries every 10 s, gives up at [\d:]+ \(ctrl-loss-tmo 600\)$/,
  );
  const text = lostText({ at: NOW, retryEvery: 10_000, givesUpAt: NOW + 600_000, forever: false });
  assert.match(
    text,
    /^link lost at 20\d\d-.*; the kernel retries every 10 s, and gives up at 20\d\d-.* \(ctrl-loss-tmo 600\)$/,
  );
  assert.match(
    lostText({ at: NOW, retryEvery: 10_000, givesUpAt: null, forever: true }),
    /never gives up \(ctrl-loss-tmo -1\)$/,
  );
});
