/** `history` at the tools: what the daemons remember and what their log, in the journal, says are one story. */
import assert from "node:assert/strict";
import { MAX_OUTPUT, realWorld } from "../../../src/ctl/world.ts";
import type { LogEntry } from "../../../src/lib/ports.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { seconds } from "../../../src/lib/base/time.ts";
import { line, type Site, withSite } from "./site.ts";

/** What journalctl prints of stacd's log: the entries with one of the ids, the newest first, a little late. */
class FakeJournal {
  readonly #entries: { readonly at: number; readonly entry: LogEntry }[] = [];

  constructor({ stage }: Site) {
    stage.world.logged = (who, entry) => {
      if (who === "stacd") this.#entries.push({ at: stage.world.clock.now().wall, entry });
    };
  }

  readonly run = (command: readonly string[]): { success: boolean; out: string; err: string } => {
    assert.equal(command[0], "journalctl");
    const wanted = new Set(
      command.filter((word) => word.startsWith("MESSAGE_ID=")).map((word) =>
        word.slice("MESSAGE_ID=".length)
      ),
    );
    const lines = this.#entries.filter(({ entry }) => wanted.has(entry.fields?.["MESSAGE_ID"] ?? "")).map((
      { at, entry: { message, fields } },
    ) => JSON.stringify({ ...fields, MESSAGE: message, __REALTIME_TIMESTAMP: `${at + 40}000` }));
    return { success: true, out: lines.toReversed().map((text) => `${text}\n`).join(""), err: "" };
  };
}

/** Lost and back, drained and undrained by a person, reloaded, withdrawn and disconnected. */
async function eventful({ stage, run }: Site): Promise<void> {
  const [first, second] = [stage.subsystem("nqn.a", "10.0.1.1"), stage.subsystem("nqn.b", "10.0.1.2")];
  const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(first, "nvme"), entryFor(second, "nvme")]);
  stage.stafdConf(line("traddr=10.0.0.100"));
  stage.stacdConf("");
  await stage.start(20_000);
  stage.world.setManner(first, "silent");
  await stage.run(30_000);
  stage.world.setManner(first, "up");
  await stage.run(60_000);
  assert.equal((await run("stacctl drain 10.0.1.2 --for 2h")).status, 0);
  await stage.run(10_000);
  assert.equal((await run("stacctl undrain 10.0.1.2")).status, 0);
  await stage.run(10_000);
  await stage.age();
  page.edit([entryFor(second, "nvme")], stage.mono);
  await stage.run(60_000);
}

const types = (out: string): readonly string[] =>
  (out.match(/^\S+ \S+/gm) ?? []).map((text) => text.split(" ")[1] ?? "");

const STORY = [
  "stafd-back",
  "connected",
  "connected",
  "link-lost",
  "link-returned",
  "drained",
  "disconnecting",
  "disconnected",
  "undrained",
  "connected",
  "disconnecting",
  "disconnected",
];

function proofs(document: unknown): readonly unknown[] {
  assert.ok(typeof document === "object" && document !== null && "events" in document);
  assert.ok(Array.isArray(document.events));
  return document.events.map(({ type, evidence, uid }) => ({ type, evidence, uid }));
}

Deno.test("history: memory and journal tell each event once, with evidence and uid; either alone tells the same story", () =>
  withSite(async (site) => {
    const journal = new FakeJournal(site);
    await eventful(site);
    const both = await site.run("stacctl history", { run: journal.run });
    assert.equal(both.status, 0);
    assert.equal(both.err, "");
    assert.deepEqual(types(both.out), STORY);
    const proved = await site.run("stacctl history --evidence", { run: journal.run });
    assert.match(
      proved.out,
      /disconnecting +nvme\d+ \(tcp, 10\.0\.1\.1, 4420, nqn\.a\)\n {4}evidence: .*10\.0\.0\.100.*\n/,
    );
    const json = await site.run("stacctl history -o json", { run: journal.run });
    const document: unknown = JSON.parse(json.out);
    assert.ok(typeof document === "object" && document !== null && "events" in document);
    assert.ok(Array.isArray(document.events));
    const acts = document.events.filter(({ type }) => type === "drained" || type === "undrained");
    assert.deepEqual(acts.map(({ uid }) => uid), [0, 0]);
    assert.match(acts[0].evidence, /drained by uid 0 until .*: 10\.0\.1\.2/);

    const memory = await site.run("stacctl history");
    assert.equal(memory.status, 0);
    assert.match(memory.err, /^stacctl: the journal was not read: journalctl is not installed/);
    assert.deepEqual(types(memory.out), STORY);
    const remembered: unknown = JSON.parse((await site.run("stacctl history -o json")).out);
    assert.deepEqual(proofs(remembered), proofs(document), "the daemon has evidence and uid by itself");

    const alone = await site.run("stacctl history", { run: journal.run, bus: "unix:path=/nowhere" });
    assert.equal(alone.status, 0);
    assert.match(alone.err, /start it: systemctl start dbus/);
    assert.deepEqual(types(alone.out), STORY);
  }));

Deno.test("history: what a restarted daemon has forgotten is read from the journal", () =>
  withSite(async (site) => {
    const journal = new FakeJournal(site);
    await eventful(site);
    const { stage } = site;
    stage.stacd.kill();
    await stage.run(20_000);
    stage.startStacd();
    await stage.run(30_000);
    assert.ok(!types((await site.run("stacctl history")).out).includes("drained"));
    const { out } = await site.run("stacctl history", { run: journal.run });
    assert.deepEqual(types(out).slice(0, STORY.length), STORY);
    assert.equal(types(out).filter((type) => type === "connected").length, 4, "taken over once, told once");
  }));

Deno.test("a program's output is read up to a bound, and the program is not waited for", async () => {
  const { run } = realWorld();
  const endless = await run(["sh", "-c", "echo start; yes"], seconds(60));
  assert.ok(endless !== undefined);
  assert.equal(endless.isCut, true);
  assert.equal(endless.out.length, MAX_OUTPUT);
  assert.ok(endless.out.startsWith("start\n"));
  const noisy = await run(["sh", "-c", "head -c 1000000 /dev/zero >&2; echo done"], seconds(60));
  assert.equal(noisy?.out, "done\n");
  assert.deepEqual(await run(["sh", "-c", "printf '\\303\\244'; echo no >&2; exit 3"], seconds(60)), {
    success: false,
    out: "\u00e4",
    err: "no\n",
    isCut: false,
  });
});
