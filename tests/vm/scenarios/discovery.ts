/** stafd finds discovery controllers through Avahi and by its configuration, and publishes what they say. */
import assert from "node:assert/strict";
import { call, entries, type Entry, start, untilDiscovering } from "../fabric.ts";
import { identity, recordSignals, subsystems, untilSignal } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { AVAHI } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const DC1 = "192.0.2.11:8009";
const DC2 = "192.0.2.12:8009";

async function published(guest: Guest, traddr: string, detailed = false): Promise<Entry | undefined> {
  const list = entries(await call(guest, "staf", "list_controllers", "b", [String(detailed)]));
  return list.find((entry) => entry["traddr"] === traddr);
}

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 3 --dcs 2 && nvmet-lab add other 2 && nvmet-lab mdns-up 1");
  await guest.run(": >/etc/stas/stafd.conf");
  await start(guest, "stafd");
  await untilDiscovering(guest, [DC1]);

  const found = await published(guest, "192.0.2.11");
  assert.ok(found, "the discovery controller found by mDNS is not in list_controllers");
  assert.equal(found["transport"], "tcp");
  assert.equal(found["trsvcid"], "8009");
  assert.match(found["device"] ?? "", /^nvme\d+$/);
  assert.equal((await published(guest, "192.0.2.11", true))?.["origin"], "discovered");

  const pages = entries(await call(guest, "staf", "get_log_pages", "sssssss", identity(found)));
  assert.deepEqual(subsystems(pages), ["sub-001", "sub-002", "sub-003"]);
  for (const page of pages) {
    if (page["subtype"] === "nvme") {
      assert.deepEqual([page["traddr"], page["trsvcid"]], ["192.0.2.11", "8009"]);
    }
  }
  const all = await call(guest, "staf", "get_all_log_pages", "b", ["true"]);
  assert.equal(all.type, "s");
  const [text] = all.data;
  assert.ok(typeof text === "string");
  const document: unknown = JSON.parse(text);
  assert.ok(Array.isArray(document) && document.length === 1, `one controller in ${text}`);
  for (const name of ["sub-001", "sub-002", "sub-003"]) {
    assert.ok(text.includes(`nqn.2024-01.io.example:${name}`));
  }

  await recordSignals(guest);
  await guest.run("nvmet-lab add extra 1");
  await untilSignal(guest, "log_pages_changed");
  const after = entries(await call(guest, "staf", "get_log_pages", "sssssss", identity(found)));
  assert.deepEqual(subsystems(after), ["extra", "sub-001", "sub-002", "sub-003"]);

  await guest.writeFile(
    "/etc/stas/stafd.conf",
    "[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.12\n",
  );
  await guest.run("systemctl reload stafd");
  await untilDiscovering(guest, [DC1, DC2]);
  assert.equal((await published(guest, "192.0.2.12", true))?.["origin"], "configured");

  await guest.run(": >/etc/stas/stafd.conf && systemctl reload stafd");
  await untilSignal(guest, "dc_removed");
  await untilDiscovering(guest, [DC1]);
}

export const scenario: Scenario = { name: "discovery by mDNS and by configuration", needs: AVAHI, run };
