/** stafd's state file: discovery controllers, their sources, and their log pages (STAF-120 to STAF-124). */
import { tidFields, tidKey } from "../../nvme/tid.ts";
import type { PageYouth, RetiredDc } from "../../ports.ts";
import { emptyStafd, MAX_RETIRED, newDc, type Page, type StafdState } from "../stafd/stafd_state.ts";
import { textBytes } from "../stafd/page_budget.ts";
import {
  isJson,
  type Json,
  listOf,
  numberOf,
  restoredFleet,
  savedFleet,
  textOf,
  textsOf,
  tidOf,
} from "./saved.ts";

export function stafdStateValue(state: StafdState): Json {
  const pages: Json[] = [];
  for (const [key, { page }] of state.dcs) {
    const ctl = state.fleet.ctls.get(key);
    if (ctl === undefined || page === undefined) continue;
    const { genctr, readAt, entries, young } = page;
    pages.push({
      tid: tidFields(ctl.tid),
      genctr,
      readAt,
      entries,
      ...(young === undefined ? {} : { young }),
    });
  }
  const retired = state.retired.map(({ tid, why, at }) => ({ tid: tidFields(tid), why, at }));
  const { begin, end } = savedFleet(state.fleet, () => undefined);
  return {
    ...begin,
    pages,
    retired,
    ...end,
  };
}

function youngOf(value: unknown): PageYouth | undefined {
  if (!isJson(value)) return undefined;
  return { since: numberOf(value["since"]), why: textOf(value["why"]), isFirst: value["isFirst"] === true };
}

export function restoredStafd(value: unknown): StafdState {
  const known = restoredFleet(emptyStafd.fleet, value);
  if (known === undefined) return emptyStafd;
  const { fleet, file } = known;
  let { dcs } = emptyStafd;
  for (const key of fleet.ctls.keys()) dcs = dcs.with(key, { ...newDc, listed: true });
  for (const record of listOf(file["pages"])) {
    if (!isJson(record)) continue;
    const tid = tidOf(record["tid"]);
    const key = tid === undefined ? "" : tidKey(tid);
    const dc = dcs.get(key);
    const entries = listOf(record["entries"]).map(textsOf).filter((entry) => entry !== undefined);
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
