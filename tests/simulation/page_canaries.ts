/** Cores that are broken on purpose: what they make of discovery controllers' pages, as stafd reports them. */
import { familyAllowed, type IpFamilies } from "../../src/lib/config/controller_line.ts";
import type { StacdEvent, StafdEvent } from "../../src/lib/core/effects.ts";
import { pageAuthority } from "../../src/lib/core/controller/ctl.ts";
import { type Tid, tidKey } from "../../src/lib/nvme/tid.ts";
import type { ReportedDc } from "../../src/lib/ports.ts";
import { doing, hearing, stacd, stacdStepping, stafdStepping } from "./altered.ts";
import type { Canary } from "./canaries.ts";
import { type Cores, realCores } from "./cores.ts";

/** What stafd has dropped, and what it has lost with its state file, are one to this core. */
function unnamedIsDropped(): Cores {
  const { stacd: real } = realCores;
  return stacdStepping((state, event, now) => {
    const next = real.step(state, event, now);
    if (event.type !== "fetched" || !event.outcome.ok || event.outcome.value.only === true) return next;
    const named = new Set(event.outcome.value.dcs.map(({ tid }) => pageAuthority(tidKey(tid))));
    const pages = new Map([...next.state.pages].filter(([authority]) => named.has(authority)));
    return { ...next, state: { ...next.state, pages } };
  });
}

/** What others connected stays, whether a source wants it or not. */
function neverAuditing(): Cores {
  const scope = "only-stas-connections";
  return stacd((event) => {
    if (event.type !== "config") return event;
    const { disconnectScope } = event.conf;
    if (disconnectScope.value === scope || disconnectScope.value === "no-disconnect") return event;
    return { ...event, conf: { ...event.conf, disconnectScope: { ...disconnectScope, value: scope } } };
  });
}

/** ip-family keeps this core from connecting, and from nothing else. */
function askingForbidden(): Cores {
  const { stafd: real } = realCores;
  let allowed: IpFamilies = { v4: true, v6: true };
  const heard = hearing(real, (event: StafdEvent) => {
    if (event.type !== "config") return event;
    allowed = event.conf.ipFamilies.value;
    return {
      ...event,
      conf: { ...event.conf, ipFamilies: { ...event.conf.ipFamilies, value: { v4: true, v6: true } } },
    };
  });
  const isAllowed = ({ traddr }: Tid): boolean => familyAllowed(traddr, allowed);
  return {
    ...realCores,
    stafd: doing(
      heard,
      (effect) => effect.do === "connect" && !isAllowed(effect.request.tid) ? [] : [effect],
    ),
  };
}

type Fetched = Extract<StacdEvent, { readonly type: "fetched" }>;

/** Changes the reports that stacd gets; `gone`: the pages that stafd named once, and does not name any more. */
function retelling(change: (dc: ReportedDc, gone: readonly ReportedDc[]) => ReportedDc): Cores {
  const told = new Map<string, ReportedDc>();
  return stacd((event): StacdEvent => {
    if (event.type !== "fetched" || !event.outcome.ok) return event;
    const { value } = event.outcome;
    const named = new Set([...value.dcs, ...value.retired].map(({ tid }) => tidKey(tid)));
    const gone = value.only === true ? [] : [...told].flatMap(([key, dc]) => named.has(key) ? [] : [dc]);
    const dcs = value.dcs.map((dc) => change(dc, gone));
    for (const dc of value.dcs) if (dc.page !== "none") told.set(tidKey(dc.tid), dc);
    return { ...event, outcome: { ok: true, value: { ...value, dcs } } } satisfies Fetched;
  });
}

const isSameTarget = ({ tid: one }: ReportedDc, { tid: other }: ReportedDc): boolean =>
  one.traddr === other.traddr && one.trsvcid === other.trsvcid && one.subsysnqn === other.subsysnqn;

/** Two interfaces are one to this core, once stafd names only one of them. */
const byAnyInterface = (): Cores =>
  retelling((dc, gone) => {
    const { tid, page } = dc;
    if (page !== "none" || tid.hostIface === "") return dc;
    const before = gone.find((one) =>
      isSameTarget(one, dc) && one.tid.hostIface !== "" && one.tid.hostIface !== tid.hostIface
    );
    return before === undefined ? dc : { ...before, tid, page: "cached" };
  });

/** Of a page that has moved it takes only what was on it before. */
function deafAfterMove(): Cores {
  const moved = new Map<string, ReportedDc>();
  return retelling((dc, gone) => {
    const key = tidKey(dc.tid);
    const { hostIface } = dc.tid;
    const from = gone.find((one) =>
      isSameTarget(one, dc) && tidKey(one.tid) !== key &&
      (one.tid.hostIface === "" || hostIface === "" || one.tid.hostIface === hostIface)
    );
    if (from !== undefined && !moved.has(key)) moved.set(key, from);
    const known = moved.get(key)?.entries.map(({ subnqn }) => subnqn);
    return known === undefined
      ? dc
      : { ...dc, entries: dc.entries.filter(({ subnqn }) => known.includes(subnqn)) };
  });
}

export const PAGE_CANARIES: readonly Canary[] = [
  {
    name: "audits while a page is out of date",
    rules: ["S14"],
    who: "both",
    with: ["links", "foreign-connects"],
    cores: () =>
      stacd((event) => {
        if (event.type !== "fetched" || !event.outcome.ok) return event;
        const dcs = event.outcome.value.dcs.map((dc) => ({ ...dc, current: true }));
        return { ...event, outcome: { ok: true, value: { ...event.outcome.value, dcs } } };
      }),
  },
  {
    name: "audits while stafd says nothing of a page",
    rules: ["S2"],
    who: "both",
    first: 91048,
    cores: unnamedIsDropped,
  },
  {
    name: "never audits, whatever disconnect-scope says",
    rules: ["L1"],
    who: "both",
    with: ["families", "foreign-connects"],
    cores: neverAuditing,
  },
  {
    name: "asks for what the pages of discovery controllers list that ip-family forbids by now",
    rules: ["asked"],
    who: "stafd",
    with: ["families", "referrals"],
    first: 44,
    cores: askingForbidden,
  },
  {
    name: "takes what a page lists by one interface for what it lists by another",
    rules: ["asked"],
    who: "both",
    with: ["two-ways", "lost-state", "kill-stafd"],
    first: 72,
    cores: byAnyInterface,
  },
  {
    name: "hears nothing new of a page that has moved to another side of this host",
    rules: ["L1"],
    who: "both",
    with: ["lost-state", "kill-stafd", "zoning"],
    first: 183,
    cores: deafAfterMove,
  },
  {
    name: "keeps each path that is withdrawn, also when another one serves the subsystem",
    rules: ["L1"],
    who: "stacd",
    with: ["zoning", "rezoning"],
    first: 22,
    cores: () =>
      stacd((event) => {
        if (event.type !== "use-seen" || !event.outcome.ok) return event;
        const value = event.outcome.value.map((look) => ({
          ...look,
          holders: ["held by this core"],
          paths: [],
        }));
        return { ...event, outcome: { ok: true, value } };
      }),
  },
  {
    name: "rests for an hour more than it says",
    rules: ["L2"],
    who: "stafd",
    first: 301007,
    cores: () =>
      stafdStepping((state, event, now) => {
        const next = realCores.stafd.step(state, event, now);
        const { fleet } = next.state;
        if (event.type !== "connected" || fleet.lock.rests === state.fleet.lock.rests) return next;
        const rests = new Map(
          [...fleet.lock.rests].map(([name, { mono }]) => [name, { mono: mono + 3_600_000 }]),
        );
        return { ...next, state: { ...next.state, fleet: { ...fleet, lock: { ...fleet.lock, rests } } } };
      }),
  },
];
