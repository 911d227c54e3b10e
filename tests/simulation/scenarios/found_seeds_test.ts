/** Defects that seeds beyond 50000 found, each as a story of its own: each is red without what mended it. */
import assert from "node:assert/strict";
import type { StafdEvent } from "../../../src/lib/core/effects.ts";
import { milliseconds } from "../../../src/lib/base/time.ts";
import { STAF } from "../../../src/lib/dbus/interfaces.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { stafd } from "../altered.ts";
import { realCores } from "../cores.ts";
import { STAFD_CONF } from "../daemons.ts";
import { DC_LINE, listed } from "./listed.ts";
import { SECOND, Stage } from "./stage.ts";

const controllers = (...lines: readonly string[]): string =>
  `[Controllers]\n${lines.map((text) => `controller = transport=tcp;${text}\n`).join("")}`;

/** The line of eth1 comes while the kernel makes the connection of the line that names no interface. */
function takesOverTooEarly(stage: Stage, then: () => void = () => undefined): void {
  const { fabric, kernel } = stage.world;
  fabric.addInterface(SECOND);
  stage.dc("nqn.dc", "10.0.0.100", []);
  const lines = ["traddr=10.0.0.100", "traddr=10.0.0.100;host-iface=eth1"] as const;
  kernel.devices.witness = () => {
    kernel.devices.witness = () => undefined;
    stage.time.in(milliseconds(5), () => {
      then();
      stage.stafdConf(controllers(...lines));
    });
  };
  stage.stafdConf(controllers(lines[0]));
  stage.startStafd();
}

const ways = (stage: Stage): readonly string[] => stage.to("nqn.dc").map(({ hostIface }) => hostIface);

Deno.test("seed 50155: a connection taken over too early is judged by its source address, whoever tells it first", async () => {
  const stage = new Stage(realCores);
  const { chaos } = stage.world.kernel.devices;
  // The event of the live connection is lost: the end of the connect tells of its source address.
  takesOverTooEarly(stage, () => {
    chaos.silentLoss = 1;
    stage.time.in(milliseconds(2_000), () => chaos.silentLoss = 0);
  });
  await stage.run(10_000);
  assert.deepEqual(ways(stage), ["", "eth1"]);
  stage.stafd.kill();
  stage.startStafd();
  await stage.run(10_000);
  assert.deepEqual(ways(stage), ["", "eth1"], "found again after a restart");
});

Deno.test("like seed 50155: it is judged when an interface gets the source address", async () => {
  let isHidden = true;
  const hear = (event: StafdEvent): StafdEvent => {
    if (event.type !== "network" || !isHidden) return event;
    const without = [...event.interfaces].map(([name, entry]) =>
      [name, name === "eth0" ? { ...entry, v4: [] } : entry] as const
    );
    return { ...event, interfaces: new Map(without) };
  };
  const stage = new Stage(stafd(hear));
  takesOverTooEarly(stage);
  await stage.run(10_000);
  assert.deepEqual(ways(stage), [""], "the source address proves nothing yet");
  isHidden = false;
  stage.world.kernel.devices.tellNetwork();
  await stage.run(10_000);
  assert.deepEqual(ways(stage), ["", "eth1"]);
});

/** The discovery controller is away, and the kernel has given its connection up. */
async function isLost(stage: Stage): Promise<void> {
  stage.world.setManner(stage.target("nqn.dc"), "silent");
  for (const device of stage.to("nqn.dc")) stage.world.kernel.deleteNow(device);
  await stage.run(120_000);
}

Deno.test("like seed 50180: what only an excluded discovery controller listed goes, also if that was lost before", async () => {
  const stage = new Stage(realCores);
  const { subsystem } = await listed(stage);
  await isLost(stage);
  assert.equal(stage.to(subsystem).length, 1, "the loss proves nothing");
  stage.stafdConf(`${DC_LINE}exclude = traddr=10.0.0.100\n`);
  await stage.run(20_000);
  assert.equal(stage.to(subsystem).length, 0, "the exclude= line is evidence");
  assert.ok(
    stage.said.some((text) => text.includes("Disconnected:") && text.includes("stafd.conf:3: exclude = ")),
  );
});

Deno.test("like seed 50180: the same after a restart", async () => {
  const stage = new Stage(realCores);
  const { subsystem } = await listed(stage);
  await isLost(stage);
  stage.stafd.kill();
  stage.world.files.set(STAFD_CONF, `${DC_LINE}exclude = traddr=10.0.0.100\n`);
  stage.startStafd();
  await stage.run(60_000);
  assert.equal(stage.to(subsystem).length, 0);
});

Deno.test("seed 50180: what a page withdrew whose discovery controller is excluded and lost goes", async () => {
  const stage = new Stage(realCores);
  const { page } = await listed(stage);
  stage.dc("nqn.other", "10.0.0.101", []);
  const refer = entryFor(stage.target("nqn.other"), "referral");
  page.edit([refer], stage.mono);
  await stage.run(5_000);
  assert.equal(stage.to("nqn.other").length, 1);
  // Young: it withdraws nothing yet.
  for (const device of stage.to("nqn.dc")) stage.world.kernel.devices.reset(device);
  await stage.run(15_000);
  page.edit([], stage.mono);
  await stage.run(2_000);
  await isLost(stage);
  assert.equal(stage.to("nqn.other").length, 1, "its page may list it again");
  stage.stafdConf(`${DC_LINE}exclude = traddr=10.0.0.100\n`);
  await stage.run(20_000);
  assert.equal(stage.to("nqn.other").length, 0);
});

Deno.test("unlike seed 50180: that ip-family applies because an announcement ended and the connection is lost proves nothing", async () => {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  const service = { hostIface: "eth0", name: "dc", traddr: "10.0.0.100", port: 8009, txt: ["p=tcp"] };
  const conf = "[Discovery controller connection management]\nzeroconf-connections-persistence = -1\n";
  stage.world.avahi.announce(service);
  stage.stafdConf(conf);
  await stage.start();
  assert.equal(stage.to(subsystem).length, 1);
  stage.world.avahi.withdraw(stage.world.avahi.announced[0]?.key ?? "");
  await stage.run(60_000);
  stage.stafdConf(`${conf}[Global]\nip-family = ipv6\n`);
  await stage.run(60_000);
  assert.equal(stage.to("nqn.dc").length, 1, "ip-family leaves alone what is no longer announced");
  await isLost(stage);
  assert.equal(stage.to(subsystem).length, 1);
});

Deno.test("seed 50227: what a page withdrew goes while the page is read again and again", async () => {
  const stage = new Stage(realCores);
  const { subsystem, page } = await listed(stage);
  await stage.age();
  page.edit([], stage.mono);
  // No second goes by without a new reading that takes a while, and stacd asks for the page all the time.
  page.readMs = 200;
  for (let ms = 0; ms < 6_000; ms += 10) {
    if (ms % 500 === 0) stage.stafd.reload();
    stage.world.bus.signalAs(STAF.name, {
      path: STAF.path,
      interface: STAF.name,
      member: "dc_removed",
      signature: "",
      body: [],
    });
    await stage.run(10);
  }
  assert.equal(stage.to(subsystem).length, 0);
});

/** stafd with the line of a name, and what each answer for the name is; discovery controllers at some of the addresses. */
function named(answers: readonly (readonly string[])[], ...at: readonly string[]): Stage {
  const stage = new Stage(realCores);
  for (const traddr of at) stage.dc(`nqn.dc${traddr.at(-1)}`, traddr, []);
  let asked = 0;
  stage.world.resolver.answer = () => ({ ok: true, value: answers[asked++ % answers.length] ?? [] });
  stage.stafdConf(NAME_LINE);
  return stage;
}

const NAME_LINE = controllers("traddr=dc.example.com");
const [A, B, C] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;
const connectedTo = (stage: Stage): readonly string[] =>
  stage.world.kernel.devices.all.filter(({ state }) => state === "live").map(({ traddr }) => traddr);

Deno.test("seed 60059: of a name's addresses one that no exclude= line forbids is used", async () => {
  const stage = named([[A, B]], A, B);
  stage.stafdConf(`${NAME_LINE}exclude = traddr=${A}\n`);
  stage.startStafd();
  await stage.run(5_000);
  assert.deepEqual(connectedTo(stage), [B]);
  // Forbidden while it is connected, it goes, and another one is used.
  stage.stafdConf(`${NAME_LINE}exclude = traddr=${B}\n`);
  await stage.run(70_000);
  assert.deepEqual(connectedTo(stage), [A]);
});

Deno.test("like seed 60059: nor one that is excluded host-wide; but what is connected stays", async () => {
  const excluded = (traddr: string) => [{ fields: new Map([["traddr", traddr] as const]), origin: "x:1" }];
  const stage = named([[A, B]], A, B);
  stage.world.exclusions = excluded(A);
  stage.startStafd();
  await stage.run(5_000);
  assert.deepEqual(connectedTo(stage), [B]);
  stage.world.exclusions = excluded(B);
  stage.stafdConf(NAME_LINE);
  await stage.run(130_000);
  assert.deepEqual(connectedTo(stage), [B]);
});

Deno.test("like seed 60059: each address of a name has its turn, whatever the order of the answers", async () => {
  const stage = named([[A, B, C], [C, B, A]], C);
  stage.startStafd();
  await stage.run(4 * 60_000);
  assert.deepEqual(connectedTo(stage), [C]);
});

Deno.test("seed 200175: a page is read although its controller was found before the name that asks for it was resolved", async () => {
  const stage = new Stage(realCores);
  const { page } = await listed(stage);
  stage.stafdConf(NAME_LINE);
  await stage.run(500);
  stage.stafd.kill();
  const other = stage.subsystem("nqn.other", "10.0.1.2");
  page.list(entryFor(other, "nvme"), stage.mono);
  stage.world.resolver.names.set("dc.example.com", ["10.0.0.100"]);
  stage.startStafd();
  await stage.run(10_000);
  assert.equal(stage.to(other).length, 1);
});

Deno.test("seed 301627: a connection that is left to another controller is that one's at once, also when no event told that it was up", async () => {
  const stage = new Stage(realCores);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  const bound = stage.dc("nqn.dc", "10.0.0.100", []);
  const free = stage.dc("nqn.other-dc", "10.0.0.101", []);
  stage.stafdConf(`${DC_LINE.trimEnd()};host-iface=eth0\ncontroller = transport=tcp;traddr=10.0.0.101\n`);
  await stage.start();
  await stage.age();
  bound.list(entryFor(subsystem, "nvme"), stage.mono);
  const isBegun = (): boolean => stage.world.kernel.devices.all.some(({ target }) => target === subsystem);
  for (let ms = 0; ms < 1_000 && !isBegun(); ms++) await stage.run(1);
  free.list(entryFor(subsystem, "nvme"), stage.mono);
  await stage.run(30);
  assert.equal(stage.to(subsystem).length, 0, "it is not up yet");
  stage.world.kernel.devices.chaos.silentLoss = 1;
  await stage.run(1_000);
  stage.world.kernel.devices.chaos.silentLoss = 0;
  assert.equal(stage.to(subsystem).length, 1);
  bound.unlist(entryFor(subsystem, "nvme"), stage.mono);
  await stage.run(2_000);
  assert.equal(stage.to(subsystem).length, 1, "the other page lists it");
  free.unlist(entryFor(subsystem, "nvme"), stage.mono);
  await stage.run(5 * 60_000);
  assert.deepEqual(stage.to(subsystem), []);
});

Deno.test("seed 100235: a connection is not left to a controller that has another one: it would be nobody's", async () => {
  const stage = new Stage(realCores);
  stage.world.fabric.addInterface(SECOND);
  stage.dc("nqn.dc", "10.0.0.100", []);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  const load = (...sides: readonly string[]): void => {
    stage.stafdConf(controllers(...sides.map((side) => `traddr=10.0.0.100${side}`)));
    stage.stacdConf(controllers(...sides.map((side) => `traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub${side}`)));
  };
  const count = (): readonly number[] => [stage.to("nqn.dc").length, stage.to(subsystem).length];
  load("");
  await stage.start();
  assert.deepEqual(count(), [1, 1]);
  load("", ";host-iface=eth1");
  await stage.run(3_000);
  assert.deepEqual(count(), [2, 2]);
  load("");
  await stage.run(5 * 60_000);
  assert.deepEqual(count(), [1, 1], "only the one by eth1 goes");
  load();
  await stage.run(5 * 60_000);
  assert.deepEqual(count(), [0, 0]);
});

Deno.test("seed 305029: a connection that was taken over while its link was down is recognised again when that is back, without an event", async () => {
  const stage = new Stage(realCores);
  const { fabric, kernel } = stage.world;
  fabric.addInterface(SECOND);
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  const theirs = stage.connectedByOthers(subsystem);
  kernel.devices.chaos.silentLoss = 1;
  subsystem.manner = "closed";
  kernel.devices.reset(theirs);
  const line = "traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub;host-iface=eth0";
  stage.stacdConf(controllers(line));
  await stage.start(5_000);
  assert.match(stage.said.join("\n"), /nvme0 - Connection established! \(it existed already\)/);
  fabric.setLink("eth0", false);
  subsystem.manner = "up";
  await stage.run(30_000);
  assert.equal(theirs.state, "live");
  assert.equal(theirs.source, "10.2.0.1");
  stage.stacdConf("");
  await stage.run(60_000);
  assert.deepEqual(stage.to(subsystem), [theirs]);
});

Deno.test("what waits for its turn keeps it when the record of another interface becomes one with it (seed 602329)", async () => {
  const stage = new Stage(realCores);
  const { fabric } = stage.world;
  // No way leads to the subsystem by eth1: that one waits longer and longer for its next attempt.
  fabric.addInterface({ ...SECOND, nets: ["10.2.", "10.0.0."] });
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  stage.dc("nqn.dc0", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  const second = stage.dc("nqn.dc1", "10.0.0.101", []);
  stage.world.setManner(stage.subsystem("nqn.busy", "10.0.1.9"), "stuck");
  stage.stacdConf(controllers("traddr=10.0.1.9;trsvcid=4420;nqn=nqn.busy"));
  const lines = controllers("traddr=10.0.0.100;host-iface=eth1", "traddr=10.0.0.101");
  stage.stafdConf(lines);
  await stage.start(60_000);
  const phases = (nqn: string): string =>
    [...stage.stacd.state.fleet.ctls.values()].filter(({ tid }) => tid.subsysnqn === nqn)
      .map(({ tid, link }) => `${tid.hostIface} ${link.phase}`).toSorted().join();
  const until = async (is: () => boolean): Promise<void> => {
    for (let n = 0; n < 60_000 && !is(); n++) await stage.run(5);
    assert.ok(is(), `${phases("nqn.sub")}; ${phases("nqn.busy")}`);
  };
  await until(() => phases("nqn.busy") === " waiting");
  await until(() => phases("nqn.busy") === " connecting" && phases("nqn.sub") === "eth1 waiting");
  second.edit([entryFor(subsystem, "nvme")], stage.mono);
  await until(() => phases("nqn.sub") === " ready,eth1 waiting");
  stage.stafdConf(`[Global]\nignore-iface = true\n${lines}`);
  await until(() => !phases("nqn.sub").includes("eth1"));
  assert.equal(phases("nqn.sub"), " ready");
});

Deno.test("a controller that waits for its next attempt goes on waiting when its record moves", async () => {
  const stage = new Stage(realCores);
  stage.world.fabric.addInterface({ ...SECOND, nets: ["10.2.", "10.0.0."] });
  stage.dc("nqn.dc0", "10.0.0.100", [entryFor(stage.subsystem("nqn.sub", "10.0.1.1"), "nvme")]);
  const line = controllers("traddr=10.0.0.100;host-iface=eth1");
  stage.stafdConf(line);
  await stage.start(60_000);
  const only = () => [...stage.stacd.state.fleet.ctls.values()][0] ?? assert.fail();
  for (let n = 0; n < 60_000 && only().link.phase !== "waiting"; n++) await stage.run(5);
  const { attempts, link } = only();
  assert.ok(attempts > 2);
  stage.stafdConf(`[Global]\nignore-iface = true\n${line}`);
  for (let n = 0; n < 60_000 && only().tid.hostIface !== ""; n++) await stage.run(5);
  assert.deepEqual([only().attempts, only().link], [attempts, link]);
});
