/** What an entry asks for, and what a host has for it (DEC-15). */
import assert from "node:assert/strict";
import { SECTYPES } from "../../../src/lib/nvme/discovery_entry.ts";
import { entryFromText, type EntryTexts, entryToText } from "../../../src/lib/nvme/entry_text.ts";
import { tlsOfEntry } from "../../../src/lib/nvme/entry_tls.ts";
import { pairsOfKeys } from "../../../src/lib/nvme/tls_host.ts";
import { groupIn, hasListener } from "../../../src/lib/linux/handshakes.ts";
import { discoveryEntry } from "./samples.ts";

Deno.test("entries: SECTYPE none asks for nothing, whatever TREQ says; else the secure channel bits of TREQ count", () => {
  for (let treq = 0; treq < 256; treq++) {
    for (const sectype of [...SECTYPES, "reserved"] as const) {
      const entry = discoveryEntry({ treq, tsas: { kind: "tcp", sectype } });
      const tsc = treq % 4;
      const wanted = sectype === "none" ? "none" : tsc === 0 || tsc === 2 ? "offered" : "required";
      assert.equal(tlsOfEntry(entry), wanted, `treq ${treq}, sectype ${sectype}`);
    }
  }
});

Deno.test("entries: what cannot be read counts as the stricter; other transports have no TLS", () => {
  const secure = entryToText(discoveryEntry({ treq: 2, tsas: { kind: "tcp", sectype: "tls1.3" } }));
  const demand = (more: EntryTexts, texts = secure) => tlsOfEntry(entryFromText({ ...texts, ...more }));
  assert.equal(demand({}), "offered");
  assert.equal(demand({ treq: "1" }), "required");
  assert.equal(demand({ treq: "perhaps" }), "required");
  assert.equal(demand({ treq: "256" }), "required");
  assert.equal(demand({ treq: "" }), "required");
  assert.equal(demand({ tsas: "sectype none" }), "offered");
  assert.equal(demand({ tsas: "{'sectype': 'tls2'}" }), "offered");
  assert.equal(demand({ tsas: "{'sectype': 'none', 'more': 'x'}" }), "none");
  const { tsas: _, ...without } = secure;
  assert.equal(demand({}, without), "none");
  assert.equal(demand({ trtype: "rdma" }), "none");
});

const HOST = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";
const SUB = "nqn.2014-08.com.example:sub1";
const keyLine = (description: string, flags = "I--Q---", left = "perm", type = "psk"): string =>
  `1d2f3a4b ${flags}     1 ${left} 3f010000     0     0 ${type.padEnd(9)} ${description}`;

Deno.test("keys: retained keys of both versions give their pair of host and subsystem", () => {
  for (const identity of [`NVMe0R01 ${HOST} ${SUB}`, `NVMe1R02 ${HOST} ${SUB} 7SNHSYEvDvFb3HFi=`]) {
    assert.deepEqual([...pairsOfKeys(`${keyLine(`${identity}: 32`)}\n`)], [`${HOST} ${SUB}`], identity);
  }
  assert.deepEqual([...pairsOfKeys(keyLine(`NVMe0R01 ${HOST} ${SUB}: 32`, "I--Q---", " 59m"))].length, 1);
});

Deno.test("keys: expired, revoked, dead, invalid, unfinished, generated and other keys are none", () => {
  const good = `NVMe0R01 ${HOST} ${SUB}: 32`;
  for (
    const bad of [
      keyLine(good, "I--Q---", "expd"),
      keyLine(good, "IR-Q---"),
      keyLine(good, "I-DQ---"),
      keyLine(good, "I--Q--i"),
      keyLine(good, "---QU--"),
      keyLine(good, "I--Q-N-"),
      keyLine(good, "I--Q---", "perm", "user"),
      keyLine(`NVMe0G01 ${HOST} ${SUB}: 32`),
      keyLine(`NVMe0R01 ${SUB}: 32`),
      "garbage",
    ]
  ) assert.equal(pairsOfKeys(bad).size, 0, bad);
});

/** The answer of `nlctrl` to a question for the family `handshake`, as Linux 6.12 gives it, but for its operations. */
function answer(groups: readonly (readonly [string, number])[]): Uint8Array<ArrayBuffer> {
  const attribute = (type: number, body: readonly number[]): number[] => {
    const length = 4 + body.length;
    const padding = Array.from({ length: (4 - length % 4) % 4 }, () => 0);
    return [length & 255, length >> 8, type & 255, type >> 8, ...body, ...padding];
  };
  const text = (word: string): number[] => [...new TextEncoder().encode(word), 0];
  const nested = groups.flatMap(([name, id], n) =>
    attribute((n + 1) | 0x8000, [...attribute(2, [id, 0, 0, 0]), ...attribute(1, text(name))])
  );
  const body = [
    ...attribute(2, text("handshake")),
    ...attribute(1, [30, 0]),
    ...attribute(7 | 0x8000, nested),
  ];
  const length = 20 + body.length;
  return new Uint8Array([
    length & 255,
    length >> 8,
    0,
    0,
    16,
    0,
    ...new Array<number>(10).fill(0),
    1,
    2,
    0,
    0,
    ...body,
  ]);
}

Deno.test("handshakes: the number of the multicast group tlshd; none in an error or a family without it", () => {
  assert.equal(groupIn(answer([["none", 9], ["tlshd", 10]]), "tlshd"), 10);
  assert.equal(groupIn(answer([["none", 9]]), "tlshd"), undefined);
  const error = answer([["tlshd", 10]]);
  error[4] = 2;
  assert.equal(groupIn(error, "tlshd"), undefined);
  assert.equal(groupIn(error.subarray(0, 10), "tlshd"), undefined);
});

Deno.test("handshakes: a generic netlink socket in that group is the daemon", () => {
  const sockets = (protocol: number, groups: string): string =>
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n" +
    `00000000da3ac2f5 ${protocol}  1234       ${groups} 0        0        0     2        0        7`;
  assert.equal(hasListener(sockets(16, "00000200"), 10), true);
  assert.equal(hasListener(sockets(16, "ffffffff"), 32), true);
  assert.equal(hasListener(sockets(16, "00000100"), 10), false);
  assert.equal(hasListener(sockets(15, "00000200"), 10), false);
  assert.equal(hasListener("", 10), false);
  assert.equal(hasListener(sockets(16, "ffffffff"), 33), undefined, "a group that is not shown");
});
