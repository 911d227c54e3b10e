import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { main as stasadm } from "../../../src/ctl/stasadm.ts";
import { fakeWorld } from "./fake_world.ts";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, packages } from "../../lacking.ts";

async function script(program: typeof stafctl, shell: string): Promise<string> {
  const world = fakeWorld();
  assert.equal(await program(["completion", shell], world), 0, world.err.text);
  return world.out.text;
}

/** What bash offers after these words. */
async function complete(program: typeof stafctl, ...words: readonly string[]): Promise<readonly string[]> {
  const name = words[0] ?? "";
  const source = await script(program, "bash");
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const { stdout, success } = await new Deno.Command("bash", {
    args: [
      "-c",
      `${source}
${name}() { echo nvme7; }
COMP_WORDS=(${quoted}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _${name}; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
  }).output();
  assert.ok(success);
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

Deno.test("bash completes commands, options, choices and controllers", async () => {
  const top = await complete(stafctl, "stafctl", "");
  for (const word of ["ls", "dlp", "adlp", "status", "explain", "doctor", "--version"]) {
    assert.ok(top.includes(word), word);
  }
  assert.ok(!(await complete(stacctl, "stacctl", "")).includes("dlp"));
  assert.deepEqual(await complete(stafctl, "stafctl", "st"), ["status"]);
  assert.deepEqual(await complete(stafctl, "stafctl", "dlp", "--tr"), [
    "--transport",
    "--traddr",
    "--trsvcid",
  ]);
  assert.deepEqual(await complete(stafctl, "stafctl", "dlp", "-t", ""), ["tcp", "rdma", "fc", "loop"]);
  assert.deepEqual(await complete(stafctl, "stafctl", "ls", "-o", "js"), ["json", "jsonl"]);
  assert.deepEqual(await complete(stacctl, "stacctl", "explain", "n"), ["nvme7"]);
  assert.deepEqual(await complete(stacctl, "stacctl", "wait", "--for", ""), ["connected", "gone"]);
  assert.deepEqual(await complete(stasadm, "stasadm", "host"), ["hostnqn", "hostid"]);
});

Deno.test("every command and option is in every shell's script", async () => {
  for (const program of [stafctl, stacctl, stasadm]) {
    const bash = await script(program, "bash");
    const words = new Set(bash.match(/--[a-z-]+/g));
    for (const shell of ["zsh", "fish"]) {
      const other = await script(program, shell);
      for (const word of words) {
        assert.ok(other.includes(shell === "fish" ? ` -l ${word.slice(2)}` : word), `${shell} ${word}`);
      }
    }
  }
});

for (const shell of ["zsh", "fish"] as const) {
  Deno.test({
    name: `${shell} takes the scripts`,
    ignore: lacks(packages([OTHERS[shell]])),
    fn: async () => {
      for (const program of [stafctl, stacctl, stasadm]) {
        const file = await Deno.makeTempFile();
        await Deno.writeTextFile(file, await script(program, shell));
        const { success, stderr } = await new Deno.Command(shell, { args: ["-n", file] }).output();
        assert.ok(success, new TextDecoder().decode(stderr));
        await Deno.remove(file);
      }
    },
  });
}
