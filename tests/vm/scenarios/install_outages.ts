/** From the installed .deb: what is in use keeps its path when pages withdraw it, and in each outage; what is not in use goes. */
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { scenarios as inUse } from "./stacd_in_use.ts";
import { scenarios as outages } from "./stacd_outages.ts";

async function run(guest: Guest): Promise<void> {
  await guest.run("DEBIAN_FRONTEND=noninteractive dpkg -i /payload/new.deb");
  for (const scenario of [...inUse, ...outages]) {
    await guest.run("lab-reset");
    const begin = performance.now();
    await scenario.run(guest);
    console.log(`        ${scenario.name} (${((performance.now() - begin) / 1000).toFixed(0)} s)`);
  }
  await guest.run("lab-reset && dpkg -P nvme-stas");
}

export const scenario: Scenario = {
  name: "withdrawals and outages under the installed package",
  ofOurs: true,
  run,
};
