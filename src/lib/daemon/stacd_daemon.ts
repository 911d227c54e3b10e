/** Builds stacd. */
import type { StacdConf } from "../config/stacd_conf.ts";
import { stacdAtStart } from "../core/saved/clock_set.ts";
import { restoredStacd } from "../core/saved/stacd_saved.ts";
import type { StacdState } from "../core/stacd/stacd_state.ts";
import type { StacdEffect, StacdEvent } from "../core/effects.ts";
import { serveStac } from "../dbus/server.ts";
import { StafdClient } from "../dbus/stafd_client.ts";
import type { DrainAnswer } from "../core/stacd/drain.ts";
import type { RenewAnswer } from "../core/stacd/renew.ts";
import { ActCalls } from "./act_calls.ts";
import { assembled, unobserved } from "./assembly.ts";
import { boundedStafd } from "./bounded_ports.ts";
import { stacdCore, stacdService } from "./stacd_service.ts";
import { drainActs } from "./drain_calls.ts";
import { renewActs } from "./renew_calls.ts";
import type { Machine } from "./machine.ts";
import { performStacd, type StacdPorts } from "./performer.ts";
import type { BusContext, Running } from "./run_daemon.ts";
import type { Seams } from "./shell.ts";

export const stacdSeams: Seams<StacdState, StacdEvent, StacdEffect> = unobserved(stacdCore);

export const buildStacd = (machine: Machine, context: BusContext, seams = stacdSeams): Running<StacdConf> =>
  assembled<Machine, StacdConf, StacdState, StacdEvent, StacdEffect>(machine, context, seams, {
    daemon: "stacd",
    restored: (saved, clocks) => stacdAtStart(restoredStacd(saved), clocks),
    config: (conf, reload) => ({ type: "config", conf, reload }),
    parts: ({ machine: { clock, log, storage }, calls, ports: common, service, acts, post }) => {
      const client = new StafdClient(
        context.keeper,
        () => clock.now().wall,
        (message) => log.write({ level: "warning", message }),
      );
      const stafd = boundedStafd(client, calls);
      const drains = new ActCalls<DrainAnswer>();
      const renewals = new ActCalls<RenewAnswer>();
      const ports: StacdPorts = {
        ...common,
        stafd,
        answer: drains.answer.bind(drains),
        answerRenew: renewals.answer.bind(renewals),
      };
      const handlers = {
        ...stacdService({ ...service, storage }),
        ...drainActs(drains, acts),
        ...renewActs(renewals, acts),
      };
      return {
        perform: (effect) => performStacd(effect, ports, post),
        serve: (bus, reports) => serveStac(bus, { ...handlers, ...reports }),
        begin: (tell) => {
          tell();
          stafd.watch(post);
        },
        close: () => undefined,
      };
    },
  });
