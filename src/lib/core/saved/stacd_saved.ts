/** stacd's state file: I/O controllers and their sources, so that a page read after a restart can withdraw them. */
import { emptyStacd, type KnownPage, type StacdState } from "../stacd/stacd_state.ts";
import { dcOfPage } from "../controller/ctl.ts";
import { noDrains } from "../stacd/drain.ts";
import { restoredDrains, savedDrains } from "./drain_saved.ts";
import {
  familiesOf,
  isJson,
  type Json,
  listOf,
  numberOf,
  restoreCtls,
  restoreSecured,
  restoreYoung,
  savedCtls,
  savedSecured,
  savedYoung,
  STATE_VERSION,
  textOf,
} from "./saved.ts";

export function stacdStateValue(state: StacdState): Json {
  const pages = [...state.pages].map(([authority, { dcText, genctr, readAt, authority: owner }]) => ({
    authority,
    dcText,
    genctr,
    readAt,
    owner,
  }));
  return {
    version: STATE_VERSION,
    families: state.fleet.families,
    controllers: savedCtls(state.fleet),
    pages,
    young: savedYoung(state.fleet),
    secured: savedSecured(state.fleet),
    drains: savedDrains(state.drains.list),
  };
}

export function restoredStacd(value: unknown): StacdState {
  if (!isJson(value) || value["version"] !== STATE_VERSION) return emptyStacd;
  const families = familiesOf(value["families"]);
  const ctls = restoreCtls({ ...emptyStacd.fleet, families }, value["controllers"]);
  const fleet = restoreSecured(restoreYoung(ctls, value["young"]), value["secured"]);
  const pages = new Map<string, KnownPage>();
  for (const record of listOf(value["pages"])) {
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
    });
  }
  const drains = { ...noDrains, list: restoredDrains(value["drains"]) };
  return { ...emptyStacd, fleet, pages, drains };
}
