/** Round trips of every codec. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { getLogCommand } from "../../../src/lib/nvme/admin_command.ts";
import { parseAen } from "../../../src/lib/nvme/aen.ts";
import { encodeDim, encodeRegistration } from "../../../src/lib/nvme/dim.ts";
import { DLPF } from "../../../src/lib/nvme/discovery_log.ts";
import { uuidBytes, uuidText } from "../../../src/lib/nvme/host_nqn.ts";
import { decodeIdentify } from "../../../src/lib/nvme/identify.ts";
import { decodeNbft } from "../../../src/lib/nvme/nbft.ts";
import { encodePassthru, encodePassthru64 } from "../../../src/lib/nvme/passthru.ts";
import { decodeStatus } from "../../../src/lib/nvme/status.ts";
import { decodeSupportedLogs } from "../../../src/lib/nvme/supported_logs.ts";
import { normaliseTid } from "../../../src/lib/nvme/tid.ts";
import { parseUevent } from "../../../src/lib/nvme/uevent.ts";
import { buildNbft, SAMPLE } from "../../unit/nvme/nbft_builder.ts";
import { identifyCtrl } from "../../unit/nvme/samples.ts";
import { basicEntry, entry } from "./arbitraries.ts";
import { getLogOf } from "../../wire/get_log.ts";
import { decodeDim } from "../../wire/dim.ts";
import { decodeDiscoveryLog, encodeDiscoveryLog } from "../../wire/discovery_log.ts";
import { encodeIdentify } from "../../wire/identify.ts";
import { decodePassthru } from "../../wire/passthru.ts";
import { encodeStatus } from "../../wire/status.ts";
import { encodeSupportedLogs } from "../../wire/supported_logs.ts";

const u32 = fc.nat(0xffff_ffff);
const word = fc.nat(0xffff);
const byte = fc.nat(255);

Deno.test("discovery log, basic and extended", () => {
  const genctr = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  fc.assert(fc.property(genctr, fc.array(basicEntry, { maxLength: 5 }), (counter, entries) => {
    const log = { genctr: counter, entries };
    assert.deepEqual(decodeDiscoveryLog(encodeDiscoveryLog(log)), { ok: true, value: log });
  }));
  fc.assert(fc.property(genctr, fc.array(entry, { maxLength: 5 }), (counter, entries) => {
    const page = encodeDiscoveryLog({ genctr: counter, entries }, DLPF.extended);
    const value = { genctr: counter, entries: entries.map(({ attributes: _, ...basic }) => basic) };
    assert.deepEqual(decodeDiscoveryLog(page), { ok: true, value });
  }));
});

Deno.test("discovery log: a page cut anywhere is refused", () => {
  fc.assert(fc.property(fc.array(entry, { minLength: 1, maxLength: 3 }), fc.nat(), (entries, at) => {
    for (const dlpf of [0, DLPF.extended]) {
      const page = encodeDiscoveryLog({ genctr: 1n, entries }, dlpf);
      assert.ok(!decodeDiscoveryLog(page.subarray(0, at % page.length)).ok);
    }
  }));
});

Deno.test("DIM", () => {
  const text = (length: number) => fc.stringMatching(/^[!-~]*$/, { maxLength: length });
  const dim = fc.record({
    entityType: word,
    portLocal: byte,
    keyType: word,
    entityId: text(256),
    entityName: text(256),
    entityVersion: text(64),
    extended: fc.constant(true),
    entries: fc.array(entry, { maxLength: 3 }),
  });
  fc.assert(fc.property(dim, (value) => {
    assert.deepEqual(decodeDim(encodeDim(value)), { ok: true, value: { ...value } });
  }));
});

Deno.test("registrations carry the Host ID and the symbolic name, whatever they are", () => {
  fc.assert(
    fc.property(
      fc.uuid(),
      fc.string({ unit: "grapheme", maxLength: 60 }),
      fc.string(),
      (hostId, symname, host) => {
        const tid = normaliseTid({ transport: "tcp", traddr: "::1" }, {
          hostNqn: "nqn.h",
          ignoreIface: false,
        });
        const data = encodeRegistration({ tid, hostId, symname, hostName: host, version: "v" });
        const fitting = new TextEncoder().encode(symname).length <= 256 && !/\p{Cc}/u.test(symname);
        assert.equal(data.ok, fitting);
        if (!data.ok || /\p{Cc}/u.test(host)) return;
        const dim = decodeDim(data.value);
        assert.ok(dim.ok, JSON.stringify(dim));
        const [id, label] = dim.value.entries[0]?.attributes ?? [];
        assert.equal(uuidText(id?.value ?? new Uint8Array(16)), hostId);
        assert.equal(
          new TextDecoder("utf-8", { ignoreBOM: true }).decode(label?.value).replace(/\0+$/, ""),
          symname,
        );
      },
    ),
  );
});

Deno.test("identify controller", () => {
  const fields = fc.record({
    vid: word,
    mdts: byte,
    cntlid: word,
    ver: u32,
    oaes: u32,
    cntrltype: byte,
    aerl: byte,
    lpa: byte,
    kas: word,
    maxcmd: word,
    sgls: u32,
    ioccsz: u32,
    ofcs: word,
    dctype: byte,
    serial: fc.stringMatching(/^[!-~]{0,20}$/),
    subnqn: fc.stringMatching(/^[!-~]{0,256}$/),
  });
  fc.assert(fc.property(fields, (some) => {
    const ctrl = identifyCtrl(some);
    assert.deepEqual(decodeIdentify(encodeIdentify(ctrl)), { ok: true, value: ctrl });
  }));
});

Deno.test("commands, supported logs, status, AEN, UUID", () => {
  const request = fc.record({
    lid: byte,
    lsp: fc.nat(127),
    rae: fc.boolean(),
    offset: fc.maxSafeNat().map((n) => n - n % 4),
    length: fc.integer({ min: 1, max: 0x3fff_ffff }).map((n) => n * 4),
  }, { noNullPrototype: true });
  fc.assert(fc.property(request, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value, address) => {
    const command = getLogCommand(value);
    assert.deepEqual(getLogOf(command), value);
    if (value.length > 0xffff_ffff) return;
    assert.deepEqual(decodePassthru(encodePassthru(command, address)), { ...command, address });
    assert.deepEqual(decodePassthru(encodePassthru64(command, address)), { ...command, address });
  }));
  fc.assert(fc.property(fc.dictionary(fc.constantFrom("0", "112", "255"), u32), (logs) => {
    const entries = new Map(Object.entries(logs).map(([lid, value]) => [Number(lid), value]));
    const page = decodeSupportedLogs(encodeSupportedLogs(entries));
    assert.ok(page.ok);
    page.value.forEach((value, lid) => assert.equal(value, entries.get(lid) ?? 0));
  }));
  fc.assert(
    fc.property(fc.nat(0x7fff), (status) => assert.equal(encodeStatus(decodeStatus(status)), status)),
  );
  fc.assert(fc.property(u32, (value) => assert.equal(parseAen(`0x${value.toString(16)}`), value)));
  fc.assert(
    fc.property(fc.uuid(), (uuid) => assert.equal(uuidText(uuidBytes(uuid) ?? new Uint8Array(16)), uuid)),
  );
});

Deno.test("uevents: what the kernel writes comes out", () => {
  const text = fc.stringMatching(/^[!-<>-~]{1,12}$/);
  fc.assert(fc.property(
    text,
    text,
    fc.uniqueArray(fc.tuple(text, fc.stringMatching(/^[ -~]{0,12}$/)), {
      selector: ([key]) => key,
      maxLength: 8,
    }),
    (action, path, pairs) => {
      const payload = [
        `${action.replaceAll("@", "a")}@/${path}`,
        ...pairs.map(([key, value]) => `${key}=${value}`),
      ];
      const event = parseUevent(new TextEncoder().encode(`${payload.join("\0")}\0`));
      assert.ok(event.ok);
      assert.equal(event.value.devpath, `/${path}`);
      assert.deepEqual([...event.value.properties], pairs);
    },
  ));
});

Deno.test("boot tables: generated ones are read without a warning, and as they were meant", () => {
  const index = fc.integer({ min: 1, max: 200 });
  const mac = fc.array(byte, { minLength: 6, maxLength: 6 });
  const nqn = fc.stringMatching(/^nqn\.[!-~]{1,40}$/);
  const hfis = fc.uniqueArray(
    fc.record({
      index,
      mac,
      ip: fc.oneof(fc.ipV4(), fc.ipV6()),
      vlan: word,
      flags: fc.constantFrom(1, 3, 5, 7),
    }),
    { selector: (hfi) => hfi.index, minLength: 1, maxLength: 4 },
  );
  const parts = hfis.chain((list) =>
    fc.record({
      hostId: fc.uuid(),
      hostNqn: nqn,
      hfis: fc.constant(list),
      subsystems: fc.uniqueArray(
        fc.record({
          index,
          traddr: fc.oneof(fc.ipV4(), fc.ipV6()),
          trsvcid: fc.constantFrom("4420", "8009"),
          nqn,
          hfi: fc.constantFrom(...list.map((hfi) => hfi.index)),
          controllerId: word,
          nsid: u32,
          trflags: fc.constantFrom(1, 3, 5, 7, 6),
          flags: fc.constantFrom(0x11, 0x51, 0x111, 0x1),
        }),
        { selector: (entry) => entry.index, maxLength: 4 },
      ),
      discovery: fc.uniqueArray(fc.record({ index, hfi: index, uri: fc.webUrl() }), {
        selector: (entry) => entry.index,
        maxLength: 3,
      }),
    })
  );
  fc.assert(fc.property(parts, (table) => {
    const nbft = decodeNbft(buildNbft(table));
    assert.ok(nbft.ok, JSON.stringify(nbft));
    assert.deepEqual(nbft.value.warnings, []);
    assert.equal(nbft.value.host?.hostId, table.hostId);
    const byIndex = <T extends { index: number }>(list: readonly T[]) =>
      [...list].sort((a, b) => a.index - b.index);
    assert.deepEqual(nbft.value.hfis.map(({ vlan }) => vlan), byIndex(table.hfis).map(({ vlan }) => vlan));
    const wanted = byIndex(table.subsystems);
    nbft.value.subsystems.forEach((found, i) => {
      const meant = wanted[i];
      assert.ok(meant !== undefined);
      assert.deepEqual([found.nqn, found.nsid, found.hfiIndexes], [meant.nqn, meant.nsid, [meant.hfi]]);
      assert.deepEqual(
        [found.hdrDigest, found.dataDigest, found.unavailable],
        [[3, 7].includes(meant.trflags), [5, 7].includes(meant.trflags), meant.flags === 0x111],
      );
      assert.equal(found.controllerId, meant.flags === 1 ? 0 : meant.controllerId);
    });
    assert.deepEqual(
      nbft.value.discovery.map(({ uri }) => uri),
      byIndex(table.discovery).map(({ uri }) => uri),
    );
  }));
  fc.assert(fc.property(fc.nat(), byte, (at, value) => {
    // One byte changed and the sum not corrected: refused, whatever it was.
    const bytes = buildNbft(SAMPLE);
    const place = at % bytes.length;
    if (bytes[place] === value) return;
    bytes[place] = value;
    assert.ok(!decodeNbft(bytes).ok);
  }));
});
