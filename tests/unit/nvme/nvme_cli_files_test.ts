/** The files that nvme-cli and stas share: owners and exclusions. */
import assert from "node:assert/strict";
import { exclusionOf, parseExclusions } from "../../../src/lib/nvme/exclusions.ts";
import { OWNER, parseOwner, registryText } from "../../../src/lib/nvme/registry.ts";
import { normaliseTid, type TidParts } from "../../../src/lib/nvme/tid.ts";

Deno.test("registry", () => {
  assert.equal(parseOwner("stas\n"), "stas");
  assert.equal(parseOwner(" nbft \nmore\n"), "nbft");
  for (const bad of ["", "\n", "two words\n", "\u0001\n", "x".repeat(65), "\u00e9\n"]) {
    assert.equal(parseOwner(bad), "");
  }
  assert.equal(parseOwner(registryText(OWNER)), OWNER);
});

const HOST_ID = "44454c4c-3400-1036-8038-b2c04f313233";
const FILE = `
# comment
exclusion = transport=rdma
[other]
exclusion = transport=tcp
[Exclusions]
; comment
exclusion = transport=tcp;traddr=FE80::1 ; host-iface = eth0
  exclusion=nqn=nqn.x
exclusion = hostid=${HOST_ID.toUpperCase()};trsvcid=4420
exclusion = transport=tcp;colour=red
exclusion =
exclusion = traddr=
exclude = transport=tcp
exclusion = noequals
`;

Deno.test("exclusions: the file", () => {
  const { entries, problems } = parseExclusions(FILE, "exclusions.conf");
  assert.deepEqual(entries.map(({ origin }) => origin), [
    "exclusions.conf:8",
    "exclusions.conf:9",
    "exclusions.conf:10",
  ]);
  assert.deepEqual(problems.map(({ line, column }) => [line, column]), [
    [11, 1],
    [12, 1],
    [13, 1],
    [14, 1],
    [15, 1],
  ]);
  for (const { message } of problems) assert.match(message, /^exclusions\.conf:\d+:\d+: .*excludes nothing$/);
  assert.match(problems[0]?.message ?? "", /"colour=red" has none of the keys/);
});

Deno.test("exclusions: all fields of an entry must agree", () => {
  const { entries } = parseExclusions(FILE, "x");
  const origin = (parts: TidParts) =>
    exclusionOf(normaliseTid(parts, { hostNqn: "nqn.h", ignoreIface: false }), HOST_ID, entries)?.origin;
  assert.equal(origin({ transport: "tcp", traddr: "fe80:0::1", hostIface: "eth0" }), "x:8");
  assert.equal(origin({ transport: "tcp", traddr: "fe80:0::1", hostIface: "eth1" }), undefined);
  assert.equal(origin({ transport: "tcp", traddr: "FE80::1%eth0" }), "x:8", "a scope names the interface");
  assert.equal(origin({ transport: "rdma", traddr: "fe80:0::1", hostIface: "eth0" }), "x:10");
  assert.equal(origin({ transport: "fc", traddr: "x", subsysnqn: "nqn.x" }), "x:9");
  assert.equal(origin({ transport: "tcp", traddr: "10.0.0.1", trsvcid: "4420" }), "x:10");
  assert.equal(origin({ transport: "tcp", traddr: "10.0.0.1" }), undefined);
});
