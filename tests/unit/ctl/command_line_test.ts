import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { main as stasadm } from "../../../src/ctl/stasadm.ts";
import { VERSION } from "../../../src/lib/base/version.ts";
import { toolDefinition } from "../../../scripts/package/man_commands.ts";
import { fakeWorld } from "./fake_world.ts";

type Program = typeof stafctl;
const programs: readonly (readonly [string, Program])[] = [
  ["stafctl", stafctl],
  ["stacctl", stacctl],
  ["stasadm", stasadm],
];

async function run(program: Program, ...args: readonly string[]): Promise<readonly [number, string, string]> {
  const world = fakeWorld();
  const status = await program(args, world);
  return [status, world.out.text, world.err.text];
}

Deno.test("without a command: short usage on stdout, exit 1 (CLI-3)", async () => {
  for (const [name, program] of programs) {
    assert.deepEqual(await run(program), [1, `usage: ${name} [options] [command]\n`, ""]);
  }
});

Deno.test("version, also before a command, and help at every level: stdout, exit 0 (CLI-1, CLI-4)", async () => {
  for (const [name, program] of programs) {
    const version = `nvme-stas ${VERSION}\nruntime Deno ${Deno.version.deno}, from source\n`;
    assert.deepEqual(await run(program, "--version"), [0, version, ""]);
    assert.deepEqual(await run(program, "-v", name === "stasadm" ? "hostid" : "ls"), [0, version, ""]);
    const [status, out, err] = await run(program, "-h");
    assert.deepEqual([status, err], [0, ""]);
    assert.match(out, new RegExp(`^Usage: ${name} `));
  }
  const [status, out] = await run(stafctl, "dlp", "--help");
  assert.equal(status, 0);
  for (
    const option of [
      "--transport",
      "--traddr",
      "--trsvcid",
      "--host-traddr",
      "--host-iface",
      "--host-nqn",
      "--nqn",
    ]
  ) {
    assert.ok(out.includes(option), option);
  }
});

Deno.test("the help of every command has its group and examples, and every example can be typed", async () => {
  for (const [tool, program] of [["stafctl", stafctl], ["stacctl", stacctl]] as const) {
    const [, all] = await run(program, "--help");
    assert.match(all, /See the present state:\n +status /);
    assert.match(all, /\nOther commands:\n/);
    const acts = /\nChange connections by hand:\n((?: .*\n)+)/.exec(all)?.[1] ?? "";
    assert.deepEqual(
      [...acts.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name),
      tool === "stafctl" ? ["forget"] : ["drain", "undrain", "renew"],
    );
    for (const { name } of toolDefinition(tool).commands.map((command) => ({ name: command.name() }))) {
      assert.match(all, new RegExp(`^  ${name}\\b`, "m"));
      const [status, out] = await run(program, "help", name);
      assert.equal(status, 0);
      const examples = out.split("\nExamples:\n")[1]?.trimEnd().split("\n") ?? [];
      assert.ok(examples.length > 0, name);
      assert.ok(examples.every((example) => example.length <= 80), examples.join("\n"));
      for (const example of examples) {
        const typed = /^ {2}(?:sudo )?\w+ (.+?)(?: \|\|.*)? {2,}\S/.exec(example)?.[1] ?? "";
        // Not as root, who would be given a report in the current folder.
        const world = fakeWorld({ terminal: true, uid: 1000 });
        const exit = await program(typed.split(" "), world);
        assert.notEqual(exit, 2, `${tool} ${typed}: ${world.err.text}`);
        assert.doesNotMatch(world.err.text, /usage:|unknown/);
      }
    }
  }
});

Deno.test("a command of other tools gets a hint; options of all that prints may come first", async () => {
  assert.match(
    (await run(stacctl, "show"))[2],
    /unknown command 'show'.*\nstacctl: status, ls, tree and explain show/s,
  );
  assert.match((await run(stacctl, "dlp"))[2], /stacctl: log pages are stafd's: stafctl dlp/);
  assert.match((await run(stafctl, "disconnect", "nvme3"))[2], /see plan first, then systemctl reload/);
  for (const early of [["--no-color"], ["--no-pager"], ["--no-pager", "--no-color"]]) {
    const [status, , err] = await run(stacctl, ...early, "ls");
    assert.deepEqual([status, /usage|unknown/.test(err)], [1, false], err);
    assert.equal((await run(stacctl, ...early, "completion", "bash"))[0], 0);
  }
  assert.equal((await run(stacctl, "--no-color"))[0], 2);
});

Deno.test("usage errors: usage and a word on stderr, exit 2 (CLI-2)", async () => {
  const wrong: readonly (readonly [Program, readonly string[], RegExp])[] = [
    [
      stafctl,
      ["nonsense"],
      /^usage: stafctl \[options\] \[command\]\nstafctl: error: unknown command 'nonsense'/,
    ],
    [stafctl, ["--nonsense"], /stafctl: error: unknown option '--nonsense'/],
    [stafctl, ["ls", "--nonsense"], /^usage: stafctl ls \[options\]\nstafctl ls: error: unknown option/],
    [stafctl, ["ls", "extra"], /stafctl ls: error: too many arguments/],
    [stafctl, ["ls", "-o", "yaml"], /stafctl ls: error: .*Allowed choices are table, wide/],
    [stafctl, ["dlp", "-s", "8009"], /stafctl dlp: error: required option .*--traddr/],
    [stafctl, ["dlp", "-a", "1.1.1.1"], /stafctl dlp: error: required option .*--trsvcid/],
    [stafctl, ["dlp", "-t", "pcie", "-a", "1", "-s", "1"], /Allowed choices are tcp, rdma, fc, loop/],
    [
      stafctl,
      ["dlp", "--host", "x"],
      /ambiguous option: --host could be --host-traddr, --host-iface, --host-nqn/,
    ],
    [stafctl, ["ls", "-v"], /unknown option '-v'/],
    [stacctl, ["dlp"], /stacctl: error: unknown command 'dlp'/],
    [stacctl, ["adlp"], /unknown command 'adlp'/],
    [stasadm, ["set-symname"], /stasadm set-symname: error: missing required argument 'symname'/],
    [stasadm, ["hostid", "-c", "x"], /stasadm hostid: error: unknown option '-c'/],
    [stasadm, ["clear-symname", "-f", "x"], /unknown option '-f'/],
  ];
  for (const [program, args, message] of wrong) {
    const [status, out, err] = await run(program, ...args);
    assert.deepEqual([status, out], [2, ""], args.join(" "));
    assert.match(err, message);
  }
});

Deno.test("long options may be cut while they stay unambiguous; values are left alone (CLI-1)", async () => {
  // What is accepted gets as far as the bus, which does not exist.
  const accepted: readonly (readonly string[])[] = [
    ["ls", "--det"],
    ["ls", "--d", "--out=json"],
    ["adlp", "--detailed", "--o", "json"],
    ["dlp", "--trad", "1.1.1.1", "--trs=8009", "--host-n", "nqn.x", "--tran", "rdma"],
    ["dlp", "-a1.1.1.1", "-s", "8009", "-q", "--host", "-ttcp"],
  ];
  for (const args of accepted) {
    const [status, out, err] = await run(stafctl, ...args);
    assert.deepEqual([status, out], [1, ""], args.join(" "));
    assert.match(err, /^stafctl: cannot connect to the bus/, args.join(" "));
  }
});

Deno.test("no bus: one line with the cause and the remedy, exit 1; status in its own form 4 (CLI-5, CLI-11)", async () => {
  for (const command of ["tron", "troff", "ls", "status"]) {
    const [status, out, err] = await run(stacctl, command);
    assert.deepEqual([status, out], [1, ""]);
    assert.match(err, /^stacctl: cannot connect to the bus at .*; start it: systemctl start dbus.socket\n$/);
  }
  assert.equal((await run(stacctl, "status", "-o", "table"))[0], 4);
});

Deno.test("a missing host NQN stops only dlp without -q (CLI-18)", async () => {
  const world = fakeWorld({ confDir: "/dev/null/none" });
  assert.equal(await stafctl(["dlp", "-a", "1.1.1.1", "-s", "8009"], world), 1);
  assert.match(world.err.text, /nqn/i);
  assert.equal((await run(stafctl, "--version"))[0], 0);
});

Deno.test("help, help COMMAND and -V are what other tools have; stacctl says where log pages are", async () => {
  const run = async (
    tool: typeof stacctl,
    ...args: readonly string[]
  ): Promise<readonly [number, string, string]> => {
    const world = fakeWorld();
    return [await tool(args, world), world.out.text, world.err.text];
  };
  assert.deepEqual(await run(stacctl, "help"), await run(stacctl, "--help"));
  assert.deepEqual(await run(stacctl, "help", "wait"), await run(stacctl, "wait", "--help"));
  assert.deepEqual(await run(stacctl, "-V"), await run(stacctl, "--version"));
  assert.deepEqual(await run(stasadm, "help", "import"), await run(stasadm, "import", "--help"));
  assert.deepEqual(await run(stasadm, "-V"), await run(stasadm, "--version"));
  const [status, , err] = await run(stacctl, "adlp");
  assert.equal(status, 2);
  assert.match(err, /unknown command 'adlp'\nstacctl: log pages are stafd's: stafctl adlp\n$/);
});
