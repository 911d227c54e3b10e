/** What every transport has to do: a line and a page, each followed to its disconnection. Subsystems "one" and "two" exist. */
import { nqnOf, reloadStacd, untilIocsListed } from "./stacd.ts";
import { start, untilConnected, untilDiscovering } from "./fabric.ts";
import { configure, confOf, listed, untilPublished } from "./stafd.ts";
import { type Guest, Unmet } from "./guest.ts";
import { untilBlockDevice, untilNoBlockDevice, writeAndReadBack } from "./storage.ts";

export interface Place {
  /** The target as lines name it. */
  readonly where: string;
  /** The same as `untilDiscovering` has it. */
  readonly discovery: string;
  /** nvmet's port, which "one" is linked to. */
  readonly port: number;
}

/**
 * stacd, which runs, connects "one" by a line, beside other lines, and disconnects it when they are gone. `meanwhile` is
 * called while it is connected.
 */
export async function followsLine(
  guest: Guest,
  { where }: Place,
  beside: readonly string[] = [],
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await reloadStacd(guest, { controllers: [...beside, `${where};nqn=${nqnOf("one")}`] });
  await untilConnected(guest, ["one"]);
  await writeAndReadBack(guest, "one", await untilBlockDevice(guest, "one"));
  await meanwhile();
  await reloadStacd(guest, {});
  await untilConnected(guest, []);
  await untilNoBlockDevice(guest, "one");
}

/** The discovery controller's page is read and followed, and its notifications are heard; "one" stays connected. */
export async function followsPage(guest: Guest, { where, discovery, port }: Place): Promise<void> {
  await configure(guest, confOf([where]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [discovery]);
  const [dc] = await listed(guest);
  if (dc === undefined) throw new Unmet("stafd lists nothing");
  await untilPublished(guest, dc, ["one"]);
  await untilConnected(guest, ["one"]);
  const device = await untilBlockDevice(guest, "one");

  await guest.run(`nvmet-lab link two ${port}`);
  await untilPublished(guest, dc, ["one", "two"]);
  await untilConnected(guest, ["one", "two"]);
  await writeAndReadBack(guest, "two", await untilBlockDevice(guest, "two"));

  await guest.run(`nvmet-lab unlink two ${port}`);
  await untilPublished(guest, dc, ["one"]);
  await untilConnected(guest, ["one"]);
  await untilIocsListed(guest, ["one"]);
  await writeAndReadBack(guest, "one", device);
}
