/** "Why is this volume missing?" */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { HOST_NQN } from "../../simulation/landscape.ts";
import { line, withSite } from "./site.ts";

Deno.test("explain of what no page lists tells the pages and the host NQN; of what has no namespace, and what was taken over", () =>
  withSite(async (site) => {
    const { stage } = site;
    const [empty, byHand] = [
      stage.subsystem("nqn.empty", "10.0.0.25"),
      stage.subsystem("nqn.hand", "10.0.0.26"),
    ];
    empty.isEmpty = true;
    stage.connectedByOthers(byHand);
    stage.dc("nqn.dc", "10.0.0.100", [entryFor(empty, "nvme"), entryFor(byHand, "nvme")]);
    stage.stafdConf(line("traddr=10.0.0.100", "traddr=10.0.0.101"));
    stage.stacdConf("");
    await stage.start(30_000);
    const missing = await site.run("stacctl explain nqn.2014-08.org.example:volume");
    assert.equal(missing.status, 1);
    assert.match(missing.err, /log page of \(tcp, 10\.0\.0\.100, .*: read .*, generation \d+, 2 entries\n/);
    assert.match(missing.err, /log page of \(tcp, 10\.0\.0\.101, .*: never read; it is (failing|connecting)/);
    assert.ok(missing.err.includes(`map it on the array to this host: ${HOST_NQN};`), missing.err);
    const without = (await site.run("stacctl explain nqn.empty")).out;
    assert.match(without, /connected, and nvme\d+ has no namespace\n/);
    assert.ok(without.includes(`to this host: ${HOST_NQN}`), without);
    assert.match(
      (await site.run("stacctl explain nqn.hand")).out,
      /taken over: it is disconnected when no source wants it/,
    );
  }));

Deno.test("explain of what no page lists tells lines and excludes, those that would keep it away, and when is looked again", () =>
  withSite(async (site) => {
    const { stage } = site;
    stage.dc("nqn.dc", "10.0.0.100", []);
    stage.stafdConf(line("traddr=10.0.0.100", "traddr=10.0.0.101"));
    stage.stacdConf("");
    await stage.start(30_000);
    const confDir = await Deno.makeTempDir();
    const ask = async (text: string, what: string): Promise<string> => {
      await Deno.writeTextFile(`${confDir}/stacd.conf`, text);
      return (await site.run(`stacctl explain ${what}`, { confDir })).err.replaceAll(confDir, "D");
    };
    const text = line("traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a");
    const lines = await ask(text, "nqn.volume");
    assert.match(
      lines,
      /^ {2}D\/stacd\.conf has 1 controller= line, and none is for it: D\/stacd\.conf:2: transport=tcp;.*nqn=nqn\.a$/m,
    );
    assert.match(lines, /^ {2}D\/stacd\.conf has no exclude= line$/m);
    assert.match(lines, /^ {4}read again when the array reports a change; checked by [\d:]+ in any case$/m);
    assert.match(lines, /^ {4}next attempt in \d+ s, at [\d:]+$/m);
    const barred = await ask(`${text}exclude = nqn=nqn.vol*\n`, "nqn.volume");
    assert.match(
      barred,
      /^ {2}excluded by D\/stacd\.conf:3: exclude = nqn=nqn\.vol\*: it would not be connected/m,
    );
    assert.match(
      await ask(`${text}exclude = traddr=10.9.9.9\n`, "nqn.volume"),
      /has 1 exclude= line: D\/stacd\.conf:3: traddr=10\.9\.9\.9/,
    );
    await Deno.remove(confDir, { recursive: true });
  }));

Deno.test("what comes next has a time in every state", () =>
  withSite(async (site) => {
    const { stage } = site;
    const [up, away] = [stage.subsystem("nqn.up", "10.0.0.20"), stage.subsystem("nqn.away", "10.0.0.21")];
    stage.stafdConf("");
    const both = [
      "20;trsvcid=4420;nqn=nqn.up",
      "21;trsvcid=4420;nqn=nqn.away",
      "29;trsvcid=4420;nqn=nqn.fails",
    ]
      .map((rest) => `traddr=10.0.0.${rest}`);
    stage.stacdConf(line(...both));
    await stage.start(20_000);
    const next = async (what: string): Promise<string> =>
      (await site.run(`stacctl explain ${what}`)).out.split("\n").filter((row) => row.startsWith("  next "))
        .join("\n");
    assert.match(await next("nqn.fails"), /next attempt \(in \d+ s, at [\d:]+\)/);
    // Lost: when the kernel tries again, and when it gives up.
    stage.world.setManner(away, "silent");
    await stage.run(30_000);
    assert.match(
      await next("nqn.away"),
      /is checked again \(in \d+ s, at|the kernel tries again, at the latest \(in \d+ s/,
    );
    // Withdrawn and in use: when it is looked at again.
    stage.world.kernel.devices.namespaces.mount(up.nqn, "/srv");
    stage.stacdConf(line(...both.slice(1)));
    await stage.run(60_000);
    assert.match(await next("nqn.up"), /checked again whether it is still in use \(in \d+ s, at [\d:]+\)/);
    for (const row of (await next("10.0.0")).split("\n")) {
      assert.match(row, /\(in \d+ \w+, at [\d:]+\)$|\(now, at [\d:]+\)$/);
    }
  }));

Deno.test("a silent discovery controller that mDNS found is told with the time at which it is dropped", () =>
  withSite(async (site) => {
    const { stage } = site;
    stage.dc("nqn.dc", "10.0.0.100", []);
    stage.stafdConf("");
    stage.stacdConf("");
    const { avahi } = stage.world;
    avahi.announce({ hostIface: "eth0", name: "dc", traddr: "10.0.0.100", port: 8009, txt: ["p=tcp"] });
    await stage.start(30_000);
    assert.match((await site.run("stafctl explain 10.0.0.100")).out, /connected/);
    avahi.withdraw(avahi.announced[0]?.key ?? "");
    stage.world.setManner(stage.target("nqn.dc"), "silent");
    await stage.run(15 * 60_000);
    const { out } = await site.run("stafctl explain 10.0.0.100");
    assert.match(
      out,
      /next +dropped, unless it answers or mDNS announces it again \(zeroconf-connections-persistence\); now: stafctl forget/,
    );
    assert.match(out.replaceAll(/\s+/g, " "), /\(in 2 d, at \d{4}-\d\d-\d\d [\d:]+\)/);
    assert.match((await site.run("stafctl ls -o wide")).out, /removed in 2 d/);
  }));

Deno.test("options that a reload has changed are told as not in force; a stopped stafd has reported before", () =>
  withSite(async (site) => {
    const { stage } = site;
    stage.subsystem("nqn.a", "10.0.0.20");
    stage.stafdConf("");
    const text = "traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a";
    stage.stacdConf(line(`${text};kato=10`));
    await stage.start(20_000);
    assert.doesNotMatch((await site.run("stacctl explain nqn.a")).out, /made with another option/);
    stage.stacdConf(line(`${text};kato=25`));
    await stage.run(5_000);
    const { out } = await site.run("stacctl explain nqn.a");
    assert.match(
      out,
      /made with another option: kato is 10, not 25; the configured value takes effect when it is connected again/,
    );
    stage.stafd.machine.kill();
    await stage.run(10_000);
    assert.match((await site.run("stacctl status -o table")).out, /stafd +not running, last report [\d:]+/);
  }));
