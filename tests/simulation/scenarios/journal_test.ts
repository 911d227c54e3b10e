/** What happens is in the journal: with the id of the catalog, the same word as the event on the bus, and its fields. */
import assert from "node:assert/strict";
import { MESSAGES } from "../../../src/lib/base/messages.ts";
import type { LogEntry } from "../../../src/lib/ports.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { realCores } from "../cores.ts";
import { Stage } from "./stage.ts";

const NQN = "nqn.2014-08.org.example:volume";

function listening(stage: Stage): LogEntry[] {
  const entries: LogEntry[] = [];
  stage.world.logged = (_, entry) => entries.push(entry);
  return entries;
}

const about = (entries: readonly LogEntry[], type: keyof typeof MESSAGES): readonly LogEntry[] =>
  entries.filter(({ fields }) => fields?.["MESSAGE_ID"] === MESSAGES[type]);

Deno.test("journal: connected, lost, back, withdrawn with evidence, gone, removed by others, failed, reloaded", async () => {
  const stage = new Stage(realCores);
  const entries = listening(stage);
  const [first, second] = [stage.subsystem(`${NQN}1`, "10.0.0.25"), stage.subsystem(`${NQN}2`, "10.0.0.26")];
  const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(first, "nvme"), entryFor(second, "nvme")]);
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n");
  stage.stacdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.99;trsvcid=4420;nqn=nqn.none\n");
  await stage.start(20_000);
  stage.world.setManner(first, "silent");
  await stage.run(30_000);
  stage.world.setManner(first, "up");
  await stage.run(60_000);
  const [device] = stage.to(second);
  assert.ok(device !== undefined);
  stage.world.kernel.devices.remove(device);
  await stage.run(30_000);
  await stage.age();
  page.edit([entryFor(first, "nvme")], stage.mono);
  await stage.run(60_000);
  stage.stacdConf("");
  await stage.run(2_000);
  stage.stacdConf("[Global");
  await stage.run(2_000);
  for (
    const type of [
      "connected",
      "failed",
      "link-lost",
      "link-returned",
      "removed",
      "disconnecting",
      "disconnected",
      "log-page",
      "reload",
      "reload-refused",
      "stafd-back",
    ] as const
  ) {
    const lines = about(entries, type);
    assert.ok(lines.length > 0, type);
    for (const { fields = {} } of lines) {
      assert.equal(fields["STAS_EVENT"], type);
      const isAboutController = !["reload", "reload-refused", "stafd-back"].includes(type);
      assert.equal("NVME_SUBSYSNQN" in fields && "NVME_TRADDR" in fields, isAboutController, type);
    }
  }
  const [gone] = about(entries, "disconnected");
  assert.equal(gone?.level, "notice");
  assert.equal(gone?.fields?.["NVME_TRADDR"], "10.0.0.26");
  assert.match(gone?.fields?.["NVME_EVIDENCE"] ?? "", /log page of \(tcp, 10\.0\.0\.100, .*generation \d+/);
  assert.match(gone?.message ?? "", /Disconnected: .*10\.0\.0\.100/);
  assert.equal(about(entries, "disconnecting")[0]?.level, "notice");
  assert.match(about(entries, "link-returned")[0]?.fields?.["NVME_LOST_SECONDS"] ?? "", /^\d+$/);
  assert.equal(about(entries, "failed")[0]?.fields?.["NVME_DEVICE"], "nvme?");
  // No event on the bus without its line, and no word that the catalog does not have.
  const words = new Set(entries.map(({ fields }) => fields?.["STAS_EVENT"]));
  for (const event of stage.events) assert.ok(words.has(String(event["type"])), JSON.stringify(event));
});
