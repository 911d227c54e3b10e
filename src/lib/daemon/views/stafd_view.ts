/** stafd's answers on `org.nvmexpress.staf` and its debug interface, made from its state. */
import type { AskedTid } from "../../dbus/server.ts";
import type { Ctl } from "../../core/controller/ctl.ts";
import { dcAt } from "../../core/stafd/stafd_draft.ts";
import type { StafdState } from "../../core/stafd/stafd_state.ts";
import { entryToText } from "../../nvme/entry_text.ts";
import type { Now } from "../../base/time.ts";
import type { Dict, Peek } from "./classic.ts";
import { type ClassicAnswers, commonAnswers } from "./classic_answers.ts";
import { operationText, timerText } from "./texts.ts";
import { stafdView } from "../../core/stafd/stafd_rules.ts";

export interface StafdAnswers extends ClassicAnswers {
  readonly getLogPages: (asked: AskedTid) => readonly Dict[];
  readonly getAllLogPages: (detailed: boolean) => string;
}

export function stafdAnswers(state: StafdState, now: Now, peek: Peek): StafdAnswers {
  const view = stafdView(state, now);
  const { listed, find, info, dict, process } = commonAnswers(view, peek, {
    /**
     * The controllers for which the original would have an object: not excluded, and, if found by mDNS,
     * reachable at least once.
     */
    isListed: (ctl) => dcAt(view, ctl.key).listed && view.rules.verdict(view, ctl).is !== "excluded",
    info: (ctl, common) => ({ ...common, ...sessionDict(state, ctl, now) }),
    more: () => ({}),
  });
  return {
    listControllers: (detailed) => listed().map((ctl) => dict(ctl, detailed)),
    getLogPages: (asked) => {
      const ctl = find(asked);
      return ctl === undefined ? [] : (dcAt(view, ctl.key).page?.entries ?? []).map(entryToText);
    },
    getAllLogPages: (detailed) =>
      JSON.stringify(
        listed().map((ctl) => ({
          "discovery-controller": dict(ctl, detailed),
          "log-pages": (dcAt(view, ctl.key).page?.entries ?? []).map(entryToText),
        })),
      ),
    controllerInfo: (asked) => {
      const ctl = find(asked);
      if (ctl === undefined) return "{}";
      const known = info(ctl);
      return JSON.stringify({ ...known, origin: known["origin"] === "" ? null : known["origin"] });
    },
    processInfo: (facts) => JSON.stringify({ ...process(facts), avahi: avahiOf(state) }),
  };
}

/** The part of 6.2 that only stafd has. */
function sessionDict(state: StafdState, ctl: Ctl, now: Now): Dict {
  const { lost, readLog, register, supported } = dcAt({ state }, ctl.key);
  const origin = originOf(ctl);
  const dict: Dict = { origin };
  if (origin === "discovered") {
    const persistence = state.conf?.zeroconfPersistence.value.ms ?? 0;
    dict["unresponsive timer"] = timerText((lost?.persistence.ms ?? 0) / 1000, lost?.deadline, now);
    dict["unresponsive timeout"] = persistence === Infinity ? "forever" : `${persistence / 1000} sec`;
    dict["unresponsive time"] = lost === undefined ? "---" : localTime(lost.since);
  }
  if (readLog !== undefined) dict["get log page operation"] = operationText(readLog, now);
  if (register !== undefined) dict["register operation"] = operationText(register, now);
  if (supported !== undefined) dict["get supported log page operation"] = operationText(supported, now);
  return dict;
}

function avahiOf({ services: known, fleet, conf }: StafdState): Record<string, unknown> {
  const services: Record<string, Dict> = {};
  for (const { service, tid, key } of known.values()) {
    const ctl = key === undefined ? undefined : fleet.ctls.get(key);
    const phase = ctl?.link.phase;
    const name =
      `(${service.hostIface}, ${service.protocol}, ${service.name}.${service.domain}, ${service.stype})`;
    services[name] = tid === undefined ? {} : {
      transport: tid.transport,
      traddr: tid.traddr,
      trsvcid: tid.trsvcid,
      "host-iface": tid.hostIface,
      subsysnqn: tid.subsysnqn,
      reachable: phase === "up" || phase === "ready" || phase === "connecting" ? "True" : "False",
    };
  }
  const enabled = conf?.zeroconf.value ?? false;
  return {
    "avahi wake up timer": "60.0s [off]",
    "service types": enabled ? ["_nvme-disc._tcp", "_nvme-disc._udp"] : [],
    services,
  };
}

/** STAF-24: the first that applies of configured, referral, discovered; empty while the origin is unknown. */
function originOf(ctl: Ctl): string {
  const kinds = new Set([...ctl.claims.values()].map(({ kind }) => kind));
  if (kinds.has("config") || kinds.has("nbft")) return "configured";
  if (kinds.has("referral")) return "referral";
  return kinds.has("mdns") ? "discovered" : "";
}

/** `Sun Nov 22 18:05:33 2026`, local time. */
function localTime(wall: number): string {
  const [weekday = "", month = "", day = "", year = "", time = ""] = new Date(wall).toString().split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2, " ")} ${time} ${year}`;
}
