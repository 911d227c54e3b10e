/**
 * What the daemons have really been told, kept by the simulation and not by them: pages read, reports delivered, names
 * resolved, services announced. Evidence for a disconnect is compared with this (S2).
 */
import { entryToText } from "../../src/lib/nvme/entry_text.ts";
import { canonicalIp } from "../../src/lib/nvme/address.ts";
import { normaliseTid, type Tid, tidKey } from "../../src/lib/nvme/tid.ts";
import type { ReportedDc, RetiredDc, StafdReport } from "../../src/lib/ports.ts";
import type { ReadPage } from "../../src/lib/sim/kernel.ts";
import type { Device } from "../../src/lib/sim/devices.ts";

export type EntryText = Readonly<Record<string, string>>;

export interface Statement {
  readonly genctr: string;
  readonly entries: readonly EntryText[];
  readonly wall: number;
}

/** An entry whose controller can be connected to, with the host's side of who listed it. */
export function tidOfListed(entry: EntryText, dc: Tid): Tid | undefined {
  const transport = entry["trtype"];
  if (transport !== "tcp" && transport !== "rdma") return undefined;
  const traddr = entry["traddr"] ?? "";
  if (canonicalIp(traddr) === undefined || traddr === "0.0.0.0" || traddr === "::") return undefined;
  return normaliseTid({
    transport,
    traddr,
    trsvcid: entry["trsvcid"],
    subsysnqn: entry["subnqn"],
    hostTraddr: dc.hostTraddr,
    hostIface: dc.hostIface,
    hostNqn: dc.hostNqn,
  }, { hostNqn: dc.hostNqn, ignoreIface: false });
}

/** What a page asks for. */
export const tidsListed = (entries: readonly EntryText[], dc: Tid, subtype: string): readonly Tid[] =>
  entries.filter((entry) => entry["subtype"] === subtype).map((entry) => tidOfListed(entry, dc))
    .filter((tid) => tid !== undefined);

export class Knowledge {
  /** Every page that stafd has read, with its device; the stand-in for stafd has none. */
  readonly reads: { readonly device: Device | undefined; readonly statement: Statement }[] = [];
  /** The last page of each discovery controller that stafd knows, by the key of its tid. */
  readonly pages = new Map<string, { readonly tid: Tid; readonly statement: Statement }>();
  /** The last thing that stacd was told of each discovery controller. */
  readonly told = new Map<string, ReportedDc>();
  /** All that stafd ever told stacd to be let go of. */
  readonly retired: RetiredDc[] = [];
  /** Of the last report since stafd is there. */
  report: StafdReport | undefined;
  /** Every set of addresses that a name had, as text. */
  readonly everAnswered = new Set<string>();
  /** Answers of the name server to the processes that run now. */
  answers: { readonly who: string; readonly host: string; readonly addresses: readonly string[] }[] = [];
  /**
   * What services that stafd heard of asked for, each wish of each service; kept when a service is withdrawn, or asks for
   * another controller (a withdrawal ends no connection), until stafd has let go of that controller.
   */
  readonly announced = new Map<string, { readonly service: string; readonly tid: Tid }>();

  read({ device, log }: ReadPage, wall: number): void {
    const entries = log.entries.filter(({ traddr }) => !["", "0.0.0.0", "::"].includes(traddr)).map(
      entryToText,
    );
    const statement = { genctr: String(log.genctr), entries, wall };
    this.reads.push({ device, statement });
  }

  heard(service: string, tid: Tid): void {
    this.announced.set(`${service} ${tidKey(tid)}`, { service, tid });
  }

  /** stacd got a report. */
  reported(report: StafdReport): void {
    this.report = report;
    for (const dc of report.dcs) {
      if (dc.page !== "none") this.told.set(tidKey(dc.tid), dc);
    }
    for (const { tid } of report.retired) {
      const key = tidKey(tid);
      if (!report.dcs.some((dc) => tidKey(dc.tid) === key)) this.told.delete(key);
    }
    for (const one of report.retired) {
      if (!this.retired.some(({ tid, at }) => tid === one.tid && at === one.at)) this.retired.push(one);
    }
  }

  /** A page with this generation was really read, and did not list it. */
  readWithout(genctr: string, subtype: string, key: string, dc: Tid): boolean {
    return this.reads.some(({ statement }) =>
      statement.genctr === genctr &&
      !tidsListed(statement.entries, dc, subtype).some((tid) => tidKey(tid) === key)
    );
  }
}
