import assert from "node:assert/strict";
import fc from "fast-check";
import { excludedBy } from "../../../src/lib/config/exclude.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { normaliseTid } from "../../../src/lib/nvme/tid.ts";

/** Few values, so that they often meet. No spelling of an address occurs twice. */
const parts = fc.record({
  transport: fc.constantFrom("tcp" as const, "rdma" as const),
  traddr: fc.constantFrom("10.0.0.1", "fd00::1", "host"),
  trsvcid: fc.constantFrom("", "4420", "8009"),
  subsysnqn: fc.constantFrom("nqn.a", "nqn.b"),
  "host-iface": fc.constantFrom("", "eth0", "eth1"),
  "host-nqn": fc.constantFrom("nqn.h", "nqn.i"),
});
const named = fc.dictionary(
  fc.constantFrom("transport", "traddr", "trsvcid", "subsysnqn", "host-iface", "host-nqn", "kato"),
  fc.constantFrom(
    "tcp",
    "rdma",
    "10.0.0.1",
    "fd00::1",
    "host",
    "4420",
    "8009",
    "nqn.a",
    "nqn.b",
    "eth0",
    "nqn.h",
    "30",
  ),
  { minKeys: 1, maxKeys: 3 },
);

Deno.test("property, CFG-46: exclusion agrees with the literal reading of the rule", () => {
  fc.assert(
    fc.property(parts, fc.array(named, { maxLength: 4 }), (given, entries) => {
      const text = "[Controllers]\n" + entries.map((entry) => {
        const tokens = Object.entries(entry).map(([key, value]) => `${key}=${value}`);
        return `exclude=${tokens.join(";")}\n`;
      }).join("");
      const parsed = parseStacdConf(text, "f");
      assert.ok(parsed.ok);
      const tid = normaliseTid(
        { ...given, hostIface: given["host-iface"], hostNqn: given["host-nqn"] },
        { hostNqn: "nqn.system", ignoreIface: false },
      );
      const fields = new Map([
        ["transport", tid.transport],
        ["traddr", tid.traddr],
        ["trsvcid", tid.trsvcid],
        ["subsysnqn", tid.subsysnqn],
        ["host-iface", tid.hostIface],
        ["host-nqn", tid.hostNqn],
      ]);
      const first = entries.findIndex((entry) =>
        Object.entries(entry).every(([k, v]) => fields.get(k) === v)
      );
      const found = excludedBy(tid, parsed.conf.excludes);
      assert.equal(found?.origin.kind === "file" ? found.origin.line - 2 : -1, first, text);
    }),
    { numRuns: 1_000 },
  );
});
