/** stafd in the guest: its configuration, and what it publishes, logs and keeps. */
import { callCommand, entries, type Entry, parseReply, SOON } from "./fabric.ts";
import { type Bound, type Guest, Unmet } from "./guest.ts";

const LIST = callCommand("staf", "list_controllers", "b", ["true"]);
/** Address of the discovery controller in user space (`fake-cdc`). */
export const FAKE = "192.0.2.18";

/** A stafd.conf without mDNS: what is connected comes from these lines, sections as in the file. */
export function confOf(controllers: readonly string[], global: readonly string[] = []): string {
  return [
    "[Global]",
    ...global,
    "[Service Discovery]",
    "zeroconf = disabled",
    "[Controllers]",
    ...controllers.map((line) => `controller = ${line}`),
    "",
  ].join("\n");
}

export async function configure(guest: Guest, text: string): Promise<void> {
  // Scenarios watch removals: they do not wait a quarter of an hour for a page to be old.
  const patience = "[Discovery controller connection management]\nyoung-page-soak = 0\n";
  await guest.writeFile("/etc/stas/stafd.conf", `${text}\n${patience}`);
}

/** Writes stafd.conf and has it loaded. */
export async function reload(guest: Guest, text: string): Promise<void> {
  await configure(guest, text);
  await guest.run("systemctl reload stafd");
}

/** `list_controllers(true)`. */
export async function listed(guest: Guest): Promise<Entry[]> {
  return entries(parseReply(await guest.run(LIST)));
}

/** Waits until `list_controllers(true)` is as wanted. */
export async function untilListed(
  guest: Guest,
  what: string,
  accept: (list: readonly Entry[]) => boolean,
  bound: Bound = SOON,
): Promise<Entry[]> {
  return entries(parseReply(await guest.until(what, LIST, (out) => accept(entries(parseReply(out))), bound)));
}

/** The one controller at this address. */
export function at(list: readonly Entry[], traddr: string): Entry {
  const found = list.filter((entry) => entry["traddr"] === traddr);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Unmet(`${found.length} controllers at ${traddr}: ${JSON.stringify(list)}`);
  }
  return only;
}

/** The seven arguments that name a controller, from its entry in `list_controllers`. */
export function identity(entry: Entry): string[] {
  return ["transport", "traddr", "trsvcid", "subsysnqn", "host-traddr", "host-iface", "host-nqn"]
    .map((key) => entry[key] ?? "");
}

const pagesCommand = (entry: Entry): string =>
  callCommand("staf", "get_log_pages", "sssssss", identity(entry));

/** What is published of one discovery controller. */
export async function pages(guest: Guest, entry: Entry): Promise<Entry[]> {
  return entries(parseReply(await guest.run(pagesCommand(entry))));
}

/** Names of the subsystems that a page lists, sorted; the part after the colon only. */
export function subsystems(list: readonly Entry[]): string[] {
  return list.filter((entry) => entry["subtype"] === "nvme")
    .map((entry) => entry["subnqn"]?.split(":").at(-1) ?? "").sort();
}

/** Waits until what is published of this controller lists exactly these subsystems. */
export async function untilPublished(guest: Guest, entry: Entry, names: readonly string[]): Promise<void> {
  const wanted = JSON.stringify([...names].sort());
  await guest.until(
    `log page of ${entry["traddr"] ?? ""} with ${wanted}`,
    pagesCommand(entry),
    (out) => JSON.stringify(subsystems(entries(parseReply(out)))) === wanted,
    SOON,
  );
}

/** Records stafd's signals in a file of the guest from now on. */
export async function recordSignals(guest: Guest): Promise<void> {
  const match = "type='signal',interface='org.nvmexpress.staf'";
  await guest.run(
    `systemctl stop signals 2>/dev/null; systemd-run --quiet --collect --unit=signals ` +
      `-p StandardOutput=truncate:/run/signals.json busctl monitor --json=short --match "${match}"`,
  );
  await guest.until(
    "busctl is listening",
    "busctl list --no-pager --no-legend",
    (out) => out.includes("busctl"),
    SOON,
  );
}

export function untilSignal(guest: Guest, member: string): Promise<string> {
  return guest.until(
    `signal ${member}`,
    "cat /run/signals.json",
    (out) => out.includes(`"member":"${member}"`),
    SOON,
  );
}

const journalCommand = (since: string): string => `journalctl -u stafd -o cat --no-pager --since=@${since}`;

/** A point in time for {@link journal}. */
export async function now(guest: Guest): Promise<string> {
  return (await guest.run("date +%s.%N")).trim();
}

/** stafd's messages since then, one a line. */
export async function journal(guest: Guest, since: string): Promise<string> {
  return await guest.run(journalCommand(since));
}

/** Waits until stafd has logged what matches, since then. */
export async function untilLogged(guest: Guest, since: string, pattern: RegExp): Promise<string> {
  return await guest.until(
    `a message like ${pattern.source}`,
    journalCommand(since),
    (out) => pattern.test(out),
    SOON,
  );
}

/** Each connection of the kernel with its inode in sysfs: the same text means the very same connections. */
export async function connections(guest: Guest): Promise<string> {
  return await guest.run(
    "cd /sys/class/nvme && for c in nvme*; do [ -e $c ] && stat -c '%n %i' $(readlink -f $c); done; true",
  );
}

/** What the discovery controller in user space was asked, and by whom. */
export interface FakeRecord {
  readonly generation: number;
  readonly connected: number;
  /** Its connections, each with a number that is never used again. */
  readonly open: readonly number[];
  readonly keepalives: number;
  readonly connects: readonly unknown[];
  readonly registrations: readonly unknown[];
  readonly commands: readonly FakeCommand[];
  /** What was said at each authentication, in order. */
  readonly authentications: readonly (readonly string[])[];
}

export interface FakeCommand {
  readonly op: string;
  readonly lid?: number;
  readonly lsp?: number;
  readonly rae?: number;
  readonly offset?: number;
  readonly size?: number;
}

function isFakeRecord(value: unknown): value is FakeRecord {
  return typeof value === "object" && value !== null && "commands" in value &&
    Array.isArray(value.commands) &&
    "registrations" in value && Array.isArray(value.registrations) && "connects" in value;
}

export function parseFake(text: string): FakeRecord {
  const value: unknown = JSON.parse(text);
  if (!isFakeRecord(value)) throw new Unmet(`fake-cdc says: ${text}`);
  return value;
}

export async function fake(guest: Guest): Promise<FakeRecord> {
  return parseFake(await guest.run("fake-cdc show"));
}

type FakeSettings = Readonly<Record<string, unknown>>;

/** Starts the discovery controller in user space; its settings are told by `fake-cdc` without arguments. */
export async function fakeUp(guest: Guest, settings: FakeSettings): Promise<void> {
  await guest.run(`nvmet-lab net && fake-cdc up '${JSON.stringify(settings)}'`);
}

export async function fakeSet(guest: Guest, settings: FakeSettings): Promise<void> {
  await guest.run(`fake-cdc set '${JSON.stringify(settings)}'`);
}

export async function untilFake(
  guest: Guest,
  what: string,
  accept: (record: FakeRecord) => boolean,
): Promise<FakeRecord> {
  return parseFake(await guest.until(what, "fake-cdc show", (out) => accept(parseFake(out)), SOON));
}
