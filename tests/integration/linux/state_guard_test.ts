import assert from "node:assert/strict";
import { JsonStateFile } from "../../../src/lib/linux/state_file.ts";
import { GuardedStateFile } from "../../../src/lib/linux/state_guard.ts";
import { namesIn, outcome, RememberingLog } from "./waiting.ts";

interface Life {
  /** A daemon starts: what it loads. */
  start(): { readonly state: unknown; readonly file: GuardedStateFile };
  names(): Promise<readonly string[]>;
  readonly path: string;
  readonly log: RememberingLog;
}

/** Lives of one daemon on one state file; without an end in order each start follows a SIGKILL. */
async function lives(work: (life: Life) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "stas-guard-" });
  const [path, log] = [`${folder}/state.json`, new RememberingLog()];
  await work({
    path,
    log,
    names: () => namesIn(folder),
    start: () => {
      const file = new GuardedStateFile(new JsonStateFile(path, log), path, log);
      return { state: file.load(), file };
    },
  });
  await Deno.remove(folder, { recursive: true });
}

const save = (file: GuardedStateFile, value: unknown) =>
  outcome<{ readonly ok: boolean }>((done) => file.save(JSON.stringify(value), done));

Deno.test("a state file that was loaded shortly before each of two crashes is set aside, and said to be", async () => {
  await lives(async ({ start, names, path, log }) => {
    await save(start().file, "poison");
    assert.equal(start().state, "poison");
    assert.equal(start().state, "poison", "one crash is no proof");
    assert.equal(log.entries.length, 0);
    const third = start();
    assert.equal(third.state, undefined);
    assert.deepEqual(await names(), ["state.json.set-aside"]);
    assert.match(await Deno.readTextFile(`${path}.set-aside`), /poison/);
    assert.deepEqual(log.entries.map(({ level }) => level), ["error"]);
    assert.match(
      log.entries[0]?.message ?? "",
      /state\.json was loaded .* last 2 crashes.*state\.json\.set-aside/,
    );
    await save(third.file, "new");
    assert.equal(start().state, "new", "what is saved from then on is loaded");
  });
});

Deno.test("whoever lived with it, or ended in order, was not killed by it", async () => {
  await lives(async ({ start, names, log }) => {
    await save(start().file, "good");
    for (let n = 0; n < 10; n++) {
      const { state, file } = start();
      assert.equal(state, "good");
      if (n % 2 === 1) file.proven();
    }
    assert.deepEqual(await names(), ["state.json"]);
    assert.equal(log.entries.length, 0);
  });
});

Deno.test("a state saved before the crash is the same file: it does not begin a new count", async () => {
  await lives(async ({ start }) => {
    await save(start().file, 1);
    for (const n of [1, 2]) {
      const { state, file } = start();
      assert.equal(state, n);
      await save(file, n + 1);
    }
    assert.equal(start().state, undefined);
  });
});

Deno.test("crashes without a state file are none of the file's", async () => {
  await lives(async ({ start, names }) => {
    for (let n = 0; n < 5; n++) assert.equal(start().state, undefined);
    assert.deepEqual(await names(), []);
    await save(start().file, "fresh");
    assert.equal(start().state, "fresh");
  });
});

Deno.test("a damaged file counts as well, and a mark that is none as no crash", async () => {
  await lives(async ({ start, path, names }) => {
    await Deno.writeTextFile(path, "{torn");
    for (let n = 0; n < 3; n++) assert.equal(start().state, undefined);
    assert.deepEqual(await names(), ["state.json.set-aside"]);
    await Deno.writeTextFile(`${path}.loading`, "many\n");
    await save(start().file, "fresh");
    await Deno.writeTextFile(`${path}.loading`, "-7");
    assert.equal(start().state, "fresh");
  });
});

Deno.test("where no mark can be made the state is loaded all the same, and it is said", async () => {
  await lives(async ({ start, path, log }) => {
    await save(start().file, "good");
    await Deno.mkdir(`${path}.loading`);
    assert.equal(start().state, "good");
    assert.equal(log.entries[0]?.level, "warning");
  });
});
