/** Every task of deno.json says how it is used. */
import assert from "node:assert/strict";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function run(command: string, ...args: readonly string[]) {
  const [, ...words] = command.split(" ");
  const ended = await new Deno.Command(Deno.execPath(), {
    args: [...words, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  return { code: ended.code, out: text(ended.stdout), err: text(ended.stderr) };
}

async function tasks(): Promise<ReadonlyMap<string, string>> {
  const { tasks }: { tasks: Record<string, { command: string }> } = JSON.parse(
    await Deno.readTextFile("deno.json"),
  );
  return new Map(Object.entries(tasks).map(([name, { command }]) => [name, command]));
}

Deno.test("every task has --help, which begins with the task's name", async () => {
  for (const [name, command] of await tasks()) {
    const { code, out, err } = await run(command, "--help");
    assert.equal(code, 0, `${name}: ${err}`);
    assert.match(out, /^usage: deno task /, name);
    assert.ok(new RegExp(`deno task ${name}\\b`).test(out), `${name}: ${out}`);
    assert.equal(err, "", name);
  }
});

Deno.test("an option that a task does not have is an error that names it, and what to read", async () => {
  for (const [name, command] of await tasks()) {
    if (name === "bench") continue;
    const { code, err } = await run(command, "--no-such-option");
    assert.equal(code, 2, `${name}: ${err}`);
    assert.match(err, /--no-such-option/, name);
    assert.match(err, /deno task \S+ --help/, name);
  }
});

Deno.test("the checks of ok can be chosen by name", async () => {
  const { code, err } = await run("deno run -A scripts/ok.ts", "--only", "spelling");
  assert.equal(code, 2);
  assert.match(err, /^ok: --only spelling: must be one of format, lint, types, /);
  const one = await run("deno run -A scripts/ok.ts", "--only", "format");
  assert.match(one.out, /^ok: 1 passed, 0 failed$/m);
});
