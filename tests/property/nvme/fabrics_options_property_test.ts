import assert from "node:assert/strict";
import fc from "fast-check";
import { type ConnectParts, encodeConnect } from "../../../src/lib/nvme/fabrics_options.ts";
import { assumedSupport, parseSupported } from "../../../src/lib/nvme/kernel_version.ts";
import { Secret } from "../../../src/lib/base/secret.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";

const SECURITY = ["dhchap_secret", "dhchap_ctrl_secret", "tls", "concat", "keyring", "tls_key"];
const FULL = new Set([
  ...assumedSupport("6.12"),
  ...parseSupported("keyring=%d,tls_key=%d,tls,concat"),
]);

/** A good value most of the time, otherwise anything, commas and line ends included. */
const mostly = (good: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 60, arbitrary: good },
    { weight: 1, arbitrary: fc.string() },
    {
      weight: 1,
      arbitrary: fc.tuple(good, fc.constantFrom(",tls", "\nhostid=x", "\0", ",")).map((two) => two.join("")),
    },
  );
const text = (...texts: string[]) => mostly(fc.constantFrom(...texts));
const secret = (name: string) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constant(`DHHC-1:00:${name}AAAA:`) },
    { weight: 1, arbitrary: fc.string().map((junk) => `${name}${junk}`) },
  ).map((key) => new Secret(key));
const flag = fc.constantFrom(false, false, true);
const number = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 16, max: 1024 }) },
  { weight: 1, arbitrary: fc.oneof(fc.integer({ min: -3, max: 15 }), fc.double()) },
);

const request: fc.Arbitrary<ConnectParts> = fc.record({
  tid: fc.record({
    transport: fc.constantFrom(
      "tcp" as const,
      "tcp" as const,
      "rdma" as const,
      "fc" as const,
      "loop" as const,
    ),
    traddr: text("10.0.0.1", "fe80::1%eth0"),
    trsvcid: text("8009", "4420"),
    subsysnqn: text("nqn.s", "nqn.2014-08.org.nvmexpress.discovery"),
    hostTraddr: text("", "10.0.0.5"),
    hostIface: text("", "eth0", "none"),
    hostNqn: text("nqn.h"),
  }),
  hostId: text("44454c4c-3400-1036-8038-b2c04f313233"),
  discovery: fc.boolean(),
  options: fc.record({
    hdrDigest: flag,
    dataDigest: flag,
    kato: number,
    queueSize: number,
    nrIoQueues: number,
    nrWriteQueues: number,
    nrPollQueues: number,
    reconnectDelay: number,
    ctrlLossTmo: number,
    disableSqflow: flag,
    tls: flag,
    concat: flag,
    keyring: text("1", "0x2a"),
    tlsKey: text("1", "0x2a"),
  }, { requiredKeys: [] }),
  keys: fc.record({ hostKey: secret("hostGEHEIM"), ctrlKey: secret("ctrlGEHEIM") }, { requiredKeys: [] }),
});

/** Parsed as the kernel does: at commas and line ends, without any quoting. */
function kernelView(textOfOptions: string): Map<string, string> {
  const items = textOfOptions.split(/[,\n]/).map((item): [string, string] => {
    const equals = item.indexOf("=");
    return equals < 0 ? [item, ""] : [item.slice(0, equals), item.slice(equals + 1)];
  });
  const view = new Map(items);
  assert.equal(view.size, items.length, "an option occurs twice");
  return view;
}

Deno.test("whatever is put in: the kernel sees what was asked for, no less of security, and nothing else", () => {
  let [yes, no] = [0, 0];
  const kernels = fc.constantFrom(FULL, FULL, assumedSupport("6.1"), assumedSupport("4.18"));
  fc.assert(
    fc.property(request, kernels, (parts, kernel) => {
      const encoded = encodeConnect(parts, kernel);
      if (!encoded.ok) {
        no++;
        assert.doesNotMatch(JSON.stringify(encoded.failure), /GEHEIM/);
        assert.equal(encoded.failure.kind, "permanent");
        return;
      }
      yes++;
      const { tid, options, keys } = parts;
      const view = kernelView(encoded.text);
      assert.ok([...view.keys()].every((name) => FULL.has(name)));
      assert.equal(view.get("nqn"), tid.subsysnqn);
      assert.equal(view.get("hostnqn"), tid.hostNqn);
      assert.equal(view.get("hostid"), parts.hostId);
      assert.equal(view.get("transport"), tid.transport);
      assert.equal(view.has("discovery"), parts.discovery && tid.subsysnqn !== WELL_KNOWN_DISC_NQN);
      const asked = {
        dhchap_secret: keys.hostKey?.reveal(),
        dhchap_ctrl_secret: keys.ctrlKey?.reveal(),
        tls: options.tls === true ? "" : undefined,
        concat: options.concat === true ? "" : undefined,
      };
      for (const [name, value] of Object.entries(asked)) assert.equal(view.get(name), value, name);
      assert.equal(view.has("keyring"), options.keyring !== undefined);
      assert.equal(view.has("tls_key"), options.tlsKey !== undefined);
      for (const name of encoded.dropped) assert.ok(!SECURITY.includes(name) && !view.has(name));
      assert.ok(new TextEncoder().encode(encoded.text).length <= 4096);
      assert.doesNotMatch(encoded.redacted, /GEHEIM/);
      assert.equal(
        encoded.redacted.replace("dhchap_secret=*****", `dhchap_secret=${keys.hostKey?.reveal()}`)
          .replace("dhchap_ctrl_secret=*****", `dhchap_ctrl_secret=${keys.ctrlKey?.reveal()}`),
        encoded.text,
      );
    }),
    { numRuns: 20_000 },
  );
  assert.ok(yes > 300 && no > 300, `${yes} accepted, ${no} refused`);
});
