/** "Take an array out for maintenance, and back": the whole task at the tools, on the daemons as they ship. */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { TID } from "../../unit/core/tid.ts";
import { sampleDaemon } from "./sample_daemon.ts";
import { line, type Site, withSite } from "./site.ts";

/** A mounted subsystem with one path, and two controllers at another address. */
async function site(test: (site: Site) => Promise<void>): Promise<void> {
  await withSite(async (made) => {
    const { stage } = made;
    const all = [
      stage.subsystem("nqn.db", "10.0.1.1"),
      stage.subsystem("nqn.a", "10.0.1.2"),
      stage.subsystem("nqn.b", "10.0.1.2"),
    ];
    stage.dc("nqn.dc", "10.0.0.100", all.map((target) => entryFor(target, "nvme")));
    stage.stafdConf(line("traddr=10.0.0.100"));
    stage.stacdConf("");
    await stage.start(10_000);
    assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.db", "/srv/db"));
    await test(made);
  });
}

Deno.test("drain says why not, takes out what it may, and status, plan, explain, health and ls know of it", () =>
  site(async ({ run, stage }) => {
    const refused = await run("stacctl drain nqn.db --for 2h");
    assert.equal(refused.status, 1);
    assert.match(
      refused.err,
      /^stacctl: not drained: nvme\d+ \(tcp, 10\.0\.1\.1, 4420, nqn\.db\): nvme\d+n1 is in use: mounted on \/srv\/db\n/,
    );
    assert.match(refused.err, /--force drains it all the same\n$/);
    assert.equal(refused.out, "");

    const drained = await run("stacctl drain 10.0.1.2 --for 2h");
    assert.equal(drained.status, 0, drained.err);
    assert.match(
      drained.out,
      /^Drained until .*: 10\.0\.1\.2\n {2}nvme\d+ \(tcp, 10\.0\.1\.2.*: being disconnected\n/,
    );
    await stage.run(10_000);
    assert.equal(stage.to("nqn.a").length + stage.to("nqn.b").length, 0);

    assert.match(
      (await run("stacctl status -o table")).out,
      /drained +10\.0\.1\.2: 2 controllers, by uid 0, until /,
    );
    const explained = await run("stacctl explain nqn.a");
    assert.match(explained.out, /excluded: .*drained by uid 0 until .*: 10\.0\.1\.2/);
    assert.match(explained.out, /next +the drain is over, and it is wanted again \(in \d+ min, at /);
    const health = await run("stacctl health");
    assert.equal(health.status, 0, "maintenance that a person began is advice, not a fault");
    assert.match(health.out, /advice: 2 controllers are drained by uid 0 until /);
    assert.match((await run("stacctl ls --state excluded -o wide")).out, /nqn\.a[^]*drained by uid 0/);
    const json: unknown = JSON.parse((await run("stacctl status -o json --schema 2")).out);
    assert.ok(typeof json === "object" && json !== null && "drains" in json && Array.isArray(json.drains));
    assert.deepEqual({ ...json.drains[0], begun_at: 0, until: 0 }, {
      what: "10.0.1.2",
      uid: 0,
      begun_at: 0,
      until: 0,
      forced: false,
      controllers: 2,
    });

    const wrong = await run("stacctl undrain nqn.a");
    assert.equal(wrong.status, 1);
    assert.match(wrong.err, /"nqn\.a" is not what a drain was called by; in force: 10\.0\.1\.2\n/);
    const undrained = await run("stacctl undrain 10.0.1.2");
    assert.equal(undrained.status, 0);
    assert.equal(undrained.out, "No longer drained: 10.0.1.2\n");
    await stage.run(10_000);
    assert.equal(stage.to("nqn.a").length + stage.to("nqn.b").length, 2);
    const over = (await run("stacctl status -o table")).out;
    assert.doesNotMatch(over, /^ {2}drained /m);
    assert.match(
      over,
      /undrained +No longer drained by uid 0 until .*; uid 0 has ended it\n/,
      "an event without a name",
    );
  }));

Deno.test("plan tells a drain that waits for its soak, and one that something in use holds", () =>
  site(async ({ run, stage }) => {
    const answer = run("stacctl drain nqn.a --for 5min -o json");
    const drained = await answer;
    const json: unknown = JSON.parse(drained.out);
    assert.ok(typeof json === "object" && json !== null && "output" in json && "result" in json);
    assert.equal(json.output, "drain");
    assert.equal(json.result, "drained");
    assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.a", "/srv/a"), "mounted while it soaks");
    await stage.run(10_000);
    const plan = await run("stacctl plan");
    assert.match(plan.out, /mounted on \/srv\/a/);
    assert.match(plan.out, /drained by uid 0 until/);
  }));

Deno.test("force shows what it takes, and takes it", () =>
  site(async ({ run, stage }) => {
    const forced = await run("stacctl drain nqn.db --force");
    assert.equal(forced.status, 0, forced.err);
    assert.match(
      forced.out,
      /^This drain takes, by force:\n {2}nvme\d+ .*nqn\.db\): in use, and disconnected all the same: nvme\d+n1 is in use: mounted on \/srv\/db\nDrained until undrain or a reboot: nqn\.db\n/,
    );
    await stage.run(10_000);
    assert.equal(stage.to("nqn.db").length, 0);
  }));

Deno.test("what nobody knows is not drained, and a term has to be one", () =>
  site(async ({ run }) => {
    const unknown = await run("stacctl drain nqn.bd");
    assert.equal(unknown.status, 1);
    assert.match(unknown.err, /stacd knows no controller "nqn\.bd"; nearest: nqn\.b, nqn\.db/);
    for (const term of ["0", "inf", "-5", "soon"]) {
      const { status, err } = await run(`stacctl drain nqn.db --for=${term}`);
      assert.equal(status, 2, term);
      assert.match(err, /Not a time span/);
    }
    assert.equal((await run("stafctl drain nqn.db")).status, 2);
  }));

Deno.test("the tool waits as long as traffic is watched, and asks again", async () => {
  await using bus = await privateBus();
  const asked: string[] = [];
  const answers = ["watching", "drained"];
  const daemon = await sampleDaemon(bus.address, {
    drain: ({ what, names }, termMs, mode) => {
      asked.push(`${what} ${names.join()} ${termMs} ${mode}`);
      const result = answers.shift();
      const one = {
        tid: TID,
        text: "(tcp, 10.0.0.1, 4420, nqn.a)",
        device: "nvme3",
        becomes: "watched",
        why: "",
      };
      return JSON.stringify({
        schema: 1,
        daemon: "stacd",
        at: 0,
        result,
        reasons: [],
        controllers: [one],
        again: result === "watching" ? 5 : null,
        drains: [],
      });
    },
  });
  const world = fakeWorld({ bus: bus.address });
  assert.equal(await stacctl(["drain", "nvme3", "--for", "1min"], world), 0, world.err.text);
  assert.deepEqual(asked, ["nvme3 nvme3 60000 do", "nvme3 nvme3 60000 do"]);
  assert.match(world.err.text, /^stacctl: whether a program reads or writes nvme3 is watched for \d+ s\n$/);
  daemon.close();
});
