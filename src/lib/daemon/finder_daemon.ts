/** Assembles stafd: core, shell, ports and bus. */
import type { StafdConf } from "../config/stafd_conf.ts";
import type { FinderEffect, FinderEvent } from "../core/effects.ts";
import { restoredFinder } from "../core/finder_saved.ts";
import type { FinderState } from "../core/finder_state.ts";
import { STAF } from "../dbus/interfaces.ts";
import { publisher, serveStaf } from "../dbus/server.ts";
import { withoutNqn } from "../nvme/mdns_txt.ts";
import type { Mdns, MdnsEvent, Units } from "../ports.ts";
import { finderCore, finderService } from "./finder_service.ts";
import { factsAfterClockSet } from "./daemon_facts.ts";
import { bounded, BoundedCalls } from "./bounded_ports.ts";
import { commonPorts, type Machine, proving, tellHost, tellHostAgain } from "./machine.ts";
import { performFinder } from "./performer.ts";
import type { BusContext, Running } from "./run_daemon.ts";
import { type Seams, Shell } from "./shell.ts";

export interface FinderMachine extends Machine {
  readonly mdns: Mdns;
  readonly units: Units;
}

/** As shipped: without an observer. */
export const finderSeams: Seams<FinderState, FinderEvent, FinderEffect> = {
  core: finderCore,
  around: (_effect, go) => go(),
  built: () => undefined,
};

export function buildFinder(
  unbounded: FinderMachine,
  { keeper, facts, setTron }: BusContext,
  seams = finderSeams,
): Running<StafdConf> {
  const calls = new BoundedCalls(unbounded.clock, unbounded.log);
  const machine = bounded(unbounded, calls);
  const { clock, mdns, units } = machine;
  const end = Promise.withResolvers<void>();
  const proof = proving(machine);
  const ports = {
    ...commonPorts(machine, publisher(STAF, () => keeper.bus), end.resolve),
    mdns,
    units,
    host: () => shell.state.fleet.host ?? { nqn: "", id: "", symname: "" },
  };
  const shell: Shell<FinderState, FinderEvent, FinderEffect> = new Shell(
    seams.core,
    restoredFinder(machine.stateFile.load()),
    clock,
    (effect) => seams.around(effect, () => performFinder(effect, ports, post)),
    (ms) => factsAfterClockSet(facts, ms),
  );
  seams.built(() => shell.state);
  const post = (event: FinderEvent): void => shell.post(event);
  const handlers = finderService({
    state: () => shell.state,
    clock,
    read: machine.readDevice,
    hung: () => calls.hung,
    facts,
    setTron,
  });
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
