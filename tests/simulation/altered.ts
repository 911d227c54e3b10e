/** Cores that are not quite the real ones: for canaries, and for the originals of the scenarios. */
import type {
  ConnectorEffect,
  ConnectorEvent,
  FinderEffect,
  FinderEvent,
} from "../../src/lib/core/effects.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import type { Core } from "../../src/lib/daemon/shell.ts";
import { type Cores, realCores } from "./cores.ts";

type AnyEvent = FinderEvent | ConnectorEvent;
type AnyEffect = FinderEffect | ConnectorEffect;

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
export const nothingInUse = (event: ConnectorEvent): ConnectorEvent =>
  event.type === "use-seen" ? { ...event, outcome: { ok: true, value: [] } } : event;

/** stafd hears something else. */
export const finder = (change: (event: FinderEvent) => FinderEvent): Cores => ({
  ...realCores,
  finder: hearing(realCores.finder, change),
});

/** stacd hears something else. */
export const connector = (change: (event: ConnectorEvent) => ConnectorEvent): Cores => ({
  ...realCores,
  connector: hearing(realCores.connector, change),
});

/** stafd takes its steps in this way. */
export const finderStepping = (step: Cores["finder"]["step"]): Cores => ({
  ...realCores,
  finder: { ...realCores.finder, step },
});

/** stacd takes its steps in this way. */
export const connectorStepping = (step: Cores["connector"]["step"]): Cores => ({
  ...realCores,
  connector: { ...realCores.connector, step },
});
