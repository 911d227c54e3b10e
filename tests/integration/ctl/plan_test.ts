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
    assert.match(out, /In sum: 1 to disconnect, 1 to connect\.\n/);
    // It says the truth: that is what happens.
    stage.stafdConf(await Deno.readTextFile(file));
    await stage.run(60_000);
    assert.deepEqual([stage.to("nqn.one").length, stage.to("nqn.two").length], [0, 1]);
    await Deno.remove(file);
  }));
