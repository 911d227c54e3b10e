import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { canonicalIp, formatIp, ipFamily, parseIp, sameAddress } from "../../../src/lib/nvme/address.ts";
import { nearlyAddress, twoSpellings } from "./arbitraries.ts";

/** The compressed form according to URLs: another implementation of the same rule. */
const urlForm = (address: string) => new URL(`http://[${address}]/`).hostname.slice(1, -1);

Deno.test("what an address is, agrees with another implementation", () => {
  fc.assert(
    fc.property(nearlyAddress, (text) => {
      if (text.includes("%")) return;
      assert.equal(ipFamily(text), isIPv4(text) ? 4 : isIPv6(text) ? 6 : undefined, text);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("two spellings of one address: one text, the one that URLs use as well", () => {
  fc.assert(
    fc.property(twoSpellings, ({ values, a, b }) => {
      const ip = parseIp(a);
      assert.ok(ip !== undefined, a);
      assert.equal(ip.text, urlForm(b));
      assert.ok(sameAddress(a, b));
      assert.deepEqual([...ip.bytes], values.flatMap((group) => [group >> 8, group & 255]));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("canonicalisation is idempotent, keeps the address, and drops the scope", () => {
  fc.assert(
    fc.property(nearlyAddress, (text) => {
      const canonical = canonicalIp(text);
      if (canonical === undefined) return;
      assert.equal(canonicalIp(canonical), canonical);
      assert.ok(sameAddress(text, canonical));
      assert.ok(!canonical.includes("%"));
      assert.equal(canonicalIp(text.toUpperCase()), canonical);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("bytes to text and back", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.array(fc.constantFrom(0, 0, 0, 255), { minLength: 16, maxLength: 16 }).map((list) =>
      Uint8Array.from(list)
    ),
  );
  fc.assert(fc.property(bytes, (value) => {
    assert.deepEqual(parseIp(formatIp(value))?.bytes, value);
  }));
});

Deno.test("being the same address is an equivalence among addresses", () => {
  fc.assert(fc.property(nearlyAddress, nearlyAddress, nearlyAddress, (a, b, c) => {
    assert.equal(sameAddress(a, a), parseIp(a) !== undefined);
    assert.equal(sameAddress(a, b), sameAddress(b, a));
    if (sameAddress(a, b) && sameAddress(b, c)) assert.ok(sameAddress(a, c));
  }));
});
