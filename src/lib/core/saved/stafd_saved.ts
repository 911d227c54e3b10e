/** stafd's state file: discovery controllers, their sources, and their log pages (STAF-120 to STAF-124). */
import { entryToText } from "../../nvme/entry_text.ts";
import { tidFields, tidKey } from "../../nvme/tid.ts";
import type { PageYouth, RetiredDc } from "../../ports.ts";
import { emptyStafd, MAX_RETIRED, newDc, type Page, type StafdState } from "../stafd/stafd_state.ts";
import { textBytes } from "../stafd/page_budget.ts";
import { KeptTexts, listText } from "./kept_texts.ts";
import {
  entryOf,
  isJson,
  jsonWith,
  listOf,
  numberOf,
  restoredFleet,
  savedText,
  textOf,
  tidOf,
} from "./saved.ts";

/** As texts (requirements 50). */
const ENTRIES = new KeptTexts((entries: Page["entries"]) => JSON.stringify(entries.map(entryToText)));

export function savedStafd(state: StafdState): string {
  const read = [...state.dcs].flatMap(([key, { page }]) => {
    const tid = state.fleet.ctls.get(key)?.tid;
    return tid === undefined || page === undefined ? [] : [{ tid, page }];
  });
  const entries = ENTRIES.of(read.map(({ page }) => page.entries));
  const pages = read.map(({ tid, page: { genctr, readAt, young } }, n) => {
    const plain = { tid: tidFields(tid), genctr, readAt, ...(young === undefined ? {} : { young }) };
    return jsonWith(plain, { entries: entries[n] ?? "[]" });
  });
  const retired = state.retired.map(({ tid, why, at }) => ({ tid: tidFields(tid), why, at }));
  return savedText(state.fleet, { retired }, { pages: `[${listText(pages)}]` });
}

function youngOf(value: unknown): PageYouth | undefined {
  if (!isJson(value)) return undefined;
  return { since: numberOf(value["since"]), why: textOf(value["why"]), isFirst: value["isFirst"] === true };
}

export function restoredStafd(value: unknown): StafdState {
  const known = restoredFleet(emptyStafd.fleet, value, () => () => undefined);
  if (known === undefined) return emptyStafd;
  const { fleet, file } = known;
  let { dcs } = emptyStafd;
  for (const key of fleet.ctls.keys()) dcs = dcs.with(key, { ...newDc, listed: true });
  for (const record of listOf(file["pages"])) {
    if (!isJson(record)) continue;
    const tid = tidOf(record["tid"]);
    const key = tid === undefined ? "" : tidKey(tid);
    const dc = dcs.get(key);
    const entries = listOf(record["entries"]).map(entryOf).filter((entry) => entry !== undefined);
    if (dc === undefined || entries.length !== listOf(record["entries"]).length) continue;
    const page: Page = {
      genctr: textOf(record["genctr"]),
      readAt: numberOf(record["readAt"]),
      toldAt: undefined,
      fresh: false,
      young: youngOf(record["young"]),
      entries,
      bytes: textBytes(entries),
    };
    dcs = dcs.with(key, { ...dc, page });
  }
  const retired: RetiredDc[] = [];
  for (const record of listOf(file["retired"])) {
    const tid = isJson(record) ? tidOf(record["tid"]) : undefined;
    if (!isJson(record) || tid === undefined) continue;
    retired.push({ tid, why: textOf(record["why"]), at: numberOf(record["at"]) });
  }
  return { ...emptyStafd, fleet, dcs, retired: retired.slice(-MAX_RETIRED) };
}
