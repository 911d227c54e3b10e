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
import { asPublished, type EntryText, type Subtype, tidsListed } from "./oracle/listing.ts";
import type { Saved } from "./oracle/saved_state.ts";

export interface Statement {
  readonly genctr: string;
  readonly entries: readonly EntryText[];
  readonly wall: number;
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
  readonly told = new Map<string, ReportedDc>();
  /**
   * What stacd was told of each discovery controller since the last page that stafd itself had read, with that page: pages of
   * stafd's state file add, and take nothing away (S2). stacd may make connections that any of them lists.
   */
  readonly sinceRead = new Map<string, readonly ReportedDc[]>();
  /** All that stafd ever reported to stacd as dropped. */
  readonly retired: RetiredDc[] = [];
  /** Of the last report since stafd came. */
  report: StafdReport | undefined;
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

  /** stacd got a report. */
  reported(report: FetchedReport): void {
    this.report = report.only === true && this.report !== undefined
      ? { ...this.report, dcs: [...this.report.dcs.filter((dc) => !isIn(report, dc)), ...report.dcs] }
      : report;
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

  /** A page with this generation was really read, and did not list it. */
  readWithout(genctr: string, subtype: Subtype, tid: Tid, dc: Tid): boolean {
    return this.reads.some(({ statement }) =>
      statement.genctr === genctr &&
      !tidsListed(statement.entries, dc, subtype).some((listed) => sameController(listed, tid))
    );
  }
}

const isIn = ({ dcs }: StafdReport, { tid }: ReportedDc): boolean =>
  dcs.some((dc) => sameController(dc.tid, tid));
