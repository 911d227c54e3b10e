/** Completion in the shells themselves, with a line that is typed: NQNs, addresses, devices, files, all with colons. */
import assert from "node:assert/strict";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { lacks, packages } from "../../lacking.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { sampleDaemon, v1Controller, v1State } from "./sample_daemon.ts";
import { inTerminal } from "./terminal.ts";

const NQN = "nqn.1992-08.com.example:array7:finance-lun-0001";

/** A folder with the tool, its completion script, and a file with a colon in its name. */
async function furnished(address: string, shell: string): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "stas-shell-" });
  const runner = new URL("run_tool.ts", import.meta.url).pathname;
  await Deno.writeTextFile(
    `${dir}/stacctl`,
    `#!/bin/sh\nDBUS_SYSTEM_BUS_ADDRESS=${address} exec ${Deno.execPath()} run -A --no-check ${runner} stacctl "$@"\n`,
    { mode: 0o755 },
  );
  const world = fakeWorld();
  assert.equal(await stacctl(["completion", shell], world), 0);
  await Deno.writeTextFile(`${dir}/script`, world.out.text);
  await Deno.writeTextFile(`${dir}/new:one.conf`, "");
  return dir;
}

/** What a shell is started with, and what is typed first. */
const SHELLS = {
  bash: [
    "bash --norc --noprofile -i",
    (dir: string) => `PS1='> '; PATH=${dir}:$PATH; . ${dir}/script; cd ${dir}; clear`,
  ],
  zsh: [
    "zsh -f -i",
    (dir: string) =>
      `PS1='> '; PATH=${dir}:$PATH; autoload -U compinit; compinit -u -d ${dir}/dump; . ${dir}/script; ` +
      `compdef _stacctl stacctl; cd ${dir}; clear`,
  ],
  fish: [
    "fish --no-config -i",
    (dir: string) =>
      `function fish_prompt; echo '> '; end; set -x PATH ${dir} $PATH; . ${dir}/script; cd ${dir}; clear`,
  ],
} as const;

/** What is typed before the tab, and what the line is after it. */
const LINES: readonly (readonly [typed: string, line: RegExp])[] = [
  [
    "stacctl explain nqn.1992-08.com.example:arr",
    /> stacctl explain nqn\.1992-08\.com\.example:array7:finance-lun-0001/,
  ],
  ["stacctl explain 192.0.2.7:", /> stacctl explain 192\.0\.2\.7:4420/],
  ["stacctl explain nvme3", /> stacctl explain nvme3n1/],
  ["stacctl ls --output=jsonl", /> stacctl ls --output=jsonl/],
  ["stacctl ls --sort=dev", /> stacctl ls --sort=device/],
  ["stacctl plan --config new", /> stacctl plan --config new(:|\\:)one\.conf/],
  ["stacctl plan --config new:o", /> stacctl plan --config new:one\.conf/],
];

for (const shell of ["bash", "zsh", "fish"] as const) {
  const needs = shell === "bash" ? [OTHERS.tmux] : [OTHERS.tmux, OTHERS[shell]];
  Deno.test({
    name: `${shell}, in a terminal, completes NQNs, addresses, devices, choices after =, and files`,
    ignore: lacks(packages(needs)),
    fn: async () => {
      await using bus = await privateBus();
      const controllers = [
        v1Controller({
          kind: "io",
          device: "nvme9",
          logPage: null,
          namespaces: ["nvme3n1"],
          tid: { ...v1Controller().tid, traddr: "192.0.2.7", trsvcid: "4420", subsysnqn: NQN },
        }),
      ];
      const daemon = await sampleDaemon(bus.address, {
        state: () => JSON.stringify(v1State({ daemon: "stacd", avahi: null, controllers })),
      });
      const dir = await furnished(bus.address, shell);
      const [command, first] = SHELLS[shell];
      await inTerminal(`env -u NO_COLOR TERM=screen LANG=C.UTF-8 ${command}`, async ({ until, press }) => {
        await until(/[$%>#] *\n*$/);
        await press(`-l ${JSON.stringify(first(dir).replaceAll("$", "\\$"))}`);
        await press("Enter");
        await until(/^> *\n*$/);
        for (const [typed, line] of LINES) {
          await press(`-l ${JSON.stringify(typed)}`);
          await press("Tab");
          await until(line);
          await press("C-u");
          await until(/> *\n*$/);
        }
      });
      daemon.close();
      await Deno.remove(dir, { recursive: true });
    },
  });
}

Deno.test("completion names: what explain takes, without what the shared NQN or a tuple would be", async () => {
  await using bus = await privateBus();
  const daemon = await sampleDaemon(bus.address);
  const world = fakeWorld({ bus: bus.address });
  assert.equal(await stacctl(["completion", "names"], world), 0);
  assert.deepEqual(world.out.text.trimEnd().split("\n"), ["127.0.0.1", "127.0.0.1:8009", "nvme0"]);
  daemon.close();
  // Nothing is said in the middle of a line that is being typed.
  const without = fakeWorld();
  assert.equal(await stacctl(["completion", "names"], without), 1);
  assert.deepEqual([without.out.text, without.err.text], ["", ""]);
});
