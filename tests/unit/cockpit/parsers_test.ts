/** What the page of Cockpit reads of programs: systemctl, journalctl, lsblk. */
import assert from "node:assert/strict";
import { parseSizes, sizeText } from "../../../cockpit/src/block_sizes.ts";
import { parseJournalLine } from "../../../cockpit/src/journal_line.ts";
import { parseUnits } from "../../../cockpit/src/unit_states.ts";

Deno.test("units: one block each, also of what is not installed", () => {
  const units = parseUnits(
    "Id=stacd.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n" +
      "StatusText=a=b\n\nId=avahi-daemon.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n",
  );
  assert.deepEqual(units.get("stacd"), {
    isInstalled: true,
    active: "active",
    sub: "running",
    file: "enabled",
    text: "a=b",
  });
  assert.equal(units.get("avahi-daemon")?.isInstalled, false);
  assert.equal(parseUnits("").size, 0);
});

Deno.test("journal: texts, bytes in place of a text, and what is no line", () => {
  const line = {
    __REALTIME_TIMESTAMP: "1700000000000000",
    PRIORITY: "4",
    SYSLOG_IDENTIFIER: "stacd",
    MESSAGE: "m",
  };
  assert.deepEqual(parseJournalLine(JSON.stringify(line)), {
    at: 1_700_000_000_000,
    priority: 4,
    who: "stacd",
    message: "m",
  });
  assert.equal(parseJournalLine(JSON.stringify({ ...line, MESSAGE: [104, 105] }))?.message, "hi");
  assert.equal(parseJournalLine(JSON.stringify({ ...line, MESSAGE: null }))?.message, "");
  assert.equal(parseJournalLine("-- No entries --"), undefined);
  assert.equal(parseJournalLine("[]"), undefined);
});

Deno.test("sizes: numbers, texts of older lsblk, and rubbish", () => {
  const sizes = parseSizes(
    '{"blockdevices": [{"name": "a", "size": 1024}, {"name": "b", "size": "2048"}, {"name": 3}]}',
  );
  assert.deepEqual([...sizes], [["a", 1024], ["b", 2048]]);
  assert.equal(parseSizes("lsblk: not found").size, 0);
  assert.equal(parseSizes("[]").size, 0);
  assert.deepEqual([0, 1023, 1024, 107_374_182_400, 2 ** 60].map(sizeText), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "100 GiB",
    "1024 PiB",
  ]);
});
