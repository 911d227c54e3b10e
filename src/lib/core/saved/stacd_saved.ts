/** stacd's state file: I/O controllers and their sources, so that a page read after a restart can withdraw them. */
import { emptyStacd, type KnownPage, type StacdState } from "../stacd/stacd_state.ts";
import { dcOfPage, type PageVersion } from "../controller/ctl.ts";
import { noDrains } from "../stacd/drain.ts";
import { restoredDrains, savedDrains } from "./drain_saved.ts";
import { versionOf } from "../stacd/stacd_pages.ts";
import { isJson, type Json, listOf, numberOf, restoredFleet, savedText, textOf } from "./saved.ts";

export function savedStacd(state: StacdState): string {
  const pages = [...state.pages].map(([authority, { dcText, genctr, readAt, authority: owner }]) => {
    const taken = versionOf(state, dcOfPage(authority));
    return { authority, dcText, genctr, readAt, owner, ...(taken === undefined ? {} : { taken }) };
  });
  return savedText(state.fleet, { pages, drains: savedDrains(state.drains.list) });
}

/** Of each page the version that was taken in last; the files of 1.0.0 have it in each claim. */
function takenVersions(file: Json): (dcKey: string) => PageVersion | undefined {
  const versions = new Map<string, PageVersion>();
  for (const record of listOf(file["pages"])) {
    const taken = isJson(record) ? record["taken"] : undefined;
    if (!isJson(record) || !isJson(taken)) continue;
    const version = { genctr: textOf(taken["genctr"]), readAt: numberOf(taken["readAt"]) };
    versions.set(dcOfPage(textOf(record["authority"])), version);
  }
  return (dcKey) => versions.get(dcKey);
}

export function restoredStacd(value: unknown): StacdState {
  const known = restoredFleet(emptyStacd.fleet, value, takenVersions);
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
