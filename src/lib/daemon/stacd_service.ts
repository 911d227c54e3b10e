/** stacd's answers on the bus: each is a view of the present state. */
import { besideNext } from "../config/conn_conf.ts";
import { parseStacdConf } from "../config/stacd_conf.ts";
import { LATENCY_BOUNDS } from "../core/stacd/aen_latency.ts";
import { stacdWakeAt, stepStacd } from "../core/stacd/stacd_step.ts";
import type { StacdState } from "../core/stacd/stacd_state.ts";
import type { StacdEffect, StacdEvent } from "../core/effects.ts";
import type { ReportHandlers, StacHandlers } from "../dbus/server.ts";
import type { Clock, Storage } from "../ports.ts";
import { drainOf, drainProblems } from "./drain_calls.ts";
import type { HungCall } from "./bounded_ports.ts";
import type { DaemonFacts } from "./daemon_facts.ts";
import type { ReadDevice } from "./devices_now.ts";
import type { Core } from "./shell.ts";
import { v1Answers } from "./v1_answers.ts";
import type { Peek } from "./views/classic.ts";
import { StacdAnswers } from "./views/stacd_view.ts";
import { controllerOf } from "./views/v1_common.ts";
import { securityProblems } from "./views/v1_health.ts";
import { stacdRoom } from "./views/v1_room.ts";
import { stacdView } from "../core/stacd/stacd_rules.ts";
import { stacdUnknowns } from "../core/stacd/stacd_questions.ts";

export const stacdCore: Core<StacdState, StacdEvent, StacdEffect> = {
  step: stepStacd,
  wakeAt: stacdWakeAt,
  tick: { type: "tick" },
  clockSet: (ms) => ({ type: "clock-set", ms }),
};

export interface StacdServiceParts {
  readonly state: () => StacdState;
  readonly clock: Clock;
  readonly read: ReadDevice;
  readonly storage: Storage;
  /** Calls that have not returned in their time. */
  readonly hung?: () => readonly HungCall[];
  readonly facts: DaemonFacts;
  readonly setTron: (on: boolean) => void;
}

const unseen: Peek = () => undefined;

export function stacdService(parts: StacdServiceParts): Omit<StacHandlers, keyof ReportHandlers> {
  const { state, clock, storage } = parts;
  const view = (peek: Peek): StacdAnswers => new StacdAnswers(state(), clock.now(), peek);
  const { fresh, ...answers } = v1Answers({
    ...parts,
    daemon: "stacd",
    storage: () =>
      new Promise((resolve) => storage.look((found) => resolve(found.ok ? found.value : undefined))),
    fleet: () => state().fleet,
    core: () => stacdView(state(), clock.now()),
    tried: (text) => {
      const parsed = besideNext(parseStacdConf(text, ""), parts.facts.next, "stacd");
      if (!parsed.ok) return parsed;
      // The same check as at a reload, which would reject the file.
      if (parsed.conf.unreadSecurity.length > 0) return { ok: false, findings: parsed.findings };
      const now = clock.now();
      const next = stepStacd(state(), { type: "config", conf: parsed.conf, reload: true }, now).state;
      return { ok: true, core: stacdView(next, now), findings: parsed.findings };
    },
    accepts: (device) => device.isIoc,
    controllers: (core, peek) =>
      [...state().fleet.ctls.values()].map((ctl) => controllerOf(ctl, core, peek, clock.now())),
    others: () => {
      const { stafd: { present, heardAt }, latency: { counts, sum } } = state();
      const aenToConnect = { bounds: LATENCY_BOUNDS, counts, sum };
      const { list } = state().drains;
      const drains = list.length === 0 ? {} : { drains: list.map((drain) => drainOf(drain, state().fleet)) };
      return { avahi: null, stafd: { present, reportedAt: heardAt ?? null, aenToConnect }, ...drains };
    },
    unknowns: () => stacdUnknowns(stacdView(state(), clock.now())),
    problems: () => {
      const unsafe = [
        ...securityProblems(state().conf, state().fleet.host),
        ...stacdRoom(state()),
        ...drainProblems(state().drains.list, state().fleet),
      ];
      if (state().stafd.present) return unsafe;
      return [...unsafe, {
        id: "stafd-absent",
        text: "stafd is not running: no news from discovery controllers; nothing is disconnected for that",
        remedy: "systemctl start stafd",
      }];
    },
  });
  return {
    ...answers,
    listControllers: (detailed) =>
      detailed
        ? fresh().then((peek) => view(peek).listControllers(true))
        : view(unseen).listControllers(false),
    controllerInfo: (tid) => view(unseen).controllerInfo(tid),
    processInfo: () => view(unseen).processInfo(parts.facts),
  };
}
