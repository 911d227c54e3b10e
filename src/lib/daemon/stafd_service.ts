/** stafd's answers on the bus: each is a view of the present state. */
import { parseStafdConf } from "../config/stafd_conf.ts";
import type { Ctl } from "../core/controller/ctl.ts";
import type { StafdEffect, StafdEvent } from "../core/effects.ts";
import { stafdWakeAt, stepStafd } from "../core/stafd/stafd_step.ts";
import type { StafdState } from "../core/stafd/stafd_state.ts";
import type { AskedTid, ReportHandlers, StafHandlers } from "../dbus/server.ts";
import { pageInFields, pageInTexts, pagesInTexts } from "../dbus/v1_pages.ts";
import { isTransport } from "../nvme/tid.ts";
import type { ReportedDc } from "../ports.ts";
import { coreOf, served, type ServiceParts } from "./daemon_service.ts";
import { pageIndex, pageReport, stafdReport } from "./report.ts";
import type { Core } from "./shell.ts";
import { stafdAnswers } from "./views/stafd_view.ts";
import { controllerOf, wallOf } from "./views/v1_common.ts";
import { securityProblems } from "./views/v1_health.ts";
import { stafdRoom } from "./views/v1_room.ts";
import { stafdView } from "../core/stafd/stafd_rules.ts";

export const stafdCore: Core<StafdState, StafdEvent, StafdEffect> = coreOf(stepStafd, stafdWakeAt);

export function stafdService(
  parts: ServiceParts<StafdState>,
): Omit<StafHandlers, keyof ReportHandlers> {
  const { state, clock } = parts;
  const droppedAt = (ctl: Ctl): number | undefined => {
    const lost = state().dcs.get(ctl.key)?.lost;
    if (lost === undefined) return undefined;
    return lost.persistence.ms === Infinity ? Infinity : wallOf(lost.deadline, clock.now());
  };
  const { unseen, looked, handlers } = served(parts, {
    daemon: "stafd",
    parse: parseStafdConf,
    reloaded: (conf, now) => stepStafd(state(), { type: "config", conf, reload: true }, now).state,
    view: stafdView,
    classic: stafdAnswers,
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
  const pageAsked = (asked: AskedTid): ReportedDc | undefined => {
    const { transport, hostNqn = "" } = asked;
    if (!isTransport(transport)) return undefined;
    return pageReport(state(), clock.now(), { ...asked, transport, hostNqn });
  };
  return {
    ...handlers,
    getLogPages: (tid) => unseen().getLogPages(tid),
    getAllLogPages: (detailed) => looked(detailed, (answers) => answers.getAllLogPages(detailed)),
    pages: () => JSON.stringify(pagesInTexts(stafdReport(state(), clock.now()))),
    pageIndex: () => JSON.stringify({ schema: 1, ...pageIndex(state(), clock.now()) }),
    page: (asked) => JSON.stringify(pageInTexts(pageAsked(asked))),
    pageEntries: (asked) => JSON.stringify(pageInFields(pageAsked(asked))),
  };
}
