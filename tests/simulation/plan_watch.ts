/**
 * Holds `plan` and `explain` against what happens: asked again after each thing that a daemon is told, in every world that the
 * simulation makes. What is done without news from outside was planned; what is planned is begun in time.
 */
import type { Ctl } from "../../src/lib/core/controller/ctl.ts";
import type { Fleet } from "../../src/lib/core/fleet/fleet.ts";
import type { Core } from "../../src/lib/daemon/shell.ts";
import { explain } from "../../src/lib/daemon/views/v1_explain.ts";
import { heldBy, planOf } from "../../src/lib/daemon/views/v1_plan.ts";
import type { V1Change } from "../../src/lib/dbus/v1_types.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import type { Now } from "../../src/lib/base/time.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { type Cores, realCores } from "./cores.ts";
import { identity, named as tidText } from "./oracle/identity.ts";
import { serves } from "./oracle/matching.ts";
import type { AnyEffect, AnyEvent } from "./rules.ts";
import { Violation } from "./violation.ts";
import { stafdView } from "../../src/lib/core/stafd/stafd_rules.ts";
import { stacdView } from "../../src/lib/core/stacd/stacd_rules.ts";
import type { View } from "../../src/lib/core/fleet/view.ts";

type Who = "stafd" | "stacd";

/** The functions under test, for a canary to replace. */
export interface Views {
  readonly planOf: typeof planOf;
  readonly explain: typeof explain;
}
export const realViews: Views = { planOf, explain };

/** The outcome of what the daemon itself asked for: nobody else had a say in it. */
const INSIDE: ReadonlySet<AnyEvent["type"]> = new Set([
  "tick",
  "reached",
  "connected",
  "disconnected",
  "saved",
  "registered",
  "supported-logs",
  "states",
]);

/** A removal that is due is begun within this; one that waits for another one, within the second. */
const DUE_MS = 2_000;
const CHAINED_MS = 40_000;
/** L5: what an event did not tell, because it was lost, the next look at the kernel does. */
const LOST_EVENT_MS = 360_000;
/** An attempt that is due may have to wait: the kernel makes one connection at a time, and one may hang for a minute. */
const ATTEMPT_MS = 200_000 + LOST_EVENT_MS;

interface Overdue {
  readonly since: number;
  readonly lastTry: number | undefined;
}

interface Watched<State> {
  /** The state after the last step; another one means that the daemon was started again. */
  last: State | undefined;
  /** `action key` of what was planned when something from outside was last heard. */
  planned: ReadonlySet<string>;
  readonly overdue: Map<string, Overdue>;
}

const named = (action: string, key: string): string => `${action} ${key}`;
const partsOf = (name: string): readonly [action: string, key: string] => {
  const at = name.indexOf(" ");
  return [name.slice(0, at), name.slice(at + 1)];
};
const all = (changes: readonly V1Change[]): Set<string> =>
  new Set(changes.map(({ action, tid }) => named(action, identity(tid))));

export class PlanWatch {
  readonly cores: Cores;
  /** Set when the world is made. */
  world: World | undefined;
  readonly counts = { connect: 0, disconnect: 0, adopt: 0, "let-go": 0, reloads: 0, explained: 0 };
  readonly #views: Views;
  #steps = 0;

  constructor(views: Views = realViews) {
    this.#views = views;
    this.cores = {
      stafd: this.#watched(
        "stafd",
        realCores.stafd,
        stafdView,
        (device) => device.isDc,
        () => undefined,
      ),
      stacd: this.#watched(
        "stacd",
        realCores.stacd,
        stacdView,
        (device) => device.isIoc,
        ({ drains, renewals }) => JSON.stringify([drains.list, renewals.run?.index, renewals.run?.phase]),
      ),
    };
  }

  #watched<State extends { readonly fleet: Fleet }, Event extends AnyEvent, Effect extends AnyEffect>(
    who: Who,
    core: Core<State, Event, Effect>,
    turn: (state: State, now: Now) => View,
    accepts: (device: KernelCtrl) => boolean,
    /** What persons have asked for: the end of a term is their act, whatever event it comes with. */
    acts: (state: State) => unknown,
  ): Core<State, Event, Effect> {
    const watched: Watched<State> = { last: undefined, planned: new Set(), overdue: new Map() };
    return {
      ...core,
      step: (state, event, now) => {
        const next = core.step(state, event, now);
        // The simulation's own check of purity takes a step twice.
        if (watched.last === next.state) return next;
        if (watched.last !== state) watched.overdue.clear();
        const before = turn(state, now);
        const after = turn(next.state, now);
        const { changes } = this.#views.planOf(after, after, now);
        const done = doneIn(state.fleet, next.state.fleet, next.effects);
        const isReload = event.type === "config" && event.reload;
        if (isReload) this.#reloaded(who, this.#views.planOf(after, before, now).changes, changes, done);
        const isOutside = !INSIDE.has(event.type) || acts(state) !== acts(next.state);
        if (isOutside || watched.last !== state) watched.planned = all(changes);
        else this.#foreseen(who, event, watched.planned, done, next.state.fleet);
        for (const name of done) this.#count(name);
        this.#inTime(who, watched.overdue, next.state.fleet, changes, now);
        if (++this.#steps % 4 === 0) this.#explained(who, after, accepts, changes, now);
        watched.last = next.state;
        return next;
      },
    };
  }

  #count(name: string): void {
    const [action] = partsOf(name);
    if (action === "connect" || action === "disconnect" || action === "adopt" || action === "let-go") {
      this.counts[action]++;
    }
  }

  /** Nothing was heard from outside: what is done now was planned. */
  #foreseen(
    who: Who,
    event: AnyEvent,
    planned: ReadonlySet<string>,
    done: ReadonlySet<string>,
    after: Fleet,
  ): void {
    const made = event.type === "connected" && event.outcome.ok ? event.outcome.value.device : undefined;
    for (const name of done) {
      const [action, key] = partsOf(name);
      const may = planned.has(name) ||
        // Whoever was to be connected is connected, also when another one's connection serves it.
        (action === "adopt" && planned.has(named("connect", key))) ||
        // What the connect made that was planned is another one's, if the first is not wanted any more.
        (action === "adopt" && made !== undefined && isOn(after, key, made)) ||
        // A plan has one change for each controller: for one that is being deleted and wanted again, the first of the two.
        (action === "connect" && planned.has(named("disconnect", key)));
      if (!may) throw new Violation("plan", `${who}, at ${event.type}: not planned: ${name}`);
    }
  }

  /** What `plan --config` says of a file is what is done when it is loaded, and what is planned then. */
  #reloaded(
    who: Who,
    foretold: readonly V1Change[],
    changes: readonly V1Change[],
    done: ReadonlySet<string>,
  ): void {
    this.counts.reloads++;
    const said = all(foretold);
    const real = new Set([...done, ...all(changes)]);
    for (const name of said) {
      if (!real.has(name)) throw new Violation("plan --config", `${who}: said, and not so: ${name}`);
    }
    for (const name of real) {
      // One that is found and excluded at once is only to be disconnected, say.
      const [action, key] = partsOf(name);
      const goes = action === "adopt" && said.has(named("disconnect", key));
      if (!said.has(name) && !goes) throw new Violation("plan --config", `${who}: not said: ${name}`);
    }
  }

  #inTime(
    who: Who,
    overdue: Map<string, Overdue>,
    fleet: Fleet,
    changes: readonly V1Change[],
    now: Now,
  ): void {
    const known = new Map([...fleet.ctls.values()].map((ctl) => [identity(ctl.tid), ctl]));
    const current = all(changes);
    for (const name of overdue.keys()) if (!current.has(name)) overdue.delete(name);
    for (const { action, tid, at } of changes) {
      const key = identity(tid);
      const ctl = known.get(key);
      if (ctl === undefined) throw new Violation("plan", `${who}: plans for ${key}, which it does not know`);
      const name = named(action, key);
      const waits = fleet.fresh && isPending(action, ctl) && (at === null || at <= now.wall);
      const before = overdue.get(name);
      const lastTry = ctl.lastTry?.mono;
      if (!waits) overdue.delete(name);
      else if (before === undefined || before.lastTry !== lastTry) {
        overdue.set(name, { since: now.mono, lastTry });
      } else {
        const bound = action === "connect" ? ATTEMPT_MS : at === null ? CHAINED_MS : DUE_MS;
        if (now.mono - before.since > bound) {
          throw new Violation("plan", `${who}: planned, and not begun within ${bound} ms: ${name}`);
        }
      }
    }
  }

  #explained(
    who: Who,
    core: View,
    accepts: (device: KernelCtrl) => boolean,
    changes: readonly V1Change[],
    now: Now,
  ): void {
    const { world } = this;
    if (world === undefined) return;
    const { devices } = world.kernel;
    const peek = (name: string): KernelCtrl | undefined => {
      const device = devices.get(name);
      return device === undefined ? undefined : devices.view(device);
    };
    const { matches: explained } = this.#views.explain("", who, core, accepts, peek, now);
    const held = new Set(heldBy(core).map(({ tid }) => identity(tid)));
    const planned = new Map(changes.map((change) => [identity(change.tid), change]));
    const said = new Map(
      explained.flatMap((match) =>
        match.phase === "foreign" || match.phase === "gone" ? [] : [[identity(match.tid), match] as const]
      ),
    );
    this.#foreign(who, core, explained, peek);
    for (const ctl of core.state.fleet.ctls.values()) {
      this.counts.explained++;
      const match = said.get(identity(ctl.tid));
      const wrong = (why: string): never => {
        throw new Violation("explain", `${who}: ${tidText(ctl.tid)}: ${why}: ${JSON.stringify(match)}`);
      };
      if (match === undefined) return wrong("nothing is said of it");
      const { phase, headline, device } = match;
      const change = planned.get(identity(ctl.tid));
      const live = device !== "" && peek(device)?.state === "live" &&
        ctl.link.phase === "up" && peek(device)?.incarnation === ctl.link.ref.incarnation;
      if (phase === "connected" && (!live || headline !== `Connected as ${device}.`)) wrong("it is not live");
      if (live && phase !== "connected" && phase !== "leaving") wrong("it is live");
      if (/^(Not c|Being c)/.test(headline) === (ctl.link.phase === "up" || ctl.link.phase === "deleting")) {
        wrong(`the headline belies the link, which is ${ctl.link.phase}`);
      }
      const isHeld = held.has(identity(ctl.tid));
      if (isHeld && change !== undefined) wrong(`held, and the plan says ${change.action}`);
      const goes = isHeld || change?.action === "disconnect" || change?.action === "let-go";
      const saysSo = phase === "leaving" || phase === "disconnecting" ||
        headline.startsWith("Being connected, and");
      if (goes !== saysSo) {
        wrong(`the plan says ${change?.action}`);
      }
      if (phase === "excluded" || phase === "given-up") {
        if (change !== undefined) wrong(`the plan says ${change.action}`);
      }
      if (change?.action === "connect" && ctl.link.phase === "up") wrong("the plan says connect");
      const next = match.chain.find(({ step, text }) => step === "next" && text === "next attempt");
      if ((next?.at ?? null) !== (change?.action === "connect" ? change.at : null)) {
        wrong(`the plan says ${change?.action} at ${change?.at}`);
      }
    }
  }

  /** What is called somebody else's is neither being made nor asked for by this daemon. */
  #foreign(
    who: Who,
    core: View,
    explained: ReturnType<typeof explain>["matches"],
    peek: (name: string) => KernelCtrl | undefined,
  ): void {
    const { fleet } = core.state;
    for (const match of explained) {
      const device = match.phase === "foreign" ? fleet.devices.get(match.device) : undefined;
      if (device === undefined) continue;
      const fresh = peek(device.device);
      const state = fresh?.incarnation === device.incarnation ? fresh.state : device.state;
      if (!match.chain.some(({ text }) => text === `the kernel reports ${device.device} as ${state}`)) {
        throw new Violation("explain", `${who}: it is ${state}: ${JSON.stringify(match)}`);
      }
      for (const ctl of fleet.ctls.values()) {
        if (serves(ctl.tid, device, fleet.interfaces) !== "yes") continue;
        if (ctl.link.phase === "connecting" || core.rules.verdict(core, ctl).is === "wanted") {
          throw new Violation("explain", `${who}: not foreign: ${JSON.stringify(match)}`);
        }
      }
    }
  }
}

/** Nothing has been done of it yet. */
function isPending(action: V1Change["action"], ctl: Ctl): boolean {
  switch (action) {
    case "connect":
      return ctl.link.phase === "idle" || ctl.link.phase === "waiting" || ctl.link.phase === "reaching" ||
        ctl.link.phase === "ready";
    case "disconnect":
    case "let-go":
      return ctl.link.phase === "up";
    case "adopt":
      return true;
  }
}

const isOn = (fleet: Fleet, key: string | undefined, device: string): boolean =>
  [...fleet.ctls.values()].some(({ tid, link }) =>
    identity(tid) === key && link.phase === "up" && link.ref.device === device
  );

/** What one step did, as `action key`. */
function doneIn(before: Fleet, after: Fleet, effects: readonly AnyEffect[]): Set<string> {
  const done = new Set<string>();
  for (const effect of effects) {
    if (effect.do === "connect") done.add(named(effect.do, identity(effect.request.tid)));
    if (effect.do === "disconnect") done.add(named(effect.do, identity(effect.tid)));
  }
  for (const ctl of after.ctls.values()) {
    const was = before.ctls.get(ctl.key)?.link.phase;
    // A removal that failed is not found again, and one that the audit found is nobody's.
    const isNew = was !== "up" && was !== "deleting" && was !== "connecting";
    const isOurs = (ctl.claims.size > 0 || before.ctls.has(ctl.key)) && !ctl.leftToOthers;
    if (ctl.link.phase === "up" && isNew && isOurs) done.add(named("adopt", identity(ctl.tid)));
  }
  for (const past of after.past) {
    const was = before.ctls.get(past.key)?.link.phase;
    if (past.what === "released" && was === "up" && !before.past.includes(past)) {
      done.add(named("let-go", identity(past.tid)));
    }
  }
  return done;
}
