/** Discovery controllers at IPv6 addresses, link-local ones too: from a line of the configuration, and found by mDNS. */
import assert from "node:assert/strict";
import { SOON, start, untilDiscovering } from "../fabric.ts";
import { at, configure, confOf, connections, listed, reload, untilListed, untilPublished } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { IPV6 } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const GLOBAL = "fd00:2::14";

/** Opens discovery controller 4 with subsystem "six" at the link-local address of the target; gives that back. */
async function upLinkLocal(guest: Guest): Promise<string> {
  await guest.run("nvmet-lab up 1");
  // Nothing can listen at an address that the kernel still looks for duplicates of.
  const address = (await guest.until(
    "the target has a link-local address that can be used",
    "ip -n tgt -6 -o addr show dev tgt0 scope link -tentative | awk '{print $4}' | cut -d/ -f1",
    (out) => out.startsWith("fe80::"),
    SOON,
  )).trim();
  // By number: the target looks names up in the host's namespace.
  const scope = (await guest.run("ip -n tgt -o link show tgt0 | cut -d: -f1")).trim();
  await guest.run(`nvmet-lab port-add 4 ${address}%${scope} && nvmet-lab add six 4`);
  return address;
}

async function takenOver(guest: Guest): Promise<void> {
  const before = await connections(guest);
  await guest.run("systemctl restart stafd");
  await untilListed(guest, "taken over", ([only]) => only?.["connected"] === "True");
  assert.equal(await connections(guest), before);
}

async function linkLocal(guest: Guest): Promise<void> {
  const address = await upLinkLocal(guest);
  await configure(guest, confOf([`transport=tcp;traddr=${address};host-iface=fab0`]));
  await start(guest, "stafd");
  const list = await untilListed(
    guest,
    "by its link-local address",
    ([only]) => only?.["connected"] === "True",
  );
  const [dc] = list;
  assert.ok(dc !== undefined && list.length === 1);
  await untilPublished(guest, dc, ["six"]);
  await takenOver(guest);
}

/** The announcement names no interface: the one that heard it is the one to connect by. */
async function announced(guest: Guest): Promise<void> {
  await guest.run(
    `nvmet-lab up 1 && nvmet-lab port-add 4 ${GLOBAL} && nvmet-lab add six 4 && nvmet-lab mdns-up --at ${GLOBAL} 4`,
  );
  await configure(guest, "");
  await start(guest, "stafd");
  await untilDiscovering(guest, [`${GLOBAL}:8009`]);
  const dc = at(await listed(guest), GLOBAL);
  assert.deepEqual([dc["origin"], dc["host-iface"]], ["discovered", "fab0"]);
  await untilPublished(guest, dc, ["six"]);
  await guest.run("nvmet-lab add more 4");
  await untilPublished(guest, dc, ["more", "six"]);

  // A family that is switched off, and on again.
  await reload(guest, "[Global]\nip-family = ipv4\n");
  await untilDiscovering(guest, []);
  await reload(guest, "");
  await untilDiscovering(guest, [`${GLOBAL}:8009`]);
}

async function announcedLinkLocal(guest: Guest): Promise<void> {
  const address = await upLinkLocal(guest);
  await guest.run(`nvmet-lab mdns-up --at ${address} 4`);
  await configure(guest, "");
  await start(guest, "stafd");
  const [live] = await untilDiscovering(guest, [`${address}:8009`]);
  assert.match(live?.address ?? "", /host_iface=fab0/);
  const dc = at(await listed(guest), address);
  assert.deepEqual([dc["origin"], dc["host-iface"]], ["discovered", "fab0"]);
  await untilPublished(guest, dc, ["six"]);
  await takenOver(guest);
  await guest.run("nvmet-lab add more 4");
  await untilPublished(guest, dc, ["more", "six"]);

  // Where the interface is not to be passed, the address says it.
  await guest.run("systemctl stop stafd && nvme disconnect-all && rm -rf /run/stafd");
  await configure(guest, "[Global]\nignore-iface = true\n");
  await start(guest, "stafd");
  await untilDiscovering(guest, [`${address}%fab0:8009`]);
  const scoped = at(await listed(guest), `${address}%fab0`);
  assert.equal(scoped["host-iface"], "");
  await untilPublished(guest, scoped, ["more", "six"]);
  await takenOver(guest);
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: link-local address", ofOurs: true, slow: true, needs: IPV6, run: linkLocal },
  { name: "stafd: mDNS by IPv6", ofOurs: true, slow: true, needs: IPV6, run: announced },
  {
    name: "stafd: mDNS with a link-local address",
    ofOurs: true,
    slow: true,
    needs: IPV6,
    run: announcedLinkLocal,
  },
];
