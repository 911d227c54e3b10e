import assert from "node:assert/strict";
import type { ExtendedEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import {
  decodeLogHeader,
  DLPF,
  hasAddress,
  LOG_ENTRY,
  LOG_HEADER,
  MAX_ENTRIES,
  MAX_LOG,
} from "../../../src/lib/nvme/discovery_log.ts";
import { entryToText } from "../../../src/lib/nvme/entry_text.ts";
import { discoveryEntry } from "./samples.ts";
import { decodeDiscoveryLog, encodeDiscoveryLog } from "../../wire/discovery_log.ts";

const at = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The page with some bytes changed. */
function patched(page: Uint8Array, change: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const copy = page.slice();
  change(at(copy), copy);
  return copy;
}

function problem(page: Uint8Array): { at: number; problem: string } {
  const log = decodeDiscoveryLog(page);
  assert.ok(!log.ok);
  return log;
}

const extendedEntry: ExtendedEntry = {
  ...discoveryEntry(),
  attributes: [{ type: 1, value: new Uint8Array(16).fill(7) }, { type: 2, value: new Uint8Array(4) }],
};

Deno.test("the fields are where the specification puts them", () => {
  const page = new Uint8Array(2048);
  const view = at(page);
  const put = (offset: number, text: string) => page.set(new TextEncoder().encode(text), 1024 + offset);
  view.setBigUint64(0, 0xfedc_ba98_7654_3210n, true);
  view.setBigUint64(8, 1n, true);
  page.set([3, 2, 2, 0x05], 1024);
  view.setUint16(1024 + 4, 0x1234, true);
  view.setUint16(1024 + 6, 0xffff, true);
  view.setUint16(1024 + 8, 32, true);
  view.setUint16(1024 + 10, 4, true);
  put(32, "4420                            ");
  put(256, "nqn.s\0garbage");
  put(512, " fe80::1   ");
  page[1024 + 768] = 2;
  const log = decodeDiscoveryLog(page);
  assert.deepEqual(log, {
    ok: true,
    value: {
      genctr: 0xfedc_ba98_7654_3210n,
      entries: [{
        trtype: 3,
        adrfam: 2,
        subtype: 2,
        treq: 5,
        portid: 0x1234,
        cntlid: 0xffff,
        asqsz: 32,
        eflags: 4,
        traddr: "fe80::1",
        trsvcid: "4420",
        subnqn: "nqn.s",
        tsas: { kind: "tcp", sectype: "tls1.3" },
      }],
    },
  });
});

Deno.test("rdma and fc entries", () => {
  const rdma = {
    ...discoveryEntry(),
    trtype: 1,
    tsas: { kind: "rdma", qptype: "connected", prtype: "rocev2", cms: "cm" } as const,
  };
  const fc = {
    ...discoveryEntry(),
    trtype: 2,
    adrfam: 4,
    tsas: { kind: "none" as const },
    traddr: "nn-0x1,pn-0x2",
  };
  const log = decodeDiscoveryLog(encodeDiscoveryLog({ genctr: 1n, entries: [rdma, fc] }));
  assert.ok(log.ok);
  assert.deepEqual(log.value.entries, [rdma, { ...fc, traddr: "nn-0x1:pn-0x2" }]);
});

Deno.test("extended entries are walked by their own lengths", () => {
  const log = { genctr: 9n, entries: [extendedEntry, discoveryEntry({ subnqn: "nqn.2" }), extendedEntry] };
  const page = encodeDiscoveryLog(log, DLPF.extended);
  assert.equal(page.length, LOG_HEADER + 3 * (LOG_ENTRY + 8) + 2 * (20 + 8));
  assert.equal(at(page).getUint32(20, true), page.length);
  assert.equal(at(page).getUint32(LOG_HEADER + 1024, true), 1060);
  assert.equal(at(page).getUint16(LOG_HEADER + 1028, true), 2);
  const entries = [discoveryEntry(), discoveryEntry({ subnqn: "nqn.2" }), discoveryEntry()];
  assert.deepEqual(decodeDiscoveryLog(page), { ok: true, value: { genctr: 9n, entries } });
});

Deno.test("an empty page", () => {
  assert.deepEqual(decodeDiscoveryLog(new Uint8Array(1024)), {
    ok: true,
    value: { genctr: 0n, entries: [] },
  });
  const extended = patched(new Uint8Array(1024), (view) => view.setUint8(18, DLPF.extended));
  assert.deepEqual(decodeDiscoveryLog(extended), { ok: true, value: { genctr: 0n, entries: [] } });
});

Deno.test("headers that lie", () => {
  const page = encodeDiscoveryLog({ genctr: 1n, entries: [discoveryEntry(), discoveryEntry()] });
  assert.equal(problem(page.subarray(0, 23)).at, 23);
  assert.equal(problem(patched(page, (view) => view.setUint16(16, 1, true))).at, 16);
  assert.equal(problem(patched(page, (view) => view.setBigUint64(8, BigInt(MAX_ENTRIES + 1), true))).at, 8);
  assert.equal(problem(patched(page, (view) => view.setBigUint64(8, 1n << 63n, true))).at, 8);
  assert.match(problem(patched(page, (view) => view.setBigUint64(8, 3n, true))).problem, /3072.*4096/);
  assert.match(problem(patched(page, (view) => view.setBigUint64(8, 1n, true))).problem, /3072.*2048/);
  assert.match(problem(page.subarray(0, 3071)).problem, /3071 bytes/);
});

Deno.test("extended pages that lie", () => {
  const page = encodeDiscoveryLog({ genctr: 1n, entries: [extendedEntry, extendedEntry] }, DLPF.extended);
  const first = LOG_HEADER + 1024;
  for (const tdlpl of [0, 1024, LOG_HEADER + 2 * 1032 - 4, MAX_LOG + 4, page.length + 1]) {
    assert.equal(problem(patched(page, (view) => view.setUint32(20, tdlpl, true))).at, 20, `TDLPL ${tdlpl}`);
  }
  for (const tel of [0, 1024, 1031, 1034, 0xffff_fffc]) {
    assert.match(
      problem(patched(page, (view) => view.setUint32(first, tel, true))).problem,
      /entry 1 of 2: entry length/,
    );
  }
  const second = first + 1060;
  for (const tel of [1064, 1068, 1096]) {
    const lying = patched(page, (view) => {
      view.setUint32(second, tel, true);
      view.setUint16(second + 4, 3, true);
    });
    assert.match(problem(lying).problem, /entry 2 of 2: entry length/, "beyond the end of the page");
  }
  const greedy = patched(page, (view) => view.setUint32(first, 1060 + 32, true));
  assert.match(problem(greedy).problem, /entry 2 of 2 at byte 2116 needs 1032 bytes, 1028 are left/);
  assert.match(
    problem(patched(page, (view) => view.setUint16(first + 4, 3, true))).problem,
    /entry 1 of 2: extended attribute 3 of 3 at byte \d+ starts past the end/,
  );
  for (const [length, words] of [[0, /length 0/], [3, /length 3/], [24, /reaches past/]] as const) {
    const lying = patched(page, (view) => view.setUint16(first + 8 + 20 + 2, length, true));
    assert.match(problem(lying).problem, words);
  }
  // A count that is too low would hide the second entry.
  assert.match(
    problem(patched(page, (view) => view.setBigUint64(8, 1n, true))).problem,
    /1 entries end at byte/,
  );
});

Deno.test("texts that are none: the page says where", () => {
  const page = encodeDiscoveryLog({ genctr: 1n, entries: [discoveryEntry(), discoveryEntry()] });
  const second = LOG_HEADER + LOG_ENTRY;
  for (const [offset, name] of [[32, "trsvcid"], [256, "subnqn"], [512, "traddr"]] as const) {
    for (const byte of [0xff, 0x0a, 0x1b, 0x7f]) {
      const found = problem(
        patched(page, (_, bytes) => bytes.fill(byte, second + offset, second + offset + 1)),
      );
      assert.equal(found.at, second + offset);
      assert.match(found.problem, new RegExp(`entry 2 of 2: ${name} at byte ${second + offset} is not text`));
    }
  }
  const afterNul = patched(page, (_, bytes) => bytes.fill(0xff, second + 512 + 100, second + 512 + 200));
  assert.ok(decodeDiscoveryLog(afterNul).ok, "what follows a NUL does not count");
});

Deno.test("a field without NUL ends where the field ends", () => {
  const entry = discoveryEntry({ trsvcid: "1".repeat(32), subnqn: "n".repeat(256), traddr: "a".repeat(256) });
  const log = decodeDiscoveryLog(encodeDiscoveryLog({ genctr: 1n, entries: [entry] }));
  assert.ok(log.ok);
  assert.deepEqual(log.value.entries, [entry]);
  const long = { genctr: 1n, entries: [discoveryEntry({ trsvcid: "1".repeat(33) })] };
  assert.throws(() => encodeDiscoveryLog(long), RangeError);
});

Deno.test("the header alone gives the length of the page", () => {
  const page = encodeDiscoveryLog({ genctr: 7n, entries: [discoveryEntry()] });
  const header = decodeLogHeader(page.subarray(0, 24));
  assert.deepEqual(header, { ok: true, value: { genctr: 7n, numrec: 1, dlpf: 0, length: 2048 } });
});

Deno.test("STAF-57: entries without an address", () => {
  const without = ["", "  ", "0.0.0.0", "::", "0:0::0", "::ffff:0.0.0.0", " :: "];
  for (const traddr of without) assert.ok(!hasAddress({ traddr }), traddr);
  for (const traddr of ["10.0.0.1", "host", "nn-0x1:pn-0x2"]) assert.ok(hasAddress({ traddr }));
});

Deno.test("requirements 50: entries as texts", () => {
  const entry = discoveryEntry({ treq: 4, eflags: 4 });
  assert.deepEqual(Object.entries(entryToText(entry)), [
    ["trtype", "tcp"],
    ["adrfam", "ipv4"],
    ["traddr", "10.0.0.1"],
    ["trsvcid", "4420"],
    ["subnqn", "nqn.s"],
    ["subtype", "nvme"],
    ["treq", "disable sqflow"],
    ["tsas", "{'sectype': 'none'}"],
    ["portid", "1"],
    ["cntlid", "65535"],
    ["asqsz", "32"],
    ["eflags", "4"],
  ]);
  const rdma = discoveryEntry({
    trtype: 1,
    tsas: { kind: "rdma", qptype: "connected", prtype: "rocev2", cms: "cm" },
  });
  assert.equal(
    entryToText(rdma)["tsas"],
    "{'qptype': 'connected', 'prtype': 'rocev2', 'cms': 'cm'}",
  );
  const odd = discoveryEntry({
    trtype: 9,
    adrfam: 254,
    subtype: 7,
    treq: 5,
    tsas: { kind: "tcp", sectype: "reserved" },
  });
  const text = entryToText(odd);
  assert.deepEqual(
    [text["trtype"], text["adrfam"], text["subtype"], text["treq"], text["tsas"]],
    ["9", "254", "7", "5", "{'sectype': 'reserved'}"],
  );
  assert.ok(!("tsas" in entryToText(discoveryEntry({ tsas: { kind: "none" } }))));
});
