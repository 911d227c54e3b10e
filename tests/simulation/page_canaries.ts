/** Cores that are broken on purpose: what they make of discovery controllers' pages, as stafd reports them. */
import { stacd } from "./altered.ts";
import type { Canary } from "./canaries.ts";

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
];
