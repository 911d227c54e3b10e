/** What a screen reader and a keyboard reach: axe-core on each part, light and dark, wide and narrow. */
import assert from "node:assert/strict";
import { buildSite } from "../../demo/site.ts";
import { type Visit, visited } from "./visit.ts";

const AXE = await Deno.readTextFile("node_modules/axe-core/axe.min.js");

/** Serious and critical findings, with the elements that they are about. */
async function judged(visit: Visit, part: string): Promise<void> {
  await visit.page.evaluate(AXE);
  const found = await visit.evaluate(`axe.run(document).then(({ violations }) =>
    violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" | ")))`);
  assert.deepEqual(found, [], part);
}

async function parts(visit: Visit): Promise<void> {
  await visit.open();
  await visit.see("3 of 4, 1 failing", "3 subsystems");
  await judged(visit, "Overview");
  await visit.open("#/subsystems");
  await visit.click("button", "Show paths of nqn.2025-01.com.example:orders");
  await visit.see("tcp 192.168.10.11:4420", "100 GiB");
  await judged(visit, "Subsystems");
  await visit.click("link", "tcp 192.168.10.11:4420");
  await visit.see("Wanted by");
  await judged(visit, "Details");
  await visit.open("#/configuration");
  await visit.type(
    "Text of stacd.conf",
    "[Controllers]\nexclude = nqn=nqn.2025-01.com.example:orders\nkato = 1\n",
  );
  await visit.see("Line 3");
  await visit.click("button", "Show the plan of this text");
  await visit.see("loses its last path");
  await judged(visit, "Configuration");
  await visit.open("#/configuration?file=sys");
  await visit.see("Host NQN");
  await judged(visit, "This host");
  await visit.open("#/services");
  await visit.see("Stop stacd", "Starts when the host boots.");
  await judged(visit, "Services");
}

Deno.test("axe-core finds nothing serious: light and wide", () =>
  visited({ world: buildSite().world }, parts));

Deno.test("axe-core finds nothing serious: dark and narrow", () =>
  visited({ world: buildSite().world, dark: true, width: 400 }, parts));

Deno.test("No part is wider than a narrow window", () =>
  visited({ world: buildSite().world, width: 360 }, async (visit) => {
    for (const part of ["", "subsystems", "configuration", "configuration?file=sys", "services"]) {
      await visit.open(`#/${part}`);
      await visit.see(
        part.startsWith("conf") ? "sys.conf" : part === "services" ? "Disable stacd" : /stacd|subsystems/,
      );
      const wide = await visit.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      assert.equal(wide, 0, part);
      const cut = await visit.evaluate(`[...document.querySelectorAll("main .pf-v6-c-card button")]
        .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.innerText)`);
      assert.deepEqual(cut, [], part);
    }
  }));

Deno.test("The keyboard alone reaches a subsystem's paths and opens one", () =>
  visited({ world: buildSite().world }, async (visit) => {
    const focused =
      "(document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '')";
    const tabTo = async (name: string): Promise<void> => {
      for (let n = 0; n < 60; n++) {
        if (String(await visit.evaluate(focused)).includes(name)) return;
        await visit.page.keyboard.press("Tab");
      }
      assert.fail(`Tab does not reach ${name}`);
    };
    await visit.open("#/subsystems");
    await visit.see("3 subsystems");
    await tabTo("Show paths of nqn.2025-01.com.example:backup");
    await visit.page.keyboard.press("Enter");
    await visit.see("tcp 192.168.20.13:4420");
    await tabTo("tcp 192.168.20.13:4420");
    await visit.page.keyboard.press("Enter");
    await visit.see("Wanted by");
  }));
