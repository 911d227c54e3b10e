/** What a script asks: is all well, in one line, and is the answer written? */
import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { line, withSite } from "./site.ts";

const path = (traddr: string, nqn: string): string => `traddr=${traddr};trsvcid=4420;nqn=${nqn}`;

Deno.test("health is one line, 0, 3 or 4, in a pipe and on a terminal", () =>
  withSite(async (site) => {
    const { stage } = site;
    stage.subsystem("nqn.a", "10.0.0.25");
    stage.stafdConf("");
    stage.stacdConf(line(path("10.0.0.25", "nqn.a")));
    await stage.start(20_000);
    for (const terminal of [false, true]) {
      const { status, out } = await site.run("stacctl health", { terminal, env: { NO_COLOR: "1" } });
      assert.deepEqual([status, out], [0, "stacd: good: 1 of 1 connected\n"]);
    }
    stage.stacdConf(line(path("10.0.0.25", "nqn.a"), path("10.0.0.30", "nqn.b"), path("10.0.0.31", "nqn.b")));
    await stage.run(30_000);
    const degraded = await site.run("stacctl health");
    assert.equal(degraded.status, 3, degraded.out);
    assert.match(
      degraded.out,
      /^stacd: degraded: 1 of 3 connected, 2 failing, 1 subsystem without any path; 2 paths of 1 subsystem: .*10\.0\.0\.30.*\n$/,
    );
    const json: unknown = JSON.parse((await site.run("stacctl health -o json")).out);
    assert.ok(typeof json === "object" && json !== null && "status" in json && "problems" in json);
    assert.equal(json.status, "degraded");
    assert.ok(Array.isArray(json.problems));
    assert.deepEqual(json.problems.map(({ id, kind }) => [id, kind]), [
      ["controller-failing", "reach-failed"],
      ["controller-failing", "reach-failed"],
    ]);
    stage.world.setManner(stage.target("nqn.a"), "silent");
    await stage.run(30_000);
    assert.match((await site.run("stacctl health -o json")).out, /"kind":"link-lost"/);
  }));

Deno.test("health of a daemon that cannot be reached is a line, too, and 4", async () => {
  for (const args of [["health"], ["health", "-o", "json"]]) {
    const world = fakeWorld();
    assert.equal(await stacctl(args, world), 4);
    assert.match(world.out.text, args.length === 1 ? /^stacd: unreachable: .*\n$/ : /"status":"unreachable"/);
    assert.equal(world.out.text.split("\n").length, 2);
    assert.equal(world.err.text, "");
  }
});

Deno.test("STAS_OUTPUT chooses the form for a pipe, -o goes before it, and a wrong word is an error", () =>
  withSite(async (site) => {
    const { stage } = site;
    stage.stafdConf("");
    stage.stacdConf(line(path("10.0.0.30", "nqn.b")));
    await stage.start(20_000);
    assert.match((await site.run("stacctl ls")).out, /^\[\{'device': /);
    const env = { STAS_OUTPUT: "table" };
    assert.match((await site.run("stacctl ls", { env })).out, /^STATE +FOR +ADDRESS/);
    const status = await site.run("stacctl status", { env });
    assert.equal(status.status, 3);
    assert.match(status.out, /^stacd 1\.0\.1: degraded/);
    assert.match((await site.run("stacctl ls -o name", { env })).out, /^\(tcp, 10\.0\.0\.30/);
    assert.match((await site.run("stacctl tree", { env: { STAS_OUTPUT: "json" } })).out, /^\[/);
    // A command without that form has its usual one.
    assert.match((await site.run("stacctl tree", { env: { STAS_OUTPUT: "name" } })).out, /^nqn\.b\n/);
    const wrong = await site.run("stacctl ls", { env: { STAS_OUTPUT: "xml" } });
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /^stacctl: error: STAS_OUTPUT=xml: choose one of table, wide, /);
  }));

Deno.test("output that cannot be written is one line and status 1", async () => {
  const tool = new URL("./run_tool.ts", import.meta.url).pathname;
  const ran = await new Deno.Command("sh", {
    args: ["-c", `exec "$0" run -A --no-check "$1" stacctl --help > /dev/full`, Deno.execPath(), tool],
    stdout: "null",
    stderr: "piped",
  }).output();
  const err = new TextDecoder().decode(ran.stderr);
  assert.equal(ran.code, 1, err);
  assert.equal(err, "stacctl: cannot write the output: No space left on device\n");
});
