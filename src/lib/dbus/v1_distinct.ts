/**
 * Several transport ids may mean one controller, such as those of a configuration line and of an mDNS service: counts
 * and tables treat them as one.
 */
import { canonicalAddress, impliedIface } from "../nvme/tid.ts";
import type { V1Controller, V1Phase } from "./v1_types.ts";

/** Phases of wanted controllers. */
export const WANTED: ReadonlySet<V1Phase> = new Set([
  "waiting",
  "connecting",
  "connected",
  "reconnecting",
  "failing",
  "given-up",
]);

/** Phases of controllers that have a connection. */
const WITH_DEVICE: ReadonlySet<V1Phase> = new Set(["connected", "reconnecting", "leaving", "disconnecting"]);

/**
 * Each controller once, under its most specific name; its sources are those of all its names. Two names mean one
 * controller when they have one device, or when both are wanted, none has a device, and one says nothing that
 * contradicts the other.
 */
export function distinct(controllers: readonly V1Controller[]): readonly V1Controller[] {
  const byDevice = new Map<string, V1Controller>();
  const byPlace = new Map<string, V1Controller[]>();
  const others: V1Controller[] = [];
  for (const one of controllers.toSorted(bestNameFirst)) {
    if (one.device !== "" && WITH_DEVICE.has(one.phase)) {
      const known = byDevice.get(one.device);
      byDevice.set(one.device, known === undefined ? one : joined(known, one));
    } else if (WANTED.has(one.phase)) {
      const place = placeOf(one);
      const all = byPlace.get(place) ?? [];
      const n = all.findIndex((known) => agrees(known, one));
      const known = all[n];
      byPlace.set(place, known === undefined ? [...all, one] : all.with(n, joined(known, one)));
    } else others.push(one);
  }
  return [...byDevice.values(), ...[...byPlace.values()].flat(), ...others];
}

const joined = (known: V1Controller, more: V1Controller): V1Controller => {
  const hosts = [...new Set([...known.hosts ?? [], ...more.hosts ?? []])];
  // Each name has its own security settings: security that one of them lacks is lacking.
  const lessSafe = [...new Set([...known.lessSafe ?? [], ...more.lessSafe ?? []])];
  return {
    ...known,
    sources: [...known.sources, ...more.sources],
    logPage: known.logPage ?? more.logPage,
    ...(lessSafe.length === 0 ? {} : { lessSafe }),
    ...(hosts.length === 0 ? {} : { hosts }),
  };
};

const detail = ({ tid }: V1Controller): number =>
  Number(impliedIface(tid) !== "") + Number(tid.hostTraddr !== "");

function bestNameFirst(a: V1Controller, b: V1Controller): number {
  return Number(WANTED.has(b.phase)) - Number(WANTED.has(a.phase)) || detail(b) - detail(a) ||
    (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
}

const placeOf = ({ kind, tid }: V1Controller): string =>
  JSON.stringify([
    kind,
    tid.transport,
    canonicalAddress(tid.transport, tid.traddr),
    tid.trsvcid,
    tid.subsysnqn,
    tid.hostNqn,
  ]);

/** `less` names no interface and no source address but the other's. */
function agrees(more: V1Controller, less: V1Controller): boolean {
  const source = ({ tid }: V1Controller): string => canonicalAddress(tid.transport, tid.hostTraddr);
  const iface = impliedIface(less.tid);
  return (iface === "" || iface === impliedIface(more.tid)) &&
    (source(less) === "" || source(less) === source(more));
}
