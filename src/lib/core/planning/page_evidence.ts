/**
 * Whether a log page may withdraw the controllers that it no longer lists (S14): it must be up to date, and
 * not young. Pure.
 */
import type { Duration, Instant, Now } from "../../base/time.ts";
import type { PageYouth } from "../../ports.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { Dc } from "../stafd/stafd_state.ts";
import { isOld, oldAt } from "./page_youth.ts";

/** Why a page withdraws nothing, and until when; without a time, until there is news of the page. */
export interface NotYet {
  readonly why: string;
  readonly until?: Instant;
}

/**
 * stafd considers a page up to date: the link is up, no event has come since it was read, and the last
 * reading succeeded.
 */
export const isCurrent = (dc: Dc, ctl: Ctl): boolean =>
  dc.page?.fresh === true && ctl.link.phase === "up" && dc.live && !dc.back && dc.toldAt === undefined &&
  dc.then === "nothing" && dc.readLog?.completed === true;

/** A page in the form last read. */
interface JudgedPage {
  readonly dcText: string;
  readonly current: boolean;
  readonly young: PageYouth | undefined;
}

export function notYet(
  page: JudgedPage,
  soak: Duration,
  now: Now,
  counts: (young: PageYouth) => boolean = () => true,
): NotYet | undefined {
  const { dcText, current, young } = page;
  if (!current) {
    return { why: `the log page of ${dcText} may be out of date: it will be read again` };
  }
  if (young === undefined || isOld(young, soak, now.wall) || !counts(young)) return undefined;
  const left = oldAt(young, soak) - now.wall;
  return {
    why: `the log page of ${dcText} is young (young-page-soak), because ${young.why}: ` +
      `it withdraws nothing for ${Math.ceil(left / 1000)} s`,
    until: { mono: now.mono + left },
  };
}
