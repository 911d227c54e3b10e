/** Fibre Channel, by nvme-fcloop: a target and a host in one kernel. Nothing of it goes over the network. */
import { nqnOf, reloadStacd, untilIocsListed } from "../connector.ts";
import { start, untilConnected, untilDiscovering } from "../fabric.ts";
import { configure, confOf, listed, untilPublished } from "../finder.ts";
import { type Guest, Unmet } from "../guest.ts";
import { FC } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, untilNoBlockDevice, writeAndReadBack } from "../storage.ts";

/** Fabric 1 of the lab, as lines name it. */
const WHERE = "transport=fc;traddr=nn-0x10001100ab000001:pn-0x20001100ab000001;" +
  "host-traddr=nn-0x10001100aa000001:pn-0x20001100aa000001";
const DISCOVERY = "nn-0x10001100ab000001:pn-0x20001100ab000001:";
/** nvmet's port of that fabric. */
const PORT = 61;

/** Connected by a line, disconnected when the line is gone. */
async function byLine(guest: Guest): Promise<void> {
  await reloadStacd(guest, { controllers: [`${WHERE};nqn=${nqnOf("one")}`] });
  await untilConnected(guest, ["one"]);
  await writeAndReadBack(guest, "one", await untilBlockDevice(guest, "one"));
  await reloadStacd(guest, {});
  await untilConnected(guest, []);
  await untilNoBlockDevice(guest, "one");
}

/** The discovery controller's page is read and followed, and its notifications are heard. */
async function byPage(guest: Guest): Promise<void> {
  await configure(guest, confOf([WHERE]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [DISCOVERY]);
  const [dc] = await listed(guest);
  if (dc === undefined) throw new Unmet("stafd lists nothing");
  await untilPublished(guest, dc, ["one"]);
  await untilConnected(guest, ["one"]);
  const device = await untilBlockDevice(guest, "one");

  await guest.run(`nvmet-lab link two ${PORT}`);
  await untilPublished(guest, dc, ["one", "two"]);
  await untilConnected(guest, ["one", "two"]);
  await writeAndReadBack(guest, "two", await untilBlockDevice(guest, "two"));

  await guest.run(`nvmet-lab unlink two ${PORT}`);
  await untilPublished(guest, dc, ["one"]);
  await untilConnected(guest, ["one"]);
  await untilIocsListed(guest, ["one"]);
  await writeAndReadBack(guest, "one", device);
}

async function run(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab fc-up && nvmet-lab add one ${PORT} && nvmet-lab create two`);
  await configure(guest, confOf([]));
  await start(guest, "stacd");
  await byLine(guest);
  await byPage(guest);
}

export const scenarios: readonly Scenario[] = [
  { name: "FC: line, log page, notification, disconnect", ofOurs: true, needs: FC, run },
];
