/** Daemons that are stopped or missing, Avahi, the journal, and a user without rights: words and a button, never nothing. */
import assert from "node:assert/strict";
import { buildSite } from "../../demo/site.ts";
import { lacks, otherUser } from "../lacking.ts";
import { visited } from "./visit.ts";

/** `nobody` of every distribution. */
const NOBODY = 65_534;

Deno.test("Services: a stopped daemon is started from where it is missed, and stopped from Services", () =>
  visited({ world: buildSite().world, starts: ["stafd"] }, async (visit) => {
    await visit.open("#/subsystems");
    await visit.see("stacd is not running", "existing connections stay");
    await visit.click("button", "Start stacd");
    await visit.see("3 subsystems");
    await visit.open("#/services");
    await visit.see("Starts when the host boots.");
    await visit.click("button", "Stop stacd");
    await visit.see("Start stacd");
    await visit.click("button", "Disable stacd");
    await visit.see("Does not start when the host boots.");
    assert.deepEqual(visit.host.acts.map(({ args }) => args.join(" ")), [
      "start stacd.service",
      "stop stacd.service",
      "disable --now stacd.service",
    ]);
  }));

Deno.test("Services: what is not installed is said with what to install; the journal is shown as it grows", async () => {
  const { world, backup } = buildSite();
  await visited({ world }, async (visit) => {
    visit.host.units["avahi-daemon"].isInstalled = false;
    await visit.open("#/services");
    await visit.see("Avahi is not installed", "Install avahi-daemon", "Journal", "192.168.20.13");
    assert.doesNotMatch(await visit.text() ?? "", /backup.*Connection established/);
    world.setManner(backup, "up");
    await visit.see(/backup.*Connection established/);
  });
});

Deno.test("Neither daemon runs: every part says so, and offers a way on", () =>
  visited({ world: buildSite().world, starts: [] }, async (visit) => {
    await visit.open();
    await visit.see("stacd is not running", "stafd is not running", "Start stafd");
    await visit.open("#/configuration");
    await visit.see("No findings.");
    await visit.open("#/configuration?file=sys");
    await visit.see("Neither stafd nor stacd is running");
    await visit.open("#/controller/stafd?what=x");
    await visit.see("stafd is not running");
  }));

Deno.test({
  name: "A user without rights sees everything; what would change something is refused with the reason",
  ignore: lacks(otherUser),
  fn: () =>
    visited({ world: buildSite().world, uid: NOBODY }, async (visit) => {
      const file = `${visit.host.confDir}/stacd.conf`;
      const before = await Deno.readTextFile(file);
      await visit.open();
      await visit.see("3 of 4, 1 failing", "2 of 2");
      await visit.open("#/services");
      await visit.see("Starting and stopping need administrative access");
      await visit.click("button", "Stop stacd");
      await visit.see("Stop stacd: not done", "This needs administrative access");
      await visit.open("#/configuration");
      await visit.see("Saving needs administrative access", "No findings.");
      await visit.type("Text of stacd.conf", "# nothing\n");
      await visit.click("button", "Show the plan of this text");
      await visit.see("connects and disconnects nothing");
      await visit.click("button", "Save and reload");
      await visit.see("Not saved", "This needs administrative access");
      assert.equal(await Deno.readTextFile(file), before);
      assert.deepEqual(visit.host.acts, []);
    }),
});
