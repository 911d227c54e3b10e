/**
 * stacd without stafd: nothing is disconnected for lack of an answer, whatever else happens meanwhile, and what changed is
 * acted upon as soon as stafd has said so (requirements 40, examples 8 to 10 and 12; STAC-30).
 */
import assert from "node:assert/strict";
import {
  configureStacd,
  configureStafd,
  hide,
  identities,
  nqnOf,
  ONE,
  reloadStacd,
  stacdJournal,
  staysAsItIs,
  tcpLine,
  TWO,
  untilStacdLogged,
} from "../stacd.ts";
import { start, untilConnected, untilDiscovering } from "../fabric.ts";
import { now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const WATCH = 8;
const AUDIT = "disconnect-scope = all-connections-matching-disconnect-trtypes";

async function away(guest: Guest): Promise<void> {
  await guest.run(
    "nvmet-lab up 3 --dcs 2 && nvmet-lab add two 2 && nvmet-lab add line 2 && nvmet-lab create spare",
  );
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, { controllers: [tcpLine("line", TWO)] });
  await start(guest, "stafd", "stacd");
  const all = ["line", "sub-001", "sub-002", "sub-003"];
  await untilConnected(guest, all);
  const made = await identities(guest, all);

  // While stafd is away, nvme-cli's rule would connect what a notification is about.
  await guest.run(
    "systemctl stop stafd && mkdir -p /run/udev/rules.d && " +
      "ln -sf /dev/null /run/udev/rules.d/70-nvmf-autoconnect.rules && udevadm control --reload",
  );
  await guest.run("systemctl reload stacd");
  await staysAsItIs(guest, WATCH);
  await guest.run("systemctl restart stacd");
  await staysAsItIs(guest, WATCH);
  // Also not in the mode that disconnects what no source wants.
  await reloadStacd(guest, { controllers: [tcpLine("line", TWO)], management: [AUDIT] });
  await staysAsItIs(guest, WATCH);
  await guest.run("systemctl kill -s KILL stacd");
  await staysAsItIs(guest, WATCH);
  assert.equal(await identities(guest, all), made, "connections were made again");

  // What the administrator says counts without stafd: a line more, an exclusion. A line less waits: stafd may know of
  // another way to the same subsystem, and the last usable path does not go before that is known (S12).
  await guest.until("stacd is back", "systemctl is-active stacd", () => true, { seconds: 60 });
  const reloaded = await now(guest);
  await reloadStacd(guest, {
    controllers: [tcpLine("two", TWO)],
    excludes: [`nqn=${nqnOf("sub-003")}`],
    management: [AUDIT],
  });
  await untilConnected(guest, ["line", "sub-001", "sub-002", "two"]);
  await untilStacdLogged(
    guest,
    reloaded,
    /:line.*withdrawn, held: the last usable path to nvme\d+n1: stafd has not reported yet/,
  );

  // The target changes while stafd is away: nothing happens until stafd has read it.
  await guest.run(hide("sub-002"));
  await staysAsItIs(guest, WATCH);
  const since = await now(guest);
  await guest.run("systemctl start stafd");
  await untilConnected(guest, ["sub-001", "two"]);
  assert.match(await stacdJournal(guest, since), /:line.*Disconnect initiated: .*stacd\.conf/);
  assert.match(
    await stacdJournal(guest, since),
    /sub-002.*Disconnect initiated: .*log page.*192\.0\.2\.11.*generation/,
  );
  assert.equal(
    await identities(guest, ["sub-001"]),
    made.split("\n").filter((line) => line.includes(":sub-001 ")).join("\n"),
  );
}

/** Example 12: a discovery controller that stafd drops takes along what no other one lists. */
async function retired(guest: Guest): Promise<void> {
  await guest.run(
    "nvmet-lab up 1 --dcs 2 && nvmet-lab add two 2 && nvmet-lab add shared 2 && nvmet-lab link shared 1",
  );
  // The same subsystem by two ports: only the connection by port 2 is asked for by discovery controller 2.
  await configureStafd(guest, [ONE, TWO]);
  await configureStacd(guest, { controllers: [tcpLine("shared", TWO)] });
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, [`${ONE}:8009`, `${TWO}:8009`]);
  await untilConnected(guest, ["shared", "shared", "sub-001", "two"]);
  const made = await identities(guest, ["shared", "sub-001"]);
  const since = await now(guest);
  await configureStafd(guest, [ONE, TWO], [`traddr=${TWO}`]);
  await guest.run("systemctl reload stafd");
  await untilDiscovering(guest, [`${ONE}:8009`]);
  await untilConnected(guest, ["shared", "shared", "sub-001"]);
  await staysAsItIs(guest, WATCH);
  assert.equal(await identities(guest, ["shared", "sub-001"]), made, "connections were made again");
  const text = await stacdJournal(guest, since);
  assert.match(text, /:two.*Disconnect initiated: .*192\.0\.2\.12/, text);
}

export const scenarios: readonly Scenario[] = [
  { name: "stacd while stafd is away", ofOurs: true, slow: true, run: away },
  { name: "stacd when stafd drops a discovery controller", ofOurs: true, slow: true, run: retired },
];
