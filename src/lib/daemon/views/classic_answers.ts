/** The answers that both daemons give on the original's interfaces, made from a state. */
import type { AskedTid } from "../../dbus/server.ts";
import { type Ctl, deviceOf } from "../../core/controller/ctl.ts";
import { deviceAt } from "../../core/fleet/kernel_view.ts";
import { requestFor, type View } from "../../core/fleet/view.ts";
import { isTransport, normaliseTid, tidKey } from "../../nvme/tid.ts";
import {
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

export interface ClassicAnswers {
  readonly listControllers: (detailed: boolean) => readonly Dict[];
  readonly controllerInfo: (asked: AskedTid) => string;
  readonly processInfo: (facts: ProcessFacts) => string;
}

/** Where the daemons differ. */
interface Own {
  readonly isListed: (ctl: Ctl) => boolean;
  /** 6.2, from the part that both have. */
  readonly info: (ctl: Ctl, common: Dict) => Dict;
  /** What a detailed list has beside 6.2 and 6.3. */
  readonly more: (ctl: Ctl) => Dict;
}

interface Common {
  /** The controllers that are shown, in order. */
  readonly listed: () => readonly Ctl[];
  /** The one that a query names; undefined when it names none that is shown. */
  readonly find: (asked: AskedTid) => Ctl | undefined;
  /** 6.2. */
  readonly info: (ctl: Ctl) => Dict;
  readonly dict: (ctl: Ctl, detailed: boolean) => Dict;
  readonly process: (facts: ProcessFacts) => Readonly<Record<string, unknown>>;
}

export function commonAnswers(view: View, peek: Peek, own: Own): Common {
  const { state: { fleet, conf }, now } = view;
  const { host } = fleet;
  const lacking: Lacking = (ctl) => {
    const ref = deviceOf(ctl);
    return lackingKeys(requestFor(view, ctl), ref === undefined ? undefined : deviceAt(view, ref));
  };
  const info = (ctl: Ctl): Dict => own.info(ctl, infoDict(ctl, now, lacking));
  return {
    listed: () => [...fleet.ctls.values()].filter(own.isListed).toSorted(byText),
    find: (asked) => {
      const key = askedKey(asked, conf?.ignoreIface.value ?? false, host?.nqn ?? "");
      const ctl = key === undefined ? undefined : fleet.ctls.get(key);
      return ctl !== undefined && own.isListed(ctl) ? ctl : undefined;
    },
    info,
    dict: (ctl, detailed) =>
      detailed ? { ...info(ctl), ...deviceDict(ctl, peek), ...own.more(ctl) } : idDict(ctl, lacking),
    process: (facts) =>
      processDict(facts, {
        nqn: host?.nqn ?? "",
        id: host?.id ?? "",
        symname: host?.symname ?? "",
        hasKey: host?.key !== undefined,
      }),
  };
}

/** The key that a query names; undefined when the query cannot name a controller. */
function askedKey(asked: AskedTid, ignoreIface: boolean, systemNqn: string): string | undefined {
  if (!isTransport(asked.transport)) return undefined;
  const { transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface } = asked;
  // DBUS-24: an empty host NQN stays empty; only the older call, which lacks the field, means the system's.
  const hostNqn = asked.hostNqn ?? systemNqn;
  return tidKey(normaliseTid(
    { transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn },
    { hostNqn: systemNqn, ignoreIface },
  ));
}
