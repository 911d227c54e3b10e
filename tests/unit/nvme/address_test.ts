import assert from "node:assert/strict";
import {
  canonicalFc,
  canonicalIp,
  correctedFc,
  ipFamily,
  isIp,
  parseIp,
  sameAddress,
  scopeOf,
} from "../../../src/lib/nvme/address.ts";
import { list, record, text, vector } from "./vectors.ts";

for (const row of list(vector("ip-address")).map(record)) {
  const address = text(row["in"]);
  Deno.test(`vector ip-address: ${JSON.stringify(address)}`, () => {
    const ip = parseIp(address);
    const plain = ip === undefined ? null : { version: ip.family, compressed: ip.text };
    assert.deepEqual(plain, row["plain"]);
    const canonical = canonicalIp(address);
    const mapped = row["mapped_convert"] === null ? undefined : record(row["mapped_convert"])["compressed"];
    assert.equal(canonical, mapped);
    assert.equal(isIp(address), ip !== undefined);
    assert.equal(ipFamily(address), ip?.family);
  });
}

Deno.test("TID-15: what is no address", () => {
  // deno-fmt-ignore
  const wrong = [
    "1.2.3", "1.2.3.4.5", "1.2.3.+4", "1.2.3.4%eth0", "1..2.3", "\u0661.2.3.4", " 1.2.3.4", "1.2.3.4/24", "10.0.0.1:8009",
    ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2:3:4:5:6:7:8", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:",
    "::1/64", "[::1]:8009", "12345::", "g::", "1.2.3.4::", "::1.2.3.4:5", "::01.2.3.4", "::1.2.3", "fe80::1%a%b",
    "fe80::1% ", "fe80::1%eth0 ", "fe80::1%eth0,hostnqn=x", "fe80::1%a/b", "fe80::1%\n", "%eth0", "::1.2.3.4.5",
    "1:2:3:4:5:6:7:1.2.3.4", "::ffff:256.1.1.1", "0".repeat(4000), `fe80::1%${"e".repeat(4000)}`,
  ];
  for (const address of wrong) assert.equal(parseIp(address), undefined, address);
});

Deno.test("TID-15: spellings of IPv6 and their one text", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["FE80::AAAA:bbbb", "fe80::aaaa:bbbb"],
    ["fd00:0:0:0:0:0:0:a", "fd00::a"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["0001:02::", "1:2::"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ];
  for (const [address, expected] of rows) assert.equal(parseIp(address)?.text, expected, address);
});

Deno.test("TID-17, TID-18, TID-20: mapped addresses and scopes do not tell addresses apart", () => {
  assert.equal(canonicalIp("::FFFF:10.0.0.1"), "10.0.0.1");
  assert.equal(ipFamily("::ffff:10.0.0.1"), 6);
  assert.ok(sameAddress("::ffff:a00:1", "10.0.0.1"));
  assert.ok(sameAddress("fe80::1%eth0", "FE80::1"));
  assert.ok(!sameAddress("::1", "127.0.0.1"), "of different families");
  assert.ok(!sameAddress("::10.0.0.1", "10.0.0.1"), "IPv4-compatible is another address");
  assert.equal(scopeOf("fe80::1%eth0"), "eth0");
  assert.equal(scopeOf("not an address%eth0"), "");
  assert.equal(parseIp("fe80::1%eth0")?.text, "fe80::1");
});

Deno.test("TID-19: what is no address equals nothing", () => {
  assert.ok(!sameAddress("foo", "foo"));
  assert.ok(!sameAddress("", ""));
  assert.ok(!sameAddress("foo", "10.0.0.1"));
});

Deno.test("KRN-57: FC addresses", () => {
  assert.equal(canonicalFc("NN-0xAB,PN-0xCD"), "nn-0xab:pn-0xcd");
  assert.equal(canonicalFc("nn-0xab:pn-0xcd"), "nn-0xab:pn-0xcd");
  assert.equal(correctedFc("nn-0xAB,pn-0xCD"), "nn-0xAB:pn-0xCD");
});
