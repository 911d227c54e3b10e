/** stafd beside nvme-cli: controllers of others, their registry and exclusions, its udev rule; unique discovery NQNs; boot tables. */
import assert from "node:assert/strict";
import { buildNbft, type TableParts } from "../../unit/nvme/nbft_builder.ts";
import { controllers, liveSubsystems, SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import {
  at,
  configure,
  confOf,
  connections,
  journal,
  listed,
  now,
  reload,
  untilListed,
  untilLogged,
  untilPublished,
} from "../stafd.ts";
import { type Guest, Unmet } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const ONE = "192.0.2.11:8009";
const TWO = "192.0.2.12:8009";
const WELL_KNOWN = "nqn.2014-08.org.nvmexpress.discovery";
const UNIQUE = "nqn.2024-01.io.example:discovery";
const line = (traddr: string): string => `transport=tcp;traddr=${traddr}`;

async function deviceAt(guest: Guest, traddr: string): Promise<string> {
  const found = (await controllers(guest)).find((c) =>
    c.discovery && c.address.includes(`traddr=${traddr},`)
  );
  if (found === undefined) throw new Unmet(`no discovery controller at ${traddr}`);
  return found.device;
}

/** STAF-112: what nvme-cli's rule would do, stafd does for those that are not its own; and only for those. */
async function foreign(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 --dcs 2 && nvmet-lab add two 2 && systemctl reset-failed 'nvmf-connect@*'");
  await configure(guest, confOf([line("192.0.2.11")]));
  let since = await now(guest);
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE]);
  await guest.run(`nvme connect -t tcp -a 192.0.2.12 -s 8009 -n ${WELL_KNOWN} --keep-alive-tmo=30`);
  await untilDiscovering(guest, [ONE, TWO]);
  const theirs = await deviceAt(guest, "192.0.2.12");
  assert.deepEqual((await listed(guest)).map((entry) => entry["traddr"]), ["192.0.2.11"]);

  // A notification of our own is our business alone; nvme-cli would connect what is listed.
  await untilPublished(guest, at(await listed(guest), "192.0.2.11"), ["sub-001"]);
  await guest.run("nvmet-lab add mine 1");
  await untilPublished(guest, at(await listed(guest), "192.0.2.11"), ["mine", "sub-001"]);
  assert.deepEqual(liveSubsystems(await controllers(guest)), []);

  // The first reading arms the notification, as nvme-cli's own service would have done.
  await guest.run(`nvme discover -t tcp -a 192.0.2.12 -s 8009 --device=${theirs} >/dev/null`);
  await guest.run("nvmet-lab add theirs 2");
  await untilLogged(
    guest,
    since,
    new RegExp(`${theirs} - an event of a discovery controller that is not ours`),
  );
  await guest.until(
    "nvme-cli connects what is listed",
    "nvme list-subsys -o json",
    (out) => out.includes(":theirs"),
    SOON,
  );
  const started = (await guest.run(`journalctl -o cat --no-pager _PID=1 --since=@${since}`)).split("\n")
    .filter((message) => message.startsWith("Started nvmf-connect@"));
  assert.equal(started.length, 1, started.join("\n"));
  assert.ok(started[0]?.startsWith(`Started nvmf-connect@--device\\x3d${theirs}.service`), started[0]);
  await untilConnected(guest, ["theirs", "two"]);

  // Configured later, it is taken over, not made again.
  const before = await connections(guest);
  await reload(guest, confOf([line("192.0.2.11"), line("192.0.2.12")]));
  await untilListed(guest, "taken over", (list) => list.some((entry) => entry["device"] === theirs));
  assert.equal(await connections(guest), before);

  // STAF-115. Ours has our name; what has another's is not disconnected, wanted or not.
  const ours = await deviceAt(guest, "192.0.2.11");
  assert.equal(await guest.run(`cat /run/nvme/registry/${ours}/owner`), "stas\n");
  await guest.run(
    `mkdir -p /run/nvme/registry/${theirs} && echo discoverd >/run/nvme/registry/${theirs}/owner`,
  );
  since = await now(guest);
  await guest.run("systemctl restart stafd");
  await untilListed(
    guest,
    "taken over again",
    (list) => list.filter((e) => e["device"] !== "nvme?").length === 2,
  );
  await reload(guest, confOf([]));
  await untilLogged(guest, since, /No longer wanted, connection kept: owned by discoverd/);
  await guest.until(
    "ours is gone",
    `ls /sys/class/nvme/${ours} 2>/dev/null; true`,
    (out) => out === "",
    SOON,
  );
  await guest.until("and its entry", "ls /run/nvme/registry", (out) => out === `${theirs}\n`, SOON);
  assert.equal(await deviceAt(guest, "192.0.2.12"), theirs);
}

/** What nvme-cli's host-wide list excludes is not connected. */
async function exclusions(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 --dcs 2 && nvmet-lab add two 2 && mkdir -p /etc/nvme");
  await guest.writeFile(
    "/etc/nvme/exclusions.conf",
    "[exclusions]\nexclusion = transport=tcp;traddr=192.0.2.12\n",
  );
  await configure(guest, confOf([line("192.0.2.11"), line("192.0.2.12")]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE]);
  await guest.always(
    "192.0.2.12 is excluded",
    "grep -l 192.0.2.12 /sys/class/nvme/*/address; true",
    (out) => out === "",
    {
      seconds: 5,
    },
  );
  assert.match(await guest.run("stafctl explain 192.0.2.12"), /exclusions\.conf:2/);
  await guest.run("rm /etc/nvme/exclusions.conf && systemctl reload stafd");
  await untilDiscovering(guest, [ONE, TWO]);
}

/** A discovery controller with an NQN of its own, asked for by that or by the well-known one. */
async function unique(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab up 1 && nvmet-lab disc-nqn ${UNIQUE}`);
  await configure(guest, confOf([line("192.0.2.11")]));
  await start(guest, "stafd");
  const [found] = await untilDiscovering(guest, [ONE]);
  assert.equal(found?.nqn, UNIQUE, "what the kernel shows");
  const one = at(await listed(guest), "192.0.2.11");
  assert.equal(one["subsysnqn"], WELL_KNOWN, "what was asked for");
  await untilPublished(guest, one, ["sub-001"]);
  const before = await connections(guest);
  await guest.run("systemctl restart stafd");
  await untilListed(guest, "taken over", ([only]) => only?.["connected"] === "True");
  assert.equal(await connections(guest), before);

  await guest.run("systemctl stop stafd && nvme disconnect-all");
  await configure(guest, confOf([`${line("192.0.2.11")};nqn=${UNIQUE}`]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE]);
  const own = at(await listed(guest), "192.0.2.11");
  assert.equal(own["subsysnqn"], UNIQUE);
  await untilPublished(guest, own, ["sub-001"]);
  const again = await connections(guest);
  // Both names for one controller: one connection serves both.
  await reload(guest, confOf([`${line("192.0.2.11")};nqn=${UNIQUE}`, line("192.0.2.11")]));
  await untilListed(
    guest,
    "both",
    (list) => list.length === 2 && list.every((e) => e["connected"] === "True"),
  );
  assert.equal(await connections(guest), again);
}

/** STAF-12. The table is laid over the firmware's folder for stafd alone; `boot -t` gives a machine a real one. */
async function nbft(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  const mac = (await guest.run("cat /sys/class/net/fab0/address")).trim().split(":").map((part) =>
    parseInt(part, 16)
  );
  const bootNqn = "nqn.2014-08.org.nvmexpress:uuid:b0b0b0b0-89ab-cdef-0123-456789abcdef";
  const parts: TableParts = {
    hostId: "b0b0b0b0-89ab-cdef-0123-456789abcdef",
    hostNqn: bootNqn,
    hfis: [{ index: 1, mac, ip: "192.0.2.1" }],
    discovery: [{ index: 1, hfi: 1, uri: "nvme+tcp://192.0.2.11:8009/" }],
    subsystems: [],
  };
  await guest.run("mkdir -p /run/nbft /etc/systemd/system/stafd.service.d");
  const table = [...buildNbft(parts)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  await guest.run(`printf '${table}' >/run/nbft/NBFT && echo broken >/run/nbft/NBFT1`);
  await guest.writeFile(
    "/etc/systemd/system/stafd.service.d/nbft.conf",
    "[Service]\nBindReadOnlyPaths=/run/nbft:/sys/firmware/acpi/tables\n",
  );
  await guest.run("systemctl daemon-reload");
  await configure(guest, confOf([]));
  const since = await now(guest);
  await start(guest, "stafd");
  const [found] = await untilDiscovering(guest, [ONE]);
  const said = await journal(guest, since);
  assert.match(said, /boot tables: \/sys\/firmware\/acpi\/tables\/NBFT$/m);
  assert.match(said, /\/sys\/firmware\/acpi\/tables\/NBFT1 is not used/);
  const one = at(await listed(guest), "192.0.2.11");
  assert.deepEqual([one["host-iface"], one["host-nqn"], one["origin"]], ["fab0", bootNqn, "configured"]);
  assert.equal(await guest.run(`cat /sys/class/nvme/${found?.device}/hostnqn`), `${bootNqn}\n`);
  await untilPublished(guest, one, ["sub-001"]);
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: discovery controllers of others", ofOurs: true, slow: true, run: foreign },
  { name: "stafd: exclusions of nvme-cli", ofOurs: true, slow: true, run: exclusions },
  { name: "stafd: unique discovery NQN", ofOurs: true, slow: true, run: unique },
  { name: "stafd: boot table", ofOurs: true, slow: true, run: nbft },
];
