/** What is kept of a page while it is read, counted; and the page itself, whatever pieces it comes in (S3, S6). */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ExtendedEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import {
  decodeLogHeader,
  DLPF,
  LOG_ENTRY,
  LOG_HEADER,
  MAX_ENTRIES,
  MAX_LOG,
} from "../../../src/lib/nvme/discovery_log.ts";
import { EXTENDED_PART } from "../../../src/lib/nvme/extended_attribute.ts";
import { type LogProgress, LogReader } from "../../../src/lib/nvme/log_reader.ts";
import { MAX_PAGE_TEXT, PageDecoder } from "../../../src/lib/nvme/page_decoder.ts";
import { decodeDiscoveryLog, encodeDiscoveryLog } from "../../wire/discovery_log.ts";
import { discoveryEntry } from "./samples.ts";

interface Read {
  readonly progress: LogProgress;
  /** The most that was kept between two commands. */
  readonly bytes: number;
  readonly entries: number;
}

/** `pageAt`: the page of the target when the n-th command comes. */
function read(pageAt: (n: number) => Uint8Array, hint = 0): Read {
  const reader = new LogReader({ lsp: 0, hint });
  let [bytes, entries] = [0, 0];
  for (let n = 0; n < 10_000; n++) {
    const { offset, length } = reader.command;
    const data = new Uint8Array(length);
    data.set(pageAt(n).subarray(offset, offset + length));
    const progress = reader.feed({ type: "data", bytes: data });
    bytes = Math.max(bytes, reader.kept.bytes);
    entries = Math.max(entries, reader.kept.entries);
    if (progress.type !== "more") return { progress, bytes, entries };
  }
  throw new Error("the reader does not end");
}

const attribute = (length: number) => ({ type: 3, value: new Uint8Array(length).fill(7) });

Deno.test("S6: of a page of 24 MiB no more bytes are kept than one entry has without its attributes", () => {
  const attributes = [attribute(65_532), attribute(4), attribute(65_532)];
  const entries: ExtendedEntry[] = Array.from(
    { length: 180 },
    (_, n) => ({ ...discoveryEntry({ subnqn: `nqn.${n}` }), attributes }),
  );
  const page = encodeDiscoveryLog({ genctr: 1n, entries }, DLPF.extended);
  assert.ok(page.length > 0.9 * MAX_LOG && page.length <= MAX_LOG);
  for (const hint of [0, page.length]) {
    const { progress, bytes } = read(() => page, hint);
    assert.ok(progress.type === "done");
    assert.equal(progress.log.entries.length, entries.length);
    assert.ok(bytes <= LOG_ENTRY + EXTENDED_PART, `${bytes} bytes`);
  }
});

Deno.test("S6: of a page with more text than one may have no entries are kept, and their number is told", () => {
  const name = "x".repeat(223);
  const page = encodeDiscoveryLog({
    genctr: 1n,
    entries: Array.from({ length: MAX_ENTRIES }, () => discoveryEntry({ subnqn: name, traddr: name })),
  });
  const { progress, bytes, entries } = read(() => page);
  assert.ok(progress.type === "done");
  assert.equal(progress.log.tooMany, MAX_ENTRIES);
  assert.equal(progress.log.entries.length, 0);
  assert.ok(entries * 2 * name.length <= MAX_PAGE_TEXT, `${entries} entries`);
  assert.ok(bytes <= LOG_ENTRY);
});

Deno.test("entries without an address take no room, as they are left out", () => {
  const name = "x".repeat(223);
  const entries = Array.from(
    { length: MAX_ENTRIES },
    () => discoveryEntry({ subnqn: name, traddr: "0.0.0.0" }),
  );
  const log = decodeDiscoveryLog(encodeDiscoveryLog({ genctr: 1n, entries }));
  assert.ok(log.ok && log.value.tooMany === undefined);
  assert.equal(log.value.entries.length, MAX_ENTRIES);
});

Deno.test("S3: what is malformed in a page that changes meanwhile is no failure: it is read again", () => {
  const entries = Array.from({ length: 300 }, (_, n) => discoveryEntry({ subnqn: `nqn.${n}` }));
  const torn = encodeDiscoveryLog({ genctr: 1n, entries });
  torn.fill(0xff, LOG_HEADER + 5 * LOG_ENTRY, LOG_HEADER + 6 * LOG_ENTRY);
  const whole = encodeDiscoveryLog({ genctr: 2n, entries });
  const { progress } = read((n) => n < 3 ? torn : whole);
  assert.deepEqual(progress, { type: "done", log: { genctr: 2n, entries } });
  const again = read(() => torn).progress;
  assert.ok(again.type === "failed");
  assert.match(again.failure.message, /entry 6 of 300: trsvcid at byte 6176 is not text/);
});

Deno.test("a page gives the same whatever pieces it comes in, also if it is malformed", () => {
  const entry = fc.record({
    subnqn: fc.constantFrom("nqn.a", "nqn.b"),
    attributes: fc.array(fc.constantFrom(4, 8, 2000), { maxLength: 3 }),
  });
  const scenario = fc.record({
    entries: fc.array(entry, { maxLength: 5 }),
    extended: fc.boolean(),
    pieces: fc.array(fc.constantFrom(4, 64, 1024, 1028, 5000), { minLength: 1, maxLength: 5 }),
    // In the first entry: a text, the length of the entry, the number of its attributes, the length of the first.
    damage: fc.option(fc.record({ at: fc.constantFrom(32, 1024, 1025, 1028, 1034), byte: fc.nat(255) })),
  });
  let [whole, malformed] = [0, 0];
  fc.assert(
    fc.property(scenario, ({ entries, extended, pieces, damage }) => {
      const page = encodeDiscoveryLog({
        genctr: 3n,
        entries: entries.map(({ subnqn, attributes }) => ({
          ...discoveryEntry({ subnqn }),
          attributes: attributes.map(attribute),
        })),
      }, extended ? DLPF.extended : 0);
      const at = LOG_HEADER + (damage?.at ?? 0);
      if (damage !== null && at < page.length) page[at] = damage.byte;
      const header = decodeLogHeader(page);
      assert.ok(header.ok);
      const decoder = new PageDecoder(header.value);
      let next = LOG_HEADER;
      for (let n = 0; next < page.length; n++) {
        const size = pieces[n % pieces.length] ?? 4;
        decoder.add(page.subarray(next, next + size));
        next += size;
        assert.ok(decoder.kept.bytes < LOG_ENTRY + EXTENDED_PART);
      }
      const expected = decodeDiscoveryLog(page);
      assert.deepEqual(decoder.end(), expected);
      if (expected.ok) whole++;
      else malformed++;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(whole > 100 && malformed > 20, `${whole} whole, ${malformed} malformed`);
});
