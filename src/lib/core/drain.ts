/**
 * Maintenance by hand: controllers that a person has taken out for a while. A drain excludes like an exclude= line (S7), is an
 * act of a user with a term, and is kept in /run only: it ends at its term, by undrain, or with a reboot. Pure.
 */
import { type Tid, tidKey, tidText } from "../nvme/tid.ts";
import type { Duration, Instant } from "../nvme/time.ts";
import { type Matcher, matcherOf } from "../nvme/what.ts";
import type { DeviceRef } from "../ports.ts";
import type { Ctl } from "./ctl.ts";
import type { Op } from "./effects.ts";
import type { Evidence } from "./evidence.ts";
import type { Guard } from "./guard.ts";
import { configClaims, type Verdict } from "./planner.ts";

/** Drains that are in force at one time; more are refused (S6). */
export const MAX_DRAINS = 64;
/** Controllers that one drain names; more are refused (S6). */
export const MAX_TARGETS = 4096;

export interface Drain {
  /** As the person wrote it. */
  readonly what: string;
  /** What that stood for on this host: a mount point is named by its devices. */
  readonly names: readonly string[];
  readonly uid: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** When it ends; undefined: by undrain or a reboot. */
  readonly until: number | undefined;
  /** A person was shown what it takes and wants it all the same (S12). */
  readonly forced: boolean;
  /** Controllers that it named when it began, by {@link farSide}, or by {@link ownSide} where only one way was meant. */
  readonly targets: ReadonlySet<string>;
}

/** A person's act, as it comes from the bus. */
interface Asked {
  /** The answer goes to it. */
  readonly call: Op;
  readonly uid: number;
  readonly what: string;
  /** Controllers that it names now. */
  readonly keys: readonly string[];
}

export type DrainEvent =
  | Asked & {
    readonly type: "drain";
    readonly names: readonly string[];
    /** Undefined: without end. */
    readonly term: Duration | undefined;
    /** `ask`: only tell what it would take. `force`: also what is in use. */
    readonly mode: "ask" | "do" | "force";
  }
  | Asked & { readonly type: "undrain" };

/** What becomes of one controller. */
export interface Drained {
  readonly tid: Tid;
  /** Empty where it is not connected. */
  readonly device: string;
  /** `held`: it would go, and may not. `watched`: that is not known yet. `kept`: it is not ours to disconnect. */
  readonly becomes: "not-connected" | "disconnected" | "kept" | "held" | "watched";
  /** Of the last three. */
  readonly why: string;
}

export interface DrainAnswer {
  /** `possible` answers `ask`; `watching`: to be asked again at `again`; `unknown`: no such controller or drain. */
  readonly result: "possible" | "drained" | "undrained" | "refused" | "watching" | "unknown";
  /** Why it was refused. */
  readonly reasons: readonly string[];
  readonly controllers: readonly Drained[];
  /** Milliseconds until a look can tell more. */
  readonly again: number | undefined;
  /** The drains that begin or end, or, where there is no such one, those in force. */
  readonly drains: readonly Drain[];
}

/** A drain that is asked for and not decided: what uses its namespaces is being looked at. */
export interface DrainAsk {
  /** The call that waits for an answer; undefined: it was told to come again. */
  readonly call: Op | undefined;
  readonly event: Extract<DrainEvent, { readonly type: "drain" }>;
  readonly looks: ReadonlyMap<string, { readonly guard: Guard; readonly ref: DeviceRef }>;
  /** Forgotten then. */
  readonly until: Instant;
}

export interface Drains {
  readonly list: readonly Drain[];
  readonly asks: readonly DrainAsk[];
  /** Given when the state file has what they say (S9). */
  readonly answers: readonly { readonly call: Op; readonly answer: DrainAnswer; readonly upTo: number }[];
}

export const noDrains: Drains = { list: [], asks: [], answers: [] };

/** A controller by whichever way and as whichever host (S13). */
const farSide = (tid: Tid): string => tidKey({ ...tid, hostNqn: "", hostIface: "", hostTraddr: "" });
/** One way to it. */
const ownSide = (tid: Tid): string => `one way ${tidKey({ ...tid, hostNqn: "" })}`;

/** What the controllers with these keys are called in a drain. Where all ways are meant, new ones are meant, too. */
export function targetsOf(keys: ReadonlySet<string>, ctls: Iterable<Ctl>): ReadonlySet<string> {
  const all = [...ctls];
  const spared = new Set(all.filter(({ key }) => !keys.has(key)).map(({ tid }) => farSide(tid)));
  const meant = all.filter(({ key }) => keys.has(key));
  return new Set(meant.map(({ tid }) => spared.has(farSide(tid)) ? ownSide(tid) : farSide(tid)));
}

const MATCHERS = new WeakMap<Drain, readonly Matcher[]>();

function matchersOf(drain: Drain): readonly Matcher[] {
  const known = MATCHERS.get(drain) ?? drain.names.map(matcherOf);
  MATCHERS.set(drain, known);
  return known;
}

/** Does it take this controller? By an address or an NQN it takes also what is listed only later; a device is what it was then. */
export function covers(drain: Drain, ctl: Ctl): boolean {
  const { tid } = ctl;
  if (drain.targets.has(farSide(tid)) || drain.targets.has(ownSide(tid))) return true;
  const hosts = configClaims(ctl).map(({ written }) => written.traddr);
  const lasting = { tid, text: tidText(tid), device: "", namespaces: [], hosts };
  return matchersOf(drain).some((matcher) => matcher(lasting) === "certain");
}

export const isOver = ({ until }: Drain, wall: number): boolean => until !== undefined && until <= wall;

const drainsOf = (drains: readonly Drain[], ctl: Ctl, wall: number): readonly Drain[] =>
  drains.length === 0 ? drains : drains.filter((drain) => !isOver(drain, wall) && covers(drain, ctl));

export const drainEvidence = ({ what, uid, at, until, forced }: Drain): Evidence => ({
  kind: "drain",
  what,
  uid,
  at,
  ...(until === undefined ? {} : { until }),
  forced,
});

/** The verdict on a controller that is drained, whatever else is said of it; undefined when none covers it. */
export function drainedVerdict(
  drains: readonly Drain[],
  ctl: Ctl,
  wall: number,
  forbidden: Verdict | undefined,
): Verdict | undefined {
  const [first, ...more] = drainsOf(drains, ctl, wall);
  if (first === undefined) return undefined;
  const lines = forbidden?.is === "excluded" ? forbidden.evidence : [];
  return { is: "excluded", evidence: [drainEvidence(first), ...more.map(drainEvidence), ...lines] };
}

/**
 * With one more. It replaces one of the same words that takes nothing else: `nvme1` of today may be another controller than
 * `nvme1` of the drain before, which then goes on to its own end.
 */
export function withDrain(drains: readonly Drain[], drain: Drain, ctls: Iterable<Ctl>): readonly Drain[] {
  const same = drains.filter(({ what }) => what === drain.what);
  if (same.length === 0) return [...drains, drain];
  const taken = new Set(drain.targets);
  for (const ctl of ctls) {
    if (covers(drain, ctl)) taken.add(farSide(ctl.tid)).add(ownSide(ctl.tid));
  }
  const replaced = same.filter(({ targets }) => targets.isSubsetOf(taken));
  return [...drains.filter((one) => !replaced.includes(one)), drain];
}
