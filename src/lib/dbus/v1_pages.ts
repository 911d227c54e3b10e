/** Log pages as JSON on `org.nvmexpress.staf.v1`, for stacd. */
import type { PageEntry } from "../nvme/discovery_entry.ts";
import { entryToText } from "../nvme/entry_text.ts";
import type { ReportedDc, ReportedPage, ReportedPages, StafdReport } from "../ports.ts";

/** A discovery controller, with the entries of its page as texts. */
export interface V1ReportedDc extends ReportedPage {
  readonly entries: readonly Readonly<Record<string, string>>[];
}

/** The answer of `pages`. */
export interface V1StafdReport extends ReportedPages {
  readonly dcs: readonly V1ReportedDc[];
}

const textsOf = (entries: readonly PageEntry[]): V1ReportedDc["entries"] => entries.map(entryToText);

/** For a stacd that reads no other form, and for the page of Cockpit. */
export const inTexts = (dc: ReportedDc): V1ReportedDc => ({ ...dc, entries: textsOf(dc.entries) });

export const allInTexts = (report: StafdReport): V1StafdReport => ({
  ...report,
  dcs: report.dcs.map(inTexts),
});
