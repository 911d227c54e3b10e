/** What somebody reads on a screen: each reason once, what comes next with its time, lines that fit, names that tell what they are. */
import assert from "node:assert/strict";
import type { V2Status } from "../../../src/ctl/v2_types.ts";
import type { V1State } from "../../../src/lib/dbus/v1_types.ts";
import { DCS, nqn, STAFD, withBigSite } from "./big_site.ts";
import { line, type Site, withSite } from "./site.ts";

const count = (text: string, part: string): number => text.split(part).length - 1;

/** A controller in each of many states. */
async function manyStates({ stage }: Site): Promise<void> {
  stage.subsystem("nqn.up", "10.0.0.20");
  const away = stage.subsystem("nqn.away", "10.0.0.21");
  stage.subsystem("nqn.out", "10.0.0.22");
  stage.subsystem("nqn.used", "10.0.0.23");
  stage.subsystem("nqn.dropped", "10.0.0.24");
  stage.connectedByOthers(stage.subsystem("nqn.foreign", "10.0.0.25"), { owner: "somebody" });
  stage.stafdConf("");
  const named = (last: number, name: string): string => `traddr=10.0.0.${last};trsvcid=4420;nqn=nqn.${name}`;
  const kept = line(named(20, "up"), named(21, "away"), named(22, "out"), named(29, "fails"));
  stage.stacdConf(
    line(
      ...[[20, "up"], [21, "away"], [22, "out"], [29, "fails"], [23, "used"], [24, "dropped"]].map((
        [last, name],
      ) => named(Number(last), String(name))),
    ),
  );
  await stage.start(20_000);
  stage.world.kernel.devices.namespaces.mount("nqn.used", "/srv");
  stage.world.setManner(away, "silent");
  stage.stacdConf(`${kept}exclude = nqn=nqn.out\n`);
  await stage.run(2 * 60_000);
}

Deno.test("explain gives each reason once, and says what comes next with a time, in every state", () =>
  withSite(async (site) => {
    await manyStates(site);
    const phases: string[] = [];
    for (
      const [what, reason] of [
        ["nqn.up", "/etc/stas/stacd.conf:2"],
        ["nqn.away", "link lost at"],
        ["nqn.out", "exclude = nqn=nqn.out"],
        ["nqn.fails", "does not answer"],
        ["nqn.used", "mounted on /srv"],
        ["nqn.dropped", "the line is gone"],
        ["nqn.foreign", "left alone"],
      ] as const
    ) {
      const { out } = await site.run(`stacctl explain ${what}`);
      phases.push(/^ {2}(\S+):/m.exec(out)?.[1] ?? "");
      // `the line is gone` stands for the words that the configuration's evidence has.
      const told = what === "nqn.dropped" ? /gone: Was disconnected: (.*)\.$/m.exec(out)?.[1] ?? "?" : reason;
      const times = what === "nqn.foreign" ? 2 : 1;
      assert.equal(count(out, told), times, `${told}\n${out}`);
      assert.doesNotMatch(out, /attempt +attempt|next +next attempt.*next +next attempt/s);
      assert.match(out, /^ {2}next +.*\((?:in \d+ \w+|now), at [\d: -]+\)$/m);
      assert.doesNotMatch(out, /Not connected: not to be connected/);
    }
    assert.deepEqual(phases, [
      "connected",
      "reconnecting",
      "excluded",
      "failing",
      "leaving",
      "gone",
      "foreign",
    ]);
  }));

Deno.test("all times on a screen are of one clock, those of daemons' sentences, too", () =>
  withSite(async (site) => {
    await manyStates(site);
    for (
      const command of [
        "status -o table",
        "doctor",
        "health",
        "explain nqn.away",
        "explain nqn.dropped",
        "ls -o wide",
      ]
    ) {
      const { out } = await site.run(`stacctl ${command}`);
      assert.doesNotMatch(out, /\d[+-]\d\d:\d\d|\d\dT\d\d:|\dZ\b/, `${command}\n${out}`);
    }
    const { err } = await site.run("stacctl wait nqn.away --for connected --timeout 0.05");
    assert.match(
      err,
      /is reconnecting: link lost at [\d:]+; the kernel retries every 10 s, and gives up at [\d:]+ /,
    );
  }));

Deno.test("status shows the newest events, and so does its JSON", () =>
  withBigSite(async ({ stage, run, screen, targets }) => {
    for (const target of targets[1] ?? []) stage.world.setManner(target, "silent");
    await stage.run(30_000);
    for (const columns of [80, 120]) {
      const lines = await screen("stacctl status", columns);
      const at = lines.findIndex((text) => text === "  newest events");
      assert.match(lines[at + 1] ?? "", /^ {4}[\d:]+ link-lost {5}nvme\d+, nvme\d+, nvme\d+ and others$/);
      assert.ok(lines.length <= 24, lines.join("\n"));
    }
    const one: V1State = JSON.parse((await run("stacctl status -o json")).out);
    assert.equal(one.events?.length, 20);
    assert.equal(one.events?.at(-1)?.type, "link-lost");
    const two: V2Status = JSON.parse((await run("stacctl status --schema 2")).out);
    assert.equal(two.events?.at(-1)?.output, "event");
    // Several causes with long names do not make it longer: the rest is counted.
    for (const side of [0, 1]) {
      const target = targets[side]?.[7];
      if (target !== undefined) stage.world.setManner(target, "silent");
    }
    await stage.run(30_000);
    const full = await screen("stacctl status", 80);
    assert.ok(full.reduce((sum, text) => sum + Math.ceil(text.length / 80), 0) <= 23, full.join("\n"));
    assert.match(full.join("\n"), /^ {2}1 more: stacctl doctor$/m);
    assert.equal(count((await run("stacctl status -o table")).out, "remedy: check cables"), 1);
    // Not all the same: each is told.
    stage.stafdConf(`${STAFD}exclude = traddr=${DCS[0] ?? ""}\n`);
    await stage.run(5_000);
    assert.match(
      (await run("stafctl status -o table")).out,
      /newest events\n {4}[\d:]+ disconnected +nvme\d+: \/etc\/stas\/stafd.conf:7: exclude = /,
    );
  }));

Deno.test("trees and plans fit the screen: names keep their end, remarks and reasons go on below", () =>
  withBigSite(async ({ stage, screen, targets }) => {
    for (const target of targets[1] ?? []) stage.world.setManner(target, "silent");
    await stage.run(30_000);
    for (const columns of [80, 120]) {
      for (const command of ["stacctl tree", "stafctl tree", "stacctl ls", "stafctl ls"]) {
        const lines = await screen(command, columns);
        assert.deepEqual(lines.filter((text) => text.length > columns), [], command);
      }
      const tree = (await screen("stacctl tree", columns)).join("\n");
      assert.match(tree, /^\.\..*finance-lun-0005 {2}1 of 2 paths, numa$/m);
      assert.match(
        tree.replaceAll(/\n\| +(?=\S)/g, " "),
        /reconnecting:? link lost at [\d:]+, the kernel retries every 10 s, gives up at [\d:]+ \(ctrl-loss-tmo 600\)/,
      );
      const dcs = (await screen("stafctl tree", columns)).join("\n");
      assert.match(
        dcs,
        /10\.0\.0\.199:8009 failing:?\s+10\.0\.0\.199 does not answer \(ETIMEDOUT\); next try in \d+ s$/m,
      );
      assert.match(dcs, /tcp \[fd01::1:1f\]:4420$/m);
    }
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, `${STAFD}exclude = traddr=${DCS[1] ?? ""}\n`);
    const long = (await screen(`stafctl plan --config ${file}`, 80)).filter((text) => text.length > 80);
    // A name is not broken.
    assert.ok(
      long.every((text) => /^ *nqn\.\S+,?$/.test(text) || text.includes(nqn(58)) || text.includes(nqn(59))),
      long.join("\n"),
    );
    await Deno.remove(file);
  }));

Deno.test("several words are one name, as tables show it; a filter that fits nothing says so", () =>
  withSite(async ({ stage, run }) => {
    stage.subsystem("nqn.a", "10.0.0.20");
    stage.stafdConf("");
    stage.stacdConf(
      line("traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a", "traddr=10.0.0.21;trsvcid=4420;nqn=nqn.fails"),
    );
    await stage.start(20_000);
    const { out } = await run("stacctl explain tcp 10.0.0.20:4420");
    assert.match(out, /^nvme\d+ \(tcp, 10\.0\.0\.20/);
    assert.doesNotMatch(out, /10\.0\.0\.21/);
    assert.equal((await run("stacctl wait tcp 10.0.0.20:4420 --for connected --timeout 1")).status, 0);
    const late = await run("stacctl wait tcp 10.0.0.21:4420 --for connected --timeout 0.05");
    assert.match(late.err, /\(tcp, 10\.0\.0\.21, 4420, nqn\.fails\) is /);
    assert.equal((await run("stacctl ls -o table --iface eth9")).out, "None of the 2 controllers matches.\n");
  }));

Deno.test("the end of an NQN that was mistyped is near to the whole", () =>
  withBigSite(async ({ run }) => {
    const { err } = await run("stacctl explain finance-lum-0031");
    assert.ok(
      err.startsWith(`stacctl: stacd knows no controller "finance-lum-0031"; nearest: ${nqn(31)}`),
      err,
    );
  }));

Deno.test("the original's form of status asks for each controller only where the list does not say all", () =>
  withBigSite(async ({ run, stac }) => {
    const asked: string[] = [];
    const { controllerInfo } = stac;
    Object.assign(stac, {
      controllerInfo: (tid: Parameters<typeof controllerInfo>[0]) => {
        asked.push(tid.traddr);
        return controllerInfo(tid);
      },
    });
    const { out } = await run("stacctl status");
    assert.equal(count(out, "'connect attempts'"), 118);
    assert.equal(asked.length, 1);
    // Another daemon's list says less.
    const { listControllers } = stac;
    Object.assign(stac, {
      listControllers: async (detailed: boolean) =>
        (await listControllers(detailed)).map(({ "connect attempts": _, ...rest }) => rest),
    });
    const same = await run("stacctl status");
    assert.equal(count(same.out, "'connect attempts'"), 118);
    assert.equal(asked.length, 119);
  }));

Deno.test({
  name: "check and plan read standard input, and call it that",
  fn: () =>
    withSite(async ({ stage, address }) => {
      stage.stafdConf("");
      stage.stacdConf("");
      await stage.start(5_000);
      const text =
        "[Global]\nkato = many\n[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.20;nqn=nqn.a\n";
      const tool = async (...args: readonly string[]): Promise<string> => {
        const child = new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "-A",
            "--no-check",
            new URL("run_tool.ts", import.meta.url).pathname,
            "stacctl",
            ...args,
          ],
          env: { DBUS_SYSTEM_BUS_ADDRESS: address, NO_COLOR: "1" },
          stdin: "piped",
          stdout: "piped",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode(text));
        await writer.close();
        return new TextDecoder().decode((await child.output()).stdout);
      };
      const checked = await tool("check", "-");
      assert.match(checked, /^standard input: 1 finding\nstandard input:2:8: error: \[Global\] kato: "many"/);
      assert.match(checked, /\[Controllers\] +controller +transport=tcp;\S+ +standard input:4\n/);
      const planned = await tool("plan", "--config", "-");
      assert.match(planned, /^standard input:2:8: error: /);
      assert.match(planned, /^\+ connect \(tcp, 10\.0\.0\.20, .*\n {4}standard input:4: /m);
    }),
});
