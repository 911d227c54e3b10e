/** stacd's answers on the bus: each is a view of the present state. */
import { parseStacdConf } from "../config/stacd_conf.ts";
import { LATENCY_BOUNDS } from "../core/stacd/aen_latency.ts";
import { stacdWakeAt, stepStacd } from "../core/stacd/stacd_step.ts";
import type { StacdState } from "../core/stacd/stacd_state.ts";
import type { StacdEffect, StacdEvent } from "../core/effects.ts";
import type { ReportHandlers, StacHandlers } from "../dbus/server.ts";
import type { Storage } from "../ports.ts";
import { coreOf, served, type ServiceParts } from "./daemon_service.ts";
import { drainOf, drainProblems } from "./drain_calls.ts";
import type { Core } from "./shell.ts";
import { stacdAnswers } from "./views/stacd_view.ts";
import { controllerOf } from "./views/v1_common.ts";
import { securityProblems } from "./views/v1_health.ts";
import { stacdRoom } from "./views/v1_room.ts";
import { stacdView } from "../core/stacd/stacd_rules.ts";
import { stacdUnknowns } from "../core/stacd/stacd_questions.ts";

export const stacdCore: Core<StacdState, StacdEvent, StacdEffect> = coreOf(stepStacd, stacdWakeAt);

export interface StacdServiceParts extends ServiceParts<StacdState> {
  readonly storage: Storage;
}

export function stacdService(
  { storage, ...parts }: StacdServiceParts,
): Omit<StacHandlers, keyof ReportHandlers> {
  const { state, clock } = parts;
  return served(parts, {
    daemon: "stacd",
    parse: parseStacdConf,
    reloaded: (conf, now) => stepStacd(state(), { type: "config", conf, reload: true }, now).state,
    view: stacdView,
    classic: stacdAnswers,
    storage: () =>
      new Promise((resolve) => storage.look((found) => resolve(found.ok ? found.value : undefined))),
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
  }).handlers;
}
