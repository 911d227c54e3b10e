/** What the configuration asks for, and what must not follow from it: names with several addresses, host IDs, patterns. */
import assert from "node:assert/strict";
import { tidOfEntry } from "../../../src/lib/core/sources/entry_tid.ts";
import { normaliseTid, tidKey } from "../../../src/lib/nvme/tid.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { realCores } from "../cores.ts";
import { HOST, Stage } from "./stage.ts";
import { TRTYPE } from "../../../src/lib/nvme/discovery_entry.ts";
import { discoveryEntry } from "../../unit/nvme/samples.ts";

const NAMED = "[Controllers]\ncontroller = transport=tcp;traddr=dc.example.com\n";

Deno.test("K8: an address of a name that never connected makes way for the one that ip-family allows now", async () => {
  for (const how of ["reload", "restart"]) {
    const stage = new Stage(realCores);
    stage.dc("nqn.dc", "10.0.0.100", []);
    stage.world.resolver.names.set("dc.example.com", ["fd01::dead", "10.0.0.100"]);
    stage.stafdConf(`[Global]\nip-family = ipv6\n${NAMED}`);
    await stage.start(30_000);
    assert.equal(stage.to("nqn.dc").length, 0);
    if (how === "restart") {
      stage.stafd.kill();
      stage.stafdConf(`[Global]\nip-family = ipv4+ipv6\n${NAMED}`);
      stage.startStafd();
    } else stage.stafdConf(`[Global]\nip-family = ipv4+ipv6\n${NAMED}`);
    await stage.run(70_000);
    assert.equal(stage.to("nqn.dc").length, 1, how);
  }
});

Deno.test("K8: a dead first address makes way for the next one, of stacd's lines, too; a connected one stays", async () => {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.2");
  stage.dc("nqn.dc", "10.0.0.102", []);
  stage.world.resolver.names.set("dc.example.com", ["10.0.0.100", "10.0.0.101", "10.0.0.102"]);
  stage.world.resolver.names.set("array.example.com", ["10.0.1.1", "10.0.1.2"]);
  stage.stafdConf(NAMED);
  stage.stacdConf(
    "[Controllers]\ncontroller = transport=tcp;traddr=array.example.com;trsvcid=4420;nqn=nqn.sub\n",
  );
  await stage.start(200_000);
  const [dc] = stage.to("nqn.dc");
  assert.ok(dc !== undefined);
  assert.equal(stage.to(subsystem).length, 1);
  stage.world.resolver.names.set("dc.example.com", ["10.0.0.102", "10.0.0.100", "10.0.0.101"]);
  await stage.run(300_000);
  assert.deepEqual(stage.to("nqn.dc"), [dc]);
});

Deno.test("a host NQN of a line goes with the host ID of that line, also for what its discovery controller lists", async () => {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  const other = { nqn: "nqn.2014-08.org.example:other", id: "2b4e28ba-2fa1-41d2-883f-0016d3cca427" };
  stage.stafdConf(
    `[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100;host-nqn=${other.nqn};host-id=${other.id}\n`,
  );
  await stage.start(10_000);
  for (const what of ["nqn.dc", subsystem]) {
    assert.deepEqual(stage.to(what).map(({ hostNqn, hostId }) => [hostNqn, hostId]), [[other.nqn, other.id]]);
  }
  assert.notEqual(HOST.id, other.id);
});

Deno.test("a link-local entry is on the interface of its discovery controller, for tcp and rdma", () => {
  const dc = (transport: "tcp" | "rdma", traddr: string, hostIface = "") =>
    normaliseTid({ transport, traddr, subsysnqn: "nqn.dc", hostIface }, {
      hostNqn: "nqn.h",
      ignoreIface: false,
    });
  const entry = (trtype: "tcp" | "rdma", traddr: string) =>
    discoveryEntry({ trtype: TRTYPE[trtype], traddr });
  const traddr = (dcTid: ReturnType<typeof dc>, trtype: "tcp" | "rdma", to: string) =>
    tidOfEntry(entry(trtype, to), dcTid)?.traddr;
  assert.equal(traddr(dc("tcp", "fe80::9%fab0"), "tcp", "fe80::1"), "fe80::1%fab0");
  assert.equal(traddr(dc("rdma", "fe80::9%fab0"), "rdma", "fe80::1"), "fe80::1%fab0");
  assert.equal(traddr(dc("tcp", "fe80::9", "fab0"), "rdma", "fe80::1"), "fe80::1%fab0");
  assert.equal(traddr(dc("tcp", "fe80::9%fab0"), "tcp", "2001:db8::1"), "2001:db8::1");
  assert.equal(traddr(dc("tcp", "fe80::9%fab0"), "tcp", "fe80::1%fab1"), "fe80::1%fab1");
  assert.equal(traddr(dc("tcp", "2001:db8::9"), "tcp", "fe80::1"), "fe80::1");
  // It is still the controller that a connection with the interface is.
  const scoped = tidOfEntry(entry("tcp", "fe80::1"), dc("tcp", "fe80::9%fab0"));
  const bound = tidOfEntry(entry("tcp", "fe80::1"), dc("tcp", "fe80::9", "fab0"));
  assert.ok(scoped !== undefined && bound !== undefined);
  assert.equal(tidKey(scoped), tidKey(bound));
});

/** Connected by a page, and a pattern that matches it in the file of the next start. */
async function withPattern(file: "stafd" | "stacd", pattern: string) {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.2019-08.sub", "10.0.1.1");
  const discovery = stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  const line = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n";
  stage.stafdConf(line);
  stage.stacdConf("");
  await stage.start(10_000);
  const before = [...stage.world.kernel.devices.all];
  assert.equal(before.length, 2);
  stage.stafd.kill();
  stage.stacd.kill();
  for (const who of ["stafd", "stacd"]) {
    // The state of a version that knew no patterns.
    const { young: _, ...rest } = JSON.parse(stage.world.disk.texts.get(who) ?? "{}");
    stage.world.disk.texts.set(who, JSON.stringify(rest));
  }
  if (file === "stafd") stage.world.files.set("/etc/stas/stafd.conf", `${line}exclude = ${pattern}\n`);
  else stage.world.files.set("/etc/stas/stacd.conf", `[Controllers]\nexclude = ${pattern}\n`);
  return { stage, subsystem, discovery, before };
}

Deno.test("DEC-20: a pattern that matches since an upgrade takes nothing away, at any start, until a reload", async () => {
  for (const [file, pattern] of [["stacd", "nqn=nqn.2019-08.*"], ["stafd", "traddr=10.0.0.0/24"]] as const) {
    const { stage, subsystem, before } = await withPattern(file, pattern);
    await stage.start(120_000);
    assert.deepEqual(stage.world.kernel.devices.all, before, `${file}, first start`);
    stage.stafd.kill();
    stage.stacd.kill();
    await stage.start(120_000);
    assert.deepEqual(stage.world.kernel.devices.all, before, `${file}, second start`);
    stage.stafd.reload();
    stage.stacd.reload();
    await stage.run(120_000);
    assert.equal(stage.to(subsystem).length, 0, `${file}, after a reload`);
  }
});

Deno.test("DEC-20: what is not connected is not connected again", async () => {
  const { stage, subsystem, discovery } = await withPattern("stacd", "nqn=nqn.2019-08.*");
  const another = stage.subsystem("nqn.2019-08.new", "10.0.1.2");
  discovery.edit([entryFor(subsystem, "nvme"), entryFor(another, "nvme")], stage.mono);
  await stage.start(60_000);
  assert.equal(stage.to(subsystem).length, 1);
  assert.equal(stage.to(another).length, 0);
});

Deno.test("a pattern of a file that was changed under this version counts from the start", async () => {
  const { stage, subsystem } = await withPattern("stacd", "nqn=nqn.none.*");
  await stage.start(60_000);
  stage.stacd.kill();
  stage.world.files.set("/etc/stas/stacd.conf", "[Controllers]\nexclude = nqn=nqn.2019-08.*\n");
  stage.startStacd();
  await stage.run(60_000);
  assert.equal(stage.to(subsystem).length, 0);
});

Deno.test("K7: an exclude with an empty nqn is for the lines without one", async () => {
  for (const [nqn, connected] of [["", 0], [";nqn=nqn.dc", 1]] as const) {
    const stage = new Stage(realCores);
    stage.dc("nqn.dc", "10.0.0.100", []);
    stage.stafdConf(
      `[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100${nqn}\nexclude = transport=tcp;nqn=\n`,
    );
    await stage.start(10_000);
    assert.equal(stage.to("nqn.dc").length, connected, nqn);
  }
});

Deno.test("V8: what a page lists over a transport that this host does not have is not tried, and is no failure", async () => {
  const stage = new Stage(realCores);
  stage.world.transports = new Set(["tcp"]);
  const tcp = stage.subsystem("nqn.sub", "10.0.1.1");
  const rdma = stage.world.addSubsystem(
    { transport: "rdma", traddr: "10.0.1.2", trsvcid: "4420" },
    "nqn.rdma",
  );
  const loop = {
    ...entryFor(tcp, "nvme"),
    trtype: 254,
    adrfam: 254,
    traddr: "",
    trsvcid: "",
    subnqn: "nqn.loop",
  };
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(tcp, "nvme"), entryFor(rdma, "nvme"), loop]);
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n");
  stage.stacdConf("");
  await stage.start(60_000);
  const attempts = (): Record<string, number> =>
    Object.fromEntries([...stage.stacd.state.fleet.ctls.values()].map(({ tid, attempts, link }) => [
      tid.transport,
      attempts + (link.phase === "up" ? 100 : 0),
    ]));
  assert.deepEqual({ loop: 0, ...attempts() }, { tcp: 100, rdma: 0, loop: 0 });
  // A line of the configuration names it.
  stage.stacdConf("[Controllers]\ncontroller = transport=rdma;traddr=10.0.1.9;trsvcid=4420;nqn=nqn.other\n");
  await stage.run(60_000);
  assert.equal(stage.to(rdma).length, 1);
  assert.equal(stage.world.kernel.devices.all.some(({ transport }) => transport === "loop"), false);
});
