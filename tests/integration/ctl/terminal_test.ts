import assert from "node:assert/strict";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, packages } from "../../lacking.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { NOW, sampleDaemon, v1Controller, v1State } from "./sample_daemon.ts";

const TOOL = new URL("run_tool.ts", import.meta.url).pathname;
const tool = (...args: readonly string[]): string =>
  [Deno.execPath(), "run", "-A", "--no-check", TOOL, ...args].join(" ");

async function shell(
  command: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Deno.CommandOutput> {
  return await new Deno.Command("bash", { args: ["-c", command], env, stdin: "null" }).output();
}

const ESC = "\x1b";
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const state = v1State({
  daemon: "stacd",
  avahi: null,
  controllers: [
    v1Controller({ kind: "io", namespaces: ["nvme0n1"], logPage: null }),
    v1Controller({
      kind: "io",
      device: "",
      phase: "failing",
      detail: "a rather long remark that will not fit on a narrow terminal",
      tid: {
        ...v1Controller().tid,
        subsysnqn: "nqn.2014-08.org.example:a-long-subsystem-name-0123456789-abcdef",
      },
      nextTry: NOW + 5_000,
      logPage: null,
    }),
  ],
});

Deno.test({
  name: "in a real terminal of 80, 120 and 200 columns the table fits, in colour and without",
  ignore: lacks(packages([OTHERS.tmux])),
  fn: async () => {
    await using bus = await privateBus();
    const daemon = await sampleDaemon(bus.address, { state: () => JSON.stringify(state) });
    const dir = await Deno.makeTempDir();
    try {
      for (const columns of [80, 120, 200]) {
        for (const color of ["", "--no-color"]) {
          // The terminal ends with the tool; what it showed is taken before. `wait-for` tells that the tool has ended.
          const tmux = `tmux -S ${dir}/${columns}${color} -f /dev/null`;
          const env = `DBUS_SYSTEM_BUS_ADDRESS=${bus.address} LANG=C.UTF-8`;
          const command = `env -u NO_COLOR ${env} ${
            tool("stacctl", "ls", color)
          }; ${tmux} wait-for -S done; cat`;
          const { success, stdout, stderr } = await shell(
            `${tmux} -u new-session -d -x ${columns} -y 30 ${
              JSON.stringify(command)
            } && ${tmux} wait-for done && ` +
              `${tmux} capture-pane -e -p; ${tmux} kill-server`,
          );
          assert.ok(success, text(stderr));
          const shown = text(stdout).replaceAll(new RegExp(`${ESC}\\[[0-9;]*m`, "g"), "").trimEnd().split(
            "\n",
          );
          // The remark of the failing one has a line of its own where the terminal is narrow.
          assert.equal(shown.length, columns < 200 ? 4 : 3, text(stdout));
          assert.ok(text(stdout).includes("next try in 5 s"), text(stdout));
          assert.match(shown[0] ?? "", /^DEVICE +STATE/);
          const wanted = color === "" ? `${ESC}[32mconnected` : "connected";
          assert.ok(text(stdout).includes(wanted), text(stdout));
          if (color !== "") assert.ok(!text(stdout).includes(ESC), text(stdout));
          assert.equal(text(stdout).includes("\u2026"), columns === 80);
        }
      }
    } finally {
      daemon.close();
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test("a pipe that is closed ends a tool quietly, with exit status 0 (CLI-19)", async () => {
  await using bus = await privateBus();
  const many = Array.from({ length: 5_000 }, () => ({ device: "nvme0", traddr: "x".repeat(90) }));
  const daemon = await sampleDaemon(bus.address, { listControllers: () => many });
  const env = { DBUS_SYSTEM_BUS_ADDRESS: bus.address };
  const { stdout, stderr } = await shell(`${tool("stafctl", "ls")} | head -1; echo "\${PIPESTATUS[0]}"`, env);
  assert.equal(text(stderr), "");
  assert.equal(text(stdout), `[{'device': 'nvme0',\n0\n`);
  // Nor does a reader that is gone before the first word.
  const none = await shell(`${tool("stafctl", "--help")} | true; echo "\${PIPESTATUS[0]}"`, env);
  assert.deepEqual([text(none.stdout), text(none.stderr)], ["0\n", ""]);
  daemon.close();
});

Deno.test("monitor ends on SIGTERM with exit status 0", async () => {
  await using bus = await privateBus();
  const daemon = await sampleDaemon(bus.address);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", TOOL, "stafctl", "monitor"],
    env: { DBUS_SYSTEM_BUS_ADDRESS: bus.address },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const reader = child.stderr.getReader();
  const first = await reader.read();
  assert.equal(text(first.value ?? new Uint8Array()), "stafctl: watching stafd\n");
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 0);
  await reader.cancel();
  daemon.close();
});
