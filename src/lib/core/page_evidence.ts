/** Whether what a log page no longer lists may be taken away for that (S14): the page is current, and not young. Pure. */
import type { Duration, Instant, Now } from "../nvme/time.ts";
import type { PageYouth } from "../ports.ts";
import type { Ctl } from "./ctl.ts";
import type { Dc } from "./finder_state.ts";
import { isOld, oldAt } from "./page_youth.ts";

/** Why a page takes nothing away, and until when that is so; without a time, until something is heard of it. */
export interface NotYet {
  readonly why: string;
  readonly until?: Instant;
}

/** stafd vouches for a page: the link is up, nothing was heard since it was read, and the last reading succeeded. */
export const isCurrent = (dc: Dc, ctl: Ctl): boolean =>
  dc.page?.fresh === true && ctl.link.phase === "up" && dc.live && !dc.back && dc.toldAt === undefined &&
  dc.then === "nothing" && dc.readLog?.completed === true;

/** A page as last read. */
interface Judged {
  readonly dcText: string;
  readonly current: boolean;
  readonly young: PageYouth | undefined;
}

export function notYet(
  page: Judged,
  soak: Duration,
  now: Now,
  counts: (young: PageYouth) => boolean = () => true,
): NotYet | undefined {
  const { dcText, current, young } = page;
  if (!current) {
    return { why: `the log page of ${dcText} is not known to be up to date: it is to be read again` };
  }
  if (young === undefined || isOld(young, soak, now.wall) || !counts(young)) return undefined;
  const left = oldAt(young, soak) - now.wall;
  return {
    why: `the log page of ${dcText} is young (young-page-soak), because ${young.why}: ` +
      `it takes nothing away for ${Math.ceil(left / 1000)} s`,
    until: { mono: now.mono + left },
  };
}
