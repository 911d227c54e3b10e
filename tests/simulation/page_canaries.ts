/** Cores that are broken on purpose: what they make of discovery controllers' pages, as stafd reports them. */
import { familyAllowed, type IpFamilies } from "../../src/lib/config/controller_line.ts";
import type { StafdEvent } from "../../src/lib/core/effects.ts";
import { pageAuthority } from "../../src/lib/core/controller/ctl.ts";
import { type Tid, tidKey } from "../../src/lib/nvme/tid.ts";
import { doing, hearing, stacd, stacdStepping } from "./altered.ts";
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
    name: "asks for what the pages of discovery controllers list that ip-family forbids by now",
    rules: ["asked"],
    who: "stafd",
    with: ["families", "referrals"],
    first: 44,
    cores: askingForbidden,
  },
];
