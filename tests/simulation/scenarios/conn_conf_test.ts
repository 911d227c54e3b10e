/** `--conn-conf-file`: both daemons work on a connectivity file of nvme-stas 3 as it is. */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { realCores } from "../cores.ts";
import { HOST, Stage } from "./stage.ts";

const FILE = "/etc/nvme/nvme-stas.conf";

function staged(files: Readonly<Record<string, string>>): Stage {
  const stage = new Stage(realCores);
  stage.args = ["--conn-conf-file", FILE];
  for (const [name, text] of Object.entries(files)) stage.world.files.set(name, text);
  return stage;
}

const MAIN = `[Discovery Controller Defaults]
keep-alive-tmo = 17
[I/O Controller Defaults]
ctrl-loss-tmo = 0x20
[Discovery Controller]
controller = transport=tcp;traddr=10.0.0.100;trsvcid=8009
[Subsystem]
nqn = nqn.2014-08.org.example:sub
ctrl-loss-tmo = 99
controller = transport=tcp;traddr=10.0.1.1;trsvcid=4420
`;

Deno.test("stafd takes the discovery controllers, stacd the subsystems, and what is listed gets the defaults", async () => {
  const stage = staged({ [FILE]: MAIN });
  const sub = stage.subsystem("nqn.2014-08.org.example:sub", "10.0.1.1");
  const listed = stage.subsystem("nqn.listed", "10.0.1.2");
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(listed, "nvme")]);
  await stage.start(20_000);
  const asked = (target: Parameters<Stage["to"]>[0]): unknown =>
    stage.to(target).map(({ hostNqn }) => hostNqn);
  for (const target of ["nqn.dc", sub, listed]) assert.deepEqual(asked(target), [HOST.nqn]);
  assert.equal(stage.stafd.conf?.options.kato, 17);
  assert.equal(stage.stacd.conf?.options.ctrlLossTmo, 32);
  assert.equal(stage.stacd.conf?.controllers[0]?.overrides.ctrlLossTmo, 99);
});

Deno.test("a drop-in has an identity of its own; a removed line withdraws it, and the evidence names the file", async () => {
  const other = { nqn: "nqn.2014-08.org.example:other", id: "2b4e28ba-2fa1-41d2-883f-0016d3cca427" };
  const dropIn = (lines: string): string =>
    `[Host]\nhostnqn = ${other.nqn}\nhostid = ${other.id}\n[Subsystem]\nnqn = nqn.2014-08.org.example:b\n${lines}`;
  const stage = staged({
    [FILE]: MAIN,
    [`${FILE}.d/b.conf`]: dropIn("controller = transport=tcp;traddr=10.0.1.3;trsvcid=4420\n"),
    [`${FILE}.d/b.conf.bak`]: "not read",
  });
  const sub = stage.subsystem("nqn.2014-08.org.example:sub", "10.0.1.1");
  const mine = stage.subsystem("nqn.2014-08.org.example:b", "10.0.1.3");
  stage.dc("nqn.dc", "10.0.0.100", []);
  await stage.start(20_000);
  assert.deepEqual(stage.to(mine).map(({ hostNqn, hostId }) => [hostNqn, hostId]), [[other.nqn, other.id]]);
  // S10: a drop-in that libnvme would reject changes nothing, and stacd.conf is not used either.
  stage.world.files.set(`${FILE}.d/b.conf`, dropIn("controller = transport=tcp;traddr=10.0.1.3;bogus=1\n"));
  stage.stacdConf("[Controllers]\ncontroller = transport=tcp;traddr=10.0.1.9;trsvcid=4420;nqn=nqn.x\n");
  await stage.run(20_000);
  assert.equal(stage.to(mine).length, 1);
  assert.match(stage.said.join("\n"), /stacd .*b\.conf:6:\d+: "bogus" does not belong on a controller line/);
  assert.match(
    stage.said.join("\n"),
    /stacd \/etc\/stas\/stacd\.conf and \/etc\/nvme\/nvme-stas\.conf are rejected; the previous configuration stays in force/,
  );
  stage.world.files.set(`${FILE}.d/b.conf`, dropIn(""));
  stage.stacdConf("");
  await stage.run(20_000);
  assert.equal(stage.to(mine).length, 0);
  assert.equal(stage.to(sub).length, 1);
  assert.match(
    stage.said.join("\n"),
    /nvme-stas\.conf\.d\/b\.conf.*no controller= line asks for it any more/,
  );
});

Deno.test("[Host] of the main file is who this host is; a removed identity disconnects nothing (S13)", async () => {
  const nqn = "nqn.2014-08.org.example:main";
  const host = `[Host]\nhostnqn = ${nqn}\nhostid = 2b4e28ba-2fa1-41d2-883f-0016d3cca427\n`;
  const stage = staged({ [FILE]: host + MAIN });
  const sub = stage.subsystem("nqn.2014-08.org.example:sub", "10.0.1.1");
  const listed = stage.subsystem("nqn.listed", "10.0.1.2");
  stage.dc("nqn.dc", "10.0.0.100", [entryFor(listed, "nvme")]);
  await stage.start(20_000);
  for (const target of ["nqn.dc", sub, listed]) {
    assert.deepEqual(stage.to(target).map(({ hostNqn }) => hostNqn), [nqn]);
  }
  stage.world.files.set(FILE, MAIN);
  stage.stafdConf("");
  stage.stacdConf("");
  await stage.run(30_000);
  for (const target of ["nqn.dc", sub, listed]) assert.equal(stage.to(target).length, 1);
});

Deno.test("an address that cannot be read takes nothing away (S2), and a security option that cannot connects nothing (S15)", async () => {
  const stage = staged({ [FILE]: MAIN });
  const sub = stage.subsystem("nqn.2014-08.org.example:sub", "10.0.1.1");
  const safe = stage.subsystem("nqn.2014-08.org.example:safe", "10.0.1.4");
  await stage.start(20_000);
  assert.equal(stage.to(sub).length, 1);
  stage.world.files.set(
    FILE,
    `${MAIN.replace("10.0.1.1", "010.0.1.1")}[Subsystem]\nnqn = nqn.2014-08.org.example:safe\ntsl = true\n` +
      "controller = transport=tcp;traddr=10.0.1.4;trsvcid=4420\n",
  );
  stage.stacdConf("");
  await stage.run(30_000);
  assert.equal(stage.to(sub).length, 1);
  assert.equal(stage.to(safe).length, 0);
  assert.match(stage.said.join("\n"), /nvme-stas\.conf:13:1: .*tsl=true.*its controller is not connected/);
});
