/** Avahi restarted, stopped, absent, switched off; and how long a controller is kept that nobody announces. */
import assert from "node:assert/strict";
import { controllers, start, untilDiscovering } from "../fabric.ts";
import {
  at,
  configure,
  connections,
  journal,
  listed,
  now,
  recordSignals,
  reload,
  untilListed,
  untilLogged,
  untilPublished,
  untilSignal,
} from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { AVAHI } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const ONE = "192.0.2.11:8009";
const TWO = "192.0.2.12:8009";
const STAYS = { seconds: 5 };
const DEVICES = "ls -d /sys/class/nvme/nvme* | wc -l";

async function services(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 --dcs 2 && nvmet-lab add two 2");
  // Without Avahi: started all the same, and says so once.
  await guest.run("systemctl mask --runtime --now --quiet avahi-daemon.socket avahi-daemon.service");
  let since = await now(guest);
  await configure(guest, "");
  await start(guest, "stafd");
  await untilLogged(guest, since, /Avahi|avahi/);
  await guest.always("no controllers", "stafctl ls", (out) => !out.includes("192.0.2"), STAYS);
  const complaints = (await journal(guest, since)).split("\n").filter((line) => /avahi/i.test(line));
  assert.equal(complaints.length, 1, complaints.join("\n"));

  await guest.run("systemctl unmask --runtime --quiet avahi-daemon.socket avahi-daemon.service");
  await guest.run("systemctl start avahi-daemon && nvmet-lab mdns-up 1");
  await untilDiscovering(guest, [ONE]);
  const before = await connections(guest);

  for (const command of ["systemctl restart avahi-daemon", "nvmet-lab mdns-down 1"]) {
    await guest.run(command);
    await guest.always(command, DEVICES, (out) => out === "1\n", STAYS);
    assert.equal(await connections(guest), before, command);
  }
  // Stopped: the daemon is asked for again within a minute, and what is announced then is found.
  since = await now(guest);
  await guest.run("systemctl stop avahi-daemon.socket avahi-daemon.service && nvmet-lab mdns-up 2");
  await untilDiscovering(guest, [ONE, TWO]);
  await guest.run("systemctl is-active avahi-daemon");
  assert.equal(at(await listed(guest), "192.0.2.12")["origin"], "discovered");

  // Switched off: nothing is looked for any more, and nothing is dropped.
  const both = await connections(guest);
  await reload(guest, "[Service Discovery]\nzeroconf = disabled\n");
  await guest.always("zeroconf = disabled", DEVICES, (out) => out === "2\n", STAYS);
  assert.equal(await connections(guest), both);
}

const kept = (time: string): string =>
  `[Global]\nkato = 4\nreconnect-delay = 2\nctrl-loss-tmo = 4\n` +
  `[Discovery controller connection management]\nzeroconf-connections-persistence = ${time}\n`;

/** STAF-75 to STAF-82. Only what is neither announced nor reachable has a clock. */
async function persistence(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 && nvmet-lab mdns-up 1");
  await configure(guest, kept("-1"));
  let since = await now(guest);
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE]);
  await guest.run("nvmet-lab mdns-down 1");
  await guest.always("reachable, not announced", DEVICES, (out) => out === "1\n", STAYS);
  await guest.run("nvmet-lab port-down 1");
  await untilLogged(guest, since, /192\.0\.2\.11.* - Controller is not responding\. Retrying/);
  await guest.always("kept for ever", "stafctl ls", (out) => out.includes("192.0.2.11"), STAYS);

  // Announced and reachable again: connected, and the clock is forgotten; then it goes for good.
  await reload(guest, kept("8 seconds"));
  await guest.run("nvmet-lab port-up 1 && nvmet-lab mdns-up 1");
  await untilDiscovering(guest, [ONE]);
  since = await now(guest);
  await guest.run("nvmet-lab mdns-down 1 && nvmet-lab port-down 1");
  await untilLogged(guest, since, /192\.0\.2\.11.* - Controller is not responding\. Will be removed by/);
  await untilListed(guest, "it is gone", (list) => list.length === 0);
}

/** STAF-81: no time at all to come back, and still only for what is neither announced nor reachable. */
async function notKept(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 --dcs 2 && nvmet-lab add two 2 && nvmet-lab mdns-up 1 2");
  await configure(guest, kept("0"));
  const since = await now(guest);
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE, TWO]);
  await untilPublished(guest, at(await listed(guest), "192.0.2.12"), ["two"]);
  await guest.run("nvmet-lab mdns-down 2");
  await guest.always("reachable, not announced", DEVICES, (out) => out === "2\n", STAYS);
  const two = (await controllers(guest)).find(({ address }) => address.includes("192.0.2.12"));

  await recordSignals(guest);
  await guest.run("nvmet-lab mdns-down 1 && nvmet-lab port-down 1");
  await untilListed(guest, "the lost one is gone", (list) => list.length === 1);
  await untilSignal(guest, "dc_removed");
  await untilLogged(guest, since, /192\.0\.2\.11.* - Controller is not responding\. Will be removed by/);
  assert.deepEqual(await untilDiscovering(guest, [TWO]), two === undefined ? [] : [two]);
  // It may come again.
  await guest.run("nvmet-lab port-up 1 && nvmet-lab mdns-up 1");
  await untilDiscovering(guest, [ONE, TWO]);
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: Avahi restarted, stopped, absent", ofOurs: true, slow: true, needs: AVAHI, run: services },
  {
    name: "stafd: how long the unannounced are kept",
    ofOurs: true,
    slow: true,
    needs: AVAHI,
    run: persistence,
  },
  { name: "stafd: the unannounced that are not kept", ofOurs: true, slow: true, needs: AVAHI, run: notKept },
];
