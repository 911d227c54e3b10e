/**
 * What a storage administrator has to do, on a site of 60 subsystems and 118 paths over four discovery controllers and a dead
 * one: the tasks that only read, each with the commands that somebody would type, on screens of 80 and 120 columns. First
 * set-up is in plan_alone_test.ts, an array that was replaced in missing_test.ts, discovery.conf in the tests of stasadm.
 */
import assert from "node:assert/strict";
import { explain } from "../../../src/lib/daemon/views/v1_explain.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { HOST_NQN } from "../../simulation/landscape.ts";
import { DCS, nqn, STAFD, withBigSite } from "./big_site.ts";
import { line, withSite } from "./site.ts";
import { stacdView } from "../../../src/lib/core/stacd/stacd_rules.ts";

async function withFile(text: string, test: (file: string) => Promise<void>): Promise<void> {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, text);
  await test(file);
  await Deno.remove(file);
}

const rowsOf = (lines: readonly string[], columns: number): number =>
  lines.reduce((sum, text) => sum + Math.max(1, Math.ceil(text.length / columns)), 0);

Deno.test("task: take an array out for maintenance: the plan names paths, last paths, what is mounted, and is what happens", () =>
  withBigSite(async ({ stage, run }) => {
    const { namespaces } = stage.world.kernel.devices;
    namespaces.mount(nqn(58), "/srv/mail");
    const [held] = stage.to(nqn(58));
    // One discovery controller of the two that list the first half: every subsystem keeps its other path.
    await withFile(`${STAFD}exclude = traddr=${DCS[0] ?? ""}\n`, async (file) => {
      const { out, status } = await run(`stafctl plan --config ${file}`);
      assert.equal(status, 2);
      assert.match(out, /^! effect stacd will then disconnect 30 I\/O paths of 30 subsystems/m);
      assert.doesNotMatch(out, /last path/);
      assert.match(
        out,
        /^30 I\/O paths of 30 subsystems go; every subsystem keeps a path; none of their namespaces is in use\.$/m,
      );
    });
    // The one for the other half: two of its subsystems have no path by the other network.
    const text = `${STAFD}exclude = traddr=${DCS[1] ?? ""}\n`;
    await withFile(text, async (file) => {
      const { out } = await run(`stafctl plan --config ${file}`);
      assert.ok(out.includes(`! effect ${nqn(59)} loses its last path\n`), out);
      assert.ok(!out.includes(`${nqn(58)} loses`), "held");
      assert.ok(
        out.includes(
          `${
            namespaces.head(nqn(58))
          } is in use (mounted on /srv/mail): ${held?.name} stays connected meanwhile`,
        ),
        out,
      );
      assert.match(
        out,
        /^29 I\/O paths of 29 subsystems go, 1 stays connected; 1 subsystem keeps no path; 1 namespace is in use\.$/m,
      );
      assert.ok(rowsOf(out.trimEnd().split("\n"), 120) <= 24, out);
      stage.stafdConf(text);
      await stage.run(10 * 60_000);
      assert.deepEqual([30, 57, 58, 59].map((n) => stage.to(nqn(n)).length), [1, 1, 1, 0]);
    });
  }));

Deno.test("task: why is this volume missing: unknown, without a path, without a namespace", () =>
  withBigSite(async ({ stage, run, targets }) => {
    const { err } = await run(`stacctl explain ${nqn(77)}`);
    assert.equal(err.match(/log page of .*: read .*, generation \d+, (?:28|30) entries\n/g)?.length, 4);
    assert.match(err, /log page of \(tcp, 10\.0\.0\.199, .*: never read; it is (?:failing|connecting)/);
    assert.ok(err.includes(HOST_NQN), err);
    assert.match(err, /nearest: nqn\.1992-08.*finance-lun-00[0-9]7/);
    for (const target of [targets[0]?.[7], targets[1]?.[7]]) {
      if (target !== undefined) stage.world.setManner(target, "silent");
    }
    await stage.run(30_000);
    const lost = await run("stacctl explain finance-lun-0007");
    assert.equal(lost.out.match(/reconnecting: The link is down/g)?.length, 2);
    assert.match(lost.out, / on (?:eth0|eth1)|link lost at/);
    assert.equal(lost.out.match(/^ {2}next +the kernel tries again, at the latest \(in \d+ /gm)?.length, 2);
    assert.equal(lost.out.match(/^ {2}next +the kernel gives up, .*\(in \d+ /gm)?.length, 2);
    assert.match((await run("stacctl health")).out, /1 subsystem without any path/);
  }));

Deno.test("task: which host interface does a path use", () =>
  withBigSite(async ({ run, screen }) => {
    assert.equal((await run("stacctl ls -o name --iface eth1")).out.trimEnd().split("\n").length, 58);
    const wide = (await run("stacctl ls -o wide --subsystem *lun-0005")).out;
    assert.match(wide, / eth0 +10\.0\.0\.1 /);
    assert.match(wide, / eth1 +fd01::2 /);
    for (const columns of [80, 120]) {
      const lines = await screen("stacctl tree", columns);
      const at = lines.findIndex((text) => text.includes("finance-lun-0005"));
      const paths = lines.slice(at + 1, at + 3).join("\n");
      assert.match(paths, /^\|- nvme\d+ tcp 10\.0\.1\.6:4420 on eth0 from 10\.0\.0\.1 connected$/m);
      assert.match(paths, /^\|- nvme\d+ tcp \[fd01::1:6\]:4420 on eth1 from fd01::2 connected$/m);
      assert.match(lines[at + 3] ?? "", /^`- nvme\d+n1$/);
    }
  }));

Deno.test("task: a health check in a script, and one dead interface on one screen", () =>
  withBigSite(async ({ stage, run, screen, targets }) => {
    assert.equal((await run("stacctl health")).status, 0);
    for (const target of targets[1] ?? []) stage.world.setManner(target, "silent");
    await stage.run(30_000);
    const { status, out } = await run("stacctl health");
    assert.equal(status, 3);
    assert.match(out, /^stacd: degraded: 60 of 118 connected, 58 failing; .*\n$/);
    for (const columns of [80, 120]) {
      const lines = await screen("stacctl status", columns);
      assert.ok(rowsOf(lines, columns) <= 24, lines.join("\n"));
      const text = lines.join("\n");
      assert.match(text, /subsystems +60: 2 with all paths, 0 with some, 58 with one, 0 without any/);
      assert.match(text, /! 58 paths of 58 subsystems on eth1: link lost at /);
      assert.match(text, /! 58 subsystems: only one of its 2 paths is up \(/);
      assert.match(text, /I\/O +policy numa; 60 namespaces, 0 in use/);
      const listed = await screen("stacctl ls --state reconnecting", columns);
      assert.ok(listed.every((row) => row.length <= columns));
      for (const n of [0, 9, 57]) {
        const at = listed.findIndex((row) => row.includes(`finance-lun-${String(n).padStart(4, "0")}`));
        assert.ok(at > 0, String(n));
        assert.match(listed[at + 1] ?? "", /^ {4}link lost at /);
      }
    }
    assert.match((await run("stacctl tree")).out, /finance-lun-0003 {2}1 of 2 paths, numa\n/);
  }));

Deno.test("task: change keys: what is in force is told, and that the new ones are not", () =>
  withSite(async ({ stage, run }) => {
    const key = (fill: string): string => `dhchap-secret=DHHC-1:00:${fill}`;
    const [old, now] = [
      "GpGBV4qQ9zG/Z4fJkZp/VMPN3KwA1EaSjVEbGrqDGc5yrPEk:",
      "Ix4sHTYmWJfUEDQ4ElV3IgJfvY8jQKnFxkEHsGpNP1SOpiHO:",
    ];
    stage.subsystem("nqn.a", "10.0.0.20");
    stage.stafdConf("");
    stage.stacdConf(line(`traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a;${key(old ?? "")}`));
    await stage.start(20_000);
    const [device] = stage.to("nqn.a");
    if (device === undefined) return assert.fail("a key of this form is not taken");
    stage.stacdConf(line(`traddr=10.0.0.20;trsvcid=4420;nqn=nqn.a;${key(now ?? "")}`));
    await stage.run(20_000);
    assert.equal(stage.to("nqn.a")[0], device);
    const { out } = await run("stacctl explain nqn.a");
    assert.doesNotMatch(out, /DHHC-1:00:[GI]/);
    // When it was loaded the daemon knows, beside the core.
    const { state, machine } = stage.stacd;
    const moment = stage.world.clock.now();
    const seen = await machine.readDevice(device.name);
    const peek = (): KernelCtrl | undefined => seen.ok ? seen.value : undefined;
    const told = (loadedAt: number): string => {
      const turn = stacdView(state, moment);
      const { matches } = explain("nqn.a", "stacd", turn, () => true, peek, moment, { loadedAt });
      return matches.flatMap(({ chain }) => chain.map(({ text }) => text)).join("\n");
    };
    assert.match(
      told(moment.wall - 20_000),
      /^its keys are those of 20\d\d-.*, when it was connected; keys in the configuration of 20\d\d/m,
    );
    assert.doesNotMatch(told(0), /its keys are those of/);
  }));

Deno.test("task: show an auditor what was disconnected, and why: by address, with date and evidence", () =>
  withBigSite(async ({ stage, run }) => {
    const text = `${STAFD}exclude = traddr=${DCS[0] ?? ""}\n`;
    stage.stafdConf(text);
    await stage.run(10 * 60_000);
    const { out } = await run("stacctl explain 10.0.1.6:4420");
    assert.match(out, /gone: Was disconnected: listed .*by \(tcp, 10\.0\.0\.101, 8009, /);
    assert.match(out.replaceAll(/\s+/g, " "), /exclude = traddr=10\.0\.0\.101/);
    // One clock on a screen.
    assert.doesNotMatch(out, /\d\dT\d\d:\d\d:\d\dZ/);
    assert.match((await run("stacctl explain 10.0.1.6:4420 -o json")).out, /\d\dT\d\d:\d\d:\d\dZ/);
    assert.match(out, /decision .*\((?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\)|\(\d\d:\d\d:\d\d\)/);
    const told = stage.said.filter((said) => said.startsWith("stacd ") && said.includes("finance-lun-0005"));
    assert.ok(told.some((said) => /disconnect/i.test(said)), told.join("\n"));
  }));
