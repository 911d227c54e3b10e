/** Assembles stacd: core, shell, ports and bus. */
import type { StacdConf } from "../config/stacd_conf.ts";
import { restoredStacd } from "../core/saved/stacd_saved.ts";
import type { StacdState } from "../core/stacd/stacd_state.ts";
import type { StacdEffect, StacdEvent } from "../core/effects.ts";
import { STAC } from "../dbus/interfaces.ts";
import { publisher, serveStac } from "../dbus/server.ts";
import { StafdClient } from "../dbus/stafd_client.ts";
import type { DrainAnswer } from "../core/stacd/drain.ts";
import type { RenewAnswer } from "../core/stacd/renew.ts";
import { ActCalls } from "./act_calls.ts";
import { bounded, BoundedCalls, boundedStafd } from "./bounded_ports.ts";
import { stacdCore, stacdService } from "./stacd_service.ts";
import { lookUp } from "./devices_now.ts";
import { drainActs } from "./drain_calls.ts";
import { renewActs } from "./renew_calls.ts";
import { factsAfterClockSet } from "./daemon_facts.ts";
import { commonPorts, type Machine, proving, tellHost, tellHostAgain } from "./machine.ts";
import { performStacd } from "./performer.ts";
import { LastLines } from "./record/last_lines.ts";
import { type Recorded, Recorder, recording } from "./record/recorder.ts";
import { reportCalls } from "./record/report_calls.ts";
import type { BusContext, Running } from "./run_daemon.ts";
import { type Seams, Shell } from "./shell.ts";

/** As shipped: without an observer. */
export const stacdSeams: Seams<StacdState, StacdEvent, StacdEffect> = {
  core: stacdCore,
  around: (_effect, go) => go(),
  built: () => undefined,
};

export function buildStacd(
  unbounded: Machine,
  { keeper, facts, setTron }: BusContext,
  seams = stacdSeams,
): Running<StacdConf> {
  const calls = new BoundedCalls(unbounded.clock, unbounded.log);
  const lines = new LastLines(unbounded.log, unbounded.clock);
  const machine = bounded({ ...unbounded, log: lines }, calls);
  const { clock } = machine;
  const end = Promise.withResolvers<void>();
  const proof = proving(machine);
  const client = new StafdClient(
    keeper,
    () => clock.now().wall,
    (message) => machine.log.write({ level: "warning", message }),
  );
  const stafd = boundedStafd(client, calls);
  const acts = new ActCalls<DrainAnswer>();
  const renewals = new ActCalls<RenewAnswer>();
  const ports = {
    ...commonPorts(machine, publisher(STAC, () => keeper.bus), end.resolve),
    stafd,
    answer: acts.answer.bind(acts),
    answerRenew: renewals.answer.bind(renewals),
  };
  const recorder = new Recorder<StacdState, StacdEvent>();
  const shell: Shell<StacdState, StacdEvent, StacdEffect> = new Shell(
    recording(seams.core, recorder),
    restoredStacd(machine.stateFile.load()),
    clock,
    (effect) => seams.around(effect, () => performStacd(effect, ports, post)),
    (ms) => factsAfterClockSet(facts, ms),
  );
  const recorded = (): Recorded<StacdState> => recorder.recorded(shell.state);
  seams.built(() => shell.state, recorded);
  const post = (event: StacdEvent): void => shell.post(event);
  const parts = {
    clock,
    fleet: () => shell.state.fleet,
    fresh: () => lookUp(shell.state.fleet, machine.readDevice),
    post,
  };
  const handlers = {
    ...stacdService({
      state: () => shell.state,
      clock,
      read: machine.readDevice,
      storage: machine.storage,
      hung: () => calls.hung,
      facts,
      setTron,
    }),
    ...reportCalls({ daemon: "stacd", clock, facts, lines, recorded }, keeper),
    ...drainActs(acts, parts),
    ...renewActs(renewals, parts),
  };
  keeper.onBus((bus) => {
    serveStac(bus, handlers);
    return Promise.resolve(undefined);
  });
  return {
    begin: async (host, conf) => {
      proof.begun();
      await machine.prepare();
      tellHost(machine, host, post);
      post({ type: "config", conf, reload: false });
      stafd.watch(post);
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
      return machine.close();
    },
  };
}
