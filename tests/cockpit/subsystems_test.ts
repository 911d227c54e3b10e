/** The tree of subsystems on a site of 60 of them with two paths each. */
import assert from "node:assert/strict";
import { nqnOf, twoArrays } from "./site.ts";
import { visited } from "./visit.ts";

Deno.test("Subsystems: 60 with two paths each; filters leave what they name; a path that dies and returns", async () => {
  const { world, paths } = twoArrays(60);
  const [dead] = paths[7] ?? [];
  assert.ok(dead !== undefined);
  await visited({ world }, async (visit) => {
    await visit.open("#/subsystems");
    await visit.see("60 subsystems, 120 paths");
    await visit.until("every path", (text) => text.includes("2 of 2") && !/[01] of/.test(text));

    // A controller of the array is switched off: the kernel loses the link, and the page says so by itself.
    world.setManner(dead, "silent");
    const text = await visit.see("1 of 2");
    assert.ok(text.indexOf(nqnOf(7)) < text.indexOf(nqnOf(0)), "what lacks paths comes first");
    await visit.choose("Filter by state", "one");
    await visit.see("1 subsystem, 2 paths");
    await visit.click("button", "Show paths of " + nqnOf(7));
    await visit.see("tcp 10.0.1.8:4420", "tcp 10.1.1.8:4420", "reconnecting", /link lost at/);

    world.setManner(dead, "up");
    await visit.see("No subsystem matches");
    await visit.choose("Filter by state", "all");
    await visit.see("60 subsystems, 120 paths");

    await visit.choose("Filter by state", "");
    await visit.choose("Filter by interface", "eth1");
    await visit.see("60 subsystems, 60 paths");
    await visit.choose("Filter by discovery controller", "10.0.0.10:8009");
    await visit.see("No subsystem matches");
    await visit.click("button", "Show all subsystems");
    await visit.see("60 subsystems, 120 paths");
    for (const n of [0, 1]) await visit.click("button", `Show paths of ${nqnOf(n)}`);
    await visit.see("tcp 10.0.1.1:4420", "tcp 10.0.1.2:4420");
    await visit.type("Search in names, addresses, devices and mount points", "volume-042");
    await visit.see("1 subsystem, 2 paths", nqnOf(42));
  });
});
