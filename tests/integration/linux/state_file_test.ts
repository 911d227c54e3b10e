import assert from "node:assert/strict";
import { JsonStateFile, stateFilePath } from "../../../src/lib/linux/state_file.ts";
import { namesIn, outcome, RememberingLog } from "./waiting.ts";

async function inFolder(work: (folder: string, log: RememberingLog) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "stas-state-" });
  await work(folder, new RememberingLog());
  await Deno.remove(folder, { recursive: true });
}

const save = (file: JsonStateFile, value: unknown) =>
  outcome<{ readonly ok: boolean }>((done) => file.save(JSON.stringify(value), done));

Deno.test("what is saved is loaded by the next one; only root may read it; nothing else is left (STAF-120, STAF-122, DEC-7)", async () => {
  await inFolder(async (folder, log) => {
    const path = `${folder}/state.json`;
    assert.equal(new JsonStateFile(path, log).load(), undefined);
    const state = { dcs: [{ traddr: "fe80::1", n: 3 }], text: "\u0000\u{1f600}" };
    assert.deepEqual(await save(new JsonStateFile(path, log), state), { ok: true, value: undefined });
    assert.deepEqual(new JsonStateFile(path, log).load(), state);
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    assert.deepEqual(await namesIn(folder), ["state.json"]);
    assert.equal(log.entries.length, 0);
  });
});

Deno.test("a file left readable by all, and the rest of a crash, are replaced", async () => {
  await inFolder(async (folder, log) => {
    const path = `${folder}/state.json`;
    await Deno.writeTextFile(path, "{}", { mode: 0o644 });
    await Deno.writeTextFile(`${path}.new`, "torn", { mode: 0o644 });
    await save(new JsonStateFile(path, log), 1);
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    assert.equal(new JsonStateFile(path, log).load(), 1);
  });
});

Deno.test("damaged, foreign and newer files count as empty, and are reported (STAF-121)", async () => {
  await inFolder(async (folder, log) => {
    const path = `${folder}/state.json`;
    const file = new JsonStateFile(path, log);
    await save(file, { a: 1 });
    const whole = await Deno.readTextFile(path);
    for (
      const text of [
        "",
        "null",
        "[]",
        "\x80\x03}",
        whole.slice(0, -3),
        whole.replace('"version":1', '"version":2'),
        "{}",
      ]
    ) {
      await Deno.writeTextFile(path, text);
      log.entries.length = 0;
      assert.equal(file.load(), undefined, text);
      assert.equal(log.entries.length, 1, text);
      assert.match(log.entries[0]?.message ?? "", /state\.json is not used: /);
    }
  });
});

Deno.test("many saves at once: the last one wins, everybody learns the outcome, never from inside the call", async () => {
  await inFolder(async (folder, log) => {
    const path = `${folder}/state.json`;
    const file = new JsonStateFile(path, log);
    let told = 0;
    const all = Array.from(
      { length: 100 },
      (_, i) =>
        outcome<unknown>((done) =>
          file.save(String(i), (result) => {
            told++;
            done(result);
          })
        ),
    );
    assert.equal(told, 0);
    await Promise.all(all);
    assert.equal(told, 100);
    assert.equal(file.load(), 99);
  });
});

Deno.test("a folder that is not there is a failure with words", async () => {
  await inFolder(async (folder, log) => {
    const result = await outcome<{ readonly ok: boolean }>((done) =>
      new JsonStateFile(`${folder}/no/state.json`, log).save("1", done)
    );
    assert.equal(result.ok, false);
    assert.match(Deno.inspect(result), /cannot save .*state\.json/);
  });
});

Deno.test("the file is in the unit's runtime directory", () => {
  assert.equal(stateFilePath("stafd", undefined), "/run/stafd/last-known-config.json");
  assert.equal(stateFilePath("stafd", "/run/x:/run/y"), "/run/x/last-known-config.json");
  const several = "/run/nvme:/run/nvme/registry:/run/stafd:/run/udev/rules.d";
  assert.equal(stateFilePath("stafd", several), "/run/stafd/last-known-config.json", "not the registry's");
});

Deno.test("a long text is written piece by piece, and no character is cut in two", async () => {
  await inFolder(async (folder, log) => {
    const file = new JsonStateFile(`${folder}/state.json`, log);
    for (const before of ["", "x", "\u00fc", "\u20ac"]) {
      const state = before + "\u{1f600}".repeat(100_000) + "x".repeat(70_000) + "\u20ac".repeat(70_000);
      assert.deepEqual(await save(file, state), { ok: true, value: undefined });
      assert.ok(file.load() === state, `after ${JSON.stringify(before)}`);
    }
  });
});
