/** Administrative access that is turned on and off while the page is open, and what depends on Cockpit's other packages. */
import assert from "node:assert/strict";
import { buildSite } from "../../demo/site.ts";
import { lacks, otherUser } from "../lacking.ts";
import { type Visit, visited } from "./visit.ts";

/** `nobody` of every distribution. */
const NOBODY = 65_534;
/** In place of sudo: the second bridge is the same user's, which makes no difference to the page. */
const BRIDGE = { bridges: [{ privileged: true, spawn: ["cockpit-bridge", "--privileged"] }] };
const EDIT = "# an edit that has taken an hour\n";

const canSave =
  `[...document.querySelectorAll("button")].filter((one) => /Save/.test(one.innerText)).every((one) => !one.disabled)`;

/** As Cockpit's shell does it. */
const turn = (visit: Visit, method: "Start" | "Stop"): Promise<unknown> =>
  visit.evaluate(
    `cockpit.dbus(null, { bus: "internal" }).call("/superuser", "cockpit.Superuser", "${method}",
      ${method === "Start" ? `["cockpit-bridge"]` : "[]"})`,
  );

Deno.test({
  name: "An edit outlives that administrative access is turned on to save it, and off again",
  ignore: lacks(otherUser),
  fn: () =>
    visited({ world: buildSite().world, uid: NOBODY, packages: { "test-admin": BRIDGE } }, async (visit) => {
      const edited = async (): Promise<void> =>
        assert.equal(await visit.evaluate("document.querySelector('textarea').value"), EDIT);
      // The plan of the moment: until each controller was tried once, it connects more.
      await visit.open();
      await visit.see("3 of 4, 1 failing", "2 of 2");
      await visit.open("#/configuration");
      await visit.see("Saving needs administrative access", "No findings.");
      await visit.type("Text of stacd.conf", EDIT);
      await visit.click("button", "Show the plan of this text");
      await visit.see("connects and disconnects nothing");
      await visit.click("button", "Save and reload");
      await visit.see("Not saved", "This needs administrative access");
      await turn(visit, "Start");
      await visit.missing("Saving needs administrative access");
      await edited();
      assert.equal(await visit.evaluate(canSave), true, "the plan was shown");
      await turn(visit, "Stop");
      await visit.see("Saving needs administrative access", "connects and disconnects nothing");
      await edited();
      await visit.click("link", "Services");
      await visit.see("Starting and stopping need administrative access", "Journal", "192.168.20.13");
      await turn(visit, "Start");
      await visit.missing("Starting and stopping need administrative access");
      await visit.see("192.168.20.13");
    }),
});

const namespaceLink =
  `[...document.querySelectorAll("button")].filter((one) => /storage page/.test(one.ariaLabel)).length`;

for (
  const [name, packages, links] of [["with", { storaged: { name: "storage" } }, 1], [
    "without",
    {},
    0,
  ]] as const
) {
  Deno.test(`Subsystems: a namespace leads to Cockpit's storage page, on a host ${name} that page`, () =>
    visited({ world: buildSite().world, packages }, async (visit) => {
      await visit.open("#/subsystems");
      await visit.click("button", "Show paths of nqn.2025-01.com.example:orders");
      await visit.see("100 GiB");
      assert.equal(await visit.evaluate(namespaceLink), links);
    }));
}
