/** Random values for the property tests. Domains are small where things have to coincide. */
import fc from "fast-check";
import {
  CMSES,
  type DiscoveryEntry,
  type ExtendedEntry,
  PRTYPES,
  QPTYPES,
  SECTYPES,
  TCP_TSAS,
} from "../../../src/lib/nvme/discovery_entry.ts";
import type { InterfaceTable, KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { interfaceTable, kernelCtrl } from "../../unit/nvme/samples.ts";

/** 16-bit groups, with runs of zeros often. */
const groups = fc.array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff)), {
  minLength: 8,
  maxLength: 8,
});

/** One group in some spelling. */
function spellGroup(group: number, style: number): string {
  const hex = group.toString(16);
  const padded = style & 1 ? hex.padStart(4, "0") : hex;
  return style & 2 ? padded.toUpperCase() : padded;
}

/** Some spelling of eight groups: case, leading zeros, `::` for any one run of zeros, dotted quad at the end. */
export function spellV6(values: readonly number[], style: number, run: number): string {
  const texts = values.map((group, i) => spellGroup(group, style >> (2 * (i % 4))));
  const [g6 = 0, g7 = 0] = values.slice(6);
  if (style & 256) texts.splice(6, 2, `${g6 >> 8}.${g6 & 255}.${g7 >> 8}.${g7 & 255}`);
  const zeros = texts.map((_, i) => i < 6 + (style & 256 ? 0 : 2) && values[i] === 0);
  const starts = zeros.flatMap((zero, i) => zero ? [i] : []);
  const start = starts[run % (starts.length + 1)];
  if (start === undefined) return texts.join(":");
  let end = start;
  while (zeros[end] === true) end++;
  return `${texts.slice(0, start).join(":")}::${texts.slice(end).join(":")}`;
}

/** The same IPv6 address in two spellings. */
export const twoSpellings = fc.record({
  values: groups,
  styles: fc.tuple(fc.nat(511), fc.nat(511)),
  runs: fc.tuple(fc.nat(8), fc.nat(8)),
}).map(({ values, styles, runs }) => ({
  values,
  a: spellV6(values, styles[0], runs[0]),
  b: spellV6(values, styles[1], runs[1]),
}));

/** Texts that are addresses, or nearly. */
export const nearlyAddress = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  twoSpellings.map(({ a }) => a),
  fc.string({ unit: fc.constantFrom(..."0123456789abfF:::...%e/ ".split("")), maxLength: 24 }),
  fc.tuple(fc.ipV6(), fc.constantFrom("%eth0", "%1", "%", "% ", "%a/b", "/64")).map(([ip, end]) => ip + end),
);

const ADDRESSES = ["10.0.0.5", "10.0.0.6", "10.1.0.5", "fd00::5", "fe80::5", "fe80::6", "0.0.0.0"] as const;

/** A few addresses in many spellings, and a few texts that are none. */
export const address = fc.oneof(
  fc.constantFrom(...ADDRESSES),
  fc.constantFrom(
    "::ffff:10.0.0.5",
    "::FFFF:a00:6",
    "FD00:0:0::5",
    "FE80::0005",
    "fe80::5%eth0",
    "fe80::6%eth1",
  ),
  fc.constantFrom("", "", "foo", "10.0.0.05"),
);

const iface = fc.constantFrom("", "", "eth0", "eth1", "eth9");
const trsvcid = fc.constantFrom("8009", "8009", "8009", "4420", "");
const nqn = fc.constantFrom("nqn.s", "nqn.s", "nqn.x", "nqn.2014-08.org.nvmexpress.discovery");
const hostNqn = fc.constantFrom("nqn.host", "nqn.host", "nqn.host", "nqn.other");
const fcAddress = fc.constantFrom("nn-0x1:pn-0x2", "NN-0x1:pn-0X2", "nn-0x1,pn-0x2", "nn-0x3:pn-0x4", "");
const transport = fc.constantFrom(
  "tcp" as const,
  "tcp" as const,
  "rdma" as const,
  "fc" as const,
  "loop" as const,
);

const addressOf = (name: string) => name === "fc" ? fcAddress : address;

export const tid: fc.Arbitrary<Tid> = transport.chain((name) =>
  fc.record({
    transport: fc.constant(name),
    traddr: addressOf(name),
    trsvcid: name === "tcp" || name === "rdma" ? trsvcid.filter((port) => port !== "") : fc.constant(""),
    subsysnqn: nqn,
    hostTraddr: addressOf(name),
    hostIface: iface,
    hostNqn,
  }, { noNullPrototype: true })
);

export const connection: fc.Arbitrary<KernelCtrl> = fc.oneof(transport, fc.constant("pcie" as const)).chain((
  name,
) =>
  fc.record({
    transport: fc.constant(name),
    traddr: addressOf(name),
    trsvcid: name === "fc" || name === "loop" ? fc.constant("") : trsvcid,
    subsysnqn: nqn,
    hostTraddr: addressOf(name),
    hostIface: iface,
    hostNqn,
    srcAddr: name === "tcp" ? fc.oneof(fc.constantFrom("", "bogus", "10.9.9.9"), address) : fc.constant(""),
  })
).map((fields) => kernelCtrl(fields));

export const interfaces: fc.Arbitrary<InterfaceTable> = fc.record({
  eth0: fc.record({
    v4: fc.subarray(["10.0.0.5", "10.0.0.6"]),
    v6: fc.subarray(["fd00::5", "fe80::5", "::ffff:10.1.0.5"]),
  }),
  eth1: fc.record({ v4: fc.subarray(["10.1.0.5"]), v6: fc.subarray(["fe80::6", "fe80::5"]) }),
}).map(interfaceTable);

/** Text that a field can carry: printable, not longer than the field, no spaces around. */
const fieldText = (bytes: number) =>
  fc.string({ unit: "grapheme", maxLength: Math.floor(bytes / 4) })
    .filter((text) => !/\p{Cc}/u.test(text) && new TextEncoder().encode(text).length <= bytes)
    .map((text) => text.replaceAll(",", "").trim());

const dwords = fc.array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 8 });
const attribute = fc.tuple(fc.nat(0xffff), dwords).map(([type, words]) => ({
  type,
  value: Uint8Array.from(words.flatMap((word) => [...word])),
}));

const byte = fc.nat(255);
const word = fc.nat(0xffff);
/** Mostly one that has a meaning. */
const code = fc.oneof(fc.nat(6), byte);

export const entry: fc.Arbitrary<ExtendedEntry> = fc.record({
  trtype: fc.oneof(fc.constantFrom(1, 2, 3, 254), byte),
  adrfam: byte,
  subtype: byte,
  treq: byte,
  portid: word,
  cntlid: word,
  asqsz: word,
  eflags: word,
  traddr: fieldText(256),
  trsvcid: fieldText(32),
  subnqn: fieldText(256),
  bytes: fc.tuple(code, code, code),
  attributes: fc.array(attribute, { maxLength: 4 }),
}).map(({ bytes: [a, b, c], ...fields }): ExtendedEntry => ({
  ...fields,
  tsas: fields.trtype === 3 ? TCP_TSAS[SECTYPES[a] ?? "reserved"] : fields.trtype === 1
    ? {
      kind: "rdma",
      qptype: QPTYPES[a] ?? "reserved",
      prtype: PRTYPES[b] ?? "reserved",
      cms: CMSES[c] ?? "reserved",
    }
    : { kind: "none" },
}));

export const basicEntry: fc.Arbitrary<DiscoveryEntry> = entry.map(({ attributes: _, ...basic }) => basic);
