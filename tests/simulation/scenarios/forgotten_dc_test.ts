/** A stafd that has lost its state file names a discovery controller by fewer names than before: each story is red without what mended it. */
import assert from "node:assert/strict";
import type { DiscoveryEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { realCores } from "../cores.ts";
import { DC_LINE } from "./listed.ts";
import { Stage } from "./stage.ts";

const announced = { hostIface: "eth0", name: "dc", traddr: "10.0.0.100", port: 8009, txt: ["p=tcp"] };

/** One discovery controller by a line and by mDNS on its interface, and then by the line alone, as the new stafd knows. */
async function forgotten(
  left: (listed: readonly DiscoveryEntry[]) => readonly DiscoveryEntry[],
): Promise<Stage> {
  const stage = new Stage(realCores);
  const entries = [1, 2, 3].map((n) => entryFor(stage.subsystem(`nqn.sub${n}`, `10.0.1.${n}`), "nvme"));
  const dc = stage.dc("nqn.dc", "10.0.0.100", entries);
  stage.world.avahi.announce(announced);
  stage.stafdConf(DC_LINE);
  await stage.start();
  await stage.age();
  assert.equal(stage.stacd.state.pages.size, 2, "stacd knows it by two names");
  stage.stafd.kill();
  stage.world.disk.lose("stafd");
  stage.world.avahi.withdraw(stage.world.avahi.announced[0]?.key ?? "");
  for (const entry of entries.filter((one) => !left(entries).includes(one))) dc.unlist(entry, stage.mono);
  stage.startStafd();
  await stage.run(60_000);
  await stage.age();
  return stage;
}

Deno.test("forgotten: what the page lists by the name that is left stays", async () => {
  const stage = await forgotten((entries) => entries);
  for (const n of [1, 2, 3]) assert.equal(stage.to(`nqn.sub${n}`).length, 1);
  assert.equal(stage.stacd.state.pages.size, 1, "nobody waits for the page by the other name");
});

Deno.test("forgotten: what it lists no more goes, and nobody waits for the page by the other name", async () => {
  const stage = await forgotten((entries) => entries.slice(1));
  assert.equal(stage.to("nqn.sub1").length, 0);
  for (const n of [2, 3]) assert.equal(stage.to(`nqn.sub${n}`).length, 1);
});
