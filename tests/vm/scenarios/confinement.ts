/** Both daemons are the one compiled image, under our units, with no memory that is writable and executable. */
import assert from "node:assert/strict";
import { start } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

async function run(guest: Guest): Promise<void> {
  await start(guest, "stafd", "stacd");
  for (const daemon of ["stafd", "stacd"]) {
    const show = async (property: string) =>
      (await guest.run(`systemctl show -P ${property} ${daemon}`)).trim();
    assert.equal(await show("MemoryDenyWriteExecute"), "yes");
    assert.equal(await show("FragmentPath"), `/usr/lib/systemd/system/${daemon}.service`);
    assert.equal(await show("Type"), "notify");
    const pid = await show("MainPID");
    assert.equal((await guest.run(`readlink /proc/${pid}/exe`)).trim(), "/usr/lib/nvme-stas/nvme-stas");
    const mappings = await guest.run(`grep -c ' rwx' /proc/${pid}/maps || true`);
    assert.equal(mappings.trim(), "0", `${daemon} has memory that is writable and executable`);
  }
}

export const scenario: Scenario = { name: "confinement", ofOurs: true, run };
