/** stacd's state file: I/O controllers and their sources, so that a page read after a restart can withdraw them. */
import { emptyStacd, type KnownPage, type StacdState } from "../stacd/stacd_state.ts";
import { dcOfPage } from "../controller/ctl.ts";
import { noDrains } from "../stacd/drain.ts";
import { restoredDrains, savedDrains } from "./drain_saved.ts";
import { versionOf } from "../stacd/stacd_pages.ts";
import { isJson, type Json, listOf, numberOf, restoredFleet, savedFleet, textOf } from "./saved.ts";

export function stacdStateValue(state: StacdState): Json {
  const pages = [...state.pages].map(([authority, { dcText, genctr, readAt, authority: owner }]) => ({
    authority,
    dcText,
    genctr,
    readAt,
    owner,
  }));
  const { begin, end } = savedFleet(state.fleet, (dcKey) => versionOf(state, dcKey));
  return {
    ...begin,
    pages,
    ...end,
    drains: savedDrains(state.drains.list),
  };
}

export function restoredStacd(value: unknown): StacdState {
  const known = restoredFleet(emptyStacd.fleet, value);
  if (known === undefined) return emptyStacd;
  const { fleet, file } = known;
  const pages = new Map<string, KnownPage>();
  for (const record of listOf(file["pages"])) {
    if (!isJson(record)) continue;
    pages.set(textOf(record["authority"]), {
      dcText: textOf(record["dcText"]),
      page: "cached",
      genctr: textOf(record["genctr"]),
      readAt: numberOf(record["readAt"]),
      current: false,
      young: undefined,
      left: 0,
      authority: textOf(record["owner"]) || dcOfPage(textOf(record["authority"])),
      told: false,
      taken: undefined,
    });
  }
  const drains = { ...noDrains, list: restoredDrains(file["drains"]) };
  return { ...emptyStacd, fleet, pages, drains };
}
