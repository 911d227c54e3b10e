/** Assembles stafd: core, shell, ports and bus. */
import type { StafdConf } from "../config/stafd_conf.ts";
import type { StafdEffect, StafdEvent } from "../core/effects.ts";
import { restoredStafd } from "../core/saved/stafd_saved.ts";
import { type StafdState, withoutMemo } from "../core/stafd/stafd_state.ts";
import { STAF } from "../dbus/interfaces.ts";
import { publisher, serveStaf } from "../dbus/server.ts";
import { withoutNqn } from "../nvme/mdns_txt.ts";
import type { Mdns, MdnsEvent, Units } from "../ports.ts";
import { stafdCore, stafdService } from "./stafd_service.ts";
import { lookUp } from "./devices_now.ts";
import { forgetActs } from "./forget_calls.ts";
import { factsAfterClockSet } from "./daemon_facts.ts";
import type { ForgetAnswer } from "../core/stafd/forget.ts";
import { ActCalls } from "./act_calls.ts";
import { bounded, BoundedCalls } from "./bounded_ports.ts";
import { commonPorts, type Machine, proving, tellHost, tellHostAgain } from "./machine.ts";
import { performStafd } from "./performer.ts";
import { LastLines } from "./record/last_lines.ts";
import { type Recorded, Recorder, recording } from "./record/recorder.ts";
import { reportCalls } from "./record/report_calls.ts";
import type { BusContext, Running } from "./run_daemon.ts";
import { type Seams, Shell } from "./shell.ts";

export interface StafdMachine extends Machine {
  readonly mdns: Mdns;
  readonly units: Units;
}

/** As shipped: without an observer. */
export const stafdSeams: Seams<StafdState, StafdEvent, StafdEffect> = {
  core: stafdCore,
  around: (_effect, go) => go(),
  built: () => undefined,
};

export function buildStafd(
  unbounded: StafdMachine,
  { keeper, facts, setTron }: BusContext,
  seams = stafdSeams,
): Running<StafdConf> {
  const calls = new BoundedCalls(unbounded.clock, unbounded.log);
  const lines = new LastLines(unbounded.log, unbounded.clock);
  const machine = bounded({ ...unbounded, log: lines }, calls);
  const { clock, mdns, units } = machine;
  const end = Promise.withResolvers<void>();
  const proof = proving(machine);
  const acts = new ActCalls<ForgetAnswer>();
  const ports = {
    ...commonPorts(machine, publisher(STAF, () => keeper.bus), end.resolve),
    mdns,
    units,
    host: () => shell.state.fleet.host ?? { nqn: "", id: "", symname: "" },
    answer: acts.answer.bind(acts),
  };
  const recorder = new Recorder<StafdState, StafdEvent>(withoutMemo);
  const shell: Shell<StafdState, StafdEvent, StafdEffect> = new Shell(
    recording(seams.core, recorder),
    restoredStafd(machine.stateFile.load()),
    clock,
    (effect) => seams.around(effect, () => performStafd(effect, ports, post)),
    (ms) => factsAfterClockSet(facts, ms),
  );
  const recorded = (): Recorded<StafdState> => recorder.recorded(shell.state);
  seams.built(() => shell.state, recorded);
  const post = (event: StafdEvent): void => shell.post(event);
  const handlers = {
    ...stafdService({
      state: () => shell.state,
      clock,
      read: machine.readDevice,
      hung: () => calls.hung,
      facts,
      setTron,
    }),
    ...forgetActs(acts, {
      clock,
      fleet: () => shell.state.fleet,
      fresh: () => lookUp(shell.state.fleet, machine.readDevice),
      post,
    }),
    ...reportCalls({ daemon: "stafd", clock, facts, lines, recorded }, keeper),
  };
  keeper.onBus((bus) => {
    serveStaf(bus, handlers);
    return Promise.resolve(undefined);
  });
  return {
    begin: async (host, conf) => {
      proof.begun();
      await machine.prepare();
      mdns.watch((event) => post(facts.supportsDiscovery ? event : anonymous(event)));
      tellHost(machine, host, post);
      post({ type: "config", conf, reload: false });
    },
    reload: (host, conf) => {
      tellHostAgain(machine, shell.state.fleet.host, host, post);
      if (conf !== undefined) post({ type: "config", conf, reload: true });
    },
    stop: () => post({ type: "stop" }),
    ended: end.promise,
    close: () => {
      shell.stop();
      proof.ended();
      mdns.browse(false);
      return machine.close();
    },
  };
}

/** Announced services, with the well-known NQN. */
function anonymous(event: MdnsEvent): MdnsEvent {
  if (event.type !== "service") return event;
  return { ...event, service: { ...event.service, txt: withoutNqn(event.service.txt) } };
}
