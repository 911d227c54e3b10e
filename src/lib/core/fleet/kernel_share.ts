/**
 * The share of the kernel's connects (S16). One lock of the kernel serialises the connects of the whole host, and a
 * target that passes the test and then hangs holds it for a minute: the turns of one daemon do not protect the
 * other one. An authority that only mDNS leads to therefore rests after a long connect, three times as long as
 * that took: it holds the lock for a quarter of the time. Pure.
 */
import { type Instant, milliseconds, type Now, reached } from "../../base/time.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { CONNECT_REST, LONG_CONNECT } from "../retry.ts";
import { isMdnsAuthority } from "../sources/origin_of.ts";
import type { Connect, Fleet } from "./fleet.ts";
import { madeAsAsked } from "./fleet_index.ts";
import type { TurnPlace } from "./turns.ts";

/** How many times longer than the connect the rest is. */
const REST_TIMES = 3;

/** The device of the connect under way has appeared: from now on the connect itself takes the time, not the wait for the lock. */
export function withBeginning(fleet: Fleet, ctrl: KernelCtrl, now: Now): Fleet {
  const { busy } = fleet;
  if (busy?.guest === undefined || busy.begun !== undefined || !madeAsAsked(busy.tid, ctrl)) return fleet;
  return { ...fleet, busy: { ...busy, begun: now.mono } };
}

/** The kernel has ended this connect: its authority may have to rest. */
export function withRest(fleet: Fleet, { guest, begun }: Connect, now: Now): Fleet {
  if (guest === undefined || begun === undefined) return fleet;
  const took = now.mono - begun;
  if (took <= LONG_CONNECT.ms) return fleet;
  const rest = milliseconds(Math.min(REST_TIMES * took, CONNECT_REST.longest.ms));
  const others = [...fleet.rests].filter(([name, until]) => name !== guest && !reached(until, now));
  return { ...fleet, rests: new Map([...others, [guest, { mono: now.mono + rest.ms }]]) };
}

/** Until when a guest rests; undefined when it does not. */
export function restOf(
  { rests }: Pick<Fleet, "rests">,
  guest: string | undefined,
  now: Now,
): Instant | undefined {
  const until = guest === undefined ? undefined : rests.get(guest);
  return until === undefined || reached(until, now) ? undefined : until;
}

/** The authority, if only mDNS leads to it. */
export const guest = ({ authority }: TurnPlace): string | undefined =>
  isMdnsAuthority(authority) ? authority : undefined;

/** When the next rest ends. */
export function nextEnd(rests: Fleet["rests"], now: Now): Instant | undefined {
  const ends = [...rests.values()].filter((until) => !reached(until, now)).map(({ mono }) => mono);
  return ends.length === 0 ? undefined : { mono: Math.min(...ends) };
}
