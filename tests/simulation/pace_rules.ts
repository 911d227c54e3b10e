/**
 * L4 and L6, and how much is said: no attempt without a trace, none more often than documented, no flood of log lines, and no call
 * that neither ends nor is given up.
 */
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import { identity, named } from "./oracle/identity.ts";
import { LIMITS } from "./oracle/limits.ts";
import type { AnyEffect, AnyEvent, Daemon, Rules } from "./rules.ts";
import { Violation } from "./violation.ts";

/** Something from outside, after which more is tried and more is said. */
const OUTSIDE: ReadonlySet<AnyEvent["type"]> = new Set([
  "aen",
  "avahi",
  "config",
  "device",
  "exclusions",
  "fetched",
  "log-read",
  "mdns-problem",
  "network",
  "overflow",
  "removed",
  "resolved",
  "service",
  "service-gone",
  "stafd",
  "stafd-changed",
  "states",
]);

const WINDOW_MS = 60_000;
const FIRSTS = 2;

/** What happened in the last minute. */
class Minute {
  readonly #times: number[] = [];
  /** Since the process began. */
  total = 0;

  add(mono: number): void {
    this.#times.push(mono);
    this.total++;
  }

  count(mono: number): number {
    while ((this.#times[0] ?? Infinity) <= mono - WINDOW_MS) this.#times.shift();
    return this.#times.length;
  }
}

interface Call {
  readonly what: string;
  readonly since: number;
}

export class Pace {
  /** Calls of ports that have not ended, by operation. */
  readonly calls = new Map<number, Call>();
  readonly attempts = new Map<string, Minute>();
  /** Tested, and not connected since. */
  readonly tested = new Set<string>();
  readonly news = new Minute();
  /**
   * The first two attempts at each controller. What a process remembers from the one before it tries without any news, and says
   * what fails, and then what follows from that.
   */
  readonly firsts = new Minute();
  readonly lines = new Minute();
  /** The incarnation of each device that was last told of. */
  readonly shown = new Map<string, number>();
}

export class PaceRules {
  readonly #rules: Rules;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  get #mono(): number {
    return this.#rules.world.clock.now().mono;
  }

  heard(who: Daemon, event: AnyEvent): void {
    const { pace } = this.#rules.sessions[who];
    if ("op" in event) pace.calls.delete(event.op);
    if (OUTSIDE.has(event.type)) pace.news.add(this.#mono);
    const told = event.type === "scanned" && event.outcome.ok
      ? event.outcome.value
      : event.type === "device"
      ? [event.ctrl]
      : [];
    // A scan tells at once what as many events would have told: each device of which nothing was heard is news.
    for (const { device, incarnation } of told) {
      if (event.type === "scanned" && pace.shown.get(device) !== incarnation) pace.news.add(this.#mono);
      pace.shown.set(device, incarnation);
    }
    for (const { what, since } of pace.calls.values()) {
      if (this.#mono - since > LIMITS.callMs) {
        throw new Violation(
          "L6",
          `${who}: ${what} has not ended after ${LIMITS.callMs / 1000} s, and no message says so`,
        );
      }
    }
  }

  effect(who: Daemon, effect: AnyEffect): void {
    const { pace } = this.#rules.sessions[who];
    if ("op" in effect && effect.do !== "save") {
      pace.calls.set(effect.op, { what: effect.do, since: this.#mono });
    }
    if (effect.do === "reach") {
      pace.tested.add(identity(effect.tid));
      this.#attempt(who, effect.tid);
    }
    // Test and connect are one attempt; a connect without a test is one of its own.
    if (effect.do === "connect" && !pace.tested.delete(identity(effect.request.tid))) {
      this.#attempt(who, effect.request.tid);
    }
    if (effect.do === "log" && effect.entry.level !== "debug") this.#line(who, effect.entry.message);
  }

  /** L4: none more often than documented. Each piece of news is worth an attempt of its own, not more. */
  #attempt(who: Daemon, tid: Tid): void {
    const { pace } = this.#rules.sessions[who];
    const id = identity(tid);
    const minute = pace.attempts.get(id) ?? new Minute();
    pace.attempts.set(id, minute);
    if (minute.total < FIRSTS) pace.firsts.add(this.#mono);
    minute.add(this.#mono);
    const allowed = LIMITS.attemptsInAMinute + pace.news.count(this.#mono);
    const tried = minute.count(this.#mono);
    if (tried > allowed) {
      throw new Violation(
        "L4",
        `${who} tried ${named(tid)} ${tried} times in a minute, after ${allowed} occasions`,
      );
    }
  }

  /** What is said is worth being read. */
  #line(who: Daemon, message: string): void {
    const { pace } = this.#rules.sessions[who];
    pace.lines.add(this.#mono);
    const allowed = LIMITS.linesInAMinute + LIMITS.linesForNews * pace.news.count(this.#mono) +
      LIMITS.linesForFirst * pace.firsts.count(this.#mono);
    const said = pace.lines.count(this.#mono);
    if (said > allowed) {
      throw new Violation("L4", `${who} logs ${said} lines in a minute, the last one: ${message}`);
    }
  }

  /** L4: what failed is in the log, and `explain` has it. */
  stepped(who: Daemon, event: AnyEvent, before: Fleet, after: Fleet, effects: readonly AnyEffect[]): void {
    if (event.type !== "reached" && event.type !== "connected" || event.outcome.ok) return;
    const link = before.ctls.get(event.key)?.link;
    const isAwaited = (link?.phase === "reaching" || link?.phase === "connecting") && link.op === event.op;
    const ctl = after.ctls.get(event.key);
    if (!isAwaited || ctl === undefined) return;
    const { wall } = this.#rules.world.clock.now();
    const isLogged = effects.some((effect) => effect.do === "log");
    const isExplained = ctl.lastFailure?.at === wall || ctl.link.phase === "up";
    if (!isLogged || !isExplained) {
      throw new Violation("L4", `${who}: a failed attempt of ${named(ctl.tid)} leaves no trace`);
    }
  }
}
