/** stafd's answers on `org.nvmexpress.staf` and its debug interface, made from its state. */
import { type Ctl, deviceOf } from "../../core/controller/ctl.ts";
import { type Dc, newDc, type StafdState } from "../../core/stafd/stafd_state.ts";
import { isTransport, normaliseTid, tidKey } from "../../nvme/tid.ts";
import type { Now } from "../../base/time.ts";
import {
  type Asked,
  byText,
  deviceDict,
  type Dict,
  idDict,
  infoDict,
  type Lacking,
  lackingKeys,
  type Peek,
  processDict,
  type ProcessFacts,
} from "./classic.ts";
import { operationText, timerText } from "./texts.ts";
import { stafdView } from "../../core/stafd/stafd_rules.ts";
import { deviceAt } from "../../core/fleet/kernel_view.ts";
import { requestFor } from "../../core/fleet/view.ts";
import type { StafdView } from "../../core/stafd/stafd_draft.ts";

export class StafdAnswers {
  readonly #state: StafdState;
  readonly #now: Now;
  readonly #peek: Peek;
  readonly #view: StafdView;

  constructor(state: StafdState, now: Now, peek: Peek) {
    this.#state = state;
    this.#now = now;
    this.#peek = peek;
    this.#view = stafdView(state, now);
  }

  readonly #lacking: Lacking = (ctl) => {
    const ref = deviceOf(ctl);
    const device = ref === undefined ? undefined : deviceAt(this.#view, ref);
    return lackingKeys(requestFor(this.#view, ctl), device);
  };

  /**
   * The controllers for which the original would have an object: not excluded, and, if found by mDNS,
   * reachable at least once.
   */
  #listed(): readonly Ctl[] {
    return [...this.#state.fleet.ctls.values()].filter((ctl) => this.#isListed(ctl)).toSorted(byText);
  }

  #isListed(ctl: Ctl): boolean {
    return this.#dc(ctl).listed && this.#view.rules.verdict(this.#view, ctl).is !== "excluded";
  }

  #dc(ctl: Ctl): Dc {
    return this.#state.dcs.get(ctl.key) ?? newDc;
  }

  /** 6.2. */
  #info(ctl: Ctl): Dict {
    const dc = this.#dc(ctl);
    const now = this.#now;
    const dict = infoDict(ctl, now, this.#lacking);
    const origin = originOf(ctl);
    dict["origin"] = origin;
    if (origin === "discovered") {
      const persistence = this.#state.conf?.zeroconfPersistence.value.ms ?? 0;
      const { lost } = dc;
      dict["unresponsive timer"] = timerText((lost?.persistence.ms ?? 0) / 1000, lost?.deadline, now);
      dict["unresponsive timeout"] = persistence === Infinity ? "forever" : `${persistence / 1000} sec`;
      dict["unresponsive time"] = lost === undefined ? "---" : localTime(lost.since);
    }
    if (dc.readLog !== undefined) dict["get log page operation"] = operationText(dc.readLog, now);
    if (dc.register !== undefined) dict["register operation"] = operationText(dc.register, now);
    if (dc.supported !== undefined) {
      dict["get supported log page operation"] = operationText(dc.supported, now);
    }
    return dict;
  }

  #dict(ctl: Ctl, detailed: boolean): Dict {
    return detailed ? { ...this.#info(ctl), ...deviceDict(ctl, this.#peek) } : idDict(ctl, this.#lacking);
  }

  listControllers(detailed: boolean): readonly Dict[] {
    return this.#listed().map((ctl) => this.#dict(ctl, detailed));
  }

  #find(asked: Asked): Ctl | undefined {
    const key = askedKey(
      asked,
      this.#state.conf?.ignoreIface.value ?? false,
      this.#state.fleet.host?.nqn ?? "",
    );
    const ctl = key === undefined ? undefined : this.#state.fleet.ctls.get(key);
    return ctl !== undefined && this.#isListed(ctl) ? ctl : undefined;
  }

  getLogPages(asked: Asked): readonly Dict[] {
    const ctl = this.#find(asked);
    return ctl === undefined ? [] : (this.#dc(ctl).page?.entries ?? []).map((entry) => ({ ...entry }));
  }

  getAllLogPages(detailed: boolean): string {
    return JSON.stringify(
      this.#listed().map((ctl) => ({
        "discovery-controller": this.#dict(ctl, detailed),
        "log-pages": this.#dc(ctl).page?.entries ?? [],
      })),
    );
  }

  controllerInfo(asked: Asked): string {
    const ctl = this.#find(asked);
    if (ctl === undefined) return "{}";
    const info = this.#info(ctl);
    return JSON.stringify({ ...info, origin: info["origin"] === "" ? null : info["origin"] });
  }

  processInfo(facts: ProcessFacts): string {
    const { host } = this.#state.fleet;
    return JSON.stringify({
      ...processDict(facts, {
        nqn: host?.nqn ?? "",
        id: host?.id ?? "",
        symname: host?.symname ?? "",
        hasKey: host?.key !== undefined,
      }),
      avahi: this.#avahi(),
    });
  }

  #avahi(): Record<string, unknown> {
    const services: Record<string, Dict> = {};
    for (const { service, tid, key } of this.#state.services.values()) {
      const ctl = key === undefined ? undefined : this.#state.fleet.ctls.get(key);
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
    const enabled = this.#state.conf?.zeroconf.value ?? false;
    return {
      "avahi wake up timer": "60.0s [off]",
      "service types": enabled ? ["_nvme-disc._tcp", "_nvme-disc._udp"] : [],
      services,
    };
  }
}

/** STAF-24: the first that applies of configured, referral, discovered; empty while the origin is unknown. */
function originOf(ctl: Ctl): string {
  const kinds = new Set([...ctl.claims.values()].map(({ kind }) => kind));
  if (kinds.has("config") || kinds.has("nbft")) return "configured";
  if (kinds.has("referral")) return "referral";
  return kinds.has("mdns") ? "discovered" : "";
}

/** The key that a query names; undefined when the query cannot name a controller. */
export function askedKey(asked: Asked, ignoreIface: boolean, systemNqn: string): string | undefined {
  if (!isTransport(asked.transport)) return undefined;
  const { transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface } = asked;
  // DBUS-24: an empty host NQN stays empty; only the older call, which lacks the field, means the system's.
  const hostNqn = asked.hostNqn ?? systemNqn;
  return tidKey(normaliseTid(
    { transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn },
    { hostNqn: systemNqn, ignoreIface },
  ));
}

/** `Sun Nov 22 18:05:33 2026`, local time. */
function localTime(wall: number): string {
  const [weekday = "", month = "", day = "", year = "", time = ""] = new Date(wall).toString().split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2, " ")} ${time} ${year}`;
}
