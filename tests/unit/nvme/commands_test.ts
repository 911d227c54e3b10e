/** Commands and the data they carry: pass-through, Get Log Page, supported logs, identify, DIM. */
import assert from "node:assert/strict";
import { dimCommand, getLogCommand, identifyCommand } from "../../../src/lib/nvme/admin_command.ts";
import {
  encodeDim,
  encodeRegistration,
  entityVersion,
  type HostRegistration,
  TAS,
} from "../../../src/lib/nvme/dim.ts";
import { cntrltypeText, dctypeText, decodeIdentify } from "../../../src/lib/nvme/identify.ts";
import { encodePassthru, encodePassthru64, passthruResult } from "../../../src/lib/nvme/passthru.ts";
import { decodeSupportedLogs, discoveryLogEntry } from "../../../src/lib/nvme/supported_logs.ts";
import { normaliseTid, type TidParts } from "../../../src/lib/nvme/tid.ts";
import { identifyCtrl } from "./samples.ts";
import { getLogOf } from "../../wire/get_log.ts";
import { decodeDim } from "../../wire/dim.ts";
import { encodeIdentify } from "../../wire/identify.ts";
import { decodePassthru } from "../../wire/passthru.ts";
import { encodeSupportedLogs } from "../../wire/supported_logs.ts";

const at = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

Deno.test("Get Log Page: dwords", () => {
  const command = getLogCommand({ lid: 0x70, lsp: 3, rae: true, offset: 0x1_2345_6780, length: 0x80000 });
  assert.equal(command.opcode, 2);
  assert.equal(command.nsid, 0);
  // NUMD is 0x1ffff: its lower half goes to 31:16 of cdw10, its upper half to cdw11.
  assert.equal(command.cdw10, 0xffff_8370);
  assert.equal(command.cdw11, 1);
  assert.equal(command.cdw12, 0x2345_6780);
  assert.equal(command.cdw13, 1);
  assert.equal(command.dataLength, 0x80000);
  assert.equal(command.timeout.ms, 30_000, "short time-outs make the kernel reset the controller");
  const supported = getLogCommand({ lid: 0, lsp: 0, rae: false, offset: 0, length: 1024 });
  assert.equal(supported.nsid, 0xffff_ffff);
  assert.equal(supported.cdw10, 0x00ff_0000);
  const request = { lid: 0x70, lsp: 0x7f, rae: false, offset: 1024, length: 4 };
  assert.deepEqual(getLogOf(getLogCommand(request)), request);
  for (const bad of [{ length: 0 }, { length: 6 }, { offset: 2 }, { offset: -4 }]) {
    assert.throws(() => getLogCommand({ ...request, ...bad }), RangeError);
  }
});

Deno.test("pass-through structures: offsets", () => {
  const command = { ...getLogCommand({ lid: 0x70, lsp: 0, rae: true, offset: 4096, length: 8192 }), nsid: 7 };
  const address = 0x7fff_1234_5678_9abcn;
  for (
    const [bytes, size] of [[encodePassthru(command, address), 72], [
      encodePassthru64(command, address),
      80,
    ]] as const
  ) {
    assert.equal(bytes.length, size);
    const view = at(bytes);
    assert.deepEqual([bytes[0], bytes[1], view.getUint32(4, true)], [2, 0, 7]);
    assert.equal(view.getBigUint64(16, true), 0n);
    assert.equal(view.getBigUint64(24, true), address);
    assert.equal(view.getUint32(32, true), 0);
    assert.equal(view.getUint32(36, true), 8192);
    assert.equal(view.getUint32(40, true), command.cdw10);
    assert.equal(view.getUint32(48, true), 4096);
    assert.equal(view.getUint32(64, true), 30_000);
    view.setUint32(size === 72 ? 68 : 72, 0xdead_beef, true);
    assert.equal(passthruResult(bytes), 0xdead_beef);
    assert.deepEqual(decodePassthru(bytes), { ...command, address });
  }
  assert.equal(identifyCommand().cdw10, 1);
  assert.deepEqual([dimCommand(TAS.update, 2088).cdw10, dimCommand(0, 2088).opcode], [2, 0x21]);
});

Deno.test("supported log pages (KRN-58)", () => {
  const page = encodeSupportedLogs(new Map([[0x70, 0x0007_0001], [0xff, 1]]));
  assert.deepEqual(discoveryLogEntry(page), { ok: true, value: 0x0007_0001 });
  const logs = decodeSupportedLogs(page);
  assert.ok(logs.ok && logs.value[255] === 1 && logs.value.length === 256);
  assert.ok(!discoveryLogEntry(page.subarray(0, 1020)).ok);
});

Deno.test("identify controller: offsets", () => {
  const bytes = new Uint8Array(4096);
  bytes.set(new TextEncoder().encode("SN1                 Model"), 4);
  bytes[77] = 5;
  bytes[111] = 2;
  bytes[1806] = 1;
  at(bytes).setUint32(92, 0x8000_0000, true);
  bytes.set(new TextEncoder().encode("nqn.dc"), 768);
  const ctrl = decodeIdentify(bytes);
  assert.ok(ctrl.ok);
  assert.deepEqual(
    [ctrl.value.serial, ctrl.value.model, ctrl.value.mdts, ctrl.value.cntrltype, ctrl.value.dctype],
    ["SN1", "Model", 5, 2, 1],
  );
  assert.equal(ctrl.value.oaes, 0x8000_0000);
  assert.equal(ctrl.value.subnqn, "nqn.dc");
  assert.deepEqual(decodeIdentify(encodeIdentify(identifyCtrl())), { ok: true, value: identifyCtrl() });
  bytes[26] = 0xff;
  const bad = decodeIdentify(bytes);
  assert.ok(!bad.ok && bad.at === 24 && /model/.test(bad.problem));
  assert.ok(!decodeIdentify(bytes.subarray(1)).ok);
  assert.deepEqual([0, 1, 2, 3, 4].map(cntrltypeText), ["reserved", "io", "discovery", "admin", "reserved"]);
  assert.deepEqual([0, 1, 2, 3].map(dctypeText), ["none", "ddc", "cdc", "reserved"]);
});

const HOST_ID = "44454c4c-3400-1036-8038-b2c04f313233";
const UUID_NQN = `nqn.2014-08.org.nvmexpress:uuid:${HOST_ID}`;

function registration(change: Partial<HostRegistration> & { of?: Partial<TidParts> } = {}): HostRegistration {
  const { of, ...rest } = change;
  return {
    tid: normaliseTid({ transport: "tcp", traddr: "10.0.0.1", ...of }, {
      hostNqn: UUID_NQN,
      ignoreIface: false,
    }),
    hostId: HOST_ID,
    symname: "Luke",
    hostName: "host.example",
    version: "Linux 6.12.1 Debian 13",
    ...rest,
  };
}

function encoded(change: Parameters<typeof registration>[0] = {}): Uint8Array {
  const data = encodeRegistration(registration(change));
  assert.ok(data.ok, JSON.stringify(data));
  return data.value;
}

Deno.test("KRN-47, KRN-48: the registration, byte by byte", () => {
  const bytes = encoded();
  const view = at(bytes);
  const text = (offset: number, length: number) =>
    new TextDecoder().decode(bytes.subarray(offset, offset + length));
  assert.equal(bytes.length, 1024 + 1032 + 20 + 8);
  assert.equal(view.getUint32(0, true), bytes.length);
  assert.equal(view.getBigUint64(8, true), 1n);
  assert.deepEqual(
    [view.getUint16(16, true), view.getUint16(18, true), bytes[20], view.getUint16(22, true)],
    [
      2,
      1,
      0,
      0x5f,
    ],
  );
  assert.equal(text(24, 256), UUID_NQN.padEnd(256, "\0"));
  assert.equal(text(280, 256), "host.example".padEnd(256, "\0"));
  assert.equal(text(536, 64), "Linux 6.12.1 Debian 13".padEnd(64, " "));
  const entry = 1024;
  assert.deepEqual([...bytes.subarray(entry, entry + 12)], [3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(text(entry + 256, 256), UUID_NQN.padEnd(256, "\0"));
  assert.ok(
    bytes.subarray(entry + 512, entry + 1024).every((byte) => byte === 0),
    "traddr and tsas are empty",
  );
  assert.equal(view.getUint32(entry + 1024, true), 1032 + 28);
  assert.equal(view.getUint16(entry + 1028, true), 2);
  assert.deepEqual([...bytes.subarray(entry + 1032, entry + 1040)], [1, 0, 16, 0, 0x44, 0x45, 0x4c, 0x4c]);
  assert.deepEqual([...bytes.subarray(entry + 1052)], [2, 0, 4, 0, 0x4c, 0x75, 0x6b, 0x65]);
});

Deno.test("the registration: variants", () => {
  const entryOf = (change: Parameters<typeof registration>[0]) => {
    const dim = decodeDim(encoded(change));
    assert.ok(dim.ok);
    const [entry] = dim.value.entries;
    assert.ok(entry !== undefined);
    return { dim: dim.value, entry };
  };
  assert.equal(entryOf({ of: { traddr: "fe80::1" } }).entry.adrfam, 2);
  assert.equal(entryOf({ of: { traddr: "dc.example" } }).entry.adrfam, 1);
  assert.equal(entryOf({ symname: "" }).entry.attributes?.length, 1);
  const label = entryOf({ symname: "\u00c5sa" }).entry.attributes?.[1];
  assert.deepEqual([label?.type, [...label?.value ?? []]], [3, [0xc3, 0x85, 0x73, 0x61]]);
  assert.deepEqual([...entryOf({ symname: "a" }).entry.attributes?.[1]?.value ?? []], [0x61, 0, 0, 0]);
  const other = entryOf({ of: { hostNqn: "nqn.2020-01.com.example:me" } });
  assert.equal(other.dim.entityId, UUID_NQN, "the entity id is in UUID form (TP8010)");
  assert.equal(other.entry.subnqn, "nqn.2020-01.com.example:me");
  assert.equal(entryOf({ hostName: "\u00e9".repeat(200) }).dim.entityName, "\u00e9".repeat(128));
});

Deno.test("KRN-46: what cannot be registered", () => {
  const bad: readonly (readonly [Parameters<typeof registration>[0], RegExp])[] = [
    [{ of: { transport: "rdma" } }, /only over tcp/],
    [{ hostId: "x" }, /UUID/],
    [{ of: { hostNqn: "" } }, /host NQN/],
    [{ of: { hostNqn: "nqn." + "x".repeat(220) } }, /host NQN/],
    [{ symname: "x".repeat(257) }, /longer than 256/],
    [{ symname: "a\nb" }, /control/],
  ];
  for (const [change, words] of bad) {
    const data = encodeRegistration(registration(change));
    assert.ok(!data.ok);
    assert.match(data.problem, words);
  }
  assert.equal(entityVersion("Linux", "6.12", "", "13"), "Linux 6.12 13");
  assert.equal(entityVersion("Linux", "6.12", "D\u00e9bian\n", "x".repeat(80)).length, 64);
  assert.doesNotMatch(entityVersion("Linux", "6.12", "D\u00e9bian\n", ""), /[^ -~]/);
});

Deno.test("DIM data that lies", () => {
  const good = encoded();
  const patched = (change: (view: DataView) => void) => {
    const copy = good.slice();
    change(at(copy));
    return decodeDim(copy);
  };
  const bad = [
    decodeDim(good.subarray(0, 1000)),
    decodeDim(good.subarray(0, 2000)),
    patched((view) => view.setUint32(0, 4, true)),
    patched((view) => view.setBigUint64(8, 17n, true)),
    patched((view) => view.setBigUint64(8, 2n, true)),
    patched((view) => view.setBigUint64(8, 0n, true)),
    patched((view) => view.setUint16(16, 3, true)),
    patched((view) => view.setUint8(24, 0xff)),
    patched((view) => view.setUint16(1024 + 1028, 9, true)),
  ];
  for (const dim of bad) assert.ok(!dim.ok && dim.problem.startsWith("DIM"), JSON.stringify(dim));
  const many = patched((view) => view.setBigUint64(8, 17n, true));
  assert.ok(!many.ok && many.at === 8 && /more than 16/.test(many.problem));
  const dim = decodeDim(good);
  assert.ok(dim.ok);
  const basic = {
    ...dim.value,
    extended: false,
    entries: dim.value.entries.map(({ attributes: _, ...basic }) => basic),
  };
  const again = decodeDim(encodeDim(basic));
  assert.ok(again.ok);
  assert.equal(again.value.extended, false);
});
