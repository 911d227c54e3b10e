/** The page's first part on the demo's site: health, redundancy, discovery controllers, live events. */
import assert from "node:assert/strict";
import { buildSite } from "../../demo/site.ts";
import { entryFor } from "../../src/lib/sim/discovery.ts";
import { visited } from "./visit.ts";

Deno.test("Overview shows both daemons, their problems with remedies, redundancy and discovery controllers", () =>
  visited({ world: buildSite().world }, async (visit) => {
    await visit.open();
    const text = await visit.see(
      "Connections (stacd)",
      "Discovery (stafd)",
      "3 of 4, 1 failing",
      "192.168.20.13",
      "3 subsystems",
      "192.168.10.10:8009",
      'mDNS service "alpha" on eth0',
      /stafd\.conf:2/,
    );
    assert.match(text, /degraded/i);
    assert.match(text, /1 services? found by mDNS/);
  }));

Deno.test("Events appear while they happen", async () => {
  const { world, alpha, payroll } = buildSite();
  await visited({ world }, async (visit) => {
    await visit.open();
    await visit.see("3 of 4, 1 failing", "3 subsystems");
    // Each controller was tried: from here on nothing happens by itself.
    await visit.page.reload();
    await visit.see("3 subsystems", "None since this page was opened");
    alpha.discovery.list(entryFor(payroll, "nvme"), world.time.now.mono);
    await visit.see("4 subsystems", /connected\s+nvme\d+ \(tcp, 192\.168\.10\.14/);
  });
});
