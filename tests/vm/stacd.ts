/** stacd in the guest: its configuration, connections beside it, and what it lists and logs. */
import {
  callCommand,
  type Controller,
  controllers,
  entries,
  type Entry,
  nothingChanges,
  parseReply,
  SOON,
} from "./fabric.ts";
import { type Bound, type Guest, Unmet } from "./guest.ts";

const LIST = callCommand("stac", "list_controllers", "b", ["true"]);

/** The NQN that the lab gives a subsystem with this name. */
export const nqnOf = (name: string): string => `nqn.2024-01.io.example:${name}`;

/** Address of discovery controller 1 on each of the two interfaces. */
export const ONE = "192.0.2.11";
export const TWO = "192.0.2.12";

/** A `controller=` line's value for a subsystem of the lab. */
export const tcpLine = (name: string, traddr: string = ONE, more = ""): string =>
  `transport=tcp;traddr=${traddr};trsvcid=8009;nqn=${nqnOf(name)}${more}`;

export interface Conf {
  readonly global?: readonly string[];
  /** `disconnect-scope`, `disconnect-trtypes`, `connect-attempts-on-ncc`. */
  readonly management?: readonly string[];
  readonly controllers?: readonly string[];
  readonly excludes?: readonly string[];
}

/** Scenarios watch removals: they wait neither for a page to be old nor a minute for a volume to be quiet. */
const PATIENCE = ["young-page-soak = 0", "in-use-window = 5"];

export function stacdConf({ global = [], management = [], controllers = [], excludes = [] }: Conf): string {
  return [
    "[Global]",
    ...global,
    "[I/O controller connection management]",
    ...PATIENCE.filter((line) => !management.some((own) => own.startsWith(line.split(" ", 1)[0] ?? ""))),
    ...management,
    "[Controllers]",
    ...controllers.map((line) => `controller = ${line}`),
    ...excludes.map((line) => `exclude = ${line}`),
    "",
  ].join("\n");
}

export async function configureStacd(guest: Guest, conf: Conf): Promise<void> {
  await guest.writeFile("/etc/stas/stacd.conf", stacdConf(conf));
}

export async function reloadStacd(guest: Guest, conf: Conf): Promise<void> {
  await configureStacd(guest, conf);
  await guest.run("systemctl reload stacd");
}

/** The number that a controller's line has in the file of this configuration. */
export function lineOf(conf: Conf, controller: string): number {
  return stacdConf(conf).split("\n").indexOf(`controller = ${controller}`) + 1;
}

/** Names of the subsystems in `list_controllers`, sorted; each once for each of its controllers. */
export function namesIn(list: readonly Entry[]): string[] {
  return list.map((entry) => entry["subsysnqn"]?.split(":").at(-1) ?? "").sort();
}

/** `list_controllers(true)`. */
export async function listedIocs(guest: Guest): Promise<Entry[]> {
  return entries(parseReply(await guest.run(LIST)));
}

/** Waits until stacd lists exactly these, connected or not. */
export async function untilIocsListed(guest: Guest, names: readonly string[]): Promise<Entry[]> {
  const wanted = JSON.stringify([...names].sort());
  return await untilIocs(guest, `stacd lists ${wanted}`, (list) => JSON.stringify(namesIn(list)) === wanted);
}

export async function untilIocs(
  guest: Guest,
  what: string,
  accept: (list: readonly Entry[]) => boolean,
  bound: Bound = SOON,
): Promise<Entry[]> {
  return entries(parseReply(await guest.until(what, LIST, (out) => accept(entries(parseReply(out))), bound)));
}

const journalCommand = (since: string): string => `journalctl -u stacd -o cat --no-pager --since=@${since}`;

/** stacd's messages since then ({@link now}), one a line. */
export async function stacdJournal(guest: Guest, since: string): Promise<string> {
  return await guest.run(journalCommand(since));
}

export async function untilStacdLogged(
  guest: Guest,
  since: string,
  pattern: RegExp,
  bound: Bound = SOON,
): Promise<string> {
  return await guest.until(
    `stacd logs what matches ${pattern.source}`,
    journalCommand(since),
    (out) => pattern.test(out),
    bound,
  );
}

/** Has stafd ask the discovery controllers at these addresses, and no others. */
export async function configureStafd(
  guest: Guest,
  addresses: readonly string[],
  excludes: readonly string[] = [],
): Promise<void> {
  await guest.writeFile(
    "/etc/stas/stafd.conf",
    [
      "[Service Discovery]",
      "zeroconf = disabled",
      "[Controllers]",
      ...addresses.map((address) => `controller = transport=tcp;traddr=${address};trsvcid=8009`),
      ...excludes.map((line) => `exclude = ${line}`),
      "[Discovery controller connection management]",
      "young-page-soak = 0",
      "",
    ].join("\n"),
  );
}

/**
 * The target no longer lists the subsystem for this host, and tells so; the connection itself goes on. (Unlinking would
 * end the connection at the target.)
 */
export const hide = (name: string): string =>
  `echo 0 >/sys/kernel/config/nvmet/subsystems/${nqnOf(name)}/attr_allow_any_host`;
export const unhide = (name: string): string =>
  `echo 1 >/sys/kernel/config/nvmet/subsystems/${nqnOf(name)}/attr_allow_any_host`;

const LOOP_PORT = "/sys/kernel/config/nvmet/ports/90";

/** Offers the subsystems by the loop transport of this host, which stands for one that disconnect-trtypes does not name. */
export async function offerByLoop(guest: Guest, names: readonly string[]): Promise<void> {
  const links = names.map((name) =>
    `ln -s /sys/kernel/config/nvmet/subsystems/${nqnOf(name)} ${LOOP_PORT}/subsystems/`
  );
  await guest.run(
    ["modprobe nvme-loop", `mkdir ${LOOP_PORT}`, `echo loop >${LOOP_PORT}/addr_trtype`, ...links].join(
      " && ",
    ),
  );
}

/** A connection made by nvme-cli, as a person or another program would. */
export async function connectByHand(guest: Guest, name: string, where: string): Promise<void> {
  await guest.run(`nvme connect ${where} -n ${nqnOf(name)}`);
}
export const byTcp = (traddr: string): string => `-t tcp -a ${traddr} -s 8009`;

/** Names of the subsystems that have an I/O controller, whatever its state; sorted. */
export function connectedNames(list: readonly Controller[]): string[] {
  return list.filter((c) => !c.discovery).map((c) => c.nqn.split(":").at(-1) ?? "").sort();
}

/** Each I/O connection of the kernel with its number in sysfs: the same text means the very same connections. */
export async function identities(guest: Guest, names: readonly string[]): Promise<string> {
  const text = await guest.run(
    "cd /sys/class/nvme && for c in nvme*; do [ -e $c ] && echo $(cat $c/subsysnqn) $(stat -c '%n %i' $(readlink -f $c)); done; true",
  );
  return text.split("\n").filter((line) => names.some((name) => line.startsWith(`${nqnOf(name)} `))).sort()
    .join("\n");
}

/** Watches that the same controllers stay, in the states that they have now. */
export async function staysAsItIs(guest: Guest, seconds: number): Promise<void> {
  await nothingChanges(guest, await controllers(guest), seconds);
}

/** The device of the I/O controller of this subsystem. */
export function deviceOf(list: readonly Controller[], name: string): string {
  const found = list.filter((c) => !c.discovery && c.nqn === nqnOf(name));
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Unmet(`${found.length} controllers of ${name}`);
  return only.device;
}
