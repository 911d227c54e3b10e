import assert from "node:assert/strict";
import fc from "fast-check";
import type { JsonResult } from "../../../src/lib/dbus/json_reader.ts";
import {
  parseEvent,
  parseExplanation,
  parseHealth,
  parsePlan,
  parseState,
} from "../../../src/lib/dbus/v1_parse.ts";
import type {
  V1Change,
  V1Controller,
  V1Event,
  V1Explanation,
  V1Health,
  V1Plan,
  V1State,
} from "../../../src/lib/dbus/v1_types.ts";
import type { StafdReport } from "../../../src/lib/ports.ts";
import {
  pageInFields,
  pageInTexts,
  pagesInTexts,
  parsePage,
  parsePageEntries,
  parsePageIndex,
  parsePages,
} from "../../../src/lib/dbus/v1_pages.ts";
import { entryFromText } from "../../../src/lib/nvme/entry_text.ts";
import { discoveryEntry, ENTRY_TEXTS } from "../nvme/samples.ts";

const tid = {
  transport: "tcp",
  traddr: "10.0.0.1",
  trsvcid: "8009",
  subsysnqn: "nqn.x",
  hostTraddr: "",
  hostIface: "eth0",
  hostNqn: "nqn.h",
} as const;
const head = { schema: 1, daemon: "stacd", at: 5 } as const;
const controller: V1Controller = {
  tid,
  text: "(tcp, 10.0.0.1, 8009)",
  kind: "io",
  device: "nvme1",
  phase: "failing",
  since: 1,
  detail: "",
  kernelState: "",
  sources: [{ kind: "log-page", text: "of a DC" }],
  attempts: 2,
  lastFailure: {
    phase: "connect",
    kind: "transient",
    errno: "ECONNREFUSED",
    status: null,
    message: "refused",
    remedy: null,
    at: 3,
  },
  nextTry: 9,
  removeAt: null,
  namespaces: ["nvme1n1"],
  model: "",
  serial: "",
  dctype: "",
  cntlid: "",
  logPage: { genctr: "18446744073709551615", readAt: 2, entries: 3 },
};
const finding = { severity: "warning", file: "f", line: 1, column: 2, message: "m" } as const;
const state: V1State = {
  ...head,
  version: "1",
  started: 0,
  host: { nqn: "n", id: "i", symname: "" },
  config: { file: "f", loadedAt: 0, valid: true, findings: [finding] },
  avahi: { available: true, services: 2 },
  stafd: { present: true, reportedAt: null, aenToConnect: { bounds: [100], counts: [2, 1], sum: 7 } },
  controllers: [controller],
};
const change: V1Change = {
  action: "disconnect",
  tid,
  text: "t",
  kind: "io",
  device: "nvme1",
  at: null,
  reasons: ["because"],
};
const plan: V1Plan = {
  ...head,
  valid: true,
  findings: [finding],
  changes: [change],
  held: [{ tid, text: "t", device: "nvme2", why: "mounted on /srv", reasons: ["gone"] }],
  unchanged: 1,
  unknowns: ["u"],
};
const explanation: V1Explanation = {
  ...head,
  query: "q",
  matches: [{
    tid,
    text: "t",
    device: "",
    phase: "gone",
    headline: "h",
    chain: [{ step: "source", at: null, text: "s" }, { step: "next", at: 6, text: "n" }],
  }],
};
const health: V1Health = {
  ...head,
  status: "degraded",
  counts: { wanted: 1, connected: 0, failing: 1, waiting: 0 },
  problems: [{ id: "controller-failing", text: "t", remedy: null }],
};
const event: V1Event = { ...head, type: "failed", tid: null, text: "", device: "", message: "m" };
const pages: StafdReport = {
  dcs: [{
    tid,
    device: "nvme0",
    page: "cached",
    genctr: "1",
    readAt: 4,
    toldAt: 3,
    entries: [discoveryEntry(), entryFromText({ trtype: "tcp" })],
  }],
  retired: [{ tid, why: "w", at: 5 }],
  unknowns: ["u"],
};

const { entries: _entries, ...listed } = { ...pages.dcs[0], tid, authority: "mdns eth0" };
const index = { schema: 1, ...pages, dcs: [{ ...listed, count: 1, bytes: 20 }] };
const TEXTS = [ENTRY_TEXTS, { trtype: "tcp" }];
/** As stafd writes it. */
const written = pagesInTexts(pages);
const page = pageInTexts(pages.dcs[0]);
const entries = pageInFields(pages.dcs[0]);

Deno.test("the index of pages and one page are read as they were written; what is garbled is no empty list", () => {
  assert.deepEqual(parsePageIndex(JSON.stringify(index)), {
    ok: true,
    value: { dcs: index.dcs, retired: pages.retired, unknowns: pages.unknowns },
  });
  assert.deepEqual(parsePage(JSON.stringify(page)), { ok: true, value: pages.dcs[0] });
  assert.deepEqual(parsePageEntries(JSON.stringify(entries)), { ok: true, value: pages.dcs[0] });
  assert.deepEqual(page.dc?.entries, TEXTS, "as a stacd of 1.0.0 reads them");
  assert.deepEqual(written.dcs[0]?.entries, TEXTS);
  for (const parse of [parsePage, parsePageEntries]) {
    assert.deepEqual(parse('{"schema":1,"dc":null}'), { ok: true, value: undefined });
  }
  const wrong = [
    [parsePageIndex, JSON.stringify({ ...index, schema: 2 })],
    [parsePageIndex, JSON.stringify({ ...index, dcs: [{ ...listed, bytes: 20 }] })],
    [parsePageIndex, JSON.stringify({ ...index, dcs: {} })],
    [parsePage, JSON.stringify({ ...page, schema: 2 })],
    [parsePage, JSON.stringify({ schema: 1, dc: listed })],
    [parsePage, "[]"],
    [parsePageEntries, JSON.stringify(page)],
    [parsePageEntries, JSON.stringify({ ...entries, schema: 2 })],
    [parsePageEntries, JSON.stringify({ schema: 1, dc: listed })],
    [parsePageEntries, "[]"],
  ] as const;
  for (const [parse, text] of wrong) assert.equal(parse(text).ok, false, text);
});

const documents: readonly (readonly [string, unknown, (text: string) => JsonResult<unknown>])[] = [
  ["state", state, parseState],
  ["plan", plan, parsePlan],
  ["explanation", explanation, parseExplanation],
  ["health", health, parseHealth],
  ["event", event, parseEvent],
  ["pages", written, parsePages],
  ["page_entries", entries, parsePageEntries],
];

Deno.test("an entry as numbers: out of range or of another kind it is none; a word of a later version is a reserved code", () => {
  const one = entries.dc?.entries[0];
  const read = (more: object) => {
    const dc = { ...entries.dc, entries: [{ ...one, ...more }] };
    const found = parsePageEntries(JSON.stringify({ ...entries, dc }));
    return found.ok ? found.value?.entries[0] : found.message;
  };
  for (const name of ["trtype", "adrfam", "subtype", "treq"]) {
    assert.deepEqual(read({ [name]: 255 }), discoveryEntry({ [name]: 255 }));
    for (const bad of [256, -1, 0.5, "3", null]) {
      assert.equal(read({ [name]: bad }), "page_entries.dc.entries[0]: not an entry", `${name} ${bad}`);
    }
  }
  for (const name of ["portid", "cntlid", "asqsz", "eflags"]) {
    assert.deepEqual(read({ [name]: 65_535 }), discoveryEntry({ [name]: 65_535 }));
    for (const bad of [65_536, -1, 0.5, "3", null]) {
      assert.equal(read({ [name]: bad }), "page_entries.dc.entries[0]: not an entry", `${name} ${bad}`);
    }
  }
  for (
    const bad of [
      { kind: "fc" },
      { kind: "tcp" },
      { kind: "tcp", sectype: 1 },
      { kind: "rdma" },
      "none",
      null,
    ]
  ) {
    assert.equal(read({ tsas: bad }), "page_entries.dc.entries[0]: not an entry", JSON.stringify(bad));
  }
  const tsasOf = (tsas: object) => {
    const entry = read({ tsas });
    return typeof entry === "object" ? entry.tsas : entry;
  };
  const rdma = { kind: "rdma", qptype: "datagram", prtype: "iwarp", cms: "cm" };
  assert.deepEqual(tsasOf({ kind: "tcp", sectype: "tls1.3" }), { kind: "tcp", sectype: "tls1.3" });
  assert.deepEqual(tsasOf({ kind: "tcp", sectype: "tls2" }), { kind: "tcp", sectype: "reserved" });
  assert.deepEqual(tsasOf(rdma), rdma);
  assert.deepEqual(tsasOf({ ...rdma, prtype: "rocev3" }), { ...rdma, prtype: "reserved" });
});

Deno.test("each document is read as it was written, and members of later versions are ignored", () => {
  for (const [name, document, parse] of documents) {
    const value = name === "pages" ? pages : name === "page_entries" ? pages.dcs[0] : document;
    assert.deepEqual(parse(JSON.stringify(document)), { ok: true, value }, name);
    const later = JSON.parse(
      JSON.stringify(document),
      (name, value: unknown) =>
        typeof value === "object" && value !== null && !Array.isArray(value) && name !== "texts"
          ? { ...value, newer: [1] }
          : value,
    );
    if (name !== "pages") assert.deepEqual(parse(JSON.stringify(later)), { ok: true, value }, name);
  }
});

/** Every place in a document, and the document with something else in that place. */
function* broken(value: unknown, wrong: unknown): Generator<readonly [string, unknown]> {
  if (Array.isArray(value)) {
    for (const [n, item] of value.entries()) {
      for (const [path, other] of broken(item, wrong)) yield [`[${n}]${path}`, value.with(n, other)];
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      for (const [path, other] of broken(item, wrong)) yield [`.${key}${path}`, { ...value, [key]: other }];
    }
  }
  yield ["", wrong];
}

Deno.test("whatever is missing or of another type is an error that names the place", () => {
  for (const [name, document, parse] of documents) {
    let places = 0;
    for (const wrong of [{ strange: true }, undefined]) {
      for (const [path, other] of broken(document, wrong)) {
        if (path === "" && wrong === undefined) continue;
        const result = parse(JSON.stringify(other));
        // Members that may be null may be missing.
        const nullable = wrong === undefined &&
          /(?:avahi|stafd|reportedAt|aenToConnect|toldAt|lastFailure|errno|status|remedy|nextTry|removeAt|logPage|\.dc|\.at|\.tid)$/
            .test(path);
        if (nullable && result.ok) continue;
        // The texts of an entry may have any keys; in a list, undefined becomes null.
        const isOfTexts = name === "pages"
          ? /entries\[\d\](?:\.[a-z]+)?$/.test(path)
          : /entries\[\d\]\.texts\.[a-z]+$/.test(path);
        if (isOfTexts && wrong === undefined && result.ok) continue;
        assert.ok(!result.ok, `${name}${path}: ${JSON.stringify(other)}`);
        assert.ok(result.message.startsWith(name), result.message);
        places += 1;
      }
    }
    assert.ok(places > 8, name);
  }
});

Deno.test("no text makes a parser throw or gives a report out of nothing", () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ dcs: fc.jsonValue(), retired: fc.jsonValue() }).map((value) => JSON.stringify(value)),
  );
  fc.assert(fc.property(text, (input) => {
    for (const [, , parse] of documents) {
      const result = parse(input);
      if (result.ok) assert.equal(parse, parsePages);
    }
    const report = parsePages(input);
    if (report.ok) {
      const parsed: unknown = JSON.parse(input);
      assert.ok(typeof parsed === "object" && parsed !== null && "dcs" in parsed && "retired" in parsed);
    }
  }));
});
