/** An entry is read back from its texts as it was; what no entry of ours prints is kept, and asks for nothing new. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { eflagsNcc, tidOfEntry } from "../../../src/lib/core/sources/entry_tid.ts";
import {
  CMSES,
  type DiscoveryEntry,
  PRTYPES,
  QPTYPES,
  SECTYPES,
  SUBTYPE,
} from "../../../src/lib/nvme/discovery_entry.ts";
import { LOG_HEADER } from "../../../src/lib/nvme/discovery_log.ts";
import { entryFromText, type EntryTexts, entryToText } from "../../../src/lib/nvme/entry_text.ts";
import { namesTls, tlsOfEntry } from "../../../src/lib/nvme/entry_tls.ts";
import { discoveryEntry } from "../../unit/nvme/samples.ts";
import { decodeDiscoveryLog, encodeDiscoveryLog } from "../../wire/discovery_log.ts";
import { basicEntry } from "./arbitraries.ts";

const DC: Tid = {
  transport: "tcp",
  traddr: "10.0.0.9",
  trsvcid: "8009",
  subsysnqn: "nqn.dc",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "nqn.h",
};

/** What the decoder makes of the entry's bytes. */
function read(page: Uint8Array): DiscoveryEntry {
  const log = decodeDiscoveryLog(page);
  assert.ok(log.ok);
  const [entry] = log.value.entries;
  assert.ok(entry !== undefined && log.value.entries.length === 1);
  return entry;
}

Deno.test("every entry that the decoder makes is read back from its texts as it was", () => {
  fc.assert(fc.property(basicEntry, (entry) => {
    const decoded = read(encodeDiscoveryLog({ genctr: 1n, entries: [entry] }));
    assert.deepEqual(entryFromText(entryToText(decoded)), decoded);
  }));
});

Deno.test("every code of every field is read back, reserved ones included", () => {
  const page = encodeDiscoveryLog({ genctr: 1n, entries: [discoveryEntry()] });
  for (const trtype of [0, 1, 2, 3, 4, 254]) {
    page[LOG_HEADER] = trtype;
    for (const offset of [1, 2, 3, 768, 769, 770]) {
      const at = LOG_HEADER + offset;
      const before = page[at] ?? 0;
      for (let code = 0; code < 256; code++) {
        page[at] = code;
        const entry = read(page);
        assert.deepEqual(
          entryFromText(entryToText(entry)),
          entry,
          `transport ${trtype}, byte ${offset}: ${code}`,
        );
      }
      page[at] = before;
    }
  }
});

Deno.test("numbers keep their values up to the largest", () => {
  for (
    const name of ["trtype", "adrfam", "subtype", "treq", "portid", "cntlid", "asqsz", "eflags"] as const
  ) {
    for (const number of [0, 1, 127, 255, ...(/id$|sz|flags/.test(name) ? [256, 65_535] : [])]) {
      const entry = discoveryEntry({ [name]: number });
      const again = entryFromText(entryToText(entry));
      assert.ok(!("texts" in again) && again[name] === number, `${name} ${number}`);
    }
  }
});

/** Words, numbers, and what is none of either. */
const text = fc.oneof(
  fc.constantFrom("tcp", "rdma", "fc", "loop", "pcie", "nvme", "referral", "required", "not specified", ""),
  fc.constantFrom("0", "1", "3", "03", "254", "256", "65536", " 4", "0x4", "-1", "1e3", "NaN", "4.0"),
  fc.constantFrom("{'sectype': 'none'}", "{'sectype': 'tls2'}", "{'sectype': 'tls'}", "{'sectype':'none'}"),
  fc.constantFrom("{'qptype': 'connected'}", "10.0.0.1", " 10.0.0.1 ", "nqn.x", "4420"),
  fc.string({ maxLength: 8 }),
);
const foreign: fc.Arbitrary<EntryTexts> = fc.dictionary(
  fc.constantFrom(...Object.keys(entryToText(discoveryEntry())), "more"),
  text,
  { noNullPrototype: true },
);

/** What the same texts meant while the daemons compared texts (1.0.0). */
const before = {
  subtype: (texts: EntryTexts, word: string): boolean => texts["subtype"] === word,
  transport: (texts: EntryTexts): string | undefined =>
    ["tcp", "rdma", "fc", "loop"].find((word) => word === texts["trtype"]),
  ncc: (texts: EntryTexts): boolean => (Number(texts["eflags"] ?? "0") & 4) !== 0,
  tls: ({ trtype, tsas = "", treq = "" }: EntryTexts): string => {
    if (trtype !== "tcp" || tsas === "" || /^\{\s*'sectype'\s*:\s*'none'\s*\}$/.test(tsas)) return "none";
    const word = ["not specified", "required", "not required", "", "disable sqflow"].indexOf(treq);
    const number = treq === "" || word < 0 ? /^[0-9]{1,3}$/.test(treq) ? Number(treq) : 256 : word;
    return number > 255 || (number & 1) !== 0 ? "required" : "offered";
  },
};

Deno.test("texts of another program are kept as they are, and mean what they meant", () => {
  fc.assert(
    fc.property(foreign, (texts) => {
      const entry = entryFromText(texts);
      assert.deepEqual(entryToText(entry), texts, "nothing is lost");
      assert.equal(entry.subtype === SUBTYPE.nvme, before.subtype(texts, "nvme"));
      assert.equal(entry.subtype === SUBTYPE.referral, before.subtype(texts, "referral"));
      const tid = tidOfEntry(entry, DC);
      if (tid !== undefined) assert.equal(tid.transport, before.transport(texts));
      const whole = { ...texts, traddr: "10.0.0.1", subnqn: "nqn.x" };
      assert.equal(tidOfEntry(entryFromText(whole), DC)?.transport, before.transport(texts));
      assert.equal(eflagsNcc(entry), before.ncc(texts));
      assert.equal(tlsOfEntry(entry), before.tls(texts));
      assert.equal(namesTls(entry), (texts["tsas"] ?? "").includes("'tls"));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("an entry that is ours in every text is ours; with one text more, less or other it is not", () => {
  const texts = entryToText(discoveryEntry());
  const isOurs = (one: EntryTexts): boolean => !("texts" in entryFromText(one));
  assert.ok(isOurs(texts));
  assert.ok(isOurs(Object.fromEntries(Object.entries(texts).toReversed())), "whatever their order");
  for (const name of Object.keys(texts)) {
    const { [name]: _, ...less } = texts;
    // An entry may have none.
    if (name !== "tsas") assert.ok(!isOurs(less), `without ${name}`);
    // Any text is a name or an address.
    if (!["traddr", "trsvcid", "subnqn"].includes(name)) assert.ok(!isOurs({ ...texts, [name]: "?" }), name);
  }
  assert.ok(!isOurs({ ...texts, more: "" }));
  for (const name of ["trtype", "adrfam", "subtype", "treq", "portid", "cntlid", "asqsz", "eflags"]) {
    assert.ok(isOurs({ ...texts, [name]: "77" }), name);
    for (const number of [" 77", "077", "77.0", "7.7e1", "0x4d", "-77", "", " ", "70000"]) {
      const other = { ...texts, [name]: number };
      assert.ok(!isOurs(other), `${name} ${number}`);
      assert.deepEqual(entryToText(entryFromText(other)), other);
    }
  }
});

Deno.test("TSAS of RDMA is read whole or not at all", () => {
  const words = { qptype: "connected", prtype: "rocev2", cms: "cm" } as const;
  const texts = entryToText(discoveryEntry({ trtype: 1, tsas: { kind: "rdma", ...words } }));
  const whole = texts["tsas"] ?? "";
  assert.deepEqual(entryFromText(texts).tsas, { kind: "rdma", ...words });
  for (const word of Object.values(words)) {
    const tsas = whole.replace(`'${word}'`, "'?'");
    assert.notEqual(tsas, whole);
    assert.deepEqual(entryFromText({ ...texts, tsas }).tsas, { kind: "unknown", tls: false }, word);
  }
});

Deno.test("the words of the codes are all different, and none is the word for the others", () => {
  for (const words of [SECTYPES, QPTYPES, PRTYPES, CMSES]) {
    assert.equal(new Set(words).size, words.length);
    assert.ok(!new Set<string | undefined>(words).has("reserved"));
  }
});
