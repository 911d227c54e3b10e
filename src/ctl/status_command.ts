/** `status`: the daemon's report on itself and its controllers. */
import type { Dict, TidTexts } from "../lib/dbus/client.ts";
import { isRecord } from "../lib/dbus/json_reader.ts";
import type { V1Event, V1Health, V1State } from "../lib/dbus/v1_types.ts";
import { OK } from "./command_line.ts";
import { distinct } from "../lib/dbus/v1_distinct.ts";
import { controllersTable } from "./controllers_view.ts";
import { eventGroups } from "./event_groups.ts";
import { drainText } from "./drain_command.ts";
import { callFailure } from "./failure_text.ts";
import { printJson, printValue } from "./output_format.ts";
import { problemGroups } from "./problem_groups.ts";
import { storageText, subsystemsText } from "./redundancy.ts";
import { fail, type Job, type Session, withDaemon } from "./session.ts";
import { harmless, hung, shortened, widthOf } from "./text_width.ts";
import { status2 } from "./v2.ts";
import { clock, span, withLocalTimes } from "./when.ts";

/** Exit statuses of the formats that show the health. */
export const DEGRADED = 3;
export const UNREACHABLE = 4;

/** One screen, whatever the size of the site: beyond this number the table is left out. */
const MAX_ROWS = 20;
/** The most causes that are shown. */
const MAX_GROUPS = 5;
/** Newest events. */
const MAX_EVENTS = 4;
/** Of a terminal that does not say how many it has. */
const ROWS = 24;

/** The most controllers that are queried at one time; the bus allows 128 calls. */
const AT_ONCE = 40;

export function status(job: Job, format: "table" | "wide" | "json" | "literal"): Promise<number> {
  if (format === "literal") return withDaemon(job, (session) => literalStatus(job, session));
  return withDaemon(job, (session) => healthStatus(job, session, format), UNREACHABLE);
}

const NOTHING_MORE = { ok: true, value: {} } as const;

/** CLI-15, in the original's form and with its exit status. */
async function literalStatus(job: Job, { client }: Session): Promise<number> {
  const failed = (error: Parameters<typeof callFailure>[2]): number =>
    fail(job, callFailure(job.tool.daemon, "tell its status", error));
  const info = await client.processInfo();
  if (!info.ok) return failed(info.error);
  const list = await client.listControllers(true);
  if (!list.ok) return failed(list.error);
  const controllers: unknown[] = [];
  let isWhole = false;
  for (let start = 0; start < list.value.length; start += start === 0 ? 1 : AT_ONCE) {
    // The first one alone: if the list says all that its question would, no more questions are needed.
    const group = list.value.slice(start, start === 0 ? 1 : start + AT_ONCE);
    const more = await Promise.all(group.map(async (dict) => {
      const tid = tidTexts(dict);
      const [details, pages] = await Promise.all([
        isWhole ? NOTHING_MORE : client.controllerInfo(tid),
        job.tool.daemon === "stafd" ? client.getLogPages(tid) : undefined,
      ]);
      return { dict, details, pages };
    }));
    for (const { dict, details, pages } of more) {
      if (!details.ok) return failed(details.error);
      if (start === 0) {
        isWhole = isRecord(details.value) && Object.keys(details.value).every((key) => key in dict);
      }
      if (pages !== undefined && !pages.ok) return failed(pages.error);
      controllers.push({
        ...dict,
        ...(isRecord(details.value) ? details.value : {}),
        ...(pages === undefined ? {} : { log_pages: pages.value }),
      });
    }
  }
  printValue(job.world, "literal", { ...(isRecord(info.value) ? info.value : {}), controllers });
  return OK;
}

function tidTexts(dict: Dict): TidTexts {
  const text = (key: string): string => dict[key] ?? "";
  return [
    text("transport"),
    text("traddr"),
    text("trsvcid"),
    text("subsysnqn"),
    text("host-traddr"),
    text("host-iface"),
    text("host-nqn"),
  ];
}

async function healthStatus(
  job: Job,
  { client }: Session,
  format: "table" | "wide" | "json",
): Promise<number> {
  const [state, health] = await Promise.all([client.state(), client.health()]);
  const error = !state.ok ? state.error : !health.ok ? health.error : undefined;
  if (!state.ok || !health.ok) {
    if (error !== undefined) fail(job, callFailure(job.tool.daemon, "tell its status", error));
    return UNREACHABLE;
  }
  if (format === "json") {
    const { status: verdict, counts, problems } = health.value;
    printJson(job, "json", { ...state.value, health: { status: verdict, counts, problems } }, {
      whole: () => status2(state.value, health.value),
    });
  } else job.world.out.write(statusText(job, state.value, health.value, format === "wide"));
  return health.value.status === "good" ? OK : DEGRADED;
}

function statusText({ world, style, tool }: Job, state: V1State, health: V1Health, wide: boolean): string {
  const { at, config } = state;
  const verdict = style.paint(health.status === "good" ? "good" : "bad", health.status);
  const lines: [label: string, text: string][] = [
    ["host NQN", state.host.nqn],
    ["host ID", state.host.id],
  ];
  if (state.host.symname !== "") lines.push(["symbolic name", state.host.symname]);
  const refused = config.valid ? "" : "; the last reload was refused, the previous configuration is in force";
  const findings = config.findings.length === 0
    ? ""
    : `; ${config.findings.length} ${config.findings.length === 1 ? "finding" : "findings"}`;
  lines.push(["configuration", `${config.file}, loaded ${clock(config.loadedAt, at)}${findings}${refused}`]);
  if (state.avahi !== null) {
    const { available, services } = state.avahi;
    lines.push([
      "Avahi",
      available ? `available, ${services} ${services === 1 ? "service" : "services"}` : "not available",
    ]);
  }
  if (state.stafd !== null) {
    const { present, reportedAt } = state.stafd;
    const reported = reportedAt === null ? "no report yet" : `last report ${clock(reportedAt, at)}`;
    lines.push(["stafd", `${present ? "running" : "not running"}, ${reported}`]);
  }
  const { wanted, connected, failing, waiting } = health.counts;
  lines.push([
    "controllers",
    `${wanted} wanted: ${connected} connected, ${failing} failing, ${waiting} waiting`,
  ]);
  if (state.daemon === "stacd") {
    lines.push(["subsystems", subsystemsText(state.controllers)]);
    const { subsystems = [], nativeMultipath = "unknown" } = state;
    if (subsystems.length > 0) lines.push(["I/O", storageText(subsystems, nativeMultipath)]);
  }
  for (const one of state.drains ?? []) lines.push(["drained", drainText(one, at)]);
  const head = `${style.paint("strong", state.daemon)} ${state.version}: ${verdict}, running for ${
    span(at - state.started)
  }\n`;
  const facts = lines.map(([label, text]) =>
    `  ${style.paint("faint", label.padEnd(14))} ${harmless(text)}\n`
  );
  const { columns } = world.out;
  const groups = problemGroups(health.problems, distinct(state.controllers), at);
  const all = distinct(state.controllers);
  const hasTable = wide || all.length <= MAX_ROWS;
  const table = hasTable
    ? `\n${controllersTable(state.daemon, state.controllers, at, wide, columns, style)}`
    : `  all ${all.length}${
      " ".repeat(11 - String(all.length).length)
    }${tool.name} ls; problems first: ${tool.name} ls --sort state\n`;
  const found = config.findings.filter(({ severity }) => severity !== "notice").map((finding) =>
    problemText(`${finding.file}:${finding.line}:${finding.column}: ${finding.message}`, null)
  );
  const recent = newest(state.events ?? [], at);
  const rows = world.out.size?.().rows ?? ROWS;
  const room = world.out.isTerminal && !hasTable
    ? rows - 1 - rowsOf([head, ...facts, ...found, ...recent, table].join(""), columns)
    : Infinity;
  return [head, ...facts, ...causes(room), ...found, ...recent, table].join("");

  /** As many as have room, the first one always; a remedy that stands above is not repeated. */
  function causes(lines: number): readonly string[] {
    const texts = groups.slice(0, wide ? Infinity : MAX_GROUPS).map(({ text, remedy, isAdvice }, n) =>
      problemText(text, groups.slice(0, n).some((one) => one.remedy === remedy) ? null : remedy, isAdvice)
    );
    let left = lines;
    const shown = texts.filter((text, n) => {
      left -= rowsOf(text, columns);
      return n === 0 || left >= (n + 1 < groups.length ? 1 : 0);
    });
    const more = groups.length - shown.length;
    return more === 0 ? shown : [...shown, `  ${more} more: ${tool.name} doctor\n`];
  }

  function newest(events: readonly V1Event[], now: number): readonly string[] {
    const groups = eventGroups(events).slice(0, wide ? Infinity : MAX_EVENTS);
    if (groups.length === 0) return [];
    const room = world.out.isTerminal ? columns : Infinity;
    return [
      `  ${style.paint("faint", "newest events")}\n`,
      ...groups.map(({ at, type, who, message }) => {
        const words = harmless([who, message].filter((text) => text !== "").join(": "));
        const line = `    ${clock(at, now)} ${type.padEnd(13)} `;
        return `${line}${shortened(words, room - line.length, style.mark, "end")}\n`;
      }),
    ];
  }

  function problemText(text: string, remedy: string | null, isAdvice = false): string {
    const width = world.out.isTerminal ? columns : Infinity;
    const advice = remedy === null ? "" : hung(
      { lead: `    ${style.paint("faint", "remedy:")} `, width: 12, indent: 12 },
      harmless(remedy),
      width,
    );
    const [word, tone] = isAdvice ? ["advice:", "busy"] as const : ["!", "bad"] as const;
    const lead = { lead: `  ${style.paint(tone, word)} `, width: 3 + word.length, indent: 4 };
    return hung(lead, harmless(withLocalTimes(text, at)), width) + advice;
  }
}

const rowsOf = (text: string, columns: number): number =>
  text.split("\n").slice(0, -1).reduce(
    (sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)),
    0,
  );
