/** `dlp` and `adlp`: discovery log pages as stafd has them. */
import { findingText } from "../lib/config/finding.ts";
import { type Tid, type Transport, WELL_KNOWN_DISC_NQN } from "../lib/nvme/tid.ts";
import type { Dict } from "../lib/dbus/client.ts";
import { JsonReader, type JsonResult } from "../lib/dbus/json_reader.ts";
import { OK } from "./command_line.ts";
import { readHostIdentity } from "./host_identity.ts";
import {
  type Documents,
  type Format,
  jsonText,
  printDocuments,
  printJson,
  printValue,
} from "./output_format.ts";
import { answered, fail, type Job, withDaemon } from "./session.ts";
import { type Cell, type Column, tableText } from "./table.ts";
import { harmless } from "./text_width.ts";
import { entry2, head2, pages2, tid2 } from "./v2.ts";
import type { V2Head } from "./v2_types.ts";

export type PageFormat = Exclude<Format, "name">;

export interface DlpOptions {
  readonly transport: Transport;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  readonly hostNqn?: string | undefined;
  readonly nqn: string;
}

/** The log page of one discovery controller; `[]` when stafd does not know it (CLI-16). */
export function discoveryLogPage(job: Job, format: PageFormat, options: DlpOptions): Promise<number> {
  const hostNqn = options.hostNqn ?? systemHostNqn(job);
  if (hostNqn === undefined) return Promise.resolve(1);
  const { transport, traddr, trsvcid, nqn, hostTraddr, hostIface } = options;
  return withDaemon(job, ({ client }) =>
    answered(
      job,
      "show the log page",
      client.getLogPages([transport, traddr, trsvcid, nqn, hostTraddr, hostIface, hostNqn]),
      (entries) => {
        if (format === "table" || format === "wide") {
          job.world.out.write(entries.length === 0 ? "No entries.\n" : entriesTable(job, entries, format));
        } else if (format === "literal") printValue(job.world, format, entries);
        else {
          const asked = { traddr, trsvcid, hostTraddr, hostIface, hostNqn, transport, subsysnqn: nqn };
          printJson(job, format, entries, pageDocuments(head2("stafd", job.world.now()), asked, entries));
        }
        return OK;
      },
    ));
}

function pageDocuments(head: V2Head, asked: Tid, entries: readonly Dict[]): Documents {
  const tid = tid2(asked);
  return {
    whole: () => ({ ...head, output: "dlp", tid, entries: entries.map(entry2) }),
    lines: () => entries.map((entry) => ({ ...head, output: "dlp-line", tid, entry: entry2(entry) })),
  };
}

/** Only this command needs it (CLI-18). */
function systemHostNqn(job: Job): string | undefined {
  const identity = readHostIdentity(job.world.confDir);
  const findings = identity.ok ? "error" in identity.nqn ? [identity.nqn.error] : [] : identity.findings;
  for (const finding of findings) fail(job, findingText(finding));
  return identity.ok && !("error" in identity.nqn) ? identity.nqn.value : undefined;
}

/** All log pages. */
export function allLogPages(job: Job, format: PageFormat, detailed: boolean): Promise<number> {
  return withDaemon(
    job,
    ({ client }) =>
      answered(job, "show the log pages", client.getAllLogPages(detailed), (pages) => {
        if (format === "literal" || (job.schema === 1 && (format === "json" || format === "jsonl"))) {
          printValue(job.world, format, pages);
          return OK;
        }
        const parsed = parsePages(pages);
        if (!parsed.ok) return fail(job, `stafd's answer cannot be understood: ${parsed.message}`);
        if (format === "json" || format === "jsonl") {
          const head = head2("stafd", job.world.now());
          printDocuments(job.world, format, {
            whole: () => ({ ...head, output: "adlp", dcs: pages2(parsed.value) }),
            lines: () => pages2(parsed.value).map((dc) => ({ ...head, output: "adlp-line", dc })),
          });
          return OK;
        }
        if (parsed.value.length === 0) job.world.out.write("No discovery controllers.\n");
        for (const [n, { dc, entries }] of parsed.value.entries()) {
          const title = `${dc["device"] ?? ""} ${dc["transport"] ?? ""} ${dc["traddr"] ?? ""} ${
            dc["trsvcid"] ?? ""
          }`;
          const nqn = dc["subsysnqn"] === WELL_KNOWN_DISC_NQN ? "" : ` ${dc["subsysnqn"] ?? ""}`;
          job.world.out.write(
            (n === 0 ? "" : "\n") + job.style.paint("strong", harmless(title + nqn)) + "\n",
          );
          job.world.out.write(entries.length === 0 ? "No entries.\n" : entriesTable(job, entries, format));
        }
        return OK;
      }),
  );
}

export interface PageOfDc {
  readonly dc: Dict;
  readonly entries: readonly Dict[];
}

/** The answer of get_all_log_pages (requirements 50); texts only, `null` is empty. */
export function parsePages(pages: unknown): JsonResult<readonly PageOfDc[]> {
  return JsonReader.read("get_all_log_pages", jsonText(pages), (doc) =>
    doc.list((item) => ({
      dc: item.at("discovery-controller").loose(),
      entries: item.at("log-pages").list((entry) => entry.texts()),
    })));
}

const COLUMNS: readonly (readonly [key: string, column: Column])[] = [
  ["subtype", { title: "SUBTYPE", shrink: "never" }],
  ["trtype", { title: "TRANSPORT", shrink: "never" }],
  ["traddr", { title: "ADDRESS", shrink: "start" }],
  ["trsvcid", { title: "PORT", shrink: "never" }],
  ["subnqn", { title: "NQN", shrink: "start" }],
  ["treq", { title: "SECURE CHANNEL", shrink: "end" }],
  ["portid", { title: "PORT ID", shrink: "never", align: "right" }],
];
const MORE_COLUMNS: readonly (readonly [key: string, column: Column])[] = [
  ["adrfam", { title: "FAMILY", shrink: "never" }],
  ["tsas", { title: "TSAS", shrink: "end" }],
  ["cntlid", { title: "CNTLID", shrink: "never", align: "right" }],
  ["asqsz", { title: "ASQSZ", shrink: "never", align: "right" }],
  ["eflags", { title: "EFLAGS", shrink: "never", align: "right" }],
];

function entriesTable(job: Job, entries: readonly Dict[], format: "table" | "wide"): string {
  const columns = format === "wide" ? [...COLUMNS, ...MORE_COLUMNS] : COLUMNS;
  const rows = entries.map((entry) => columns.map(([key]): Cell => ({ text: entry[key] ?? "" })));
  const width = format === "wide" ? Infinity : job.world.out.columns;
  return tableText(columns.map(([, column]) => column), rows, width, job.style);
}
