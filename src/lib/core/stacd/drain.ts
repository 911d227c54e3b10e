/**
 * Maintenance by hand: controllers that a person has taken out for a while. A drain excludes like an exclude= line
 * (S7), but it is a person's act with a term and is kept in /run only: it ends at its term, with undrain, or with a
 * reboot. Pure.
 */
import { type Tid, tidKey, tidText } from "../../nvme/tid.ts";
import type { Duration, Instant } from "../../base/time.ts";
import { type Matcher, matcherOf } from "../../nvme/what.ts";
import type { DeviceRef } from "../../ports.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { Act, Op, WaitingAnswer } from "../effects.ts";
import type { Evidence } from "../planning/evidence.ts";
import type { Guard } from "../planning/guard.ts";
import { configClaims, type Verdict } from "../planning/planner.ts";

export interface Drain {
  /** As the person wrote it. */
  readonly what: string;
  /** The names that it stood for on this host: for a mount point, its devices. */
  readonly names: readonly string[];
  readonly uid: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** When it ends; undefined: with undrain or a reboot. */
  readonly until: number | undefined;
  /** A person has seen which controllers it takes, and confirmed it (S12). */
  readonly forced: boolean;
  /** Controllers that it named when it began, as {@link farSide}, or as {@link ownSide} where only one path was meant. */
  readonly targets: ReadonlySet<string>;
}

export type DrainEvent =
  | Act & {
    readonly type: "drain";
    readonly names: readonly string[];
    /** Undefined: no end. */
    readonly term: Duration | undefined;
    /** `ask`: only report what it would disconnect. `force`: disconnect controllers even when in use. */
    readonly mode: "ask" | "do" | "force";
  }
  | Act & { readonly type: "undrain" };

/** The outcome for one controller. */
export interface Drained {
  readonly tid: Tid;
  /** Empty where it is not connected. */
  readonly device: string;
  /**
   * `held`: it would be disconnected, but must not be. `watched`: whether it may be is not known yet. `kept`: stacd
   * may not disconnect it.
   */
  readonly becomes: "not-connected" | "disconnected" | "kept" | "held" | "watched";
  /** The reason, for the last three. */
  readonly why: string;
}

export interface DrainAnswer {
  /** `possible` answers `ask`; `watching`: ask again after `again`; `unknown`: no such controller or drain. */
  readonly result: "possible" | "drained" | "undrained" | "refused" | "watching" | "unknown";
  /** Why it was refused. */
  readonly reasons: readonly string[];
  readonly controllers: readonly Drained[];
  /** Milliseconds until another look can show more. */
  readonly again: number | undefined;
  /** The drains that begin or end; for an unknown name, the drains in force. */
  readonly drains: readonly Drain[];
}

/** A requested drain without a decision: stacd is still examining the use of its namespaces. */
export interface DrainAsk {
  /** The call that waits for an answer; undefined: the answer told it to ask again. */
  readonly call: Op | undefined;
  readonly event: Extract<DrainEvent, { readonly type: "drain" }>;
  readonly looks: ReadonlyMap<string, { readonly guard: Guard; readonly ref: DeviceRef }>;
  /** The request expires at this instant. */
  readonly until: Instant;
}

export interface Drains {
  readonly list: readonly Drain[];
  readonly asks: readonly DrainAsk[];
  /** Answers to send once the state file holds the changes that they report (S9). */
  readonly answers: readonly WaitingAnswer<DrainAnswer>[];
}

export const noDrains: Drains = { list: [], asks: [], answers: [] };

/** A controller by any path and as any host (S13). */
const farSide = (tid: Tid): string => tidKey({ ...tid, hostNqn: "", hostIface: "", hostTraddr: "" });
/** One path to it. */
const ownSide = (tid: Tid): string => `one way ${tidKey({ ...tid, hostNqn: "" })}`;

/**
 * The targets of a drain of the controllers with these keys. If it names all paths to a controller, it covers new
 * paths, too.
 */
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

/**
 * Does the drain cover this controller? An address or an NQN also covers controllers that are listed later; a device
 * name means the controller that had it when the drain began.
 */
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

/** The verdict on a drained controller, which overrides all others; undefined when no drain covers it. */
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
 * Adds a drain. It replaces a drain of the same name that covers nothing beyond it: `nvme1` may mean another
 * controller now than in the earlier drain, which then stays in force until its own end.
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
