/** Which events, effects and steps of a connection's life the seeds have reached. A list that misses one does not compile. */
import type { Ctl, Link } from "../../src/lib/core/controller/ctl.ts";
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import { tidText } from "../../src/lib/nvme/tid.ts";
import type { StacdEffect, StacdEvent, StafdEffect, StafdEvent } from "../../src/lib/core/effects.ts";
import { Violation } from "./violation.ts";

const all = <K extends string>(keys: Readonly<Record<K, true>>): readonly string[] => Object.keys(keys);

const COMMON_EVENTS = {
  tick: true,
  "clock-set": true,
  host: true,
  nbft: true,
  transports: true,
  exclusions: true,
  scanned: true,
  reached: true,
  "kernel-free": true,
  connected: true,
  disconnected: true,
  resolved: true,
  saved: true,
  stop: true,
  device: true,
  removed: true,
  aen: true,
  overflow: true,
  states: true,
  network: true,
  "tls-host": true,
  config: true,
} as const;

// Discovery controllers have no namespaces that could be in use.
const STAFD_EVENTS = all<Exclude<StafdEvent["type"], "use-seen">>({
  ...COMMON_EVENTS,
  registered: true,
  "supported-logs": true,
  "log-read": true,
  generation: true,
  avahi: true,
  service: true,
  "service-gone": true,
  "mdns-problem": true,
  forget: true,
});
const STACD_EVENTS = all<StacdEvent["type"]>({
  drain: true,
  undrain: true,
  renew: true,
  "keys-written": true,
  ...COMMON_EVENTS,
  fetched: true,
  stafd: true,
  "stafd-changed": true,
  "use-seen": true,
});

const COMMON_EFFECTS = {
  scan: true,
  reach: true,
  connect: true,
  disconnect: true,
  resolve: true,
  own: true,
  states: true,
  "look-at-tls": true,
  exclusions: true,
  save: true,
  signal: true,
  log: true,
  exit: true,
} as const;

const STAFD_EFFECTS = all<Exclude<StafdEffect["do"], "look-at-use" | "browse-again">>({
  ...COMMON_EFFECTS,
  register: true,
  "supported-logs": true,
  "read-log": true,
  generation: true,
  browse: true,
  "restart-unit": true,
  answer: true,
});
const STACD_EFFECTS = all<StacdEffect["do"]>({
  answer: true,
  "answer-renew": true,
  "write-keys": true,
  ...COMMON_EFFECTS,
  fetch: true,
  "look-at-use": true,
});

type Phase = Link["phase"] | "none";

/** From phase to phase, as seen between two steps; `none` is a controller that does not exist. */
const MOVES: Readonly<Record<Phase, readonly Phase[]>> = {
  none: ["idle", "reaching", "up"],
  idle: ["reaching", "up", "none"],
  waiting: ["reaching", "up", "none"],
  reaching: ["idle", "waiting", "ready", "connecting", "none"],
  ready: ["idle", "connecting", "up", "none"],
  connecting: ["waiting", "up", "none"],
  // No world of a seed has FC: the scenarios do.
  forming: [],
  // Straight to reaching: another connection was taken for it.
  up: ["idle", "waiting", "reaching", "deleting", "none"],
  deleting: ["idle", "up", "none"],
};

/** These take a coincidence within one step: they are right, and no seed owes them. */
const RARE: Readonly<Partial<Record<Phase, readonly Phase[]>>> = {
  waiting: ["idle"],
  reaching: ["up"],
  connecting: ["idle", "deleting"],
  deleting: ["waiting", "reaching"],
};

/** A move that a connection can make at all. */
function isKnownMove(from: Phase, to: Phase): boolean {
  return MOVES[from].includes(to) || RARE[from]?.includes(to) === true;
}

/**
 * What is asked for as before, by another name of this host, goes on as it was: its record has taken over the link of one
 * that is gone.
 */
function isTakenOver({ link }: Ctl, before: Fleet, after: Fleet): boolean {
  // The same news may have put off its next attempt, or brought it forward.
  const text = (one: Link): string => one.phase === "waiting" ? one.phase : JSON.stringify(one);
  for (const [key, ctl] of before.ctls) {
    if (!after.ctls.has(key) && text(ctl.link) === text(link)) return true;
  }
  return false;
}

export class Coverage {
  readonly counts = new Map<string, number>();

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  moves(who: string, before: Fleet, after: Fleet): void {
    if (before.ctls === after.ctls) return;
    const moved = (from: Phase, to: Phase, ctl: Ctl): void => {
      if (isKnownMove(from, to)) return this.count(`${who} link ${from} -> ${to}`);
      if (isTakenOver(ctl, before, after)) return this.count(`${who} link taken over`);
      throw new Violation("move", `${who}: ${tidText(ctl.tid)} goes from ${from} to ${to}`);
    };
    for (const [key, ctl] of after.ctls) {
      const old = before.ctls.get(key);
      if (old === ctl) continue;
      const from = old?.link.phase ?? "none";
      if (from !== ctl.link.phase) moved(from, ctl.link.phase, ctl);
    }
    for (const [key, ctl] of before.ctls) {
      if (!after.ctls.has(key)) moved(ctl.link.phase, "none", ctl);
    }
  }

  add(counts: Iterable<readonly [string, number]>): void {
    for (const [what, n] of counts) this.counts.set(what, (this.counts.get(what) ?? 0) + n);
  }
}

/** Everything that seeds of these daemons are to reach. */
export function toReach(who: "stafd" | "stacd"): readonly string[] {
  const events = who === "stafd" ? STAFD_EVENTS : STACD_EVENTS;
  const effects = who === "stafd" ? STAFD_EFFECTS : STACD_EFFECTS;
  return [
    ...events.map((type) => `${who} event ${type}`),
    ...effects.map((effect) => `${who} effect ${effect}`),
    ...Object.entries(MOVES).flatMap(([from, to]) => to.map((phase) => `${who} link ${from} -> ${phase}`)),
  ];
}
