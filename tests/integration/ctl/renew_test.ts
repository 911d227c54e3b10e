/** "Keys or options have changed": stacctl renew at the tools, on the daemons as they ship. */
import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { TID } from "../../unit/core/tid.ts";
import { sampleDaemon } from "./sample_daemon.ts";
import { type Site, withSite } from "./site.ts";

const KEY = "DHHC-1:00:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0:";

const conf = (kato: number): string =>
  `[Global]\nkato = ${kato}\n[Controllers]\n` +
  `controller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.db\n` +
  `controller = transport=tcp;traddr=10.0.1.2;trsvcid=4420;nqn=nqn.db\n` +
  `controller = transport=tcp;traddr=10.0.1.3;trsvcid=4420;nqn=nqn.one;dhchap-secret=${KEY}\n`;

/** A mounted subsystem with two paths, and one with a key and one path; the file asks for another time-out now. */
async function site(test: (site: Site) => Promise<void>): Promise<void> {
  await withSite(async (made) => {
    const { stage } = made;
    for (
      const [nqn, traddr] of [["nqn.db", "10.0.1.1"], ["nqn.db", "10.0.1.2"], [
        "nqn.one",
        "10.0.1.3",
      ]] as const
    ) {
      stage.subsystem(nqn, traddr);
    }
    stage.stafdConf("");
    stage.stacdConf(conf(10));
    await stage.start(10_000);
    for (const nqn of ["nqn.db", "nqn.one"]) {
      assert.ok(stage.world.kernel.devices.namespaces.mount(nqn, `/srv/${nqn}`));
    }
    await test(made);
  });
}

Deno.test("renew shows the means, does it path after path, and plan, explain and history know of it", () =>
  site(async ({ run, stage, start }) => {
    const keys = await run("stacctl renew nqn.one --dry-run");
    assert.equal(keys.status, 0, keys.err);
    assert.match(
      keys.out,
      /^nvme\d+ \(tcp, 10\.0\.1\.3.*\): the kernel authenticates again with the keys of the file; no path is lost\n$/,
    );
    assert.ok(!keys.out.includes("c2Vj"));

    stage.stacdConf(conf(20));
    await stage.run(2_000);
    const refused = await run("stacctl renew nqn.one");
    assert.equal(refused.status, 1);
    assert.match(
      refused.err,
      /^stacctl: not renewed: nvme\d+ .*nqn\.one\): nvme\d+n1 is in use: mounted on \/srv\/nqn\.one, and no other usable path serves it\n$/,
    );
    const would = await run("stacctl renew nqn.db --dry-run");
    assert.match(would.out, /^(?:nvme\d+ .*: disconnected and connected again \(kato is 10, not 20\)\n){2}$/);

    // Slow enough to be looked at.
    stage.world.kernel.chaos.deleteMs = [1_500, 1_500];
    const renewing = start("stacctl renew nqn.db");
    for (let tries = 0; stage.stacd.state.renewals.run?.stage !== "go"; tries++) {
      assert.ok(tries < 200, "it begins");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.match(
      (await run("stacctl plan")).out,
      /connections are renewed by uid 0 at .*: nqn\.db: 0 of 2 done, now \(tcp, 10\.0\.1\.1/,
    );
    assert.match(
      (await run("stacctl explain 10.0.1.2")).out,
      /renewed by uid 0 at .*; it is disconnected and connected again when the connections before it serve again/,
    );
    const status = await renewing;
    assert.equal(status, 0);
    assert.deepEqual(stage.to("nqn.db").map(({ made }) => made?.kato), [20, 20]);
    const history = (await run("stacctl history --evidence")).out;
    assert.match(history, /renewing +Connections are renewed by uid 0 at /);
    assert.match(history, /renewed +All 2 connections were renewed by uid 0 at /);
    const json: unknown = JSON.parse((await run("stacctl renew nqn.db --reconnect -o json")).out);
    assert.ok(typeof json === "object" && json !== null && "output" in json && "result" in json);
    assert.deepEqual([json.output, json.result], ["renew", "renewed"]);
  }));

Deno.test("Ctrl-C lets the path under way end, and a warning comes before anything is done", async () => {
  await using bus = await privateBus();
  const asked: string[] = [];
  const results = ["possible", "running", "running", "stopped"];
  const daemon = await sampleDaemon(bus.address, {
    renew: ({ what }, mode) => {
      asked.push(`${what} ${mode}`);
      const result = results.shift();
      return JSON.stringify({
        schema: 1,
        daemon: "stacd",
        at: 0,
        result,
        reasons: result === "stopped" ? ["a person has stopped it"] : [],
        warnings: ["the array sees another host"],
        controllers: [{
          tid: TID,
          text: "(tcp, 10.0.0.1, 4420, nqn.a)",
          device: "nvme3",
          means: "reconnect",
          is: "left",
          why: "",
        }],
        again: result === "running" ? 5 : null,
      });
    },
  });
  const world = fakeWorld({ bus: bus.address, interrupted: Promise.resolve() });
  assert.equal(await stacctl(["renew", "nvme3"], world), 1);
  assert.deepEqual(asked, ["nvme3 ask", "nvme3 do", "nvme3 stop", "nvme3 watch"]);
  assert.match(
    world.err.text,
    /^stacctl: warning: the array sees another host\nstacctl: no other path is begun; .*\nstacctl: stopped: a person has stopped it\n$/,
  );
  assert.equal(
    world.out.text,
    "nvme3 (tcp, 10.0.0.1, 4420, nqn.a): left as it was: disconnected and connected again\n",
  );
  daemon.close();
});
