/** What stacd makes of the log pages that stafd relays: which of them are evidence, and for what (S2, S14). Pure. */
import { CONFIRMED_FOR } from "./retry.ts";
import { unreadPlaces } from "../config/daemon_conf.ts";
import { YOUNG_PAGE_SOAK } from "../config/young_page_soak.ts";
import { after, type Duration, earlier, type Instant, type Now, reached } from "../nvme/time.ts";
import type { ReportedDc } from "../ports.ts";
import type { ConnectorState, KnownPage } from "./connector_state.ts";
import type { Ctl } from "./ctl.ts";
import type { Evidence } from "./evidence.ts";
import { unresolvedHosts } from "./lines.ts";
import { type NotYet, notYet } from "./page_evidence.ts";

type Known = Pick<ConnectorState, "conf" | "stafd" | "pages">;

/** A stafd before 1.0.1 does not vouch for its pages: that it has read one in this connection is all it says. */
export const vouchedFor = ({ page, current, young }: ReportedDc): Pick<KnownPage, "current" | "young"> => ({
  current: page === "read" && current !== false,
  young: young ?? undefined,
});

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
 * Pages that may not list all that they should. The first page that stafd has read after its start
 * counts: else nothing would be audited for a quarter of an hour.
 */
function uncertainPages(state: Known, now: Now): readonly NotYet[] {
  const soak = soakOf(state);
  return [...state.pages.values()].flatMap((page) => {
    if (page.left > 0) {
      return [{
        why: `the log page of ${page.dcText} lists ${page.left} controllers more than there is room for`,
      }];
    }
    if (page.page !== "read") return [{ why: `the log page of ${page.dcText} has not been read yet` }];
    return notYet(page, soak, now, ({ isFirst }) => !isFirst) ?? [];
  });
}

/** What has to be known before a connection counts as wanted by no source. */
export function unknownsOf(state: Known & Pick<ConnectorState, "lines">, now: Now): readonly string[] {
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

/** When a page that is young now is not any more. */
export function untilKnown(state: Known, now: Now): { readonly until?: Instant } {
  const until = uncertainPages(state, now).reduce<Instant | undefined>(
    (first, page) => earlier(first, page.until),
    undefined,
  );
  return until === undefined ? {} : { until };
}

/** These say what stafd said. */
const STAFDS: ReadonlySet<Evidence["kind"]> = new Set(["log-page", "dc-retired", "audit"]);

/** Nothing of the evidence is stafd's, or stafd has said so again after the soak, and just now. */
export function isConfirmed({ stafd: { knownAt } }: Known, { released, doom }: Ctl, now: Now): boolean {
  if (![...released.values()].some(({ kind }) => STAFDS.has(kind))) return true;
  return knownAt !== undefined && knownAt.mono >= (doom?.mono ?? -Infinity) &&
    !reached(after(knownAt, CONFIRMED_FOR), now);
}
