/** Defects that the simulation found, or the search for what nothing tested: each is red without what mended it. */
import assert from "node:assert/strict";
import type { StafdState } from "../../../src/lib/core/stafd/stafd_state.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { STACD_CONF } from "../daemons.ts";
import { realCores } from "../cores.ts";
import { Person } from "../person.ts";
import { AUDIT, Stage } from "./stage.ts";

const DC_LINE = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n";
const PERSISTENCE = "[Discovery controller connection management]\nzeroconf-connections-persistence = ";
const announced = { hostIface: "eth0", name: "dc", traddr: "10.0.0.100", port: 8009, txt: ["p=tcp"] };

/** A connection that no source wants, where every source was read; `conf` is stacd's, but for the policy. */
function foreign(conf = ""): { readonly stage: Stage; readonly there: () => boolean } {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.foreign", "10.0.1.1");
  stage.connectedByOthers(subsystem);
  stage.stacdConf(`${conf}${AUDIT}`);
  return { stage, there: () => stage.to(subsystem).length > 0 };
}

const onlyLost = (state: StafdState) => {
  const [ctl] = [...state.fleet.ctls.values()];
  assert.ok(ctl !== undefined);
  return { ctl, lost: state.dcs.get(ctl.key)?.lost };
};

Deno.test("audit: a connection that no source wants goes when every source has been read", async () => {
  const { stage, there } = foreign();
  await stage.start(45_000);
  assert.equal(there(), false);
});

Deno.test("audit: a reload that switches it on asks stafd again for what it did not know", async () => {
  const { stage, there } = foreign();
  const policy = stage.world.files.get(STACD_CONF) ?? "";
  stage.stacdConf("");
  await stage.start(45_000);
  assert.equal(there(), true);
  stage.stacdConf(policy);
  await stage.run(5_000);
  assert.equal(there(), false);
});

Deno.test("audit: nobody waits for the page of a discovery controller that was never connected and is excluded now", async () => {
  const { stage, there } = foreign();
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.world.setManner(stage.target("nqn.dc"), "silent");
  stage.stafdConf(DC_LINE);
  await stage.start(45_000);
  assert.equal(there(), true, "its page may list it");
  stage.stafdConf(`${DC_LINE}exclude = traddr=10.0.0.100\n`);
  await stage.run(120_000);
  assert.equal(there(), false);
});

Deno.test("one connection that serves two lines is deleted once when both are gone", async () => {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  const line = "controller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub";
  stage.stacdConf(`[Controllers]\n${line}\n${line};host-iface=eth0\n`);
  await stage.start();
  assert.equal(stage.to(subsystem).length, 1);
  const { kernel } = stage.world;
  let deletes = 0;
  kernel.deletes = () => deletes++;
  kernel.chaos.deleteMs = [5_000, 5_000];
  stage.stacdConf("");
  await stage.run(3_000);
  assert.equal(deletes, 1);
  await stage.run(10_000);
  assert.deepEqual(kernel.devices.all, []);
  assert.deepEqual([...stage.stacd.state.fleet.ctls.keys()], []);
});

Deno.test("nothing is to be done at some time for a discovery controller that is gone", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.world.resolver.names.set("dc.example.com", ["10.0.0.101"]);
  stage.stafdConf(`${DC_LINE}controller = transport=tcp;traddr=dc.example.com\n`);
  await stage.start(8_000);
  const reminders = () =>
    [...stage.stafd.state.fleet.agenda.times.keys()].filter((key) => key.includes("tcp"));
  assert.equal(reminders().length, 2, "the generation of the page, and the name");
  stage.stafdConf("");
  await stage.run(5_000);
  assert.deepEqual(reminders(), []);
});

/** Excluded, and asked for all the same; connected by others. */
const EXCLUDED = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.foreign\n" +
  "exclude = nqn=nqn.foreign\n";

Deno.test("audit: what is excluded goes too, whoever lists it", async () => {
  const { stage, there } = foreign(EXCLUDED);
  await stage.start(45_000);
  assert.equal(there(), false);
});

Deno.test("audit: what is excluded and is of others stays when the audit is switched off in time", async () => {
  const { stage, there } = foreign(EXCLUDED);
  await stage.start(200);
  assert.equal(there(), true);
  stage.stacdConf(EXCLUDED);
  await stage.run(45_000);
  assert.equal(there(), true);
});

Deno.test("audit: what is excluded and is of others is taken over when it is allowed in time", async () => {
  const { stage, there } = foreign(EXCLUDED);
  await stage.start(200);
  stage.stacdConf(EXCLUDED.replace(/exclude.*/, ""));
  await stage.run(5_000);
  assert.equal(there(), true);
  stage.stacdConf("");
  await stage.run(5_000);
  assert.equal(there(), false, "it is ours, and no longer asked for");
});

Deno.test("audit: what stacd is connecting at the moment is not found a second time", async () => {
  const { stage } = foreign();
  const lines = Array.from({ length: 8 }, (_, n) => {
    stage.subsystem(`nqn.own${n}`, `10.0.2.${n + 1}`);
    return `controller = transport=tcp;traddr=10.0.2.${n + 1};trsvcid=4420;nqn=nqn.own${n}\n`;
  });
  // Something stays unknown: what the audit finds stays.
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.world.setManner(stage.target("nqn.dc"), "silent");
  stage.stafdConf(DC_LINE);
  stage.stacdConf(`[Controllers]\n${lines.join("")}${AUDIT}`);
  await stage.start(0);
  // Audits between the event of a new connection and the end of the call that makes it.
  for (let ms = 0; ms < 1_000; ms += 3) {
    await stage.run(3);
    stage.stacd.reload();
  }
  await stage.run(5_000);
  assert.equal(stage.world.kernel.devices.all.filter(({ maker }) => maker === "stacd").length, 8);
  stage.stacdConf(AUDIT);
  await stage.run(120_000);
  assert.deepEqual(stage.world.kernel.devices.all.filter(({ maker }) => maker === "stacd"), []);
});

Deno.test("audit: a line of stacd.conf that is not understood may ask for anything", async () => {
  const { stage, there } = foreign("[Controllers]\ncontroller = transport=tcp;traddr=;nqn=nqn.foreign\n");
  await stage.start(60_000);
  assert.equal(there(), true);
});

Deno.test("audit: a discovery controller whose page was never read may list anything", async () => {
  const { stage, there } = foreign();
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(stage.target("nqn.foreign"), "nvme")]);
  stage.world.setManner(stage.target("nqn.dc"), "silent");
  stage.stafdConf(DC_LINE);
  await stage.start(60_000);
  assert.equal(there(), true);
});

Deno.test("audit: a discovery controller that stafd is about to drop may list anything, until it is dropped (seed 304692)", async () => {
  const { stage, there } = foreign();
  const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(stage.subsystem("nqn.own", "10.0.1.2"), "nvme")]);
  stage.stafdConf(DC_LINE);
  stage.stacdConf("");
  await stage.start();
  await stage.age();
  stage.world.kernel.chaos.deleteMs = [60_000, 60_000];
  stage.stafdConf(`${DC_LINE}exclude = transport=tcp;traddr=10.0.0.100\n`);
  await stage.run(10_000);
  const isGoing = (): boolean =>
    stage.world.kernel.devices.all.some(({ target, state }) =>
      target?.nqn === "nqn.dc" && state === "deleting"
    );
  assert.equal(isGoing(), true, "its delete takes a minute");
  page.edit([entryFor(stage.target("nqn.foreign"), "nvme")], stage.mono);
  stage.stacdConf(AUDIT);
  await stage.run(30_000);
  assert.deepEqual([isGoing(), there()], [true, true], "its page has not been read again");
  stage.world.kernel.chaos.deleteMs = [5, 55];
  await stage.run(90_000);
  assert.equal(there(), false, "it was dropped");
});

Deno.test("audit: a discovery controller whose name has no answer yet may list anything", async () => {
  const { stage, there } = foreign();
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=dc.example.com\n");
  await stage.start(60_000);
  assert.equal(there(), true);
});

Deno.test("audit: a line of stafd.conf that is not understood may name any discovery controller", async () => {
  const { stage, there } = foreign();
  stage.stafdConf("[Controllers]\ncontroller = transport=tcp;traddr=\n");
  await stage.start(60_000);
  assert.equal(there(), true);
});

Deno.test("a stafd that does not know what the kernel has says so", async () => {
  const stage = new Stage(realCores);
  stage.world.kernel.chaos.scanFails = 1;
  stage.startStafd();
  await stage.run(40_000);
  assert.deepEqual(stage.stafd.report().unknowns, ["stafd has not read the kernel's connections yet"]);
});

Deno.test("audit: another ip-family may make something of a name that had no usable address", async () => {
  const named =
    "[Controllers]\ncontroller = transport=tcp;traddr=array.example.com;trsvcid=4420;nqn=nqn.foreign\n";
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.foreign", "fd01::1:1");
  stage.connectedByOthers(subsystem);
  stage.world.resolver.names.set("array.example.com", ["fd01::1:1"]);
  stage.stacdConf(`[Global]\nip-family = ipv4\n${named}`);
  await stage.start(45_000);
  stage.world.resolver.fails = 1;
  stage.stacdConf(`${AUDIT}${named}`);
  await stage.run(60_000);
  assert.equal(stage.to(subsystem).length, 1);
});

Deno.test("what a name resolved to counts when ip-family comes to allow it, also when it does not resolve now (STAF-25)", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.world.resolver.names.set("dc.example.com", ["10.0.0.100"]);
  const named = "[Controllers]\ncontroller = transport=tcp;traddr=dc.example.com\n";
  stage.stafdConf(`[Global]\nip-family = ipv6\n${named}`);
  await stage.start();
  stage.world.resolver.fails = 1;
  stage.stafdConf(`${named}controller = transport=tcp;traddr=10.0.0.100\n`);
  await stage.run(5_000);
  const [before] = stage.to("nqn.dc");
  stage.stafdConf(named);
  await stage.run(10_000);
  assert.ok(before !== undefined);
  assert.deepEqual(stage.to("nqn.dc"), [before]);
});

Deno.test("a connection that was no longer wanted while it was made goes, also when its maker was killed meanwhile", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.world.setManner(stage.subsystem("nqn.mute", "10.0.1.1"), "mute");
  stage.stacdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.mute\n");
  await stage.start(500);
  const { connecting } = stage.world.kernel;
  // The kernel is busy for ten seconds with what does not answer.
  assert.ok(connecting.holds("stacd"));
  stage.stafdConf(DC_LINE);
  await stage.run(200);
  assert.ok(connecting.holds("stafd"));
  stage.stafdConf("");
  await stage.run(200);
  stage.stafd.kill();
  for (let n = 0; n < 100 && stage.to("nqn.dc").length === 0; n++) await stage.run(500);
  assert.equal(stage.to("nqn.dc").length, 1, "nothing cancels a connect");
  stage.startStafd();
  await stage.run(10_000);
  assert.equal(stage.to("nqn.dc").length, 0);
});

Deno.test("a stafd that stops with persistent-connections = false drops no controller for good", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.stafdConf(
    `[Discovery controller connection management]\npersistent-connections = false\n${DC_LINE}`,
  );
  await stage.start();
  stage.stafd.stop();
  await stage.run(1_000);
  assert.equal(stage.to("nqn.dc").length, 0);
  assert.deepEqual(stage.stafd.state.retired, []);
});

Deno.test("a controller that a restarted stafd has not looked for yet is not lost, though Avahi has had its say", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.stafdConf(`${PERSISTENCE}0\n`);
  stage.world.avahi.announce(announced);
  await stage.start();
  const before = stage.to("nqn.dc");
  stage.stafd.kill();
  stage.world.kernel.chaos.scanFails = 1;
  stage.world.avahi.withdraw(stage.world.avahi.announced[0]?.key ?? "");
  stage.startStafd();
  await stage.run(60_000);
  stage.world.kernel.chaos.scanFails = 0;
  await stage.run(60_000);
  assert.deepEqual([stage.to("nqn.dc").length, stage.to("nqn.dc")], [1, before]);
});

Deno.test("no time runs out for a controller that fails while Avahi is away", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.stafdConf(`${PERSISTENCE}0\n`);
  stage.world.avahi.announce(announced);
  await stage.start();
  stage.stafd.kill();
  stage.world.avahi.stop();
  stage.world.setManner(stage.target("nqn.dc"), "silent");
  for (const device of stage.to("nqn.dc")) stage.world.kernel.deleteNow(device);
  stage.startStafd();
  await stage.run(120_000);
  assert.equal(stage.stafd.state.fleet.ctls.size, 1);
});

Deno.test("an Avahi that comes back is given all its time again", async () => {
  const stage = new Stage(realCores);
  await stage.start(20_000);
  stage.world.avahi.stop();
  await stage.run(3_000);
  stage.world.avahi.start();
  await stage.run(10_000);
  assert.equal(stage.stafd.state.avahi.settled, false, "ten seconds after it came back");
  await stage.run(25_000);
  assert.equal(stage.stafd.state.avahi.settled, true);
});

Deno.test("whose time is up goes at that time, not at the next attempt", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.world.setManner(stage.target("nqn.dc"), "silent");
  stage.stafdConf(`${PERSISTENCE}20 s\n`);
  stage.world.avahi.announce(announced);
  await stage.start(100_000);
  const untilNext = () => {
    const { link } = onlyLost(stage.stafd.state).ctl;
    return link.phase === "waiting" ? link.until.mono - stage.mono : 0;
  };
  for (let n = 0; n < 10_000 && untilNext() < 30_000; n++) await stage.run(10);
  stage.world.avahi.withdraw(stage.world.avahi.announced[0]?.key ?? "");
  for (let n = 0; n < 1_000 && onlyLost(stage.stafd.state).lost === undefined; n++) await stage.run(10);
  const { lost } = onlyLost(stage.stafd.state);
  assert.ok(lost !== undefined);
  const left = lost.deadline.mono - stage.mono;
  assert.ok(untilNext() > left + 1_000, "no attempt at that time");
  await stage.run(left - 10);
  assert.equal(stage.stafd.state.fleet.ctls.size, 1);
  await stage.run(20);
  assert.equal(stage.stafd.state.fleet.ctls.size, 0);
});

for (const first of ["10.0.1.1", "::ffff:10.0.1.1"]) {
  Deno.test(`a page that lists an address in two spellings, ${first} first, is taken at the one that is allowed`, async () => {
    const stage = new Stage(realCores);
    const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
    const entries = ["10.0.1.1", "::ffff:10.0.1.1"].map((traddr) => entryFor(subsystem, "nvme", { traddr }));
    stage.dc("nqn.dc", "10.0.0.100", first === "10.0.1.1" ? entries : entries.toReversed());
    stage.stafdConf(DC_LINE);
    stage.stacdConf("[Global]\nip-family = ipv4\n");
    await stage.start();
    assert.deepEqual(stage.to(subsystem).map(({ traddr }) => traddr), ["10.0.1.1"]);
  });
}

Deno.test("a state file of an earlier program, which says less, or of a later one, disconnects nothing", async () => {
  const later = (text: string): string => text.replace('"version":1', '"version":2');
  const earlier = (text: string): string => text.replaceAll(/,"(also":\[\]|resting":false)/g, "");
  for (const change of [earlier, later]) {
    const stage = new Stage(realCores);
    const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
    stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
    stage.stafdConf(DC_LINE);
    await stage.start();
    const before = [...stage.to("nqn.dc"), ...stage.to(subsystem)];
    stage.stafd.kill();
    stage.stacd.kill();
    for (const [name, text] of stage.world.disk.texts) {
      assert.notEqual(change(text), text);
      stage.world.disk.texts.set(name, change(text));
    }
    stage.startStafd();
    stage.startStacd();
    await stage.run(120_000);
    assert.equal(before.length, 2);
    assert.deepEqual([...stage.to("nqn.dc"), ...stage.to(subsystem)], before);
  }
});

Deno.test("a connection that the kernel names after the next one, which took a minute, is made once, kept, and disconnected then", async () => {
  for (const isWanted of [true, false]) {
    const stage = new Stage(realCores);
    const subsystem = stage.subsystem("nqn.first", "10.0.1.1");
    const next = stage.subsystem("nqn.last", "10.0.1.2");
    next.manner = "stuck";
    stage.world.kernel.overtakes = () => true;
    let made = 0;
    stage.world.kernel.connecting.witness = (_who, { tid }) => {
      if (tid.subsysnqn === "nqn.first") made++;
    };
    const lineTo = (n: number, nqn: string) =>
      `controller = transport=tcp;traddr=10.0.1.${n};trsvcid=4420;nqn=${nqn}\n`;
    const later = `[Controllers]\n${lineTo(2, "nqn.last")}`;
    stage.stacdConf(`[Controllers]\n${lineTo(1, "nqn.first")}${lineTo(2, "nqn.last")}`);
    stage.startStacd();
    await stage.run(1_000);
    assert.equal(stage.to(subsystem).length, 1, "the other one went first and holds the kernel up");
    if (!isWanted) stage.stacdConf(later);
    await stage.run(10_000);
    assert.equal(stage.to(subsystem).length, 1, "nobody knows yet which one it is");
    await stage.run(60_000);
    assert.deepEqual([stage.to(subsystem).length, made], [isWanted ? 1 : 0, 1]);
  }
});

Deno.test("what mDNS left behind and ip-family turns away once it is lost, leads to nothing any more", async () => {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc2", "fd01::2", []);
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(stage.target("nqn.dc2"), "referral")]);
  stage.world.avahi.announce(announced);
  stage.stafdConf("");
  await stage.start(5_000);
  stage.stafdConf("[Service Discovery]\nzeroconf = disabled\n");
  await stage.run(5_000);
  stage.stafdConf("[Global]\nip-family = ipv6\n[Service Discovery]\nzeroconf = disabled\n");
  await stage.run(60_000);
  const [left] = stage.to("nqn.dc");
  assert.ok(left !== undefined);
  assert.equal(stage.to("nqn.dc2").length, 1);
  stage.world.kernel.deleteNow(left);
  await stage.run(60_000);
  assert.equal(stage.world.kernel.devices.all.length, 0);
});

Deno.test("a path that a person renews does not wait while mDNS, which led to it, rests after a long connect", async () => {
  const stage = new Stage(realCores);
  const paths = [1, 2].map((n) => entryFor(stage.subsystem("nqn.sub", `10.0.1.${n}`), "nvme"));
  const stuck = stage.subsystem("nqn.stuck", "10.0.2.1");
  stage.world.setManner(stuck, "stuck");
  const page = stage.dc("nqn.dc", "10.0.0.100", paths);
  stage.world.avahi.announce(announced);
  await stage.start();
  assert.equal(stage.to("nqn.sub").length, 2, "connected at the start");
  page.edit([...paths, entryFor(stuck, "nvme")], stage.mono);
  await stage.run(70_000);
  assert.equal(stage.stacd.state.fleet.lock.rests.size, 1, "it rests");
  const before = stage.to("nqn.sub");
  // The kernel does not show it, so both paths are replaced.
  stage.stacdConf("[Global]\nhdr-digest = true\n");
  await stage.run(1_000);
  void new Person(stage.world).renew("nqn.sub", "do");
  await stage.run(30_000);
  const after = stage.to("nqn.sub");
  assert.deepEqual([after.length, after.filter((one) => before.includes(one)).length], [2, 0]);
  assert.equal(stage.stacd.state.fleet.lock.rests.size, 1, "the others still rest");
});

Deno.test("a reload that takes TLS and the interface of its line away connects no renewed path without TLS", async () => {
  const stage = new Stage(realCores);
  for (const n of [1, 2]) stage.subsystem("nqn.sub", `10.0.1.${n}`);
  const lines = (more: string): string =>
    `[Controllers]\n${
      [1, 2].map((n) =>
        `controller = transport=tcp;traddr=10.0.1.${n};trsvcid=4420;nqn=nqn.sub;host-iface=eth0${more}\n`
      ).join("")
    }`;
  stage.stacdConf(lines(";tls=true"));
  await stage.start();
  assert.equal(stage.to("nqn.sub").length, 2, "connected at the start");
  stage.world.kernel.chaos.deleteMs = [500, 500];
  void new Person(stage.world).renew("nqn.sub", "do");
  await stage.run(300);
  // The record has another key from now on.
  stage.stacdConf(`[Global]\nignore-iface = true\n${lines("")}`);
  await stage.run(120_000);
  assert.deepEqual(stage.to("nqn.sub").map(({ made }) => made?.tls), ["tls"], "one waits for a person");
});

Deno.test("a connection that is being deleted for another line is not deleted again to renew it (S5)", async () => {
  const stage = new Stage(realCores);
  stage.subsystem("nqn.sub", "10.0.1.2");
  const line = "controller = transport=tcp;traddr=10.0.1.2;trsvcid=4420;nqn=nqn.sub";
  stage.stacdConf(`[Controllers]\n${line}\n${line};host-iface=eth0\n`);
  await stage.start();
  assert.equal(stage.to("nqn.sub").length, 1, "connected once at the start");
  const { kernel } = stage.world;
  let deletes = 0;
  kernel.deletes = () => deletes++;
  kernel.chaos.deleteMs = [20_000, 20_000];
  stage.stacdConf("");
  await stage.run(5_000);
  // The other line comes back while the connection is being deleted for the first one.
  stage.stacdConf(`[Controllers]\n${line};host-iface=eth0;hdr-digest=true\n`);
  await stage.run(1_000);
  const ctls = [...stage.stacd.state.fleet.ctls.values()];
  assert.deepEqual(ctls.map(({ link }) => link.phase).toSorted(), ["deleting", "up"]);
  void new Person(stage.world).renew("(tcp, 10.0.1.2, 4420, nqn.sub, eth0)", "do");
  await stage.run(5_000);
  assert.equal(deletes, 1);
});
