/** What a person sees: a pager for what is longer than the screen, and a screen that follows what happens. */
import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { screenOf } from "../../../src/ctl/watch.ts";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, packages } from "../../lacking.ts";
import { type FakeOptions, fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { sampleDaemon, v1Controller, v1State } from "./sample_daemon.ts";
import { inTerminal } from "./terminal.ts";

const TOOL = new URL("run_tool.ts", import.meta.url).pathname;
const tool = (...args: readonly string[]): string =>
  [Deno.execPath(), "run", "-A", "--no-check", TOOL, ...args].join(" ");
const controllers = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    v1Controller({
      kind: "io",
      device: `nvme${n}`,
      logPage: null,
      tid: { ...v1Controller().tid, subsysnqn: `nqn.sub${n}`, traddr: `192.0.2.${n}` },
      text: `(tcp, 192.0.2.${n}, 8009, nqn.sub${n})`,
    }));

const around = (address: string): string =>
  `env -u NO_COLOR -u PAGER -u SYSTEMD_PAGER TERM=screen DBUS_SYSTEM_BUS_ADDRESS=${address} LANG=C.UTF-8`;

Deno.test({
  name:
    "in a real terminal, 100 rows are shown by less, page by page; its end is that of the tool, with its status",
  ignore: lacks(packages([OTHERS.tmux, OTHERS.less])),
  fn: async () => {
    await using bus = await privateBus();
    const daemon = await sampleDaemon(bus.address, {
      state: () => JSON.stringify(v1State({ daemon: "stacd", avahi: null, controllers: controllers(100) })),
    });
    await inTerminal(`${around(bus.address)} ${tool("stacctl", "ls")}`, async ({ until, press }) => {
      const first = await until(/nvme20 /);
      assert.match(first, /^DEVICE +STATE/);
      assert.doesNotMatch(first, /nvme40 |ended/);
      await press("G");
      await until(/nvme99 /);
      await press("q");
      await until(/ended 0/);
    });
    await inTerminal(`${around(bus.address)} ${tool("stacctl", "ls", "--no-pager")}`, async ({ until }) => {
      assert.match(await until(/ended 0/), /nvme99 /);
    });
    daemon.close();
  },
});

Deno.test({
  name: "in a real terminal, --watch draws again what has changed, leaves no trace, and ends on Ctrl-C",
  ignore: lacks(packages([OTHERS.tmux])),
  fn: async () => {
    await using bus = await privateBus();
    let count = 2;
    const daemon = await sampleDaemon(bus.address, {
      state: () => JSON.stringify(v1State({ daemon: "stacd", avahi: null, controllers: controllers(count) })),
    });
    await inTerminal(
      `${around(bus.address)} ${tool("stacctl", "ls", "--watch")}`,
      async ({ until, press }) => {
        assert.doesNotMatch(await until(/nvme1 /), /nvme2 /);
        count = 60;
        assert.match(await until(/nvme2 /), /\(\d+ more lines\)/);
        count = 1;
        const less = await until(/nvme0 (?![^]*nvme1 )/);
        assert.doesNotMatch(less, /more lines/);
        await press("C-c");
        assert.doesNotMatch(await until(/ended 0/), /nvme0/);
      },
    );
    daemon.close();
  },
});

async function pagersOf(options: FakeOptions, ...args: readonly string[]): Promise<readonly string[][]> {
  await using bus = await privateBus();
  const daemon = await sampleDaemon(bus.address);
  const world = fakeWorld({ bus: bus.address, ...options });
  await stacctl(args, world);
  daemon.close();
  // With a pager, nothing is written beside it.
  if (world.paged !== undefined) assert.equal(world.out.text, world.paged.text);
  return world.paged?.commands.map((words) => [...words]) ?? [];
}

Deno.test("the pager is SYSTEMD_PAGER, PAGER, less or more; none in a pipe, on a dumb terminal, with --no-pager", async () => {
  const terminal = true;
  assert.deepEqual(await pagersOf({ terminal }, "ls"), [["less"], ["more"]]);
  assert.deepEqual(await pagersOf({ terminal, env: { PAGER: "most -w" } }, "status"), [
    ["most", "-w"],
    ["less"],
    ["more"],
  ]);
  assert.deepEqual((await pagersOf({ terminal, env: { PAGER: "a", SYSTEMD_PAGER: "b" } }, "tree"))[0], ["b"]);
  // As root for somebody else, a pager of theirs could give them a shell.
  assert.deepEqual(await pagersOf({ terminal, env: { PAGER: "vim -", SUDO_UID: "1000" } }, "ls"), [["less"]]);
  assert.deepEqual(await pagersOf({ terminal, env: { PAGER: "cat" } }, "ls"), []);
  assert.deepEqual(await pagersOf({ terminal, env: { SYSTEMD_PAGER: "" } }, "ls"), []);
  assert.deepEqual(await pagersOf({ terminal, env: { TERM: "dumb" } }, "ls"), []);
  assert.deepEqual(await pagersOf({}, "ls"), []);
  assert.deepEqual(await pagersOf({ terminal }, "ls", "--no-pager"), []);
  assert.deepEqual(await pagersOf({ terminal }, "health"), []);
});

Deno.test("--watch is for a terminal and for tables", async () => {
  for (const [options, args] of [[{}, []], [{ terminal: true }, ["-o", "json"]]] as const) {
    const world = fakeWorld(options);
    assert.equal(await stacctl(["ls", "--watch", ...args], world), 2);
    assert.match(
      world.err.text,
      /--watch draws tables on a terminal; for programs: stacctl monitor -o jsonl/,
    );
  }
});

Deno.test("a screen holds what fits, over the previous text, and says how much more there is", () => {
  assert.equal(screenOf("a\nb\n", 80, 24), "\x1b[Ha\x1b[K\nb\x1b[K\x1b[J");
  assert.equal(screenOf("a\nb\nc\nd\n", 80, 3), "\x1b[Ha\x1b[K\nb\x1b[K\n(2 more lines)\x1b[K\x1b[J");
  // A line that is too wide takes two.
  assert.equal(
    screenOf(`${"x".repeat(81)}\nb\nc\n`, 80, 4),
    `\x1b[H${"x".repeat(81)}\x1b[K\nb\x1b[K\n(1 more line)\x1b[K\x1b[J`,
  );
  assert.equal(screenOf("\x1b[32mab\x1b[0m\nb\n", 2, 3), "\x1b[H\x1b[32mab\x1b[0m\x1b[K\nb\x1b[K\x1b[J");
});
