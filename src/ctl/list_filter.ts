/** Filters and sorts controllers for `ls`. */
import { PHASES, type V1Controller, type V1Phase, type V1Source } from "../lib/dbus/v1_types.ts";
import { isTransport, type Tid } from "../lib/nvme/tid.ts";
import { matcherOf } from "../lib/nvme/what.ts";
import { addressOf, byDevice, ifaceOf, sorted, toneOf } from "./controllers_view.ts";

/** Controllers of other programs are not listed. */
export const STATES = PHASES.filter((phase) => phase !== "foreign");

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

/** The requested controllers, sorted. */
export function filtered(controllers: readonly V1Controller[], filter: Filter): readonly V1Controller[] {
  const { state, subsystem, iface, dc, sort = "subsystem" } = filter;
  const pattern = subsystem === undefined ? undefined : globOf(subsystem);
  const kept = controllers.filter((one) =>
    (state === undefined || state.includes(one.phase)) &&
    (pattern === undefined || pattern.test(one.tid.subsysnqn)) &&
    (iface === undefined || ifaceOf(one) === iface) &&
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

/** Controllers that need attention come first. */
const weight = ({ phase }: V1Controller): number => ["bad", "busy", "good"].indexOf(toneOf(phase)) + 1 || 4;

function globOf(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${escaped}$`, "s");
}

function isListedBy({ sources }: V1Controller, dc: string): boolean {
  const matcher = matcherOf(dc);
  return sources.some((source) => {
    const lister = listerOf(source);
    return lister !== undefined && matcher({ ...lister, device: "", namespaces: [], hosts: [] }) !== "no";
  });
}

/**
 * The discovery controller of a source. A daemon of version 1.0.0 gives it in a sentence: `log page of (tcp,
 * ...)`.
 */
function listerOf({ kind, text, dc }: V1Source): { readonly tid: Tid; readonly text: string } | undefined {
  if (dc !== undefined) return dc;
  const tuple = /\(([^()]*)\)/.exec(text);
  const tid = tidOf(tuple?.[1] ?? "");
  return (kind !== "log-page" && kind !== "referral") || tuple === null || tid === undefined
    ? undefined
    : { tid, text: tuple[0] };
}

function tidOf(fields: string): Tid | undefined {
  const [transport = "", traddr = "", trsvcid = "", subsysnqn = "", hostIface = "", hostTraddr = ""] = fields
    .split(", ");
  return isTransport(transport)
    ? { transport, traddr, trsvcid, subsysnqn, hostIface, hostTraddr, hostNqn: "" }
    : undefined;
}
