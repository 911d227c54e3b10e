/** One discovery controller by two interfaces; ports that close, and cables that are cut without a word. */
import assert from "node:assert/strict";
import { start, untilDiscovering } from "../fabric.ts";
import {
  at,
  configure,
  confOf,
  connections,
  journal,
  listed,
  now,
  pages,
  subsystems,
  untilListed,
  untilLogged,
  untilPublished,
} from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const ONE = "192.0.2.11:8009";
const QUICK = ["kato = 4", "reconnect-delay = 2", "ctrl-loss-tmo = 600"];

async function twoInterfaces(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 && nvmet-lab mdns-up --both 1");
  await configure(guest, "");
  const since = await now(guest);
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE, ONE]);
  const list = await untilListed(
    guest,
    "both interfaces",
    (found) => found.length === 2 && found.every((entry) => entry["connected"] === "True"),
  );
  assert.deepEqual(list.map((entry) => entry["host-iface"]).sort(), ["fab0", "fab1"]);
  for (const entry of list) await untilPublished(guest, entry, ["sub-001"]);
  const said = (await journal(guest, since)).match(
    /IP address 192\.0\.2\.11 was found on multiple interfaces: fab0, fab1/g,
  );
  assert.equal(said?.length, 1, "that one address is on two interfaces is said once");

  // The announcement on fab1 ends; the connections are no concern of that.
  const before = await connections(guest);
  await guest.run("nvmet-lab mdns-up 1");
  await guest.always("both stay", "ls -d /sys/class/nvme/nvme* | wc -l", (out) => out === "2\n", {
    seconds: 5,
  });
  assert.equal(await connections(guest), before);
}

async function cable(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configure(guest, confOf(["transport=tcp;traddr=192.0.2.11"], QUICK));
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE]);
  const one = at(await listed(guest), "192.0.2.11");
  await untilPublished(guest, one, ["sub-001"]);
  const before = await connections(guest);

  const since = await now(guest);
  await guest.run("nvmet-lab net-down fab0");
  await untilLogged(guest, since, /192\.0\.2\.11.* - The link is lost: nvme\d+ is connecting/);
  await guest.run("nvmet-lab add extra 1");
  assert.deepEqual(subsystems(await pages(guest, one)), ["sub-001"], "what was known is kept");

  await guest.run("nvmet-lab net-up fab0");
  await untilDiscovering(guest, [ONE]);
  await untilPublished(guest, one, ["extra", "sub-001"]);
  assert.equal(await connections(guest), before, "the kernel's connection came back; another one was made");
}

async function port(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configure(
    guest,
    confOf(["transport=tcp;traddr=192.0.2.11"], ["kato = 4", "reconnect-delay = 2", "ctrl-loss-tmo = 6"]),
  );
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE]);
  const one = at(await listed(guest), "192.0.2.11");
  await untilPublished(guest, one, ["sub-001"]);

  // For a moment only: the kernel comes back by itself.
  const before = await connections(guest);
  await guest.run("nvmet-lab port-down 1 && nvmet-lab port-up 1");
  await untilDiscovering(guest, [ONE]);
  await untilPublished(guest, one, ["sub-001"]);
  assert.equal(await connections(guest), before);

  // For longer than the kernel waits.
  const since = await now(guest);
  await guest.run("nvmet-lab port-down 1");
  await untilLogged(guest, since, /192\.0\.2\.11.* - Received "remove" event/);
  const away = await untilListed(guest, "no device", ([only]) => only?.["device"] === "nvme?");
  assert.equal(away.length, 1);
  assert.ok((await pages(guest, one)).length > 0, "what was known is kept");
  await guest.run("nvmet-lab port-up 1");
  await untilDiscovering(guest, [ONE]);
  await untilPublished(guest, one, ["sub-001"]);
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: two interfaces", ofOurs: true, slow: true, run: twoInterfaces },
  { name: "stafd: cable out and back", ofOurs: true, slow: true, run: cable },
  { name: "stafd: port down and up", ofOurs: true, slow: true, run: port },
];
