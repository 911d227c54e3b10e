/** Controllers as a table. */
import { anaUsable } from "../lib/nvme/namespace_look.ts";
import { impliedIface, WELL_KNOWN_DISC_NQN } from "../lib/nvme/tid.ts";
import { distinct } from "../lib/dbus/v1_distinct.ts";
import type { V1Controller, V1Phase } from "../lib/dbus/v1_types.ts";
import type { Style, Tone } from "./style.ts";
import { type Cell, type Column, tableText } from "./table.ts";
import { clock, span, until } from "./when.ts";

const TONES: Readonly<Record<V1Phase, Tone>> = {
  waiting: "busy",
  connecting: "busy",
  connected: "good",
  reconnecting: "bad",
  failing: "bad",
  "given-up": "bad",
  disconnecting: "busy",
  leaving: "busy",
  excluded: "faint",
  foreign: "faint",
};

export const toneOf = (phase: V1Phase | "gone"): Tone => phase === "gone" ? "faint" : TONES[phase];

/** `10.0.0.1:4420`, `[fe80::1]:8009`, or the bare address. */
export const addressOf = ({ tid }: V1Controller): string => addressText(tid.traddr, tid.trsvcid);

export function addressText(traddr: string, trsvcid: string): string {
  if (trsvcid === "" || trsvcid === "none") return traddr;
  return traddr.includes(":") ? `[${traddr}]:${trsvcid}` : `${traddr}:${trsvcid}`;
}

/** The NQN, unless it is the one that all discovery controllers share. */
export const nqnOf = ({ tid }: V1Controller): string =>
  tid.subsysnqn === WELL_KNOWN_DISC_NQN ? "-" : tid.subsysnqn;

/**
 * The remark next to the phase. Empty for a controller that is connected as asked for: `explain` has details.
 */
export function remark(controller: V1Controller, now: number): string {
  const { phase, removeAt, lastFailure, detail, nextTry, lost, lessSafe = [] } = controller;
  if (phase === "reconnecting" && lost !== undefined) return lostRemark(lost, now);
  if (phase === "connected" && removeAt === null) {
    return [
      lessSafe.length === 0 ? "" : `less safe than asked: without ${lessSafe.join(", ")}`,
      servesNothing(controller)
        ? `the array refuses I/O on this path (ANA: ${controller.anaState ?? ""})`
        : "",
    ].filter((part) => part !== "").join("; ");
  }
  const why = lastFailure !== null && phase !== "leaving" ? lastFailure.message : detail;
  return [
    removeAt === null ? "" : `removed ${until(removeAt, now)}`,
    why,
    nextTry === null ? "" : `next try ${until(nextTry, now)}`,
  ].filter((part) => part !== "").join("; ");
}

/** The link is up, but none of the namespaces can be reached through it. */
export const servesNothing = ({ anaState }: V1Controller): boolean =>
  anaState !== undefined && anaState.split(", ").every((state) => !anaUsable(state));

/** The interface that the connection uses, whether bound to it or not. */
export const ifaceOf = ({ iface, tid }: V1Controller): string => iface ?? impliedIface(tid);

/** `andLater`: it stands for several, and is the first of them. */
export function lostRemark(
  { at, retryEvery, givesUpAt, forever }: NonNullable<V1Controller["lost"]>,
  now: number,
  andLater = false,
): string {
  return [
    `link lost at ${clock(at, now)}${andLater ? " and later" : ""}`,
    retryEvery === null ? "the kernel retries" : `the kernel retries every ${span(retryEvery)}`,
    forever
      ? "for ever (ctrl-loss-tmo -1)"
      : givesUpAt === null
      ? ""
      : `gives up at ${clock(givesUpAt, now)} (ctrl-loss-tmo ${(givesUpAt - at) / 1000})`,
  ].filter((part) => part !== "").join(", ");
}

interface Field {
  readonly column: Column;
  readonly cell: (controller: V1Controller, now: number) => Cell;
}

const field = (column: Column, of: (controller: V1Controller, now: number) => string): Field => ({
  column,
  cell: (controller, now) => ({ text: of(controller, now) }),
});
const orDash = (text: string): string => text === "" ? "-" : text;

const DEVICE = field({ title: "DEVICE", shrink: "never" }, ({ device }) => orDash(device));
const STATE: Field = {
  column: { title: "STATE", shrink: "never" },
  cell: ({ phase }) => ({ text: phase, tone: toneOf(phase) }),
};
const SINCE: Field = {
  column: { title: "FOR", shrink: "never", align: "right", drop: 2 },
  cell: ({ since }, now) => ({ text: span(now - since), tone: "faint" }),
};
const ADDRESS = field(
  { title: "ADDRESS", shrink: "start", least: 22 },
  (controller) => `${controller.tid.transport} ${addressOf(controller)}`,
);
// Names of one site have the same beginning: their ends distinguish them.
const SUBSYSTEM = field({ title: "SUBSYSTEM", shrink: "start", least: 20 }, nqnOf);
const REMARK = field({ title: "REMARK", shrink: "end", least: 16, drop: 1 }, remark);
const INTERFACE = field({ title: "INTERFACE", shrink: "never", drop: 4 }, (one) => orDash(ifaceOf(one)));
const SOURCE = field(
  { title: "SOURCE", shrink: "never" },
  ({ srcAddr = "", tid }) => orDash(srcAddr || tid.hostTraddr),
);
const ANA = field({ title: "ANA", shrink: "never", drop: 3 }, ({ anaState = "" }) => orDash(anaState));
const BLOCK = field(
  { title: "NAMESPACES", shrink: "end", drop: 3 },
  ({ namespaces }) => orDash(namespaces.join(" ")),
);
const ENTRIES = field(
  { title: "ENTRIES", shrink: "never", align: "right", drop: 3 },
  ({ logPage }) => logPage === null ? "-" : String(logPage.entries),
);
const SOURCES = field(
  { title: "SOURCES", shrink: "end" },
  ({ sources }) => sources.map(({ text }) => text).join("; "),
);
const ATTEMPTS = field(
  { title: "TRIES", shrink: "never", align: "right" },
  ({ attempts }) => String(attempts),
);

const NARROW = {
  stafd: [DEVICE, STATE, SINCE, ADDRESS, SUBSYSTEM, ENTRIES, REMARK],
  stacd: [DEVICE, STATE, SINCE, ADDRESS, INTERFACE, ANA, SUBSYSTEM, BLOCK, REMARK],
} as const;
const WIDE = {
  stafd: [DEVICE, STATE, SINCE, ATTEMPTS, ADDRESS, INTERFACE, SOURCE, SUBSYSTEM, ENTRIES, SOURCES, REMARK],
  stacd: [DEVICE, STATE, SINCE, ATTEMPTS, ADDRESS, INTERFACE, SOURCE, ANA, SUBSYSTEM, BLOCK, SOURCES, REMARK],
} as const;

/** The width from which on a remark is in its row. */
const ROOM_FOR_REMARKS = 160;

/**
 * The table, each controller once; optional columns are left out when empty. `wide` shows all columns, and
 * cuts nothing.
 */
export function controllersTable(
  daemon: "stafd" | "stacd",
  controllers: readonly V1Controller[],
  now: number,
  wide: boolean,
  columns: number,
  style: Style,
  order?: (controllers: readonly V1Controller[]) => readonly V1Controller[],
): string {
  if (controllers.length === 0) return "No controllers.\n";
  const fields: readonly Field[] = (wide ? WIDE : NARROW)[daemon];
  const listed = distinct(controllers);
  const ordered = order === undefined ? sorted(listed) : order(listed);
  const remarks = ordered.map((controller) => remark(controller, now));
  // A remark must not be cut: without room in its row it gets a line of its own.
  const isBelow = !wide && columns < ROOM_FOR_REMARKS;
  const all = isBelow ? fields.filter((one) => one !== REMARK) : fields;
  const rows = ordered.map((controller) => all.map(({ cell }) => cell(controller, now)));
  const used = all.map((_, n) => wide || rows.some((row) => !["", "-"].includes(row[n]?.text ?? "")));
  return tableText(
    all.flatMap(({ column }, n) => used[n] === true ? [column] : []),
    rows.map((row) => row.filter((_, n) => used[n] === true)),
    wide ? Infinity : columns,
    style,
    isBelow ? remarks : [],
  );
}

/** Sorts texts with numbers by value: nvme2 before nvme10. */
function compareNatural(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let n = 0; n < left.length && n < right.length; n++) {
    const [x = "", y = ""] = [left[n], right[n]];
    const difference = Number(x) - Number(y);
    if (!Number.isNaN(difference) && difference !== 0) return difference;
    if (x !== y) return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

export const byDevice = (a: V1Controller, b: V1Controller): number => compareNatural(a.device, b.device);

/** By subsystem, then device, then address. */
export function sorted(controllers: readonly V1Controller[]): readonly V1Controller[] {
  return controllers.toSorted((a, b) =>
    compareNatural(a.tid.subsysnqn, b.tid.subsysnqn) || compareNatural(a.device, b.device) ||
    compareNatural(addressOf(a), addressOf(b))
  );
}
