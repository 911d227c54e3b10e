/** `report` against both daemons on a simulated host, and its replay. */
import assert from "node:assert/strict";
import { stories } from "../../../scripts/replay/stories.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { isRecord } from "../../../src/lib/dbus/json_reader.ts";
import { DaemonClient } from "../../../src/lib/dbus/client.ts";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAC } from "../../../src/lib/dbus/interfaces.ts";
import { HOST } from "../../simulation/scenarios/stage.ts";
import { begun, told } from "../dbus/report_calls.ts";
import { line, type Site, withSite } from "./site.ts";

const KEY = "DHHC-1:00:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0YWJjZA==:";
const NQN = "nqn.2014-08.com.example:sub1";
const ALL = { until: Infinity, about: undefined, all: false, asScenario: false };

/** A discovery controller that lists two subsystems, one more by a line with a key; then the first one is withdrawn. */
async function played({ stage }: Site): Promise<void> {
  const listed = stage.subsystem(NQN, "10.0.0.5");
  stage.subsystem("nqn.2014-08.com.example:keyed", "10.0.0.6");
  const stays = entryFor(stage.subsystem("nqn.2014-08.com.example:sub-2", "10.0.0.7"), "nvme");
  const page = stage.dc("nqn.2014-08.com.example:dc", "10.0.0.9", [entryFor(listed, "nvme"), stays]);
  stage.stafdConf(line("traddr=10.0.0.9"));
  stage.stacdConf(
    line(`traddr=10.0.0.6;trsvcid=4420;nqn=nqn.2014-08.com.example:keyed;dhchap-secret=${KEY}`),
  );
  await stage.start();
  await stage.run(20_000);
  await stage.age();
  page.edit([stays], stage.mono);
  await stage.run(120_000);
  assert.equal(stage.to(listed).length, 0);
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a report is one file without keys, and its recordings play as they were", () =>
  inFolder((folder) =>
    withSite(async (site) => {
      await played(site);
      const file = `${folder}/report.json`;
      const ran = await site.run(`stacctl report -o ${file}`);
      assert.deepEqual([ran.status, ran.out, ran.err], [0, `${file}\n`, ""]);
      assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
      const text = await Deno.readTextFile(file);
      assert.doesNotMatch(text, /dhhc-|c2VjcmV0/i);
      const story = stories(text, ALL);
      if (!story.ok) return assert.fail(story.message);
      assert.deepEqual(story.warnings, []);
      assert.ok(story.isTrue, story.lines.join("\n"));
      const told = story.lines.join("\n");
      assert.match(told, /-> connect \(tcp, 10\.0\.0\.5, 4420/);
      assert.match(told, /-> disconnect nvme\d+ \(tcp, 10\.0\.0\.5.*because: not in the log page of/);
      assert.match(told, /stafd 1\.0\.1: \d+ events from/);
    })
  ));

Deno.test("a key in a line of the log, in what an array calls itself or in sysfs is masked", () =>
  inFolder((folder) =>
    withSite(async (site) => {
      await played(site);
      const controller = `${folder}/sys/class/nvme/nvme0`;
      await Deno.mkdir(controller, { recursive: true });
      for (const [name, text] of [["transport", "tcp"], ["model", KEY], ["dhchap_secret", KEY]] as const) {
        await Deno.writeTextFile(`${controller}/${name}`, `${text}\n`);
      }
      const run = (command: readonly string[]) =>
        command[0] === "journalctl"
          ? { success: true, out: `nvme connect -S ${KEY} failed\n`, err: "" }
          : undefined;
      const { out } = await site.run("stacctl report -o -", { root: folder, run });
      const whole: unknown = JSON.parse(out);
      assert.ok(isRecord(whole));
      assert.ok(!out.includes(KEY.slice(10, 30)), "a key is in the report");
      assert.deepEqual(whole["journal"], ["nvme connect -S ***** failed"]);
      assert.deepEqual(whole["controllers"], [
        { device: "nvme0", dhchap_secret: "yes", model: "*****", transport: "tcp" },
      ]);
    })
  ));

Deno.test("under pseudonyms no name is left, and the recordings play as they were", () =>
  inFolder((folder) =>
    withSite(async (site) => {
      const { stage } = site;
      stage.world.resolver.names.set("array-5.corp.test", ["10.0.0.77"]);
      stage.subsystem("nqn.2014-08.com.example:by-name", "10.0.0.77");
      await played(site);
      const conf = `[Controllers]\n${
        [
          "controller = transport=tcp;traddr=array-5.corp.test;trsvcid=4420;nqn=nqn.2014-08.com.example:by-name",
          "exclude = nqn=nqn.2014-08.com.example:*",
          "exclude = traddr=10.0.0.64/27",
        ].join("\n")
      }\n`;
      stage.stacdConf(conf);
      await stage.run(30_000);
      const file = `${folder}/report.json`;
      const root = `${folder}/root`;
      await Deno.mkdir(`${root}/proc/sys/kernel`, { recursive: true });
      await Deno.writeTextFile(`${root}/proc/sys/kernel/hostname`, "db-host-7\n");
      const lines =
        "2026-11-30T10:00:00 stacd[1]: db-host-7 found array-5.corp.test (10.0.0.77), nqn.2014-08.com.example:other\n";
      const run = (command: readonly string[]) =>
        command[0] === "journalctl" ? { success: true, out: lines, err: "" } : undefined;
      assert.equal((await site.run(`stacctl report --pseudonyms -o ${file}`, { root, run })).status, 0);
      const text = await Deno.readTextFile(file);
      assert.doesNotMatch(text, /com\.example|:sub1|by-name|10\.0\.0\.|corp\.test|db-host-7|array-5|:other/);
      assert.ok(!text.includes(HOST.nqn) && !text.includes(HOST.id));
      const story = stories(text, ALL);
      if (!story.ok) return assert.fail(story.message);
      assert.deepEqual(story.warnings, []);
      assert.ok(story.isTrue, story.lines.join("\n"));
      // The two patterns still cover what they covered.
      assert.match(story.lines.join("\n"), /name-\d+ -> 10\.\d+\.\d+\.\d+|nqn\.2014-08\.w\d+\.w\d+:w\d+/);
    })
  ));

Deno.test("under pseudonyms nothing is left of what a person named, in the recording, the views and the journal", () =>
  inFolder((folder) =>
    withSite(async (site) => {
      await played(site);
      for (
        const act of [
          "drain ledger",
          "drain keyed",
          "undrain keyed",
          "renew exampl --reconnect",
          "drain nvme2",
        ]
      ) {
        await site.run(`stacctl ${act}`);
      }
      const lines = "2026-11-29T10:00:00 stacd[1]: (tcp, 10.0.0.5, 4420) | nvme1 - Disconnect initiated: " +
        "drained by uid 0 until 2026-11-29T12:00:00Z, by force: vault-7; and one more\n";
      const file = `${folder}/report.json`;
      const run = (command: readonly string[]) =>
        command[0] === "journalctl" ? { success: true, out: lines, err: "" } : undefined;
      const real = await site.run("stacctl report -o -", { run });
      for (const what of [/"what":"keyed"/, /uid 0 [^"]*: exampl"/, /: vault-7;/]) {
        assert.match(real.out, what);
      }
      assert.equal((await site.run(`stacctl report --pseudonyms -o ${file}`, { run })).status, 0);
      const text = await Deno.readTextFile(file);
      assert.doesNotMatch(text, /ledger|keyed|exampl|vault/);
      assert.match(text, /"what":"nvme2"/, "a device stays");
      const story = stories(text, ALL);
      assert.ok(story.ok && story.isTrue);
    })
  ));

Deno.test("what an array calls itself is never taken for the place of a recording", () =>
  inFolder((folder) =>
    withSite(async (site) => {
      await played(site);
      const controller = `${folder}/sys/class/nvme/nvme0`;
      await Deno.mkdir(controller, { recursive: true });
      const model = "recording 0 of this report";
      await Deno.writeTextFile(`${controller}/transport`, "tcp\n");
      await Deno.writeTextFile(`${controller}/model`, model);
      const { out } = await site.run("stacctl report -o -", { root: folder });
      const whole: unknown = JSON.parse(out);
      assert.ok(isRecord(whole));
      assert.deepEqual(whole["controllers"], [{ device: "nvme0", transport: "tcp", model }]);
      const story = stories(out, ALL);
      assert.ok(story.ok && story.isTrue);
    })
  ));

Deno.test("a report never replaces a file, and says where none can be made", () =>
  inFolder((folder) =>
    withSite(async (site) => {
      await site.stage.start();
      await site.stage.run(2_000);
      const file = `${folder}/report.json`;
      await Deno.writeTextFile(file, "mine");
      const again = await site.run(`stafctl report -o ${file}`);
      assert.equal(again.status, 1);
      assert.match(again.err, /report\.json exists: choose another file with -o/);
      assert.equal(await Deno.readTextFile(file), "mine");
      await Deno.symlink(`${folder}/other`, `${folder}/link`);
      assert.equal((await site.run(`stafctl report -o ${folder}/link`)).status, 1);
      const printed = await site.run("stafctl report -o -");
      assert.ok(printed.status === 0 && stories(printed.out, ALL).ok);
      const nowhere = await site.run(`stafctl report -o ${folder}/none/report.json`);
      assert.match(nowhere.err, /cannot write .*none\/report\.json/);
      const user = await site.run(`stafctl report -o ${folder}/users.json`, { uid: 1000 });
      assert.deepEqual([user.status, user.err], [1, "stafctl: only root may make a report: use sudo\n"]);
    })
  ));

Deno.test("a report of daemons that do not run has what there is, and says what is missing", () =>
  inFolder(async (folder) => {
    const { fakeWorld } = await import("../../unit/ctl/fake_world.ts");
    const { main } = await import("../../../src/ctl/stacctl.ts");
    const world = fakeWorld();
    const file = `${folder}/report.json`;
    assert.equal(await main(["report", "-o", file], world), 0);
    assert.match(world.err.text, /not in the report: .*dbus/);
    const whole: unknown = JSON.parse(await Deno.readTextFile(file));
    assert.ok(isRecord(whole) && isRecord(whole["doctor"]) && isRecord(whole["configuration"]));
    const story = stories(JSON.stringify(whole), ALL);
    assert.match(story.ok ? "" : story.message, /the report has no recording/);
  }));

Deno.test("reports belong to their callers: a few at once, one for each, gone with it", () =>
  withSite(async (site) => {
    await played(site);
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => Bus.connect(site.address)));
    assert.ok(a?.ok === true && b?.ok === true && c?.ok === true);
    const first = await begun(a.bus);
    const second = await begun(b.bus);
    const piece = await told(a.bus, "report_piece", [first]);
    assert.ok(piece.startsWith("{") && piece.length > 1000 && piece.length <= 32 * 1024, piece.slice(0, 100));
    assert.match(await told(b.bus, "report_piece", [first]), /reads no such report/);
    await begun(c.bus);
    assert.match(
      await told(a.bus, "report_piece", [first]),
      /reads no such report/,
      "the oldest of three is over",
    );
    const again = await begun(b.bus);
    assert.match(await told(b.bus, "report_piece", [second]), /reads no such report/);
    assert.ok((await told(b.bus, "report_piece", [again])).startsWith("{"));
    b.bus.close();
    // The other two go on.
    const third = await begun(a.bus);
    assert.ok((await new DaemonClient(c.bus, STAC).report()).ok);
    assert.ok((await told(a.bus, "report_piece", [third])).startsWith("{"));
    a.bus.close();
    c.bus.close();
  }));
