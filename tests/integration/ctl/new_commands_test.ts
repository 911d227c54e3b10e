import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAC, STAF } from "../../../src/lib/dbus/interfaces.ts";
import { publisher, type StafHandlers } from "../../../src/lib/dbus/server.ts";
import type { V1Explanation, V1Plan } from "../../../src/lib/dbus/v1_types.ts";
import { type FakeOptions, type FakeWorld, fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { NOW, sampleDaemon, v1Controller, v1Health, v1State } from "./sample_daemon.ts";

const NQN = "nqn.2014-08.org.example:a-subsystem-with-a-rather-long-name-of-its-own:0001";
const connected = v1Controller({
  tid: { ...v1Controller().tid, traddr: "fd00::1", trsvcid: "4420", subsysnqn: NQN, hostIface: "eth0" },
  text: `(tcp, fd00::1, 4420, ${NQN}, eth0)`,
  kind: "io",
  device: "nvme3",
  namespaces: ["nvme3n1", "nvme3n2"],
  logPage: null,
});
const failing = v1Controller({
  tid: { ...connected.tid, traddr: "10.0.0.2", hostIface: "" },
  text: `(tcp, 10.0.0.2, 4420, ${NQN})`,
  kind: "io",
  device: "",
  phase: "failing",
  attempts: 3,
  kernelState: "",
  logPage: null,
  lastFailure: {
    phase: "reach",
    kind: "transient",
    errno: "ECONNREFUSED",
    status: null,
    message: "connection refused",
    remedy: "start the target",
    at: NOW - 5_000,
  },
  nextTry: NOW + 12_000,
});

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

interface Bench {
  readonly daemon: Bus;
  world(options?: FakeOptions): FakeWorld;
  run(program: typeof stafctl, args: readonly string[], options?: FakeOptions): Promise<Ran>;
}

async function withDaemons(
  over: Partial<StafHandlers>,
  test: (bench: Bench) => Promise<void>,
): Promise<void> {
  await using bus = await privateBus();
  const daemon = await sampleDaemon(bus.address, over);
  const world = (options: FakeOptions = {}): FakeWorld => fakeWorld({ bus: bus.address, ...options });
  await test({
    daemon,
    world,
    run: async (program, args, options) => {
      const around = world(options);
      const status = await program(args, around);
      return { status, out: around.out.text, err: around.err.text };
    },
  });
  daemon.close();
}

const ESC = "\x1b";

const stacState = (): string =>
  JSON.stringify(v1State({
    daemon: "stacd",
    avahi: null,
    stafd: { present: true, reportedAt: NOW - 3_000, aenToConnect: null },
    controllers: [failing, connected],
  }));

Deno.test("ls on a terminal is a table that fits 80, 120 and 200 columns, with colour by state", () =>
  withDaemons({ state: stacState }, async ({ run }) => {
    for (const columns of [80, 120, 200]) {
      const { status, out } = await run(stacctl, ["ls"], {
        terminal: true,
        columns,
        env: { LANG: "C.UTF-8" },
      });
      assert.equal(status, 0);
      const plain = out.replaceAll(new RegExp(`${ESC}\\[\\d+m`, "g"), "");
      assert.ok(plain.split("\n").every((line) => [...line].length <= columns), plain);
      assert.ok(out.includes(`${ESC}[32mconnected${ESC}[0m`));
      assert.ok(out.includes(`${ESC}[31mfailing${ESC}[0m`));
      assert.match(plain, /nvme3 +connected +(?:90 s +)?tcp \[fd00::1\]:4420 /);
      assert.match(plain, /^DEVICE +STATE +FOR +ADDRESS/);
      if (columns === 200) {
        assert.match(plain, /NAMESPACES +REMARK\n.*connection refused; next try in 12 s\n/);
      } else assert.match(plain, /\u2026/);
    }
    for (const options of [{ env: { NO_COLOR: "1" } }, { env: { TERM: "dumb" } }]) {
      const { out } = await run(stacctl, ["ls"], { terminal: true, ...options });
      assert.ok(!out.includes("\x1b"), out);
    }
    assert.ok(!(await run(stacctl, ["ls", "--no-color"], { terminal: true })).out.includes("\x1b"));
  }));

Deno.test("every form of ls, asked for by -o, also where it is not the usual one", () =>
  withDaemons({ state: stacState }, async ({ run }) => {
    assert.deepEqual(JSON.parse((await run(stacctl, ["ls", "-o", "json"])).out), [failing, connected]);
    const lines = (await run(stacctl, ["ls", "-o", "jsonl"], { terminal: true })).out.trimEnd().split("\n");
    assert.deepEqual(lines.map((line): unknown => JSON.parse(line)), [failing, connected]);
    assert.equal((await run(stacctl, ["ls", "-o", "name"])).out, `(tcp, 10.0.0.2, 4420, ${NQN})\nnvme3\n`);
    assert.match(
      (await run(stacctl, ["ls", "-o", "literal"], { terminal: true })).out,
      /^\[\{'device': 'nvme0'/,
    );
    const wide = (await run(stacctl, ["ls", "-o", "wide"], { columns: 40 })).out;
    assert.match(wide, /SOURCES/);
    assert.ok(wide.includes(NQN));
    assert.match((await run(stacctl, ["ls", "-d"], { terminal: true })).out, /SOURCES/);
  }));

Deno.test("names from the network cannot command the terminal", () => {
  const evil = v1Controller({
    phase: "waiting",
    detail: "\x1b]0;owned\x07\x9b31m\u202eabc",
    device: "nvme\x1b[2J",
  });
  return withDaemons({ state: () => JSON.stringify(v1State({ controllers: [evil] })) }, async ({ run }) => {
    for (const args of [["ls", "-o", "table"], ["ls", "-o", "json"], ["tree"], ["status", "-o", "table"]]) {
      const { out } = await run(stafctl, args, { terminal: true, env: { NO_COLOR: "1" } });
      assert.ok(out.includes("nvme"), out);
      assert.ok(!/[\p{Cc}\u202e]/u.test(out.replaceAll("\n", "")), JSON.stringify(out));
    }
  });
});

Deno.test("status as a table tells the health, also by its exit status", () => {
  let health = v1Health();
  return withDaemons({
    state: stacState,
    health: () => JSON.stringify(health),
  }, async ({ run }) => {
    const good = await run(stacctl, ["status"], { terminal: true, env: { NO_COLOR: "1" } });
    assert.equal(good.status, 0);
    assert.match(good.out, /^stacd 0.1.0: good, running for 100 s\n/);
    assert.match(good.out, /stafd +running, last report/);
    health = v1Health({
      status: "degraded",
      problems: [{ id: "controller-failing", text: "10.0.0.2 refuses", remedy: "start the target" }],
    });
    const degraded = await run(stacctl, ["status", "-o", "table"]);
    assert.equal(degraded.status, 3);
    assert.match(degraded.out, / {2}! 10.0.0.2 refuses\n {4}remedy: start the target\n/);
    const json = await run(stacctl, ["status", "-o", "json"]);
    assert.equal(json.status, 3);
    const parsed: unknown = JSON.parse(json.out);
    assert.ok(typeof parsed === "object" && parsed !== null && "health" in parsed && "controllers" in parsed);
  });
});

const explanation: V1Explanation = {
  schema: 1,
  daemon: "stacd",
  at: NOW,
  query: "10.0.0.2",
  matches: [{
    tid: failing.tid,
    text: failing.text,
    device: "",
    phase: "failing",
    headline: "the target refuses the connection",
    chain: [
      { step: "source", at: NOW - 60_000, text: "log page of (tcp, 10.0.0.9, 8009), generation 7" },
      { step: "attempt", at: NOW - 5_000, text: "connection refused (ECONNREFUSED)" },
      { step: "next", at: NOW + 12_000, text: "another attempt" },
      { step: "remedy", at: null, text: "start the target" },
    ],
  }],
};

Deno.test("explain shows the chain; what is not known is a failure with advice", () => {
  let answer = explanation;
  const asked: string[] = [];
  return withDaemons({
    explain: (what) => {
      asked.push(what);
      return JSON.stringify(answer);
    },
  }, async ({ run }) => {
    const { status, out } = await run(stacctl, ["explain", "10.0.0.2"]);
    assert.equal(status, 0);
    assert.match(out, /^\(tcp, 10.0.0.2, 4420, .*\)\n {2}failing: the target refuses the connection\n/);
    assert.match(
      out,
      /\n {2}wanted by log page of .*\n {2}attempt {3}connection refused .*\n {2}next {6}another attempt \(in 12 s, at /,
    );
    assert.deepEqual(
      JSON.parse((await run(stacctl, ["explain", "10.0.0.2", "-o", "json"])).out),
      explanation,
    );
    answer = { ...explanation, matches: [] };
    const unknown = await run(stacctl, ["explain", "nvme9"]);
    assert.equal(unknown.status, 1);
    assert.match(unknown.err, /^stacctl: stacd knows no controller "nvme9"/);
    assert.deepEqual(asked, ["10.0.0.2", "10.0.0.2", "nvme9"]);
  });
});

Deno.test("plan: exit 0 for nothing, 2 for changes; the file's text goes to the daemon, its name stays ours", async () => {
  const nothing: V1Plan = {
    schema: 1,
    daemon: "stacd",
    at: NOW,
    valid: true,
    findings: [],
    changes: [],
    held: [],
    unchanged: 2,
    unknowns: [],
  };
  let answer = nothing;
  const asked: string[] = [];
  await withDaemons({
    plan: (config) => {
      asked.push(config);
      return JSON.stringify(answer);
    },
  }, async ({ run }) => {
    const same = await run(stacctl, ["plan"]);
    assert.deepEqual([same.status, same.out], [0, "Nothing to do: 2 controllers stay as they are.\n"]);
    answer = {
      ...nothing,
      unchanged: 1,
      unknowns: ["stafd is not running"],
      findings: [{ severity: "warning", file: "", line: 3, column: 1, message: "unknown option" }],
      changes: [
        {
          ...connected,
          action: "disconnect",
          at: NOW + 2_000,
          reasons: ["no longer in the log page of generation 8"],
        },
        { ...failing, action: "connect", at: null, reasons: ["/tmp/x:4"] },
      ],
      held: [{
        ...connected,
        device: "nvme5",
        why: "nvme0n1 is in use: mounted on /srv",
        reasons: ["withdrawn by the page"],
      }],
    };
    const file = await Deno.makeTempFile();
    const changes = await run(stacctl, ["plan", "--config", file]);
    assert.equal(changes.status, 2);
    assert.match(
      changes.out,
      new RegExp(`^${file}:3:1: warning: unknown option\n\\? stafd is not running\n`),
    );
    assert.match(
      changes.out,
      /\n- disconnect nvme3 \(tcp, fd00::1.*\) \(in 2 s\)\n {4}no longer in the log page/,
    );
    assert.match(
      changes.out,
      /\n\+ connect \(tcp, 10.0.0.2.*\)\n {4}\/tmp\/x:4\n! held nvme5 .*: nvme0n1 is in use: mounted on \/srv\n {4}withdrawn by the page\nIn total: 1 to disconnect, 1 to connect\.\n1 controller stays as it is.\n$/,
    );
    answer = { ...nothing, valid: false };
    await Deno.writeTextFile(file, "[Global]\n");
    assert.equal((await run(stacctl, ["plan", "--config", file])).status, 1);
    assert.deepEqual(asked, ["", "\n", "[Global]\n"]);
    await Deno.remove(file);
    assert.match((await run(stacctl, ["plan", "--config", file])).err, /does not exist/);
  });
});

Deno.test("tree: paths below their subsystem, subsystems below their discovery controller", () =>
  withDaemons({ state: () => stacState() }, async ({ run }) => {
    const { out } = await run(stacctl, ["tree"]);
    assert.equal(
      out,
      `${NQN}\n|- tcp 10.0.0.2:4420 failing: connection refused; next try in 12 s\n` +
        "`- nvme3 tcp [fd00::1]:4420 on eth0 connected\n   |- nvme3n1\n   `- nvme3n2\n",
    );
  }).then(() =>
    withDaemons({}, async ({ run }) => {
      const { out } = await run(stafctl, ["tree"], {
        terminal: true,
        env: { LC_ALL: "en_US.utf8", NO_COLOR: "1" },
      });
      assert.equal(
        out,
        "nvme0 tcp 127.0.0.1:8009 connected\n\u2514\u2500 nvme nqn.2014-08.org.example:a\n   \u2514\u2500 tcp 127.0.0.1:4420\n",
      );
    })
  ));

Deno.test("a controller that a line and a log page know by two names is listed once", () => {
  const twin = v1Controller({ ...connected, tid: { ...connected.tid, hostIface: "" } });
  return withDaemons({
    state: () => JSON.stringify(v1State({ daemon: "stacd", controllers: [twin, connected] })),
  }, async ({ run }) => {
    for (const args of [["ls", "-o", "table"], ["ls", "-o", "wide"], ["tree"], ["status", "-o", "table"]]) {
      const { out } = await run(stacctl, args, { terminal: true, env: { NO_COLOR: "1" } });
      assert.equal(out.match(/nvme3\b/g)?.length, 1, out);
    }
  });
});

const event = (type: string): Readonly<Record<string, unknown>> => ({
  schema: 1,
  daemon: "stacd",
  at: NOW,
  type,
  tid: connected.tid,
  text: connected.text,
  device: "nvme3",
  message: "as the log page says",
});

Deno.test("monitor prints events until it is interrupted, and says when the daemon goes", () =>
  withDaemons({}, async ({ daemon, world }) => {
    for (const format of ["table", "jsonl"]) {
      const stop = Promise.withResolvers<void>();
      const around = world({ interrupted: stop.promise });
      const ended = stacctl(["monitor", "-o", format], around);
      await around.err.until(/watching stacd\n/);
      publisher(STAC, () => daemon).emit({ type: "event", event: event("connected") });
      await around.out.until(/\n/);
      stop.resolve();
      assert.equal(await ended, 0);
      if (format === "jsonl") assert.deepEqual(JSON.parse(around.out.text), event("connected"));
      else assert.match(around.out.text, /connected +nvme3 \(tcp, fd00::1.*\): as the log page says\n$/);
    }
    const around = world();
    const ended = stacctl(["monitor"], around);
    await around.err.until(/watching/);
    await daemon.callBus("ReleaseName", "s", [STAC.name]);
    await around.err.until(/stacd is not running; waiting for it\n/);
    await daemon.requestName(STAC.name);
    await around.err.until(/waiting for it\n.*watching stacd\n/);
    around.out.write = () => false;
    publisher(STAC, () => daemon).emit({ type: "event", event: event("connected") });
    assert.equal(await ended, 0, "the reader is gone");
  }));

Deno.test("wait ends when the controller is connected or gone, and says why it is not when the time is up", () => {
  let controllers = [failing];
  return withDaemons({
    state: () => JSON.stringify(v1State({ daemon: "stacd", controllers })),
  }, async ({ daemon, run, world }) => {
    const late = await run(stacctl, ["wait", "--for=connected", NQN, "--timeout", "0.05"]);
    assert.equal(late.status, 1);
    assert.match(
      late.err,
      /^stacctl: not connected within 0.05 s: .*10.0.0.2.* is failing: connection refused\n$/,
    );
    assert.equal((await run(stacctl, ["wait", "--for=gone", "10.0.0.2"])).status, 0);
    const around = world();
    const ended = stacctl(["wait", "--for=connected", NQN], around);
    controllers = [failing, connected];
    publisher(STAC, () => daemon).emit({ type: "event", event: event("connected") });
    assert.equal(await ended, 0);
    // Every spelling of the address, the device and its namespaces name it.
    for (const what of ["nvme3", "nvme3n2", "FD00:0::1", connected.text]) {
      assert.equal((await run(stacctl, ["wait", "--for=connected", what])).status, 0, what);
    }
    assert.equal((await run(stacctl, ["wait", "--for=connected", "nvme99", "--timeout=0.05"])).status, 1);
    assert.equal((await run(stacctl, ["wait", "--for=gone", "nvme3", "--timeout=0.05"])).status, 1);
    assert.equal((await run(stacctl, ["wait", "nvme3"])).status, 2);
    assert.equal((await run(stacctl, ["wait", "--for=gone", "nvme3", "--timeout=soon"])).status, 2);
  });
});

Deno.test("wait for a daemon that has not started yet", () =>
  withDaemons({ state: stacState }, async ({ daemon, run, world }) => {
    await daemon.callBus("ReleaseName", "s", [STAC.name]);
    const { status, err } = await run(stacctl, ["wait", "--for=connected", "nvme3", "--timeout=0.05"]);
    assert.equal(status, 1);
    assert.match(err, /not connected within 0.05 s: cannot reach stacd over D-Bus/);
    const ended = stacctl(["wait", "--for=connected", "nvme3"], world());
    await daemon.requestName(STAC.name);
    assert.equal(await ended, 0);
  }));

Deno.test("a bus that is killed ends every command with a word", async () => {
  await using bus = await privateBus();
  const daemon = await sampleDaemon(bus.address);
  for (const args of [["monitor"], ["wait", "--for=connected", "none"]]) {
    const around = fakeWorld({ bus: bus.address });
    const ended = stafctl(args, around);
    await busSeen(bus.address);
    await bus.kill();
    assert.equal(await ended, 1);
    assert.match(around.err.text, /bus/);
    await bus.start();
  }
  daemon.close();
});

/** Settles when the bus has seen the tool: its messages come before ours. */
async function busSeen(address: string): Promise<void> {
  const connected = await Bus.connect(address);
  assert.ok(connected.ok);
  await connected.bus.callBus("NameHasOwner", "s", [STAF.name]);
  connected.bus.close();
}
