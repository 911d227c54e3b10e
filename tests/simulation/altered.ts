/** Cores that are not quite the real ones: for canaries, and for the originals of the scenarios. */
import type { StacdState } from "../../src/lib/core/stacd/stacd_state.ts";
import type { StacdEffect, StacdEvent, StafdEffect, StafdEvent } from "../../src/lib/core/effects.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import type { Core } from "../../src/lib/daemon/shell.ts";
import { type Cores, realCores } from "./cores.ts";

type AnyEvent = StafdEvent | StacdEvent;
type AnyEffect = StafdEffect | StacdEffect;

/** The core hears something else than what was said. */
export function hearing<State, Event extends AnyEvent, Effect>(
  core: Core<State, Event, Effect>,
  change: (event: Event) => Event,
): Core<State, Event, Effect> {
  return { ...core, step: (state, event, now) => core.step(state, change(event), now) };
}

/** The core does something else than what it decided. */
export function doing<State, Event, Effect extends AnyEffect>(
  core: Core<State, Event, Effect>,
  change: (effect: Effect) => readonly Effect[],
): Core<State, Event, Effect> {
  return {
    ...core,
    step: (state, event, now) => {
      const next = core.step(state, event, now);
      return { ...next, effects: next.effects.flatMap(change) };
    },
  };
}

export function withDevices<Event extends AnyEvent>(
  change: (ctrl: KernelCtrl) => KernelCtrl,
): (event: Event) => Event {
  return (event) => {
    if (event.type === "device") return { ...event, ctrl: change(event.ctrl) };
    if (event.type === "scanned" && event.outcome.ok) {
      return { ...event, outcome: { ok: true, value: event.outcome.value.map(change) } };
    }
    return event;
  };
}

/** Whoever hears this finds no namespace in use, and none at all. */
export const nothingInUse = (event: StacdEvent): StacdEvent =>
  event.type === "use-seen" ? { ...event, outcome: { ok: true, value: [] } } : event;

/** stafd hears something else. */
export const stafd = (change: (event: StafdEvent) => StafdEvent): Cores => ({
  ...realCores,
  stafd: hearing(realCores.stafd, change),
});

/** stacd hears something else. */
export const stacd = (change: (event: StacdEvent) => StacdEvent): Cores => ({
  ...realCores,
  stacd: hearing(realCores.stacd, change),
});

/** stafd takes its steps in this way. */
export const stafdStepping = (step: Cores["stafd"]["step"]): Cores => ({
  ...realCores,
  stafd: { ...realCores.stafd, step },
});

/** stacd takes its steps in this way. */
export const stacdStepping = (step: Cores["stacd"]["step"]): Cores => ({
  ...realCores,
  stacd: { ...realCores.stacd, step },
});

/** A renewal does not wait for the path under way: it goes on with the next. */
export function hurried(state: StacdState): StacdState {
  const { run } = state.renewals;
  if (run === undefined || (run.phase.is !== "replacing" && run.phase.is !== "serving")) return state;
  return {
    ...state,
    renewals: { ...state.renewals, run: { ...run, index: run.index + 1, phase: { is: "begin" } } },
  };
}

/** Keys go to a connection that was made as another host, where there is one. */
export const givingKeysAway = (): Cores =>
  stacdStepping((state, event, now) => {
    const next = realCores.stacd.step(state, event, now);
    const { devices } = next.state.fleet;
    const effects = next.effects.map((effect) => {
      if (effect.do !== "write-keys" || effect.dry) return effect;
      const own = devices.get(effect.target.device);
      const other = [...devices.values()].find(({ hostNqn }) => hostNqn !== "" && hostNqn !== own?.hostNqn);
      return other === undefined ? effect : { ...effect, target: other };
    });
    return { ...next, effects };
  });

/** To stacd, no connection looks safe. */
export const blind = (): Cores => {
  const bare = (ctrl: KernelCtrl): KernelCtrl =>
    ctrl.made === undefined
      ? ctrl
      : { ...ctrl, made: { ...ctrl.made, tls: "none", dhchap: false, dhchapCtrl: false } };
  const heard = withDevices<StacdEvent>(bare);
  return stacd((event) =>
    event.type === "connected" && event.outcome.ok
      ? { ...event, outcome: { ok: true, value: bare(event.outcome.value) } }
      : heard(event)
  );
};
