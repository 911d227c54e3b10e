/** Which of the log pages that stafd relays are evidence for stacd, and for what (S2, S14). Pure. */
import { CONFIRMED_FOR } from "../retry.ts";
import { unreadPlaces } from "../../config/daemon_conf.ts";
import { YOUNG_PAGE_SOAK } from "../../config/young_page_soak.ts";
import { after, type Duration, earlier, type Instant, type Now, reached } from "../../base/time.ts";
import type { ReportedDc } from "../../ports.ts";
import type { KnownPage, StacdState } from "./stacd_state.ts";
import { type Ctl, pageAuthority, type PageVersion } from "../controller/ctl.ts";
import type { Evidence } from "../planning/evidence.ts";
import { unresolvedHosts } from "../sources/lines.ts";
import { type NotYet, notYet } from "../planning/page_evidence.ts";

type Known = Pick<StacdState, "conf" | "stafd" | "pages">;

/**
 * stafd before 1.0.1 does not say whether a page is up to date, only that it has read the page in this
 * connection.
 */
export const vouchedFor = ({ page, current, young }: ReportedDc): Pick<KnownPage, "current" | "young"> => ({
  current: page === "read" && current !== false,
  young: young ?? undefined,
});

/** The page of this discovery controller that this process has taken in last. */
export const versionOf = ({ pages }: Pick<StacdState, "pages">, dcKey: string): PageVersion | undefined => {
  const taken = pages.get(pageAuthority(dcKey))?.taken;
  return taken === undefined ? undefined : { genctr: taken.genctr, readAt: taken.readAt };
};

const soakOf = ({ conf }: Known): Duration => conf?.youngPageSoak.value ?? YOUNG_PAGE_SOAK;

/** A page that withdrew it does not count yet. */
export function pageNotYet(state: Known, { released }: Ctl, now: Now): NotYet | undefined {
  const soak = soakOf(state);
  for (const [authority, { kind }] of released) {
    const page = kind === "log-page" ? state.pages.get(authority) : undefined;
    const found = page === undefined ? undefined : notYet(page, soak, now);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Pages that may be incomplete. The first page that stafd reads after its start counts as complete: otherwise
 * no audit could happen for a quarter of an hour.
 */
function uncertainPages(state: Known, now: Now): readonly NotYet[] {
  const soak = soakOf(state);
  return [...state.pages.values()].flatMap((page) => {
    if (page.left > 0) {
      return [{
        why: `the log page of ${page.dcText} lists ${page.left} more controllers than there is room for`,
      }];
    }
    if (page.page !== "read") return [{ why: `the log page of ${page.dcText} has not been read yet` }];
    return notYet(page, soak, now, ({ isFirst }) => !isFirst) ?? [];
  });
}

/** The information that is missing before a connection counts as wanted by no source. */
export function unknownsOf(state: Known & Pick<StacdState, "lines">, now: Now): readonly string[] {
  const { stafd, conf, lines } = state;
  if (!stafd.present) return ["stafd is not running"];
  if (stafd.reportedAt === undefined) return ["stafd has not answered yet"];
  return [
    ...stafd.unknowns,
    ...uncertainPages(state, now).map(({ why }) => why),
    ...unresolvedHosts(lines).map((host) => `${host} has not been resolved yet`),
    ...(conf === undefined ? [] : unreadPlaces(conf)).map((place) => `${place} is not understood`),
  ];
}

/** When a page that is young now stops being young. */
export function untilKnown(state: Known, now: Now): { readonly until?: Instant } {
  const until = uncertainPages(state, now).reduce<Instant | undefined>(
    (first, page) => earlier(first, page.until),
    undefined,
  );
  return until === undefined ? {} : { until };
}

/** Kinds of evidence that come from stafd's reports. */
const STAFDS: ReadonlySet<Evidence["kind"]> = new Set(["log-page", "dc-retired", "audit"]);

/** None of the evidence comes from stafd, or stafd has confirmed it after the soak, a moment ago. */
export function isConfirmed({ stafd: { knownAt } }: Known, { released, removeAt }: Ctl, now: Now): boolean {
  if (![...released.values()].some(({ kind }) => STAFDS.has(kind))) return true;
  return knownAt !== undefined && knownAt.mono >= (removeAt?.mono ?? -Infinity) &&
    !reached(after(knownAt, CONFIRMED_FOR), now);
}
