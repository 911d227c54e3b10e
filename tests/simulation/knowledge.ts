/**
 * What the daemons have really been told, kept by the simulation and not by them: pages read, reports delivered, names
 * resolved, services announced. Evidence for a disconnect is compared with this (S2).
 */
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { FetchedReport, ReportedDc, RetiredDc, StafdReport } from "../../src/lib/ports.ts";
import type { Device } from "../../src/lib/sim/devices.ts";
import type { ReadPage } from "../../src/lib/sim/kernel.ts";
import type { LogVersion } from "../../src/lib/sim/discovery.ts";
import { identity, sameController } from "./oracle/identity.ts";
import { asPublished, asTold, type EntryText, type Subtype, tidsListed } from "./oracle/listing.ts";
import type { Saved } from "./oracle/saved_state.ts";

export interface Statement {
  readonly genctr: string;
  readonly entries: readonly EntryText[];
  readonly wall: number;
}

/** What stacd was told of one discovery controller. */
export type Told = Omit<ReportedDc, "entries"> & { readonly entries: readonly EntryText[] };

type ToldReport = Omit<StafdReport, "dcs"> & { readonly dcs: readonly Told[] };

/**
 * stafd connects a discovery controller by another side of this host than before (another host NQN, `ignore-iface`): what its page
 * listed is asked for as before, and what was connected for it counts as that controller (S13).
 */
export interface Moved {
  readonly from: Told;
  readonly to: Tid;
  /** Monotonic milliseconds. */
  readonly at: number;
}

export interface Answer {
  readonly who: string;
  readonly host: string;
  readonly addresses: readonly string[];
}

export class Knowledge {
  /** Every page that stafd has read, with its device; the stand-in for stafd has none. */
  readonly reads: { readonly device: Device | undefined; readonly statement: Statement }[] = [];
  /** The last page of each discovery controller that stafd knows, by identity. */
  readonly pages = new Map<string, { readonly tid: Tid; readonly statement: Statement }>();
  /** The same, also of those that were dropped: what they listed may be asked for again when they are. */
  readonly lastPages = new Map<string, { readonly tid: Tid; readonly statement: Statement }>();
  /** The last thing that stacd was told of each discovery controller, by identity. */
  readonly told = new Map<string, Told>();
  /**
   * What stacd was told of each discovery controller since the last page that stafd itself had read, with that page: pages of
   * stafd's state file add, and take nothing away (S2). stacd may make connections that any of them lists.
   */
  readonly sinceRead = new Map<string, readonly Told[]>();
  /** Pages that have moved as far as stacd knows, each with what it listed then. */
  moved: readonly Moved[] = [];
  /** All that stafd ever reported to stacd as dropped. */
  readonly retired: RetiredDc[] = [];
  /** Of the last report since stafd came. */
  report: ToldReport | undefined;
  /** Every set of addresses that a name had. */
  readonly everAnswered: Answer[] = [];
  /** Answers of the name server to the processes that run now. */
  answers: readonly Answer[] = [];
  /**
   * What services that stafd heard of asked for, each wish of each service; kept when a service is withdrawn, or asks for
   * another controller (a withdrawal ends no connection), until stafd has dropped that controller.
   */
  readonly announced = new Map<string, { readonly service: string; readonly tid: Tid }>();

  read({ device, log }: ReadPage, wall: number): void {
    const statement = { genctr: String(log.genctr), entries: asPublished(log.entries), wall };
    this.reads.push({ device, statement });
  }

  readByStandIn(page: LogVersion, wall: number): void {
    const statement = { genctr: String(page.genctr), entries: asPublished(page.entries), wall };
    this.reads.push({ device: undefined, statement });
  }

  answered(answer: Answer): void {
    this.answers = [...this.answers, answer];
    this.everAnswered.push(answer);
  }

  heard(service: string, tid: Tid | undefined): void {
    if (tid !== undefined) this.announced.set(`${service} ${identity(tid)}`, { service, tid });
  }

  /**
   * A process remembers what is in its state file, and nothing else; stacd, of what a page lists, only what the kernel still
   * has (STAC-1), until it is told of that page again.
   */
  restarted(who: "stafd" | "stacd", saved: Saved, isConnected: (tid: Tid) => boolean): void {
    this.answers = this.answers.filter((answer) => answer.who !== who);
    if (who === "stacd") {
      this.sinceRead.clear();
      // What its state file names by the new side, it knows to have been moved.
      const isSaved = (tid: Tid): boolean => saved.controllers.some((one) => sameController(one, tid));
      this.moved = this.moved.map((one) => {
        const entries = one.from.entries.filter((entry) => tidsListed([entry], one.to, "nvme").some(isSaved));
        return { ...one, from: { ...one.from, entries } };
      });
      for (const [key, dc] of this.told) {
        if (!saved.reads.has(dc.readAt)) this.told.delete(key);
        else {
          const entries = dc.entries.filter((entry) => tidsListed([entry], dc.tid, "nvme").some(isConnected));
          this.told.set(key, { ...dc, entries });
        }
      }
      return;
    }
    for (const [key, { statement }] of this.pages) {
      if (!saved.reads.has(statement.wall)) this.pages.delete(key);
    }
    for (const [key, { service, tid }] of this.announced) {
      if (!saved.claims.has(`mdns:${service} ${identity(tid)}`)) this.announced.delete(key);
    }
  }

  /**
   * A page of which stafd says nothing any more, and whose discovery controller it now connects by another side of this host. One
   * that was known by that side, too, is another page, unless stafd knows all that there is.
   */
  #movedBy(report: ToldReport, at: number): void {
    const named = new Set([...report.dcs, ...report.retired].map(({ tid }) => identity(tid)));
    const speaks = ({ tid, page, current }: Told): boolean =>
      !this.told.has(identity(tid)) ||
      (report.unknowns.length === 0 && page === "read" && current !== false);
    const dcs = report.dcs.filter(speaks);
    for (const [id, from] of this.told) {
      if (named.has(id) || this.moved.some((one) => isSamePage(one.from, from))) continue;
      const known = this.sinceRead.get(id) ?? [];
      for (const { tid: to } of dcs) {
        if (!isOtherSide(from.tid, to)) continue;
        this.moved = [...this.moved, { from, to, at }];
        const now = identity(to);
        const taken = [from, ...known].map((dc) => ({ ...dc, tid: to }));
        this.sinceRead.set(now, [...this.sinceRead.get(now) ?? [], ...taken]);
      }
    }
  }

  /** stacd got a report. `at`: monotonic milliseconds. */
  reported(fetched: FetchedReport, at: number): void {
    const dcs = fetched.dcs.map((dc): Told => ({ ...dc, entries: asTold(dc.entries) }));
    const report = { ...fetched, dcs };
    this.report = report.only === true && this.report !== undefined
      ? { ...this.report, dcs: [...this.report.dcs.filter((dc) => !isIn(report, dc)), ...report.dcs] }
      : report;
    if (report.only !== true) this.#movedBy(report, at);
    for (const dc of report.dcs) {
      if (dc.page === "none") continue;
      const id = identity(dc.tid);
      this.told.set(id, dc);
      const before = dc.page === "read" ? [] : this.sinceRead.get(id) ?? [];
      this.sinceRead.set(id, [...before.filter(({ readAt }) => readAt !== dc.readAt), dc]);
    }
    for (const one of report.retired) {
      if (!report.dcs.some((dc) => sameController(dc.tid, one.tid))) {
        this.told.delete(identity(one.tid));
        this.sinceRead.delete(identity(one.tid));
      }
      if (!this.retired.some(({ tid, at }) => tid === one.tid && at === one.at)) this.retired.push(one);
    }
  }

  /**
   * A page that stacd was told of, and of which stafd neither says anything now nor ever said that it was dropped: stafd has lost
   * its state file. What the page lists by now is unknown (S2).
   */
  unnamed(report: Named): Told | undefined {
    return this.lost(report).find((dc) => tidsListed(dc.entries, dc.tid, "nvme").length > 0);
  }

  /** Discovery controllers whose pages stacd was told, and that stafd does not name: it has not dropped them either. */
  lost(report: Named): readonly Told[] {
    const named = new Set([...report.dcs, ...report.retired].map(({ tid }) => identity(tid)));
    return [...this.told.values()].filter((dc) =>
      !named.has(identity(dc.tid)) && !this.moved.some(({ from }) => isSamePage(from, dc))
    );
  }

  /** A page with this generation was really read, and did not list it. */
  readWithout(genctr: string, subtype: Subtype, tid: Tid, dc: Tid): boolean {
    return this.reads.some(({ statement }) =>
      statement.genctr === genctr &&
      !tidsListed(statement.entries, dc, subtype).some((listed) => sameController(listed, tid))
    );
  }
}

type Named = { readonly dcs: readonly { readonly tid: Tid }[] } & Pick<StafdReport, "retired">;

const isIn = ({ dcs }: ToldReport, { tid }: Told): boolean => dcs.some((dc) => sameController(dc.tid, tid));

const isSamePage = (one: Told, other: Told): boolean =>
  sameController(one.tid, other.tid) && one.readAt === other.readAt;

/**
 * The same discovery controller, asked as another host or by another interface. Two interfaces mean two controllers, but with
 * `ignore-iface` there is none (TID-3).
 */
function isOtherSide(one: Tid, other: Tid): boolean {
  const isWay = one.hostIface === other.hostIface || one.hostIface === "" || other.hostIface === "";
  const { hostIface, hostNqn } = other;
  return isWay && !sameController(one, other) && sameController({ ...one, hostIface, hostNqn }, other);
}
