/** Builds stafd. */
import type { StafdConf } from "../config/stafd_conf.ts";
import type { StafdEffect, StafdEvent } from "../core/effects.ts";
import { stafdAtStart } from "../core/saved/clock_set.ts";
import { restoredStafd } from "../core/saved/stafd_saved.ts";
import { type StafdState, withoutMemo } from "../core/stafd/stafd_state.ts";
import { serveStaf } from "../dbus/server.ts";
import { withoutNqn } from "../nvme/mdns_txt.ts";
import type { Mdns, MdnsEvent, Units } from "../ports.ts";
import { stafdCore, stafdService } from "./stafd_service.ts";
import { forgetActs } from "./forget_calls.ts";
import type { ForgetAnswer } from "../core/stafd/forget.ts";
import { ActCalls } from "./act_calls.ts";
import { assembled, unobserved } from "./assembly.ts";
import type { Machine } from "./machine.ts";
import { performStafd, type StafdPorts } from "./performer.ts";
import type { BusContext, Running } from "./run_daemon.ts";
import type { Seams } from "./shell.ts";

export interface StafdMachine extends Machine {
  readonly mdns: Mdns;
  readonly units: Units;
}

export const stafdSeams: Seams<StafdState, StafdEvent, StafdEffect> = unobserved(stafdCore);

export const buildStafd = (
  machine: StafdMachine,
  context: BusContext,
  seams = stafdSeams,
): Running<StafdConf> =>
  assembled<StafdMachine, StafdConf, StafdState, StafdEvent, StafdEffect>(machine, context, seams, {
    daemon: "stafd",
    restored: (saved, clocks) => stafdAtStart(restoredStafd(saved), clocks),
    plain: withoutMemo,
    config: (conf, reload) => ({ type: "config", conf, reload }),
    parts: ({ machine: { mdns, units }, ports: common, service, acts, post }) => {
      const forgets = new ActCalls<ForgetAnswer>();
      const ports: StafdPorts = {
        ...common,
        mdns,
        units,
        host: () => service.state().fleet.host ?? { nqn: "", id: "", symname: "" },
        answer: forgets.answer.bind(forgets),
      };
      const handlers = { ...stafdService(service), ...forgetActs(forgets, acts) };
      return {
        perform: (effect) => performStafd(effect, ports, post),
        serve: (bus, reports) => serveStaf(bus, { ...handlers, ...reports }),
        begin: (tell) => {
          mdns.watch((event) => post(context.facts.supportsDiscovery ? event : anonymous(event)));
          tell();
        },
        close: () => mdns.browse(false),
      };
    },
  });

/** Announced services, with the well-known NQN. */
function anonymous(event: MdnsEvent): MdnsEvent {
  if (event.type !== "service") return event;
  return { ...event, service: { ...event.service, txt: withoutNqn(event.service.txt) } };
}
