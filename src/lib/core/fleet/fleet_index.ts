/**
 * Indexes that find the controllers and devices that may belong together without a search through all of
 * them. Address and NQN are the key: one target may have thousands of subsystems at one address. A device
 * with any NQN may match a claim of the well-known discovery NQN (TID-41), so devices that are not known to
 * be I/O controllers are also listed for every controller at their address.
 */
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { matchIndexKey } from "../../nvme/match.ts";
import { type Tid, WELL_KNOWN_DISC_NQN } from "../../nvme/tid.ts";
import type { Authority } from "../controller/ctl.ts";
import { Table } from "../../base/table.ts";

export type Index = Table<readonly string[]>;
/** For each authority the keys of the controllers that it claims or has withdrawn. */
export type Said = Table<Table<true>>;

const NONE: readonly string[] = [];
const ANY_NQN = "*";

/** The keys under which a controller is listed and its devices are found. */
export const ctlIndexKey = (tid: Tid): string =>
  `${matchIndexKey(tid)}|${tid.subsysnqn === WELL_KNOWN_DISC_NQN ? ANY_NQN : tid.subsysnqn}`;

/**
 * Can a connect to `tid` have made this device? A discovery controller may have another NQN than it was asked for by, and
 * before a link is up the kernel may show none.
 */
export function madeAsAsked(tid: Tid, device: KernelCtrl): boolean {
  if (matchIndexKey(tid) !== matchIndexKey(device)) return false;
  return device.isDc || device.subsysnqn === "" || device.subsysnqn === tid.subsysnqn;
}

/** The keys under which a device is listed and its controllers are found. */
export function deviceIndexKeys(device: KernelCtrl): readonly string[] {
  const at = matchIndexKey(device);
  const exact = `${at}|${device.subsysnqn}`;
  return device.isIoc && !device.isDc ? [exact] : [exact, `${at}|${ANY_NQN}`];
}

/** The keys of the controllers that a device may serve. */
export const ctlsFor = (ctlsAt: Index, device: KernelCtrl): readonly string[] =>
  deviceIndexKeys(device).flatMap((key) => ctlsAt.get(key) ?? NONE);

/** The names of the devices that may serve a controller. */
export const devicesFor = (devicesAt: Index, tid: Tid): readonly string[] =>
  devicesAt.get(ctlIndexKey(tid)) ?? NONE;

/** `index` with `name` added under `key`. */
export function listed(index: Index, key: string, name: string): Index {
  const names = index.get(key) ?? NONE;
  return names.includes(name) ? index : index.with(key, [...names, name]);
}

/** `index` with `name` taken away from under `key`. */
export function unlisted(index: Index, key: string, name: string): Index {
  const names = index.get(key);
  if (names === undefined || !names.includes(name)) return index;
  const rest = names.filter((other) => other !== name);
  return rest.length === 0 ? index.without(key) : index.with(key, rest);
}

/** One more under `key`. */
export const counted = (counts: Table<number>, key: string): Table<number> =>
  counts.with(key, (counts.get(key) ?? 0) + 1);

/** One fewer under `key`. */
export function uncounted(counts: Table<number>, key: string): Table<number> {
  const count = counts.get(key) ?? 0;
  return count > 1 ? counts.with(key, count - 1) : counts.without(key);
}

/** The authorities that claim one controller, or have withdrawn it. */
interface Sayings {
  readonly claims: ReadonlyMap<Authority, unknown>;
  readonly released: ReadonlyMap<Authority, unknown>;
}

const hasSaid = ({ claims, released }: Sayings, authority: Authority): boolean =>
  claims.has(authority) || released.has(authority);

/** `said` after the claims of the controller `key` have changed. */
export function withSaid(said: Said, key: string, before: Sayings | undefined, now: Sayings): Said {
  let next = said;
  for (const authority of [...now.claims.keys(), ...now.released.keys()]) {
    if (before !== undefined && hasSaid(before, authority)) continue;
    next = next.with(authority, (next.get(authority) ?? Table.empty<true>()).with(key, true));
  }
  for (const authority of before === undefined ? [] : [...before.claims.keys(), ...before.released.keys()]) {
    const keys = hasSaid(now, authority) ? undefined : next.get(authority)?.without(key);
    if (keys !== undefined) next = keys.size === 0 ? next.without(authority) : next.with(authority, keys);
  }
  return next;
}
