import assert from "node:assert/strict";
import fc from "fast-check";
import { isIPv4, isIPv6 } from "node:net";
import type { InterfaceTable, KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { kernelTid, matches, matchIndexKey } from "../../../src/lib/nvme/match.ts";
import {
  isTransport,
  normaliseTid,
  type Tid,
  tidFields,
  tidFromFields,
  tidKey,
} from "../../../src/lib/nvme/tid.ts";
import { connection, interfaces, tid } from "./arbitraries.ts";

/** The rules as they are written, word by word and slowly, on other parsers of addresses than ours. */
function parsed(text: string): string {
  const [address = "", ...scope] = text.split("%");
  if (isIPv4(text)) return text;
  if (!isIPv6(address) || scope.length > 1) return "";
  const compressed = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const quad = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(compressed);
  if (quad === null) return compressed;
  const [high, low] = [parseInt(quad[1] ?? "", 16), parseInt(quad[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
const equal = (a: string, b: string) => parsed(a) !== "" && parsed(a) === parsed(b);
const scope = (text: string) => parsed(text) === "" ? "" : text.split("%")[1] ?? "";

function owners(address: string, table: InterfaceTable): string[] {
  return [...table].filter(([, { v4, v6 }]) => [...v4, ...v6].some((local) => equal(local, address)))
    .map(([name]) => name);
}
const owner = (address: string, table: InterfaceTable) => owners(address, table)[0] ?? "";

function literally(candidate: Tid, cid: KernelCtrl, table: InterfaceTable): boolean {
  // TID-40
  if (candidate.transport !== cid.transport) return false;
  if (candidate.trsvcid !== cid.trsvcid) return false;
  if (candidate.hostNqn !== cid.hostNqn) return false;
  // TID-41
  const wellKnown = candidate.subsysnqn === "nqn.2014-08.org.nvmexpress.discovery";
  if (!(candidate.subsysnqn === cid.subsysnqn || wellKnown)) return false;
  // TID-42
  const fold = (text: string) => text.toLowerCase().replace(",", ":");
  const addressed = candidate.transport === "tcp" || candidate.transport === "rdma";
  if (addressed && !equal(candidate.traddr, cid.traddr)) return false;
  if (!addressed && fold(candidate.traddr) !== fold(cid.traddr)) return false;
  // TID-48
  if (candidate.transport === "loop") return true;
  // TID-46
  if (candidate.transport === "fc") return fold(candidate.hostTraddr) === fold(cid.hostTraddr);
  // TID-47
  if (candidate.transport === "rdma") {
    return candidate.hostTraddr === "" || equal(candidate.hostTraddr, cid.hostTraddr);
  }
  // TID-18, TID-43
  const iface = candidate.hostIface || scope(candidate.traddr) || scope(candidate.hostTraddr);
  if (candidate.hostTraddr === "" && iface === "") return true;
  const cidIface = cid.hostIface || scope(cid.traddr);
  // TID-44, and what overrules it: the kernel's own words first; of several owners of the source address, theirs.
  const [sameSource, sameIface] = [equal(candidate.hostTraddr, cid.hostTraddr), iface === cidIface];
  if (parsed(cid.srcAddr) !== "") {
    const bySource = equal(candidate.hostTraddr, cid.srcAddr);
    if (candidate.hostTraddr !== "" && !sameSource && !bySource) return false;
    if (iface === "" || sameIface) return true;
    return !owners(cid.srcAddr, table).includes(cidIface) && iface === owner(cid.srcAddr, table);
  }
  // TID-45, TID-49
  const primary = () => {
    const row = table.get(cidIface);
    return (isIPv4(parsed(candidate.hostTraddr)) ? row?.v4 : row?.v6)?.[0];
  };
  const addressTest = candidate.hostTraddr === "" ||
    parsed(candidate.hostTraddr) !== "" &&
      (cid.hostTraddr !== ""
        ? equal(candidate.hostTraddr, cid.hostTraddr)
        : cidIface === "" || primary() === undefined || equal(candidate.hostTraddr, primary() ?? ""));
  const ifaceTest = iface === "" ||
    (cidIface !== "" ? iface === cidIface : cid.hostTraddr === "" || owner(cid.hostTraddr, table) === iface);
  return addressTest && ifaceTest;
}

Deno.test("matching agrees with a slow literal reading of the rules", () => {
  let found = 0;
  fc.assert(
    fc.property(tid, connection, interfaces, fc.nat(3), (any, cid, table, far) => {
      const { transport, traddr, trsvcid, hostNqn } = cid;
      // Three of four aim at the connection, so that the rules about sources are reached.
      const aimed = far !== 0 && isTransport(transport);
      const candidate = aimed ? { ...any, transport, traddr, trsvcid, hostNqn } : any;
      const expected = literally(candidate, cid, table);
      assert.equal(matches(candidate, cid, table), expected);
      if (expected) found++;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(found > 1000, `only ${found} pairs matched: the generator is too wide to show anything`);
});

Deno.test("the same, for candidates made from the connection with one change", () => {
  let [yes, no] = [0, 0];
  const change = fc.record({
    hostTraddr: fc.constantFrom(undefined, "", "10.0.0.5", "::ffff:10.0.0.6", "foo"),
    hostIface: fc.constantFrom(undefined, "", "eth0", "eth1"),
    subsysnqn: fc.constantFrom(undefined, "nqn.2014-08.org.nvmexpress.discovery", "nqn.x"),
  });
  fc.assert(
    fc.property(connection, interfaces, change, (cid, table, changed) => {
      const own = kernelTid(cid, table);
      if (own === undefined) return;
      const candidate: Tid = {
        ...own,
        hostTraddr: changed.hostTraddr ?? own.hostTraddr,
        hostIface: changed.hostIface ?? own.hostIface,
        subsysnqn: changed.subsysnqn ?? own.subsysnqn,
      };
      const expected = literally(candidate, cid, table);
      assert.equal(matches(candidate, cid, table), expected);
      if (expected) yes++;
      else no++;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(yes > 1000 && no > 1000, `${yes} matched, ${no} did not`);
});

Deno.test("whatever matches has the same index key", () => {
  fc.assert(
    fc.property(tid, connection, interfaces, (candidate, cid, table) => {
      if (matches(candidate, cid, table)) assert.equal(matchIndexKey(candidate), matchIndexKey(cid));
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("a tid of a connection matches that connection again, unless it has no address", () => {
  fc.assert(fc.property(connection, interfaces, (cid, table) => {
    const own = kernelTid(cid, table);
    const addressed = own?.transport === "tcp" || own?.transport === "rdma";
    if (own === undefined || cid.trsvcid !== own.trsvcid || addressed && parsed(cid.traddr) === "") return;
    // What the kernel says of its own source decides, whatever was asked for at the connect.
    const candidate: Tid = {
      ...own,
      traddr: addressed ? own.traddr.split("%")[0] ?? "" : own.traddr,
      hostTraddr: own.transport === "fc" ? own.hostTraddr : "",
      hostIface: "",
    };
    assert.ok(matches(candidate, cid, table));
  }));
});

Deno.test("identity is an equivalence, and agrees with a literal reading", () => {
  const fields = (one: Tid) => {
    const form = (text: string) => {
      const addressed = one.transport === "tcp" || one.transport === "rdma";
      return addressed ? parsed(text) || text : text.toLowerCase().replace(",pn", ":pn");
    };
    const iface = one.hostIface || scope(one.traddr) || scope(one.hostTraddr);
    return [
      one.transport,
      form(one.traddr),
      one.trsvcid,
      one.subsysnqn,
      form(one.hostTraddr),
      iface,
      one.hostNqn,
    ];
  };
  let found = 0;
  /** Some fields of `a`, the others of `b`; of FC and IP addresses no mixture. */
  const mixed = (a: Tid, b: Tid, mask: number): Tid => ({
    ...a,
    ...(a.transport === b.transport && mask % 2 === 1 ? { traddr: b.traddr } : {}),
    ...(mask & 2 ? { subsysnqn: b.subsysnqn } : {}),
    ...(mask & 4 ? { hostNqn: b.hostNqn } : {}),
    ...(mask & 8 ? { hostIface: b.hostIface } : {}),
    ...(a.transport === b.transport && mask & 16 ? { hostTraddr: b.hostTraddr } : {}),
  });
  fc.assert(
    fc.property(tid, tid, fc.nat(31), (a, other, mask) => {
      const b = mixed(a, other, mask);
      const expected = JSON.stringify(fields(a)) === JSON.stringify(fields(b));
      assert.equal(tidKey(a) === tidKey(b), expected);
      if (expected) found++;
    }),
    { numRuns: 10_000 },
  );
  assert.ok(found > 300 && found < 9_700, `${found} pairs of 10000 were equal`);
});

Deno.test("TID-12: the dictionary form gives an equal tid back; completing is idempotent", () => {
  fc.assert(fc.property(tid, (one) => {
    assert.deepEqual(tidFromFields(tidFields(one)), one);
    assert.deepEqual(normaliseTid(one, { hostNqn: "x", ignoreIface: false }), one);
  }));
});
