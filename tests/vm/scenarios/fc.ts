/** Fibre Channel, by nvme-fcloop: a target and a host in one kernel. Nothing of it goes over the network. */
import { start } from "../fabric.ts";
import { configure, confOf } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { FC } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { followsLine, followsPage, type Place } from "../transport.ts";

/** Fabric 1 of the lab. */
const FABRIC: Place = {
  where: "transport=fc;traddr=nn-0x10001100ab000001:pn-0x20001100ab000001;" +
    "host-traddr=nn-0x10001100aa000001:pn-0x20001100aa000001",
  discovery: "nn-0x10001100ab000001:pn-0x20001100ab000001:",
  port: 61,
};

async function run(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab fc-up && nvmet-lab add one ${FABRIC.port} && nvmet-lab create two`);
  await configure(guest, confOf([]));
  await start(guest, "stacd");
  await followsLine(guest, FABRIC);
  await followsPage(guest, FABRIC);
}

export const scenarios: readonly Scenario[] = [
  { name: "FC: line, log page, notification, disconnect", ofOurs: true, needs: FC, run },
];
