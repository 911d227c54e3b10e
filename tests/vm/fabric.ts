/** What the kernel, the daemons and the fabric say in the guest, as values. */
import assert from "node:assert/strict";
import { type Guest, Unmet } from "./guest.ts";

/** The machine's speed wanders by a factor of two: bounds say "not never", they measure nothing. */
export const SOON = { seconds: 120 };

export interface Controller {
  readonly device: string;
  readonly state: string;
  readonly nqn: string;
  readonly discovery: boolean;
  readonly address: string;
}

const LIST = `cd /sys/class/nvme && for c in nvme*; do [ -e $c/state ] || continue
    printf '%s\\t%s\\t%s\\t%s\\t%s\\n' $c "$(cat $c/state)" "$(cat $c/subsysnqn)" "$(cat $c/cntrltype)" "$(cat $c/address)"
done; true`;

export function parseControllers(text: string): Controller[] {
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const [device = "", state = "", nqn = "", type = "", address = ""] = line.split("\t");
    return { device, state, nqn, discovery: type === "discovery", address };
  });
}

/** All NVMe controllers of the kernel, from sysfs. */
export async function controllers(guest: Guest): Promise<Controller[]> {
  return parseControllers(await guest.run(LIST));
}

/** The NQNs of I/O controllers that are live, sorted; the part after the colon only. */
export function liveSubsystems(list: readonly Controller[]): string[] {
  return list.filter((c) => !c.discovery && c.state === "live").map((c) => c.nqn.split(":").at(-1) ?? "")
    .sort();
}

/** The addresses of discovery controllers that are live, sorted, as "traddr:trsvcid". */
export function liveDiscovery(list: readonly Controller[]): string[] {
  return list.filter((c) => c.discovery && c.state === "live").map((c) => {
    const traddr = /traddr=([^,]+)/.exec(c.address)?.[1] ?? "";
    const trsvcid = /trsvcid=([^,]+)/.exec(c.address)?.[1] ?? "";
    return `${traddr}:${trsvcid}`;
  }).sort();
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** Waits until exactly these subsystems are connected and live. */
export async function untilConnected(guest: Guest, names: readonly string[]): Promise<Controller[]> {
  const wanted = [...names].sort();
  const text = await guest.until(
    `I/O controllers of ${wanted.join(", ") || "nothing"} live`,
    LIST,
    (out) => {
      const list = parseControllers(out);
      return same(liveSubsystems(list), wanted) && list.filter((c) => !c.discovery).length === wanted.length;
    },
    SOON,
  );
  return parseControllers(text);
}

/** Waits until exactly these discovery controllers ("traddr:trsvcid") are connected and live. */
export async function untilDiscovering(guest: Guest, addresses: readonly string[]): Promise<Controller[]> {
  const wanted = [...addresses].sort();
  const text = await guest.until(
    `discovery controllers ${wanted.join(", ") || "none"} live`,
    LIST,
    (out) => same(liveDiscovery(parseControllers(out)), wanted),
    SOON,
  );
  return parseControllers(text);
}

/** Watches that the set of controllers and their states stay as they are. */
export async function nothingChanges(
  guest: Guest,
  before: readonly Controller[],
  seconds: number,
): Promise<void> {
  const wanted = JSON.stringify(before);
  await guest.always(
    "the controllers stay as they were",
    LIST,
    (out) => JSON.stringify(parseControllers(out)) === wanted,
    { seconds },
  );
}

export type BusValue = { readonly type: string; readonly data: readonly unknown[] };

function isBusValue(value: unknown): value is BusValue {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string" &&
    "data" in value && Array.isArray(value.data);
}

/** The arguments of a reply as busctl shows it. */
export function parseReply(text: string): BusValue {
  const value: unknown = JSON.parse(text);
  if (!isBusValue(value)) throw new Unmet(`not a reply of busctl: ${text}`);
  return value;
}

/** The command that calls a method of one of the daemons, with arguments as busctl wants them. */
export function callCommand(
  daemon: "staf" | "stac",
  member: string,
  signature = "",
  args: readonly string[] = [],
): string {
  const words = [signature, ...args].map((word) => `'${word}'`).join(" ");
  const name = `org.nvmexpress.${daemon}`;
  return `busctl --system --json=short call ${name} /org/nvmexpress/${daemon} ${name} ${member} ${
    signature === "" ? "" : words
  }`;
}

export async function call(
  guest: Guest,
  daemon: "staf" | "stac",
  member: string,
  signature = "",
  args: readonly string[] = [],
): Promise<BusValue> {
  return parseReply(await guest.run(callCommand(daemon, member, signature, args)));
}

export type Entry = Readonly<Record<string, string>>;

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null &&
    Object.values(value).every((v) => typeof v === "string");
}

/** The one argument of an `aa{ss}` reply. */
export function entries(reply: BusValue): Entry[] {
  assert.equal(reply.type, "aa{ss}");
  const [list] = reply.data;
  if (!Array.isArray(list) || !list.every(isEntry)) throw new Unmet(`not aa{ss}: ${JSON.stringify(reply)}`);
  return list;
}

/** Starts units and waits until systemd calls them started. */
export async function start(guest: Guest, ...units: readonly string[]): Promise<void> {
  await guest.run(`systemctl start ${units.join(" ")}`);
  for (const unit of units) await guest.run(`systemctl is-active ${unit}`);
}
