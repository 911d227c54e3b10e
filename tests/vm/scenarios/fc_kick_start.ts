/** FC's kick-start (FC_EVENT=nvmediscovery): nvme-cli acts on it, and nothing is connected twice. */
import assert from "node:assert/strict";
import { configureStacd, nqnOf } from "../stacd.ts";
import { controllers, SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import { configure, confOf, listed, reload, untilPublished } from "../stafd.ts";
import { type Guest, Unmet } from "../guest.ts";
import { FC } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const WHERE = "transport=fc;traddr=nn-0x10001100ab000001:pn-0x20001100ab000001;" +
  "host-traddr=nn-0x10001100aa000001:pn-0x20001100aa000001";
const DISCOVERY = "nn-0x10001100ab000001:pn-0x20001100ab000001:";
/** nvme-cli makes a discovery controller of its own. */
const MAKES_DC = /create association .* NQN "nqn\.2014-08\.org\.nvmexpress\.discovery"/;

/** The driver announces its discovery ports again, as at boot; waits until what udev starts has ended. */
async function kick(guest: Guest): Promise<string> {
  const began = (await guest.run("date +%s.%N")).trim();
  await guest.run("echo add >/sys/class/fc/fc_udev_device/nvme_discovery && udevadm settle");
  await guest.until(
    "nvme-cli's unit has run",
    `journalctl -o cat --no-pager --since=@${began} -t systemd`,
    (out) => /nvmf-connect@.*Deactivated/.test(out),
    SOON,
  );
  return await guest.run(`journalctl -o cat --no-pager --since=@${began}`);
}

const picture = async (guest: Guest): Promise<string[]> =>
  (await controllers(guest)).map(({ device, nqn, discovery, state }) =>
    `${device} ${discovery ? "discovery" : nqn} ${state}`
  ).sort();

async function run(guest: Guest): Promise<void> {
  await guest.run(
    "nvmet-lab fc-up && systemctl unmask --runtime --quiet nvmf-connect@.service && nvmet-lab add one 61",
  );
  // stafd has no line for that port: the kick-start alone connects.
  await configure(guest, confOf([]));
  await configureStacd(guest, {});
  await start(guest, "stafd", "stacd");
  assert.match(await kick(guest), MAKES_DC);
  await untilConnected(guest, ["one"]);
  const before = await picture(guest);
  await kick(guest);
  assert.deepEqual(await picture(guest), before, "a second kick-start makes nothing twice");

  // A line for the same port: stafd has its discovery controller, stacd takes over what is connected.
  await reload(guest, confOf([WHERE]));
  await untilDiscovering(guest, [DISCOVERY]);
  const [dc] = await listed(guest);
  if (dc === undefined) throw new Unmet("stafd lists nothing");
  await untilPublished(guest, dc, ["one"]);
  await guest.until("stacd has taken it over", "stacctl ls", (out) => out.includes(nqnOf("one")), SOON);
  const both = await picture(guest);
  assert.equal(both.length, 2);
  assert.doesNotMatch(await kick(guest), MAKES_DC);
  assert.deepEqual(await picture(guest), both, "the kick-start uses what stafd has");

  // A subsystem that is new to both: one of them connects it.
  await guest.run("nvmet-lab create two && nvmet-lab link two 61");
  await kick(guest);
  await untilConnected(guest, ["one", "two"]);
  await untilDiscovering(guest, [DISCOVERY]);
  assert.equal((await controllers(guest)).length, 3);
}

export const scenarios: readonly Scenario[] = [
  { name: "FC: kick-start by udev beside both daemons", ofOurs: true, slow: true, needs: FC, run },
];
