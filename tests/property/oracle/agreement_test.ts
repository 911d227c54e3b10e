/** The oracle of the simulation and the product are written apart from each other. They agree, or one of them is wrong. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { familyAllowed, toTid } from "../../../src/lib/config/controller_line.ts";
import { excludedBy } from "../../../src/lib/config/exclude.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { canonicalIp, scopeOf } from "../../../src/lib/nvme/address.ts";
import { exclusionOf, parseExclusions } from "../../../src/lib/nvme/exclusions.ts";
import { matches } from "../../../src/lib/nvme/match.ts";
import { type Tid, tidKey } from "../../../src/lib/nvme/tid.ts";
import * as addresses from "../../simulation/oracle/address.ts";
import { allows, confOf } from "../../simulation/oracle/conf.ts";
import { excludeOf, excludes, excludesHostWide } from "../../simulation/oracle/excluding.ts";
import { sameController } from "../../simulation/oracle/identity.ts";
import { serves } from "../../simulation/oracle/matching.ts";
import { confText } from "../config/samples.ts";
import { connection, interfaces, nearlyAddress, tid, twoSpellings } from "../nvme/arbitraries.ts";

const HOST = "nqn.host";

Deno.test("addresses: what is one, which are the same, and their scopes", () => {
  fc.assert(
    fc.property(nearlyAddress, nearlyAddress, (a, b) => {
      assert.equal(addresses.isAddress(a), canonicalIp(a) !== undefined, a);
      assert.equal(addresses.scopeOf(a), scopeOf(a), a);
      const same = canonicalIp(a) !== undefined && canonicalIp(a) === canonicalIp(b);
      assert.equal(addresses.sameAddress(a, b), same, `${a} ${b}`);
    }),
    { numRuns: 5_000 },
  );
  fc.assert(fc.property(twoSpellings, ({ a, b }) => assert.ok(addresses.sameAddress(a, b), `${a} ${b}`)));
});

Deno.test("identity: two transport ids are one controller, or are not", () => {
  fc.assert(
    fc.property(tid, tid, fc.boolean(), (a, other, near) => {
      const b: Tid = near && a.transport === other.transport
        ? { ...a, traddr: other.traddr, hostIface: other.hostIface }
        : other;
      assert.equal(sameController(a, b), tidKey(a) === tidKey(b), JSON.stringify([a, b]));
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("matching: what the oracle is sure of, the product says too", () => {
  const seen = { yes: 0, no: 0, unsure: 0 };
  fc.assert(
    fc.property(tid, connection, interfaces, fc.boolean(), (any, ctrl, table, near) => {
      const { traddr, trsvcid, hostNqn, subsysnqn } = ctrl;
      const candidate = near && any.transport === ctrl.transport
        ? { ...any, traddr, trsvcid, hostNqn, subsysnqn }
        : any;
      const verdict = serves(candidate, ctrl, table);
      seen[verdict]++;
      if (verdict !== "unsure") {
        assert.equal(matches(candidate, ctrl, table), verdict === "yes", JSON.stringify([candidate, ctrl]));
      }
    }),
    { numRuns: 20_000 },
  );
  assert.ok(seen.yes > 200 && seen.no > 200, JSON.stringify(seen));
});

Deno.test("excludes and the host-wide list", () => {
  const entry = fc.array(
    fc.constantFrom(
      "transport=tcp",
      "traddr=10.0.0.5",
      "traddr=::ffff:10.0.0.5",
      "traddr=fe80::5%eth0",
      "trsvcid=8009",
      "nqn=nqn.s",
      "host-iface=eth0",
      "host-nqn=nqn.host",
      "host-traddr=10.0.0.5",
      "broken",
      "unknown=1",
      "",
    ),
    { maxLength: 3 },
  ).map((tokens) => tokens.join(";"));
  let excluded = 0;
  fc.assert(
    fc.property(tid, entry, (one, text) => {
      const conf = parseStacdConf(`[Controllers]\nexclude = ${text}\n`, "f");
      assert.ok(conf.ok);
      const exclude = excludeOf(text);
      const expected = exclude !== undefined && excludes(exclude, one);
      assert.equal(
        excludedBy(one, conf.conf.excludes) !== undefined,
        expected,
        `${text} ${JSON.stringify(one)}`,
      );
      if (expected) excluded++;
      const list =
        parseExclusions(`[Exclusions]\nexclusion = ${text.replaceAll("host-nqn", "hostnqn")}\n`, "f").entries;
      const isListed = list.some((item) => excludesHostWide(item, one, "id"));
      assert.equal(exclusionOf(one, "id", list) !== undefined, isListed, `${text} ${JSON.stringify(one)}`);
    }),
    { numRuns: 5_000 },
  );
  assert.ok(excluded > 50, `${excluded}`);
});

/** Lines that mostly mean a controller. */
const controllers = fc.array(
  fc.record({
    transport: fc.constantFrom("tcp", "tcp", "tcp", "rdma", "loop", "TCP"),
    traddr: fc.constantFrom("10.0.0.5", "fe80::1%eth0", "::ffff:10.0.0.5", "array.example.com", "10.0.0.6"),
    rest: fc.subarray([
      "trsvcid=4420",
      "subsysnqn = nqn.x",
      "host-iface=eth0",
      "host-traddr=10.0.0.1",
      "host-nqn=nqn.other",
      "kato=x",
      "ctrl-loss-tmo=-1",
    ]),
  }).map(({ transport, traddr, rest }) =>
    `controller = ${[`transport=${transport}`, `traddr=${traddr}`, "nqn=nqn.s", ...rest].join(" ; ")}`
  ),
  { maxLength: 4 },
);
const someConf = fc.tuple(
  fc.constantFrom(
    "",
    "ip-family = ipv4\n",
    "ip-family=ipv6\n",
    "ignore-iface = TRUE\n",
    "ip-family = IPv4\n",
  ),
  controllers,
).map(([global, lines]) => `[Global]\n${global}[Controllers]\n${lines.join("\n")}\n`);

Deno.test("configuration files: what is in force", () => {
  let lines = 0;
  fc.assert(
    fc.property(fc.oneof(confText, someConf), fc.boolean(), (text, isStafd) => {
      const parsed = isStafd ? parseStafdConf(text, "f") : parseStacdConf(text, "f");
      const conf = confOf(isStafd ? "stafd" : "stacd", text, HOST);
      // What looks like security and cannot be read, the product may reject more of (S15); never less.
      const mayReject = /tls|concat|keyring|chap|DHHC/i.test(text);
      if (conf === undefined || !mayReject) assert.equal(conf !== undefined, parsed.ok, text);
      if (conf === undefined || !parsed.ok) return;
      const { conf: product } = parsed;
      assert.equal(conf.ignoreIface, product.ignoreIface.value);
      assert.deepEqual([conf.families.has(4), conf.families.has(6)], [
        product.ipFamilies.value.v4,
        product.ipFamilies.value.v6,
      ]);
      // A line that one of them cannot understand is doubtful to both, but not for the same reasons.
      if (!conf.hasDoubtful && product.unreadable.length === 0) {
        const written = product.controllers.map((line) =>
          toTid(line, { hostNqn: HOST, ignoreIface: conf.ignoreIface })
        );
        assert.deepEqual(conf.lines.map(({ tid: one }) => one), written, text);
        lines += written.length;
      }
      if ("disconnectScope" in product) {
        assert.equal(conf.scope, product.disconnectScope.value);
        assert.deepEqual([...conf.trtypes].toSorted(), [...product.disconnectTrtypes.value].toSorted());
        assert.equal(conf.nccAttempts, product.connectAttemptsOnNcc.value);
      } else {
        assert.equal(conf.zeroconf, product.zeroconf.value);
        assert.equal(conf.persistent, product.persistentConnections.value);
      }
    }),
    { numRuns: 5_000 },
  );
  assert.ok(lines > 200, `${lines} lines`);
});

Deno.test("families: which addresses ip-family lets pass (CFG-34)", () => {
  fc.assert(fc.property(nearlyAddress, fc.boolean(), fc.boolean(), (address, v4, v6) => {
    const families = new Set<4 | 6>([...(v4 ? [4] as const : []), ...(v6 ? [6] as const : [])]);
    assert.equal(allows(families, address), familyAllowed(address, { v4, v6 }), address);
  }));
});
