/** `deno task run`: programs from source, and daemons on the simulated fabric. */
import assert from "node:assert/strict";
import { BUS_NEEDS } from "../../scripts/system_packages.ts";
import { packages, skipAllWithout } from "../lacking.ts";

skipAllWithout(packages(BUS_NEEDS));

const command = (args: readonly string[], env: Record<string, string> = {}): Deno.Command =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "scripts/run_program.ts", ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

Deno.test("a tool from source answers as the installed one does", async () => {
  const { code, stdout } = await command(["stacctl", "--version"]).output();
  assert.equal(code, 0);
  assert.match(text(stdout), /^nvme-stas \d+\.\d+\.\d+\nruntime Deno \d+\.\d+\.\d+, from source\n$/);
});

Deno.test("stacd --simulated connects what its stafd finds, and tells the address of its bus", async () => {
  const daemon = command(["stacd", "--simulated"]).spawn();
  const reader = daemon.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const err = new Response(daemon.stderr).text();
  let out = "";
  while (!out.includes("Ctrl-C")) {
    const { done, value } = await reader.read();
    if (done) assert.fail(`it ended: ${out}${await err}`);
    out += value;
  }
  const address = /export DBUS_SYSTEM_BUS_ADDRESS=(\S+)/.exec(out)?.[1] ?? "";
  const wait = ["stacctl", "wait", "nqn.2025-01.com.example:orders", "--for", "connected", "--timeout", "60"];
  const tool = await command(wait, { DBUS_SYSTEM_BUS_ADDRESS: address }).output();
  assert.equal(tool.code, 0, text(tool.stderr));
  daemon.kill("SIGINT");
  assert.equal((await daemon.status).code, 0);
  await reader.cancel();
  assert.match(await err, /^stacd info: /m);
});

Deno.test("what is no program, and a tool that is to be simulated, are usage errors", async () => {
  for (
    const [args, said] of [
      [[], /^run: name a program: stafd, /],
      [["stafdd"], /^run: stafdd: must be one of stafd, /],
      [["stacctl", "--simulated"], /^run: stacctl has no --simulated/],
    ] as const
  ) {
    const { code, stderr } = await command(args).output();
    assert.equal(code, 2);
    assert.match(text(stderr), said);
  }
});
