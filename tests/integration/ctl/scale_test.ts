/** A site of 60 subsystems and 118 paths, one of its interfaces down: what fits on a screen, and what is found in it. */
import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import type { StafHandlers } from "../../../src/lib/dbus/server.ts";
import type { V1Controller } from "../../../src/lib/dbus/v1_types.ts";
import { healthOf } from "../../../src/lib/daemon/views/v1_health.ts";
import { tidText } from "../../../src/lib/nvme/tid.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { NOW, sampleDaemon, v1Controller, v1State } from "./sample_daemon.ts";

const SUBSYSTEMS = 60;
const nqn = (n: number): string =>
  `nqn.1992-08.com.example:storage-array-with-a-serial-number-of-its-own-00000000000042:` +
  `virtual-machine-of-the-finance-department:finance-lun-${String(n).padStart(4, "0")}`;

/** The first 31 subsystems have their path by eth1 lost; two have one path only. */
function paths(): readonly V1Controller[] {
  const found: V1Controller[] = [];
  for (let n = 0; n < SUBSYSTEMS; n++) {
    for (const side of n < 58 ? [0, 1] : [0]) {
      const isLost = side === 1 && n < 31;
      const tid = {
        ...v1Controller().tid,
        traddr: side === 0 ? `192.168.10.${n + 1}` : `2001:db8:0:1::${(n + 0x100).toString(16)}`,
        trsvcid: "4420",
        subsysnqn: nqn(n),
        hostIface: `eth${side}`,
      };
      found.push(v1Controller({
        tid,
        text: tidText(tid),
        kind: "io",
        device: `nvme${found.length}`,
        logPage: null,
        sources: [{
          kind: "log-page",
          text: `log page of (tcp, 192.168.0.${side + 1}, 8009, nqn.dc${side}), generation 7`,
        }],
        ...(isLost
          ? {
            phase: "reconnecting" as const,
            kernelState: "connecting",
            since: NOW - 30_000 - n,
            detail: `link lost at 12:00:${n}; the kernel retries every 10 s`,
            lost: { at: NOW - 30_000 - n, retryEvery: 10_000, givesUpAt: NOW + 570_000 - n, forever: false },
          }
          : {}),
      }));
    }
  }
  return found;
}

async function withSite(test: (run: Run) => Promise<void>): Promise<void> {
  await using bus = await privateBus();
  const controllers = paths();
  const over: Partial<StafHandlers> = {
    state: () =>
      JSON.stringify(v1State({
        daemon: "stacd",
        avahi: null,
        stafd: { present: true, reportedAt: NOW - 3_000, aenToConnect: null },
        controllers,
      })),
    health: () => JSON.stringify(healthOf("stacd", NOW, controllers, [])),
  };
  const daemon = await sampleDaemon(bus.address, over);
  await test(async (args, columns = 120) => {
    const world = fakeWorld({ bus: bus.address, terminal: true, columns, env: { NO_COLOR: "1" } });
    const status = await stacctl(args, world);
    return { status, lines: world.out.text.trimEnd().split("\n"), err: world.err.text };
  });
  daemon.close();
}
type Run = (
  args: readonly string[],
  columns?: number,
) => Promise<{ readonly status: number; readonly lines: readonly string[]; readonly err: string }>;

Deno.test("status is one screen; one dead interface is one problem that names it", () =>
  withSite(async (run) => {
    for (const columns of [80, 120, 200]) {
      const { status, lines } = await run(["status"], columns);
      assert.equal(status, 3);
      const rows = lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
      assert.ok(rows <= 24, `${rows} rows at ${columns} columns\n${lines.join("\n")}`);
      const problems = lines.filter((line) => line.startsWith("  ! "));
      assert.equal(problems.length, 1, problems.join("\n"));
      const long = lines.filter((line) => line.length > columns && !line.startsWith("  host NQN"));
      assert.deepEqual(long, []);
      assert.match(
        // Whole, in lines that the terminal does not have to break.
        lines.join("\n").replaceAll(/\n {4}(?=\S)/g, " "),
        / {2}! 31 paths of 31 subsystems on eth1: link lost at \S+ and later, the kernel .*\(nvme1, nvme3, nvme5 and others\)/,
      );
      assert.match(
        lines.join("\n"),
        /subsystems +60: 29 with all paths, 0 with some, 31 with one, 0 without any/,
      );
    }
    const { lines } = await run(["health"]);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? "",
      /^stacd: degraded: 87 of 118 connected, 31 failing; 31 paths of 31 subsystems on eth1/,
    );
    assert.equal((await run(["doctor"])).lines.filter((line) => line.includes("link lost")).length, 1);
  }));

Deno.test("names keep the end that tells them apart, and a failing row its remark, at 80 columns", () =>
  withSite(async (run) => {
    const { lines } = await run(["ls"], 80);
    assert.ok(lines.every((line) => line.length <= 80));
    for (let n = 0; n < SUBSYSTEMS; n++) {
      const lun = `finance-lun-${String(n).padStart(4, "0")}`;
      assert.equal(lines.filter((line) => line.includes(lun)).length, n < 58 ? 2 : 1, lun);
    }
    for (let n = 0; n < 58; n++) {
      const address = `::${(n + 0x100).toString(16)}]:4420`;
      assert.equal(lines.filter((line) => line.includes(address)).length, 1, address);
    }
    const at = lines.findIndex((line) => line.includes("reconnecting"));
    assert.match(lines[at + 1] ?? "", /^ {4}link lost at .*the kernel retries every 10 s/);
  }));

Deno.test("ls lists by state, subsystem, interface and discovery controller, in the order that is asked for", () =>
  withSite(async (run) => {
    const names = async (...args: readonly string[]): Promise<readonly string[]> =>
      (await run(["ls", "-o", "name", ...args])).lines.filter((line) => line !== "");
    assert.equal((await names("--state", "reconnecting")).length, 31);
    assert.equal((await names("--state", "reconnecting", "connected")).length, 118);
    assert.deepEqual(await names("--subsystem", "*lun-0003"), ["nvme6", "nvme7"]);
    assert.deepEqual(await names("--subsystem", "lun-0003"), []);
    assert.deepEqual(
      await names("--subsystem", "*lun-000?", "--iface", "eth0", "--state", "connected"),
      [
        ...Array(10).keys(),
      ].map((n) => `nvme${2 * n}`),
    );
    assert.equal((await names("--dc", "192.168.0.2:8009")).length, 58);
    assert.equal((await names("--dc", "nqn.dc0")).length, 60);
    assert.deepEqual(await names("--dc", "192.168.0.3"), []);
    assert.match((await names("--sort", "state"))[0] ?? "", /^nvme\d*[13579]$/);
    assert.deepEqual((await names("--sort", "device")).slice(0, 3), ["nvme0", "nvme1", "nvme2"]);
    assert.equal((await run(["ls", "--state", "lost"])).status, 2);
    const literal = await run(["ls", "--iface", "eth0", "-o", "literal"]);
    assert.equal(literal.status, 2);
    assert.match(literal.err, /the literal form lists all controllers/);
  }));
