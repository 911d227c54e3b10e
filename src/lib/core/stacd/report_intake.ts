/** stacd: turns stafd's report, page by page, into the claims of each discovery controller. */
import { type Tid, tidKey, tidText } from "../../nvme/tid.ts";
import type { Now } from "../../base/time.ts";
import type { ReportedDc, StafdReport } from "../../ports.ts";
import { vouchedFor } from "./stacd_pages.ts";
import type { KnownPage, StacdState } from "./stacd_state.ts";
import { type Authority, type Claim, claimGenctr, type Ctl, pageAuthority } from "../controller/ctl.ts";
import type { StacdEffect } from "../effects.ts";
import { listedIn } from "../sources/entry_tid.ts";
import type { Evidence } from "../planning/evidence.ts";
import { MAX_CTLS } from "../fleet/fleet.ts";
import type { FleetTurn } from "../fleet/fleet_turn.ts";
import { isNcc } from "../sources/ncc.ts";
import { followed } from "./page_follow.ts";

/** The draft of one step of stacd, as the report sees it. */
export interface ReportHost {
  state: StacdState;
  readonly now: Now;
  readonly fleet: FleetTurn<StacdEffect>;
}

export class ReportTurn {
  readonly #host: ReportHost;
  /** Copied once in a step: a copy for each entry would cost the square of the page's length. */
  #ownPages: Map<Authority, KnownPage> | undefined;
  #ownAwaited: Map<string, number> | undefined;

  constructor(host: ReportHost) {
    this.#host = host;
  }

  get #pages(): Map<Authority, KnownPage> {
    const { state } = this.#host;
    if (this.#ownPages === undefined || state.pages !== this.#ownPages) {
      this.#ownPages = new Map(state.pages);
      this.#host.state = { ...state, pages: this.#ownPages };
    }
    return this.#ownPages;
  }

  get #awaited(): Map<string, number> {
    const { state } = this.#host;
    const { latency } = state;
    if (this.#ownAwaited === undefined || latency.awaited !== this.#ownAwaited) {
      this.#ownAwaited = new Map(latency.awaited);
      this.#host.state = { ...state, latency: { ...latency, awaited: this.#ownAwaited } };
    }
    return this.#ownAwaited;
  }

  forgotten(ctl: Ctl): void {
    if (this.#host.state.latency.awaited.has(ctl.key)) this.#awaited.delete(ctl.key);
  }

  /**
   * Its pages list one controller more than there is room for: until there is room, they withdraw nothing
   * (S16).
   */
  evicted(ctl: Ctl): void {
    this.forgotten(ctl);
    for (const [authority, claim] of ctl.claims) {
      const page = claim.kind === "log-page" ? this.#pages.get(authority) : undefined;
      if (page !== undefined) this.#pages.set(authority, { ...page, left: page.left + 1 });
    }
  }

  take(report: StafdReport): void {
    const { fleet } = this.#host;
    const listed = new Set(report.dcs.map(({ tid }) => pageAuthority(tidKey(tid))));
    const retired = new Set(report.retired.map(({ tid }) => pageAuthority(tidKey(tid))));
    this.#host.state = followed(this.#host.state, fleet, report, listed, retired);
    for (const dc of report.dcs) this.#page(dc);
    for (const { tid, why, at } of report.retired) {
      const authority = pageAuthority(tidKey(tid));
      if (!listed.has(authority)) this.#retire(authority, { kind: "dc-retired", dc: tidText(tid), why, at });
    }
  }

  #retire(authority: Authority, evidence: Evidence): void {
    const { fleet, state } = this.#host;
    const known = state.pages.has(authority);
    for (const ctl of fleet.saidOf(authority)) fleet.release(ctl.key, authority, evidence);
    if (!known) return;
    this.#pages.delete(authority);
    fleet.dirty();
  }

  /**
   * Applies one page: adds the controllers that it lists; withdraws those that it no longer lists only if
   * this stafd has read the page.
   */
  #page(dc: ReportedDc): void {
    const { fleet } = this.#host;
    const dcKey = tidKey(dc.tid);
    const authority = pageAuthority(dcKey);
    const old = this.#host.state.pages.get(authority);
    const { page, genctr, readAt } = dc;
    const told = page !== "none" || old?.told === true;
    const dcText = tidText(dc.tid);
    const left = page === "none" ? old?.left ?? 0 : 0;
    const known: KnownPage = {
      dcText,
      page,
      genctr,
      readAt,
      told,
      left,
      authority: dc.authority ?? dcKey,
      ...vouchedFor(dc),
    };
    const isSame = old !== undefined && old.page === page && old.genctr === genctr && old.readAt === readAt;
    const isCut = (old?.left ?? 0) > 0 && fleet.isRoomy;
    if (isSame && old.told === told && !isCut) return this.#vouched(authority, old, known);
    this.#pages.set(authority, known);
    fleet.dirty();
    if (page === "none") return;
    const now = listedIn(dc.entries, dc.tid, "nvme");
    for (const gone of fleet.makeWay(authority, now)) this.forgotten(gone);
    let over = 0;
    for (const [key, { tid, entry }] of now) {
      const known = fleet.ctl(key);
      const isNew = known === undefined || (known.link.phase !== "up" && !known.claims.has(authority));
      const claim = { kind: "log-page", dc: dcKey, dcText, genctr, readAt, entry } as const;
      if (!this.#listed(key, tid, authority, claim)) over++;
      // Controllers that existed before this stafd's first report are not measured.
      const isAwaited = isNew && old?.page === "read" && fleet.ctl(key) !== undefined;
      if (isAwaited && dc.toldAt !== null && !this.#host.state.latency.awaited.has(key)) {
        this.#awaited.set(key, dc.toldAt);
      }
    }
    if (over > 0) this.#cut(authority, over, dcText);
    // A page that a limit has cut withdraws nothing: an entry that seems to be missing may be one of those
    // left out (S16).
    if (page !== "read" || over > 0) return;
    const gone: Evidence = { kind: "log-page", dc: dcText, genctr, readAt };
    for (const ctl of fleet.saidOf(authority)) {
      if (!now.has(ctl.key)) fleet.release(ctl.key, authority, gone);
    }
  }

  #cut(authority: Authority, over: number, dcText: string): void {
    const page = this.#pages.get(authority);
    if (page !== undefined) this.#pages.set(authority, { ...page, left: page.left + over });
    const text =
      `${over} controllers of the log page of ${dcText} are left out: there is no room for more of them ` +
      `among the ${MAX_CTLS} that stacd manages`;
    this.#host.fleet.logOf(`the log page of ${dcText}`, "error", text);
  }

  /** The page has not changed, but it may have become evidence, or ceased to be. */
  #vouched(authority: Authority, old: KnownPage, known: KnownPage): void {
    const isSame = old.current === known.current && old.young?.since === known.young?.since;
    if (isSame && old.authority === known.authority) return;
    this.#pages.set(authority, { ...known, left: old.left });
    const { fleet } = this.#host;
    for (const ctl of fleet.saidOf(authority)) fleet.touch(ctl.key);
  }

  /** False when there is no room for the controller. */
  #listed(key: string, tid: Tid, authority: Authority, claim: Claim): boolean {
    const { fleet } = this.#host;
    const before = fleet.ctl(key);
    const wasNcc = before !== undefined && isNcc(before);
    const changed = claimGenctr(before?.claims.get(authority)) !== claimGenctr(claim);
    if (!fleet.claim(key, tid, authority, claim)) return false;
    const after = fleet.ctl(key);
    if (after === undefined || before === undefined) return true;
    if (wasNcc && !isNcc(after) && after.link.phase !== "up") fleet.put({ ...after, attempts: 0 });
    // The fabric has just listed it again: worth an attempt now.
    if (changed && !isNcc(after)) fleet.nudge(key, true);
    return true;
  }
}
