/** stafd's answers on the bus: each is a view of the present state. */
import { besideNext } from "../config/conn_conf.ts";
import { parseStafdConf } from "../config/stafd_conf.ts";
import type { Ctl } from "../core/controller/ctl.ts";
import type { StafdEffect, StafdEvent } from "../core/effects.ts";
import { stafdWakeAt, stepStafd } from "../core/stafd/stafd_step.ts";
import type { StafdState } from "../core/stafd/stafd_state.ts";
import type { ReportHandlers, StafHandlers } from "../dbus/server.ts";
import { isTransport } from "../nvme/tid.ts";
import type { Clock } from "../ports.ts";
import type { HungCall } from "./bounded_ports.ts";
import type { DaemonFacts } from "./daemon_facts.ts";
import type { ReadDevice } from "./devices_now.ts";
import { pageIndex, pageReport, stafdReport } from "./report.ts";
import type { Core } from "./shell.ts";
import { v1Answers } from "./v1_answers.ts";
import type { Peek } from "./views/classic.ts";
import { StafdAnswers } from "./views/stafd_view.ts";
import { controllerOf, wallOf } from "./views/v1_common.ts";
import { securityProblems } from "./views/v1_health.ts";
import { stafdRoom } from "./views/v1_room.ts";
import { stafdView } from "../core/stafd/stafd_rules.ts";

export const stafdCore: Core<StafdState, StafdEvent, StafdEffect> = {
  step: stepStafd,
  wakeAt: stafdWakeAt,
  tick: { type: "tick" },
  clockSet: (ms) => ({ type: "clock-set", ms }),
};

export interface StafdServiceParts {
  readonly state: () => StafdState;
  readonly clock: Clock;
  readonly read: ReadDevice;
  /** Calls that have not returned in their time. */
  readonly hung?: () => readonly HungCall[];
  readonly facts: DaemonFacts;
  readonly setTron: (on: boolean) => void;
}

const unseen: Peek = () => undefined;

export function stafdService(parts: StafdServiceParts): Omit<StafHandlers, keyof ReportHandlers> {
  const { state, clock } = parts;
  const droppedAt = (ctl: Ctl): number | undefined => {
    const lost = state().dcs.get(ctl.key)?.lost;
    if (lost === undefined) return undefined;
    return lost.persistence.ms === Infinity ? Infinity : wallOf(lost.deadline, clock.now());
  };
  const view = (peek: Peek): StafdAnswers => new StafdAnswers(state(), clock.now(), peek);
  const { fresh, ...answers } = v1Answers({
    ...parts,
    daemon: "stafd",
    fleet: () => state().fleet,
    core: () => stafdView(state(), clock.now()),
    tried: (text) => {
      const parsed = besideNext(parseStafdConf(text, ""), parts.facts.next, "stafd");
      if (!parsed.ok) return parsed;
      // The same check as at a reload, which would reject the file.
      if (parsed.conf.unreadSecurity.length > 0) return { ok: false, findings: parsed.findings };
      const now = clock.now();
      const next = stepStafd(state(), { type: "config", conf: parsed.conf, reload: true }, now).state;
      return { ok: true, core: stafdView(next, now), findings: parsed.findings };
    },
    droppedAt,
    accepts: (device) => device.isDc,
    controllers: (core, peek) =>
      [...state().fleet.ctls.values()].map((ctl) => {
        const page = state().dcs.get(ctl.key)?.page;
        const logPage = page === undefined
          ? null
          : { genctr: page.genctr, readAt: page.readAt, entries: page.entries.length };
        const one = controllerOf(ctl, core, peek, clock.now());
        const dropped = droppedAt(ctl);
        const removeAt = one.removeAt ?? (dropped === Infinity ? null : dropped ?? null);
        return { ...one, removeAt, logPage };
      }),
    others: () => {
      const { avahi, services, conf } = state();
      const seen = { available: avahi.available === true, services: services.size };
      return { avahi: conf?.zeroconf.value === true ? seen : null, stafd: null };
    },
    unknowns: () => [],
    problems: () => {
      const { conf, avahi } = state();
      const unsafe = [...securityProblems(conf, state().fleet.host), ...stafdRoom(state())];
      if (conf?.zeroconf.value !== true || avahi.available === true) return unsafe;
      return [...unsafe, {
        id: "avahi-absent",
        text: avahi.message === "" ? "avahi-daemon is not running: no discovery by mDNS" : avahi.message,
        remedy: "systemctl start avahi-daemon, or zeroconf=disabled in stafd.conf",
      }];
    },
  });
  return {
    ...answers,
    listControllers: (detailed) =>
      detailed
        ? fresh().then((peek) => view(peek).listControllers(true))
        : view(unseen).listControllers(false),
    getLogPages: (tid) => view(unseen).getLogPages(tid),
    getAllLogPages: (detailed) =>
      detailed ? fresh().then((peek) => view(peek).getAllLogPages(true)) : view(unseen).getAllLogPages(false),
    controllerInfo: (tid) => view(unseen).controllerInfo(tid),
    processInfo: () => view(unseen).processInfo(parts.facts),
    pages: () => JSON.stringify(stafdReport(state(), clock.now())),
    pageIndex: () => JSON.stringify({ schema: 1, ...pageIndex(state(), clock.now()) }),
    page: (asked) => {
      const { transport, hostNqn = "" } = asked;
      const tid = isTransport(transport) ? { ...asked, transport, hostNqn } : undefined;
      const dc = tid === undefined ? undefined : pageReport(state(), clock.now(), tid);
      return JSON.stringify({ schema: 1, dc: dc ?? null });
    },
  };
}
