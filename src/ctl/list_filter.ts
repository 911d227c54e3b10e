/** Which controllers of many are listed, and in which order. */
import type { V1Controller, V1Phase } from "../lib/dbus/v1_types.ts";
import { impliedIface, isTransport, type Tid } from "../lib/nvme/tid.ts";
import { matcherOf } from "../lib/nvme/what.ts";
import { addressOf, byDevice, sorted, toneOf } from "./controllers_view.ts";

export const STATES = [
  "waiting",
  "connecting",
  "connected",
  "reconnecting",
  "failing",
  "given-up",
  "disconnecting",
  "leaving",
  "excluded",
] as const satisfies readonly V1Phase[];

export const SORTS = ["subsystem", "state", "for", "device", "address"] as const;
export type Sort = typeof SORTS[number];

export interface Filter {
  readonly state?: readonly V1Phase[] | undefined;
  /** A pattern of the whole NQN: `*` is any text, `?` any character. */
  readonly subsystem?: string | undefined;
  readonly iface?: string | undefined;
  /** The discovery controller whose log page lists it, in any form of `<what>`. */
  readonly dc?: string | undefined;
  readonly sort?: Sort | undefined;
}

export const isFiltered = (filter: Filter): boolean =>
  Object.values(filter).some((value) => value !== undefined);

/** Those that are asked for, sorted. */
export function filtered(controllers: readonly V1Controller[], filter: Filter): readonly V1Controller[] {
  const { state, subsystem, iface, dc, sort = "subsystem" } = filter;
  const pattern = subsystem === undefined ? undefined : globOf(subsystem);
  const kept = controllers.filter((one) =>
    (state === undefined || state.includes(one.phase)) &&
    (pattern === undefined || pattern.test(one.tid.subsysnqn)) &&
    (iface === undefined || impliedIface(one.tid) === iface) &&
    (dc === undefined || isListedBy(one, dc))
  );
  const all = sorted(kept);
  switch (sort) {
    case "subsystem":
      return all;
    case "state":
      return all.toSorted((a, b) =>
        weight(a) - weight(b) || (a.phase < b.phase ? -1 : a.phase > b.phase ? 1 : 0)
      );
    case "for":
      return all.toSorted((a, b) => b.since - a.since);
    case "device":
      return all.toSorted(byDevice);
    case "address":
      return all.toSorted((a, b) => addressOf(a) < addressOf(b) ? -1 : addressOf(a) > addressOf(b) ? 1 : 0);
  }
}

/** What needs somebody comes first. */
const weight = ({ phase }: V1Controller): number => ["bad", "busy", "good"].indexOf(toneOf(phase)) + 1 || 4;

function globOf(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${escaped}$`, "s");
}

/** The sources are sentences: `log page of (tcp, 10.0.0.1, 8009, nqn...), generation 5`. */
function isListedBy({ sources }: V1Controller, dc: string): boolean {
  const matcher = matcherOf(dc);
  return sources.some(({ kind, text }) => {
    const tuple = /\(([^()]*)\)/.exec(text);
    if ((kind !== "log-page" && kind !== "referral") || tuple === null) return false;
    const tid = tidOf(tuple[1] ?? "");
    return tid !== undefined &&
      matcher({ tid, text: tuple[0], device: "", namespaces: [], hosts: [] }) !== "no";
  });
}

function tidOf(fields: string): Tid | undefined {
  const [transport = "", traddr = "", trsvcid = "", subsysnqn = "", hostIface = "", hostTraddr = ""] = fields
    .split(", ");
  return isTransport(transport)
    ? { transport, traddr, trsvcid, subsysnqn, hostIface, hostTraddr, hostNqn: "" }
    : undefined;
}
