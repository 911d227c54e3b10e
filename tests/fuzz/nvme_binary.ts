/** Fuzzers of the binary formats. */
import assert from "node:assert/strict";
import { encodeDim, encodeRegistration } from "../../src/lib/nvme/dim.ts";
import { DLPF } from "../../src/lib/nvme/discovery_log.ts";
import { entryFromText, entryToText } from "../../src/lib/nvme/entry_text.ts";
import { decodeIdentify } from "../../src/lib/nvme/identify.ts";
import { LogReader, type LogReply } from "../../src/lib/nvme/log_reader.ts";
import { decodeNbft } from "../../src/lib/nvme/nbft.ts";
import { nbftTargets } from "../../src/lib/nvme/nbft_targets.ts";
import { decodeSupportedLogs } from "../../src/lib/nvme/supported_logs.ts";
import { normaliseTid } from "../../src/lib/nvme/tid.ts";
import { parseUevent } from "../../src/lib/nvme/uevent.ts";
import { buildNbft, SAMPLE, sealed } from "../unit/nvme/nbft_builder.ts";
import { discoveryEntry, identifyCtrl } from "../unit/nvme/samples.ts";
import { bytesOf, type Fuzzer, kindOf, kindsOf } from "./fuzzer.ts";
import { checkDecoder, checkRefusal, few } from "./oracle.ts";
import { decodeDim } from "../wire/dim.ts";
import { decodeDiscoveryLog, encodeDiscoveryLog } from "../wire/discovery_log.ts";
import { encodeIdentify } from "../wire/identify.ts";
import { encodeSupportedLogs } from "../wire/supported_logs.ts";

const extended = discoveryEntry({
  attributes: [{ type: 1, value: new Uint8Array(16).fill(9) }, { type: 2, value: bytesOf("Luke") }],
});
const rdma = discoveryEntry({
  trtype: 1,
  tsas: { kind: "rdma", qptype: "connected", prtype: "rocev2", cms: "cm" },
});
const fc = discoveryEntry({ trtype: 2, adrfam: 4, traddr: "nn-0x1,pn-0x2", tsas: { kind: "none" } });

const discoveryLog: Fuzzer = {
  name: "discovery-log",
  seeds: [
    encodeDiscoveryLog({ genctr: 0n, entries: [] }),
    encodeDiscoveryLog({ genctr: 7n, entries: [discoveryEntry(), rdma] }),
    encodeDiscoveryLog({ genctr: 7n, entries: [fc] }),
    encodeDiscoveryLog({ genctr: 8n, entries: [extended, discoveryEntry()] }, DLPF.extended),
  ],
  run: (input) =>
    checkDecoder(decodeDiscoveryLog, input, (log) => {
      const dlpf = (input[18] ?? 0) & DLPF.extended;
      assert.deepEqual(decodeDiscoveryLog(encodeDiscoveryLog(log, dlpf)), { ok: true, value: log });
      for (const entry of log.entries) {
        const texts = entryToText(entry);
        assert.ok(Object.values(texts).every((text) => typeof text === "string"));
        assert.deepEqual(entryFromText(texts), entry);
      }
      const kinds = new Set(log.entries.map(({ tsas }) => tsas.kind));
      return `${few(log.entries.length)} ${dlpf} ${[...kinds].join()}`;
    }),
};

/** The input is a script: a byte says what comes of a command, and how many of the next bytes its data begin with. */
const logReader: Fuzzer = {
  name: "log-reader",
  seeds: [
    Uint8Array.of(0x80, ...new Uint8Array(24), 0x80, ...new Uint8Array(24)),
    Uint8Array.of(0x98, 1, 0, 0, 0, 0, 0, 0, 0, 1, ...new Uint8Array(15), 0, 0x98, 1, 0, 0, 0, 0, 0, 0, 0, 1),
    Uint8Array.of(1, 2, 3, 4),
  ],
  run: (input) => {
    const reader = new LogReader({ lsp: 0 });
    let at = 0;
    for (let steps = 0; steps < 200 && at < input.length; steps++) {
      const { length, offset } = reader.command;
      assert.ok(length >= 4 && length % 4 === 0 && offset % 4 === 0 && offset + length <= 64 * 1024 * 1024);
      const code = input[at++] ?? 0;
      let reply: LogReply;
      if (code < 16) {
        reply = { type: "errno", errno: ["EINVAL", "ENODEV", "EINTR", "EIO"][code % 4] ?? "" };
      } else if (code < 32) {
        reply = { type: "status", status: [0x190, 0x4002, 0x400f, 0x4109][code % 4] ?? 1 };
      } else {
        const bytes = new Uint8Array(code === 33 ? length - 1 : length);
        bytes.set(input.subarray(at, at + Math.min(code & 0x7f, bytes.length)));
        at += code & 0x7f;
        reply = { type: "data", bytes };
      }
      const progress = reader.feed(reply);
      if (progress.type === "done") return `done ${few(progress.log.entries.length)} after ${few(steps)}`;
      if (progress.type === "failed") return kindOf(`${progress.failure.kind} ${progress.failure.message}`);
    }
    return `goes on after ${few(at)}`;
  },
};

const registration = encodeRegistration({
  tid: normaliseTid({ transport: "tcp", traddr: "fe80::1" }, { hostNqn: "nqn.h", ignoreIface: false }),
  hostId: "44454c4c-3400-1036-8038-b2c04f313233",
  symname: "Luke",
  hostName: "host",
  version: "Linux 6.12",
});

const dim: Fuzzer = {
  name: "dim",
  seeds: [registration.ok ? registration.value : new Uint8Array(0)],
  run: (input) =>
    checkDecoder(decodeDim, input, (value) => {
      assert.deepEqual(decodeDim(encodeDim(value)), { ok: true, value });
      return `${value.extended} ${few(value.entries.length)}`;
    }),
};

const identify: Fuzzer = {
  name: "identify",
  seeds: [encodeIdentify(identifyCtrl())],
  run: (input) =>
    checkDecoder(decodeIdentify, input, (ctrl) => {
      assert.deepEqual(decodeIdentify(encodeIdentify(ctrl)), { ok: true, value: ctrl });
      return `type ${few(ctrl.cntrltype)} dc ${few(ctrl.dctype)}`;
    }),
};

const supportedLogs: Fuzzer = {
  name: "supported-logs",
  seeds: [encodeSupportedLogs(new Map([[0x70, 0x0007_0001]]))],
  run: (input) =>
    checkDecoder(decodeSupportedLogs, input, (logs) => {
      assert.deepEqual(encodeSupportedLogs(new Map(logs.entries())), input);
      return few((logs[0x70] ?? 0) >>> 16);
    }),
};

/** The sum is put right after every change: without that, no change would get far. */
const nbft: Fuzzer = {
  name: "nbft",
  seeds: [
    buildNbft(SAMPLE),
    buildNbft({ hostId: SAMPLE.hostId, hostNqn: "" }),
    buildNbft({ ...SAMPLE, discovery: [{ index: 2, hfi: 1, uri: "nvme+tcp://[fd00::1]/", nqn: "nqn.d" }] }),
  ],
  run: (input) =>
    checkDecoder(decodeNbft, input.length > 9 ? sealed(input.slice()) : input, (table) => {
      const known = new Set(table.hfis.map(({ index }) => index));
      for (const { hfiIndexes } of table.subsystems) assert.ok(hfiIndexes.every((index) => known.has(index)));
      nbftTargets(table, new Map(), "nqn.h");
      const { hfis, subsystems, security, discovery } = table;
      const counts = Object.entries({ hfis, subsystems, security, discovery }).map(([name, { length }]) =>
        `${name} ${few(length)}`
      );
      return kindsOf(...counts, ...table.warnings);
    }),
};

const uevent: Fuzzer = {
  name: "uevent",
  seeds: [
    bytesOf(
      "change@/devices/virtual/nvme-fabrics/ctl/nvme0\0ACTION=change\0SUBSYSTEM=nvme\0NVME_AEN=0x70f002\0",
    ),
    bytesOf("remove@/x\0SUBSYSTEM=nvme\0DEVNAME=nvme1\0"),
  ],
  run: (input) =>
    checkDecoder(parseUevent, input, (event) => {
      assert.ok(event.devpath.startsWith("/") && event.action !== "");
      return `${few(event.properties.size)} ${event.subsystem === "nvme"}`;
    }),
};

/** Refusals of text parsers are checked by the same rule. */
export const refused = (
  refusal: { readonly at: number; readonly problem: string },
  length: number,
): string => {
  checkRefusal(refusal, length);
  return kindOf(refusal.problem);
};

export const fuzzers: readonly Fuzzer[] = [
  discoveryLog,
  logReader,
  dim,
  identify,
  supportedLogs,
  nbft,
  uevent,
];
