/** Assembles a daemon: core, shell, ports and bus, in the same way for both. {@link Own} has what differs. */
import type { DaemonConf } from "../config/daemon_conf.ts";
import type { Event, StacdEvent, StafdEvent } from "../core/effects.ts";
import type { FleetState } from "../core/fleet/view.ts";
import type { Bus } from "../dbus/bus.ts";
import { STAC, STAF } from "../dbus/interfaces.ts";
import { publisher, type ReportHandlers } from "../dbus/server.ts";
import type { ActParts } from "./act_calls.ts";
import type { StartClocks } from "../core/saved/clock_set.ts";
import { bounded, BoundedCalls } from "./bounded_ports.ts";
import { ClockWatch } from "./clock_watch.ts";
import { factsAfterClockSet } from "./daemon_facts.ts";
import type { ServiceParts } from "./daemon_service.ts";
import { lookUp } from "./devices_now.ts";
import { commonPorts, type Machine, proving, tellHost, tellHostAgain } from "./machine.ts";
import type { CommonPorts } from "./performer.ts";
import { LastLines } from "./record/last_lines.ts";
import { type Recorded, Recorder, recording } from "./record/recorder.ts";
import { reportCalls } from "./record/report_calls.ts";
import type { BusContext, Running } from "./run_daemon.ts";
import { type Core, type Seams, Shell } from "./shell.ts";

/** What a daemon's own parts are made from. */
export interface Kit<M, State, E> {
  /** With bounded calls, and a log whose last lines are kept. */
  readonly machine: M;
  readonly calls: BoundedCalls;
  readonly ports: CommonPorts;
  readonly service: ServiceParts<State>;
  readonly acts: ActParts<E>;
  readonly post: (event: E) => void;
}

/** A daemon's own parts. */
interface Parts<Effect> {
  readonly perform: (effect: Effect) => void;
  /** Exports its object on a bus. */
  readonly serve: (bus: Bus, reports: ReportHandlers) => void;
  /** `tell` hands the facts of a start to the core. */
  readonly begin: (tell: () => void) => void;
  readonly close: () => void;
}

interface Own<M, Conf, State, E, Effect> {
  readonly daemon: "stafd" | "stacd";
  readonly restored: (saved: unknown, clocks: StartClocks) => State;
  /** Takes away what is worked out from the rest of the state. */
  readonly plain?: (state: State) => State;
  readonly config: (conf: Conf, reload: boolean) => E;
  readonly parts: (kit: Kit<M, State, E>) => Parts<Effect>;
}

/** As shipped: without an observer. */
export const unobserved = <State, E, Effect>(core: Core<State, E, Effect>): Seams<State, E, Effect> => ({
  core,
  around: (_effect, go) => go(),
  built: () => undefined,
});

export function assembled<
  M extends Machine,
  Conf extends DaemonConf,
  State extends FleetState,
  E extends StafdEvent | StacdEvent,
  Effect,
>(
  unbounded: M,
  { keeper, facts, setTron }: BusContext,
  seams: Seams<State, E | Event, Effect>,
  { daemon, restored, plain, config, parts }: Own<M, Conf, State, E | Event, Effect>,
): Running<Conf> {
  const calls = new BoundedCalls(unbounded.clock, unbounded.log);
  const lines = new LastLines(unbounded.log, unbounded.clock);
  const machine = bounded({ ...unbounded, log: lines }, calls);
  const { clock, readDevice } = machine;
  const end = Promise.withResolvers<void>();
  const proof = proving(machine);
  const state = (): State => shell.state;
  const post = (event: E | Event): void => shell.post(event);
  const { perform, serve, begin, close } = parts({
    machine,
    calls,
    ports: commonPorts(machine, publisher(daemon === "stafd" ? STAF : STAC, () => keeper.bus), end.resolve),
    service: { state, clock, read: readDevice, hung: () => calls.hung, facts, setTron },
    acts: { clock, fleet: () => state().fleet, fresh: () => lookUp(state().fleet, readDevice), post },
    post,
  });
  const recorder = new Recorder<State, E | Event>(plain);
  const watch = new ClockWatch(clock);
  const shell: Shell<State, E | Event, Effect> = new Shell(
    recording(seams.core, recorder),
    restored(machine.stateFile.load(), watch.clocks),
    clock,
    (effect) => seams.around(effect, () => perform(effect)),
    (ms) => factsAfterClockSet(facts, ms),
    watch,
  );
  const recorded = (): Recorded<State> => recorder.recorded(state());
  seams.built(state, recorded);
  const reports = reportCalls({ daemon, clock, facts, lines, recorded }, keeper);
  keeper.onBus((bus) => {
    serve(bus, reports);
    return Promise.resolve(undefined);
  });
  return {
    begin: async (host, conf, ready) => {
      proof.begun();
      await machine.prepare();
      ready();
      begin(() => {
        tellHost(machine, host, post);
        post(config(conf, false));
      });
    },
    reload: (host, conf) => {
      tellHostAgain(machine, state().fleet.host, host, post);
      if (conf !== undefined) post(config(conf, true));
    },
    stop: () => post({ type: "stop" }),
    ended: end.promise,
    close: () => {
      shell.stop();
      proof.ended();
      close();
      return machine.close();
    },
  };
}
