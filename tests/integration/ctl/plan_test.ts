/** `plan`: what somebody who reads it is about to do, with all that follows from it. */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { line, withSite } from "./site.ts";

Deno.test("what failed and is tried again is no change", () =>
  withSite(async (site) => {
    const { stage } = site;
    stage.stafdConf("");
    const text = line("traddr=10.0.0.30;trsvcid=4420;nqn=nqn.b");
    stage.stacdConf(text);
    await stage.start(20_000);
    const same = await site.run("stacctl plan");
    assert.equal(same.status, 0);
    assert.match(
      same.out,
      /^Nothing to do: 1 is tried again as before; 0 controllers stay as they are\.\n$/m,
    );
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, text);
    assert.equal((await site.run(`stacctl plan --config ${file}`)).status, 0);
    await Deno.writeTextFile(
      file,
      `${text}controller = transport=tcp;traddr=10.0.0.31;trsvcid=4420;nqn=nqn.c\n`,
    );
    const more = await site.run(`stacctl plan --config ${file}`);
    assert.equal(more.status, 2);
    assert.match(more.out, /^\+ connect \(tcp, 10\.0\.0\.31/m);
    await Deno.remove(file);
  }));

Deno.test("stafd's plan tells what stacd will disconnect then, and which subsystems lose their last path", () =>
  withSite(async (site) => {
    const { stage } = site;
    const [one, two] = [stage.subsystem("nqn.one", "10.0.0.25"), stage.subsystem("nqn.two", "10.0.0.26")];
    stage.dc("nqn.dc", "10.0.0.100", [entryFor(one, "nvme"), entryFor(two, "nvme")]);
    const dcs = line("traddr=10.0.0.100");
    stage.stafdConf(dcs);
    stage.stacdConf(line("traddr=10.0.0.26;trsvcid=4420;nqn=nqn.two"));
    await stage.start(20_000);
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(
      file,
      `${dcs}exclude = traddr=10.0.0.100\ncontroller = transport=tcp;traddr=10.0.0.101\n`,
    );
    const { status, out } = await site.run(`stafctl plan --config ${file}`);
    assert.equal(status, 2);
    const [device] = stage.to("nqn.one");
    assert.ok(out.includes(`! effect stacd will then disconnect 1 I/O path of 1 subsystem`), out);
    assert.ok(out.includes(`keeps them: ${device?.name}\n! effect nqn.one loses its last path\n`), out);
    assert.ok(out.indexOf("- disconnect") < out.indexOf("+ connect"), out);
    assert.match(out, /In total: 1 to disconnect, 1 to connect\.\n/);
    // It says the truth: that is what happens.
    stage.stafdConf(await Deno.readTextFile(file));
    await stage.run(60_000);
    assert.deepEqual([stage.to("nqn.one").length, stage.to("nqn.two").length], [0, 1]);
    await Deno.remove(file);
  }));

/** Writes a configuration file for as long as the test lasts. */
async function withFile(text: string, test: (file: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/some.conf`;
  await Deno.writeTextFile(file, text);
  await test(file);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("finding 1: an exclude of an array's discovery controllers is told with all paths, what is mounted, and what keeps it", () =>
  withSite(async (site) => {
    const { stage } = site;
    const listed = ["nqn.a", "nqn.b", "nqn.c"].map((nqn, n) => stage.subsystem(nqn, `10.0.0.2${n}`));
    const second = stage.subsystem("nqn.a", "10.0.0.30");
    stage.dc("nqn.dc", "10.0.0.100", [...listed, second].map((one) => entryFor(one, "nvme")));
    const dcs = line("traddr=10.0.0.100");
    stage.stafdConf(dcs);
    stage.stacdConf("");
    await stage.start(20_000);
    const { namespaces } = stage.world.kernel.devices;
    namespaces.mount("nqn.b", "/srv/mail");
    const [held] = stage.to("nqn.b");
    assert.ok(held !== undefined);
    await withFile(`${dcs}exclude = traddr=10.0.0.100\n`, async (file) => {
      const { out } = await site.run(`stafctl plan --config ${file}`);
      assert.match(
        out,
        /^! effect stacd will then disconnect 4 I\/O paths of 3 subsystems that nothing else/m,
      );
      for (const nqn of ["nqn.a", "nqn.c"]) {
        assert.ok(out.includes(`! effect ${nqn} loses its last path\n`), out);
      }
      assert.ok(!out.includes("nqn.b loses"), "held");
      assert.ok(
        out.includes(
          `! held ${
            namespaces.head("nqn.b")
          } is in use (mounted on /srv/mail): ${held.name} stays connected meanwhile\n`,
        ),
        out,
      );
      assert.match(
        out,
        /^3 I\/O paths of 2 subsystems go, 1 stays connected; 2 subsystems keep no path; 1 namespace is in use\.$/m,
      );
      const json = JSON.parse((await site.run(`stafctl plan -o json --config ${file}`)).out);
      assert.equal(json.effects.paths.length, 4);
      assert.deepEqual(json.effects.lastPaths, ["nqn.a", "nqn.c"]);
      assert.deepEqual(json.effects.inUse.map(({ by }: { by: unknown }) => by), [[held.name]]);
      // stacd.conf of this host says that nothing is disconnected.
      const folder = file.slice(0, file.lastIndexOf("/"));
      await Deno.writeTextFile(
        `${folder}/stacd.conf`,
        "[I/O controller connection management]\ndisconnect-scope = no-disconnect\n",
      );
      const kept = (await site.run(`stafctl plan --config ${file}`, { confDir: folder })).out;
      assert.match(kept, /^! effect disconnect-scope = no-disconnect: stacd keeps all of them connected$/m);
      assert.doesNotMatch(kept, /last path/);
      assert.match(kept, /^no I\/O path goes, 4 stay connected; every subsystem keeps a path; /m);
      // It says the truth.
      stage.stafdConf(await Deno.readTextFile(file));
      await stage.run(120_000);
      assert.deepEqual([stage.to("nqn.a").length, stage.to("nqn.b").length, stage.to("nqn.c").length], [
        0,
        1,
        0,
      ]);
    });
  }));

Deno.test("stacd's plan tells last paths and what is in use, too; a path that has a sibling is not the last one", () =>
  withSite(async (site) => {
    const { stage } = site;
    for (const [nqn, traddr] of [["nqn.a", "10.0.0.20"], ["nqn.a", "10.0.0.30"], ["nqn.b", "10.0.0.21"]]) {
      stage.subsystem(nqn ?? "", traddr ?? "");
    }
    const [first, second, other] = [
      "traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a",
      "traddr=10.0.0.30;trsvcid=4420;nqn=nqn.a",
      "traddr=10.0.0.21;trsvcid=4420;nqn=nqn.b",
    ] as const;
    stage.stafdConf("");
    stage.stacdConf(line(first, second, other));
    await stage.start(20_000);
    stage.world.kernel.devices.namespaces.mount("nqn.a", "/srv/a");
    await withFile(line(second), async (file) => {
      const { out } = await site.run(`stacctl plan --config ${file}`);
      assert.match(out, /^! effect stacd disconnects 2 I\/O paths of 2 subsystems: /m);
      assert.match(out, /^! effect nqn\.b loses its last path$/m);
      assert.doesNotMatch(out, /nqn\.a loses|! held/);
      assert.match(
        out,
        /^2 I\/O paths of 2 subsystems go; 1 subsystem keeps no path; none of their namespaces is in use\.$/m,
      );
    });
    // Both paths of what is in use are withdrawn: they are held, and it keeps its last path.
    await withFile(line(other), async (file) => {
      const { out } = await site.run(`stacctl plan --config ${file}`);
      assert.doesNotMatch(out, /last path|! effect/);
      assert.match(
        out,
        /^! held nvme\d+n1 is in use \(mounted on \/srv\/a\): nvme\d+, nvme\d+ stay connected meanwhile$/m,
      );
      assert.match(
        out,
        /^no I\/O path goes, 2 stay connected; every subsystem keeps a path; 1 namespace is in use\.$/m,
      );
    });
    // What the planned text says of what is in use counts, not what the host's file says.
    const always = "[I/O controller connection management]\ndisconnect-in-use = always\n";
    await withFile(always + line(other), async (file) => {
      const { out } = await site.run(`stacctl plan --config ${file}`);
      assert.match(out, /^! effect nvme\d+n1 is in use \(mounted on \/srv\/a\): nvme\d+, nvme\d+$/m);
      assert.match(out, /^! effect disconnect-in-use = always: controllers in use are disconnected, too$/m);
      assert.doesNotMatch(out, /stays? connected meanwhile/);
      assert.match(out, /^! effect nqn\.a loses its last path$/m);
      // The truth.
      stage.stacdConf(await Deno.readTextFile(file));
      await stage.run(120_000);
      assert.deepEqual([stage.to("nqn.a").length, stage.to("nqn.b").length], [0, 1]);
    });
  }));

Deno.test("lines and excludes that do nothing are said, with their place", () =>
  withSite(async (site) => {
    const { stage } = site;
    stage.subsystem("nqn.a", "10.0.0.20");
    stage.stafdConf("");
    stage.stacdConf("");
    await stage.start(20_000);
    const text = line(
      "traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a",
      "traddr=10.0.0.21;trsvcid=4420;nqn=nqn.b",
      "traddr=nowhere.example;trsvcid=4420;nqn=nqn.c",
    ) + "exclude = traddr=10.0.0.99\nexclude = nqn=nqn.b\nexclude = traddr=10.0.0.0/30\n";
    await withFile(text, async (file) => {
      const { out } = await site.run(`stacctl plan --config ${file}`);
      const notes = out.split("\n").filter((row) => row.startsWith("note "));
      assert.deepEqual(notes.map((note) => note.replaceAll(file, "F")), [
        "note F:3: controller = transport=tcp;traddr=10.0.0.21;trsvcid=4420;nqn=nqn.b leads to no connection: F:6: exclude = nqn=nqn.b",
        "note F:4: controller = transport=tcp;traddr=nowhere.example;trsvcid=4420;nqn=nqn.c asks for nothing yet: nowhere.example is not resolved yet",
        "note F:5: exclude = traddr=10.0.0.99 matches no known controller at present",
        "note F:7: exclude = traddr=10.0.0.0/30 matches no known controller at present",
      ]);
      assert.match(out, /^\+ connect \(tcp, 10\.0\.0\.20/m);
    });
  }));

Deno.test("a mistyped line keeps what lines asked for before, and the plan says why", () =>
  withSite(async ({ stage, run }) => {
    stage.dc("nqn.dc", "10.0.0.100", []);
    stage.stafdConf(line("traddr=10.0.0.100"));
    stage.stacdConf("");
    await stage.start(20_000);
    const text = "[Controllers]\ncontroler = transport=tcp;traddr=10.0.0.100\n";
    await withFile(text, async (file) => {
      const { out } = await run(`stafctl plan --config ${file}`);
      assert.ok(out.includes(`note ${file}:2: not understood, and could mean any controller`), out);
      assert.match(out, /^Nothing to do: 1 controller stays as it is\.$/m);
    });
    stage.stafdConf(text);
    await stage.run(60_000);
    assert.equal(stage.world.kernel.devices.all.length, 1);
  }));
