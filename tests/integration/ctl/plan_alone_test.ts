/** `plan` before the first start, or while the daemon is stopped: the core answers, from what the kernel has. */
import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { planAlone } from "../../../src/lib/daemon/plan_alone.ts";
import { SimMachine } from "../../../src/lib/sim/machine.ts";
import { realCores } from "../../simulation/cores.ts";
import { Stage } from "../../simulation/scenarios/stage.ts";
import { type FakeWorld, fakeWorld } from "../../unit/ctl/fake_world.ts";
import { line } from "./site.ts";

interface Host {
  readonly stage: Stage;
  /** Runs `plan` with this file; without a text, with the one that is installed. */
  plan(
    tool: "stafctl" | "stacctl",
    text?: string,
  ): Promise<{ readonly status: number; readonly out: string; readonly err: string }>;
}

/** There is no bus at all. */
async function withHost(installed: Readonly<Record<string, string>>, test: (host: Host) => Promise<void>) {
  const stage = new Stage(realCores);
  const folder = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(installed)) await Deno.writeTextFile(`${folder}/${name}`, text);
  try {
    await test({
      stage,
      plan: async (tool, text) => {
        const file = `${folder}/tried.conf`;
        if (text !== undefined) await Deno.writeTextFile(file, text);
        let dropped = false;
        const around = fakeWorld({ bus: `unix:path=${folder}/none`, confDir: folder });
        const world: FakeWorld = {
          ...around,
          dropPermissions: () => {
            dropped = true;
          },
          planAlone: async (daemon, given) => {
            const machine = new SimMachine(stage.world, daemon);
            const answer = planAlone(daemon, given, {
              ...machine,
              saved: () => machine.stateFile.load(),
            });
            await stage.run(20_000);
            machine.kill();
            return await answer;
          },
        };
        const args = ["plan", ...(text === undefined ? [] : ["--config", file])];
        const status = await (tool === "stafctl" ? stafctl : stacctl)(args, world);
        assert.ok(dropped || status === 1);
        return { status, out: world.out.text.replaceAll(folder, "F"), err: world.err.text };
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("before the first start, with the installed file: what would be connected, taken over and left alone", () =>
  withHost({
    "stacd.conf": line("traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a", "traddr=arrays;trsvcid=4420;nqn=nqn.b"),
  }, async ({ stage, plan }) => {
    stage.world.resolver.names.set("arrays", ["10.0.0.21"]);
    const there = stage.connectedByOthers(stage.subsystem("nqn.b", "10.0.0.21"));
    const foreign = stage.connectedByOthers(stage.subsystem("nqn.c", "10.0.0.22"));
    const { status, out } = await plan("stacctl");
    assert.equal(status, 2, out);
    assert.match(out, /^\? stacd is not running: this is what its start would do/m);
    assert.match(out, /^\? .*stafd/m);
    assert.match(
      out,
      new RegExp(
        `^= adopt ${there.name} \\(tcp, 10\\.0\\.0\\.21, 4420, nqn\\.b\\)\n {4}F/stacd\\.conf:3: `,
        "m",
      ),
    );
    assert.match(out, /^\+ connect \(tcp, 10\.0\.0\.20, 4420, nqn\.a\)\n {4}F\/stacd\.conf:2: /m);
    assert.ok(!out.includes(foreign.name) && !out.includes("disconnect "), out);
    // Nothing was done.
    assert.deepEqual(stage.world.kernel.devices.all.map(({ name }) => name), [there.name, foreign.name]);
    assert.deepEqual(stage.said, []);
  }));

Deno.test("stafd's: what zeroconf would add is said; an exclude that matches nothing, too", () =>
  withHost({}, async ({ stage, plan }) => {
    stage.dc("nqn.dc", "10.0.0.100", []);
    const { status, out } = await plan(
      "stafctl",
      `${line("traddr=10.0.0.100")}exclude = traddr=10.0.0.7\n`,
    );
    assert.equal(status, 2, out);
    assert.match(out, /^\? zeroconf is on: each discovery controller that mDNS announces/m);
    assert.match(out, /^\+ connect \(tcp, 10\.0\.0\.100, 8009/m);
    assert.match(out, /^note F\/tried\.conf:3: exclude = traddr=10\.0\.0\.7 matches no known controller/m);
    const off = await plan("stafctl", "[Service Discovery]\nzeroconf = disabled\n");
    assert.equal(off.status, 0, off.out);
    assert.doesNotMatch(off.out, /zeroconf is on/);
    assert.match(off.out, /^Nothing to do: 0 controllers stay as they are\.$/m);
  }));

Deno.test("stopped: what it had connected and a line no longer lists is disconnected by the start", () =>
  withHost({}, async ({ stage, plan }) => {
    const text = line("traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a");
    stage.subsystem("nqn.a", "10.0.0.20");
    stage.stafdConf("");
    stage.stacdConf(text);
    await stage.start(20_000);
    const [device] = stage.to("nqn.a");
    stage.stacd.machine.kill();
    const same = await plan("stacctl", text);
    assert.match(same.out, new RegExp(`^= adopt ${device?.name} `, "m"));
    const { out } = await plan("stacctl", "");
    assert.match(out, new RegExp(`^- disconnect ${device?.name} `, "m"));
    assert.equal(stage.to("nqn.a").length, 1);
  }));

Deno.test("a file that would be refused is refused here, too, and without the image's help the old error comes", () =>
  withHost({}, async ({ plan }) => {
    const { status, out } = await plan("stacctl", "controller = transport=tcp;traddr=10.0.0.20\n");
    assert.equal(status, 1);
    assert.match(out, /F\/tried\.conf:1:/);
    assert.match(out, /would be refused/);
    const world = fakeWorld({ bus: "unix:path=/nowhere" });
    assert.equal(await stacctl(["plan"], world), 1);
    assert.match(world.err.text, /cannot connect to the bus/);
  }));
