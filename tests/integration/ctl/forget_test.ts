/** "An array was replaced": stafctl forget at the tools, on the daemons as they ship. */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { line, type Site, withSite } from "./site.ts";

/** The array at 10.0.0.100 is switched off and announced no longer; another one stays. */
async function site(test: (site: Site) => Promise<void>): Promise<void> {
  await withSite(async (made) => {
    const { stage } = made;
    const { avahi } = stage.world;
    const [db, a] = [stage.subsystem("nqn.db", "10.0.1.1"), stage.subsystem("nqn.a", "10.0.1.2")];
    stage.dc("nqn.dc", "10.0.0.100", [entryFor(db, "nvme"), entryFor(a, "nvme")]);
    stage.dc("nqn.dc2", "10.0.0.101", []);
    avahi.announce({ hostIface: "eth0", name: "dc", traddr: "10.0.0.100", port: 8009, txt: ["p=tcp"] });
    stage.stafdConf(line("traddr=10.0.0.101"));
    stage.stacdConf("");
    await stage.start(40_000);
    assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.db", "/srv/db"));
    for (const { key } of avahi.announced) avahi.withdraw(key);
    stage.world.setManner(stage.target("nqn.dc"), "silent");
    await stage.run(60_000);
    await test(made);
  });
}

Deno.test("forget names the way out where it is refused, shows what would go, and then drops it", () =>
  site(async ({ run, stage }) => {
    const refused = await run("stafctl forget 10.0.0.101");
    assert.equal(refused.status, 1);
    assert.equal(refused.out, "");
    assert.match(
      refused.err,
      /^stafctl: not forgotten: \(tcp, 10\.0\.0\.101.*\): it is configured \(.*:2: .*\): remove that line, then systemctl reload stafd\n$/,
    );
    const page = "its log page listed 2 I/O controllers, 2 of them in no other log page";
    const would = await run("stafctl forget 10.0.0.100 --dry-run");
    assert.equal(would.status, 0, would.err);
    assert.match(would.out, new RegExp(`^Would be forgotten: \\(tcp, 10\\.0\\.0\\.100.*\\): ${page}`));
    assert.match(would.out, /stacd would disconnect those that no other source wants; what is in use/);
    assert.equal(stage.stafd.state.fleet.ctls.size, 2);

    const done = await run("stafctl forget 10.0.0.100");
    assert.equal(done.status, 0, done.err);
    assert.match(done.out, new RegExp(`^Forgotten: \\(tcp, 10\\.0\\.0\\.100.*\\): ${page}`));
    await stage.run(60_000);
    assert.equal(stage.to("nqn.a").length, 0);
    assert.equal(stage.to("nqn.db").length, 1, "mounted");
    assert.match(
      (await run("stacctl plan")).out,
      /mounted on \/srv\/db[^]*forgotten by uid 0 at .*: 10\.0\.0\.100/,
    );
    assert.match((await run("stafctl explain 10.0.0.100")).out, /forgotten by uid 0 at .*: 10\.0\.0\.100/);
    assert.match(
      (await run("stafctl history --evidence")).out,
      /forgotten +Discovery controllers are forgotten by uid 0/,
    );
  }));

Deno.test("forget prints JSON, knows what it does not know, and is stafd's", () =>
  site(async ({ run }) => {
    const json: unknown = JSON.parse((await run("stafctl forget 10.0.0.101 -o json")).out);
    assert.ok(typeof json === "object" && json !== null && "result" in json && "output" in json);
    assert.deepEqual([json.output, json.result], ["forget", "refused"]);
    const unknown = await run("stafctl forget 10.0.0.99");
    assert.equal(unknown.status, 1);
    assert.match(unknown.err, /stafd knows no controller "10\.0\.0\.99"/);
    assert.equal((await run("stacctl forget 10.0.0.100")).status, 2);
  }));
