/** Cores that are broken on purpose: what they make of discovery controllers' pages, as stafd reports them. */
import { pageAuthority } from "../../src/lib/core/controller/ctl.ts";
import { tidKey } from "../../src/lib/nvme/tid.ts";
import { stacd, stacdStepping } from "./altered.ts";
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
];
