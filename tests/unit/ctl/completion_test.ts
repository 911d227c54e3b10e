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
  const [name = ""] = (words[0] ?? "").split(" ");
  const source = await script(program, "bash");
  const { stdout, success } = await new Deno.Command("bash", {
    args: [
      "-c",
      `${source}
${name}() { printf '%s\\n' nvme7 nqn.2014-08.org.example:vol1 nqn.2014-08.org.example:vol2 [fd01::7]:4420; }
COMP_LINE="$LINE"; COMP_POINT=\${#COMP_LINE}; _${name}; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    env: { LINE: words.join(" ") },
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
  assert.deepEqual(await complete(stacctl, "stacctl", "explain", "nv"), ["nvme7"]);
  assert.deepEqual(await complete(stacctl, "stacctl", "wait", "--for", ""), ["connected", "gone"]);
  assert.deepEqual(await complete(stasadm, "stasadm", "host"), ["hostnqn", "hostid"]);
});

Deno.test("bash completes what has a colon or an equals sign in it: readline replaces what comes after", async () => {
  for (const goal of ["explain", "wait --for gone"]) {
    assert.deepEqual(await complete(stacctl, `stacctl ${goal} nqn`), [
      "nqn.2014-08.org.example:vol1",
      "nqn.2014-08.org.example:vol2",
    ]);
    assert.deepEqual(await complete(stacctl, `stacctl ${goal} nqn.2014-08.org.example:v`), ["vol1", "vol2"]);
  }
  assert.deepEqual(await complete(stacctl, "stacctl explain [fd01:"), [":7\\]:4420"]);
  assert.deepEqual(await complete(stacctl, "stacctl ls --output=js"), ["json", "jsonl"]);
  assert.deepEqual(await complete(stacctl, "stacctl ls --subsystem=nqn.2014-08.org.example:vol2"), ["vol2"]);
  assert.deepEqual(await complete(stacctl, "stacctl ls --sta"), ["--state"]);
  const dir = await Deno.makeTempDir();
  await Deno.writeTextFile(`${dir}/a:b.conf`, "");
  assert.deepEqual(await complete(stafctl, `stafctl plan --config ${dir}/a`), [`${dir}/a:b.conf`]);
  assert.deepEqual(await complete(stafctl, `stafctl check ${dir}/a:`), ["b.conf"]);
  assert.deepEqual(await complete(stasadm, `stasadm -c ${dir}/a\\:b`), [`${dir}/a:b.conf`]);
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
