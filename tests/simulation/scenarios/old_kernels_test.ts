/**
 * Kernels before 5.18, which tell neither what a controller is nor when its connection is up again: each story is red
 * without what mended it.
 */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { NEWEST, Release } from "../../../src/lib/sim/release.ts";
import { stacd, stafd } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { AUDIT, Stage } from "./stage.ts";

const DC_LINE = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n";
const SUB_LINE = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub\n";

function old(cores: Cores = realCores): Stage {
  const stage = new Stage(cores);
  stage.world.kernel.devices.release = new Release("5.17.0");
  return stage;
}

/** The daemons' connects from now on. */
function connects(stage: Stage): string[] {
  const made: string[] = [];
  stage.world.kernel.connecting.witness = (who, { tid }) => made.push(`${who} ${tid.subsysnqn}`);
  return made;
}

/** The other end is silent until the kernel has noticed. */
async function loseLink(stage: Stage, target: Target): Promise<void> {
  stage.world.setManner(target, "silent");
  await stage.run(3_000);
  assert.equal(stage.to(target).length, 0, "the link is lost");
}

const devices = (stage: Stage, target: Target) =>
  stage.world.kernel.devices.all.filter((device) => device.target === target);

Deno.test("old kernel: an I/O controller without namespaces at a discovery controller's address is left alone", async () => {
  const stage = old();
  stage.dc("nqn.dc", "10.0.0.100", []);
  const other = stage.world.addSubsystem(
    { transport: "tcp", traddr: "10.0.0.100", trsvcid: "8009" },
    "nqn.io",
  );
  other.isEmpty = true;
  const device = stage.connectedByOthers(other);
  stage.stafdConf(DC_LINE);
  await stage.start(10_000);
  assert.equal(stage.to("nqn.dc").length, 1, "the discovery controller has a connection of its own");
  stage.stafdConf("");
  await stage.run(10_000);
  assert.equal(stage.to("nqn.dc").length, 0);
  assert.deepEqual(stage.to(other), [device]);
});

Deno.test("old kernel: neither is one whose link is lost when stafd looks first", async () => {
  const stage = old();
  stage.dc("nqn.dc", "10.0.0.100", []);
  const other = stage.world.addSubsystem(
    { transport: "tcp", traddr: "10.0.0.100", trsvcid: "8009" },
    "nqn.io",
  );
  other.isEmpty = true;
  const device = stage.connectedByOthers(other);
  await loseLink(stage, other);
  stage.stafdConf(DC_LINE);
  await stage.start(3_000);
  stage.stafdConf("");
  await stage.run(3_000);
  stage.world.setManner(other, "up");
  await stage.run(30_000);
  assert.deepEqual(stage.to(other), [device]);
});

Deno.test("old kernel: stacd knows its own connection without namespaces again", async () => {
  const stage = old();
  const sub = stage.subsystem("nqn.sub", "10.0.1.1");
  sub.isEmpty = true;
  stage.stacdConf(SUB_LINE);
  await stage.start();
  const [device] = stage.to(sub);
  stage.stacd.kill();
  const made = connects(stage);
  stage.startStacd();
  await stage.run(60_000);
  assert.deepEqual([stage.to(sub), made], [[device], []]);
  stage.stacdConf("");
  await stage.run(10_000);
  assert.equal(stage.to(sub).length, 0, "and disconnects it when its line goes");
});

for (const sub of ["with", "without"] as const) {
  Deno.test(`old kernel: the audit takes an I/O controller ${sub} namespaces, and no discovery controller`, async () => {
    const stage = old();
    const foreign = stage.subsystem("nqn.foreign", "10.0.1.1");
    foreign.isEmpty = sub === "without";
    stage.dc("nqn.dc", "10.0.0.100", []);
    stage.connectedByOthers(foreign);
    stage.connectedByOthers(stage.target("nqn.dc"));
    stage.stacdConf(AUDIT);
    await stage.start(60_000);
    assert.deepEqual([stage.to(foreign).length, stage.to("nqn.dc").length], [0, 1]);
  });
}

/** Nothing tells that a connection is up (again): the event came with 5.18. */
const deaf: Cores = {
  stafd: stafd((event) => event.type === "device" && event.cause !== "add" ? { type: "tick" } : event).stafd,
  stacd: stacd((event) => event.type === "device" && event.cause !== "add" ? { type: "tick" } : event)
    .stacd,
};

for (const [events, cores] of [["", realCores], [", without an event", deaf]] as const) {
  Deno.test(`old kernel: a line removed while stafd is down and the link is lost goes when it is back${events}`, async () => {
    const stage = old(cores);
    stage.dc("nqn.dc", "10.0.0.100", []);
    stage.stafdConf(DC_LINE);
    await stage.start();
    const dc = stage.target("nqn.dc");
    await loseLink(stage, dc);
    stage.stafd.kill();
    stage.stafdConf("");
    stage.startStafd();
    await stage.run(5_000);
    assert.equal(stage.stafd.state.fleet.ctls.size, 1, "not forgotten before that can be told");
    stage.world.setManner(dc, "up");
    await stage.run(40_000);
    assert.deepEqual(devices(stage, dc), []);
    assert.equal(stage.stafd.state.fleet.ctls.size, 0);
  });

  Deno.test(`old kernel: likewise stacd and a connection without namespaces${events}`, async () => {
    const stage = old(cores);
    const sub = stage.subsystem("nqn.sub", "10.0.1.1");
    sub.isEmpty = true;
    stage.stacdConf(SUB_LINE);
    await stage.start();
    await loseLink(stage, sub);
    stage.stacd.kill();
    stage.stacdConf("");
    stage.startStacd();
    await stage.run(5_000);
    stage.world.setManner(sub, "up");
    await stage.run(40_000);
    assert.deepEqual(devices(stage, sub), []);
  });

  Deno.test(`old kernel: after a restart a wanted connection with a lost link is not made twice${events}`, async () => {
    const stage = old(cores);
    stage.dc("nqn.dc", "10.0.0.100", []);
    stage.stafdConf(DC_LINE);
    await stage.start();
    const dc = stage.target("nqn.dc");
    const [device] = stage.to(dc);
    await loseLink(stage, dc);
    stage.stafd.kill();
    stage.startStafd();
    await stage.run(5_000);
    stage.world.setManner(dc, "up");
    await stage.run(40_000);
    assert.deepEqual(stage.to(dc), [device]);
    const [ctl] = [...stage.stafd.state.fleet.ctls.values()];
    assert.equal(ctl?.link.phase, "up");
  });
}

Deno.test("old kernel: of two lines on one connection one goes while the link is lost: it stays for the other", async () => {
  const stage = old();
  stage.dc("nqn.dc", "10.0.0.100", []);
  const named = `${DC_LINE}controller = transport=tcp;traddr=10.0.0.100;nqn=nqn.dc\n`;
  stage.stafdConf(named);
  await stage.start();
  const dc = stage.target("nqn.dc");
  const [device, second] = stage.to(dc);
  assert.ok(device !== undefined && second === undefined, "one connection for both");
  await loseLink(stage, dc);
  // Kernel events are lost, too: all controllers are read again.
  stage.world.kernel.devices.loseEvents(10);
  await stage.run(1_000);
  stage.stafdConf(DC_LINE);
  await stage.run(5_000);
  assert.deepEqual(devices(stage, dc), [device]);
  stage.world.setManner(dc, "up");
  await stage.run(20_000);
  assert.deepEqual(stage.to(dc), [device]);
});

Deno.test("old kernel: a line removed while the link is lost goes, also where sysfs says no longer what it is", async () => {
  const stage = old();
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.stafdConf(DC_LINE);
  await stage.start();
  const dc = stage.target("nqn.dc");
  await loseLink(stage, dc);
  stage.world.kernel.devices.loseEvents(10);
  await stage.run(1_000);
  stage.stafdConf("");
  await stage.run(5_000);
  assert.deepEqual(devices(stage, dc), []);
});

Deno.test("old kernel: a page of a discovery controller with a lost link is read again when it is back", async () => {
  const stage = old(deaf);
  const sub = stage.subsystem("nqn.sub", "10.0.1.1");
  const page = stage.dc("nqn.dc", "10.0.0.100", []);
  stage.stafdConf(DC_LINE);
  await stage.start();
  const dc = stage.target("nqn.dc");
  await loseLink(stage, dc);
  page.edit([entryFor(sub, "nvme")], 0);
  stage.world.setManner(dc, "up");
  await stage.run(30_000);
  assert.equal(stage.to(sub).length, 1);
});

for (const isOld of [true, false]) {
  Deno.test(`${isOld ? "old" : "new"} kernel: a discovery controller waits for what is half made at its address no longer than that`, async () => {
    const stage = new Stage(realCores);
    if (isOld) stage.world.kernel.devices.release = new Release("5.17.0");
    stage.dc("nqn.dc", "10.0.0.100", []);
    const io = stage.world.addSubsystem(
      { transport: "tcp", traddr: "10.0.0.100", trsvcid: "8009" },
      "nqn.io",
    );
    io.isEmpty = true;
    const half = stage.connectedByOthers(io);
    Object.assign(half, { state: "connecting", complete: false });
    stage.stafdConf(DC_LINE);
    await stage.start(2_000);
    assert.equal(stage.to("nqn.dc").length, 0);
    stage.world.kernel.devices.live(half);
    // Old kernels make no event of it.
    await stage.run(isOld ? 30_000 : 2_000);
    assert.deepEqual([stage.to("nqn.dc").length, stage.to(io).length], [1, 1]);
  });
}

/** The name of the line moves to `now` while ip-family turns IPv4 away, and comes back. */
async function moved(now: readonly string[]): Promise<Stage> {
  const stage = new Stage(realCores);
  stage.dc("nqn.dc", "10.0.0.100", []);
  stage.world.resolver.names.set("dc.example.com", ["10.0.0.100"]);
  const conf = "[Controllers]\ncontroller = transport=tcp;traddr=dc.example.com\n";
  stage.stafdConf(conf);
  await stage.start();
  stage.world.resolver.names.set("dc.example.com", now);
  stage.stafdConf(`[Global]\nip-family = ipv6\n${conf}`);
  await stage.run(10_000);
  stage.world.resolver.names.delete("dc.example.com");
  stage.stafdConf(conf);
  await stage.run(100);
  return stage;
}

Deno.test("a name that moved while ip-family turned both addresses away withdraws the old one", async () => {
  assert.deepEqual(
    [...(await moved(["10.0.0.101"])).stafd.state.fleet.ctls.values()].map(({ tid }) => tid.traddr),
    ["10.0.0.101"],
  );
});

Deno.test("a name that got one more address while ip-family turned all away keeps the old one", async () => {
  assert.deepEqual(
    [...(await moved(["10.0.0.101", "10.0.0.100"])).stafd.state.fleet.ctls.values()].map(({ tid }) =>
      tid.traddr
    ),
    ["10.0.0.100"],
  );
});

Deno.test("a name without any address withdraws nothing", async () => {
  assert.deepEqual(
    [...(await moved([])).stafd.state.fleet.ctls.values()].map(({ tid }) => tid.traddr),
    ["10.0.0.100"],
  );
});

for (const release of ["5.17.0", NEWEST]) {
  Deno.test(`Linux ${release}: beside another program's connection stafd knows its own again after a crash`, async () => {
    const stage = new Stage(realCores);
    stage.world.kernel.devices.release = new Release(release);
    const first = stage.subsystem("nqn.sub", "10.0.1.1");
    const number = stage.connectedByOthers(first);
    stage.dc("nqn.dc", "10.0.0.100", []);
    const dc = stage.target("nqn.dc");
    stage.stafdConf(DC_LINE);
    await stage.start(10_000);
    const [own] = stage.to(dc);
    assert.ok(own !== undefined);
    // The other one has the lower number.
    stage.world.kernel.deleteNow(number);
    const other = stage.connectedByOthers(dc, { owner: "udisks" });
    assert.ok(other.name < own.name);
    await stage.run(10_000);
    stage.stafd.kill();
    stage.world.kernel.devices.reset(own);
    stage.startStafd();
    await stage.run(30_000);
    assert.deepEqual(stage.to(dc), [own, other], "both are up");
    stage.stafdConf("");
    await stage.run(10_000);
    assert.deepEqual(stage.to(dc), [other], "stafd's own goes with its line");
  });
}
