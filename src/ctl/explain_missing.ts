/**
 * "Why is this volume missing?" for a volume unknown to stacd: pages, lines, excludes, and what to map to
 * which host.
 */
import { excludedBy } from "../lib/config/exclude.ts";
import { originText } from "../lib/config/origin.ts";
import { parseStacdConf } from "../lib/config/stacd_conf.ts";
import { DaemonClient } from "../lib/dbus/client.ts";
import { STAF } from "../lib/dbus/interfaces.ts";
import { distinct } from "../lib/dbus/v1_distinct.ts";
import type { V1Controller } from "../lib/dbus/v1_types.ts";
import type { Tid } from "../lib/nvme/tid.ts";
import { readFileText } from "./host_identity.ts";
import { parsePages } from "./log_pages_command.ts";
import type { Job, Session } from "./session.ts";
import { harmless, hung } from "./text_width.ts";
import type { World } from "./world.ts";
import { clock, span, until } from "./when.ts";

/** The most lines that are shown. */
const MAX_SHOWN = 5;

/** The longest time between two of stafd's checks of a page's generation. */
const NEXT_LOOK_MS = 6 * 60_000;

/**
 * The lines of stacd.conf, none of which names the volume, and its excludes. To be called while files may
 * still be read.
 */
export function writtenFor({ confDir }: World, names: readonly string[]): readonly string[] {
  const file = `${confDir}/stacd.conf`;
  const text = readFileText(file);
  if (!text.ok && text.why === "unreadable") return [text.message];
  const parsed = parseStacdConf(text.ok ? text.text : undefined, file, readFileText);
  if (!parsed.ok) return [`${file} is malformed: stacctl check`];
  const { controllers, excludes } = parsed.conf;
  const counted = (count: number, what: string): string => `${count} ${count === 1 ? what : `${what}s`}`;
  const lines = controllers.length === 0
    ? `${file} has no controller= line`
    : `${file} has ${counted(controllers.length, "controller= line")}, and none is for it: ${
      controllers.slice(0, MAX_SHOWN).map(({ text, origin }) => `${originText(origin)}: ${text}`).join("; ")
    }${controllers.length > MAX_SHOWN ? "; and others" : ""}`;
  const barred = excludes.filter((exclude) =>
    names.some((name) => guesses(name).some((tid) => excludedBy(tid, [exclude]) !== undefined))
  );
  const excluding = excludes.length === 0
    ? `${file} has no exclude= line`
    : barred.length > 0
    ? `excluded by ${
      barred.map(({ text, origin }) => `${originText(origin)}: exclude = ${text}`).join("; ")
    }: it would not be connected if it were listed`
    : `${file} has ${counted(excludes.length, "exclude= line")}: ${
      excludes.slice(0, MAX_SHOWN).map(({ text, origin }) => `${originText(origin)}: ${text}`).join("; ")
    }${excludes.length > MAX_SHOWN ? "; and others" : ""}`;
  return [lines, excluding];
}

/** The possible meaning of a name: an NQN, or an address. */
function guesses(name: string): readonly Tid[] {
  const nothing = {
    transport: "tcp",
    traddr: "",
    trsvcid: "",
    subsysnqn: "",
    hostTraddr: "",
    hostIface: "",
    hostNqn: "",
  } as const;
  return [{ ...nothing, subsysnqn: name }, { ...nothing, traddr: name }];
}

/** A volume that no log page lists: the existing pages, their age, and the host NQN for the array. */
export async function whyMissing(
  job: Job,
  { bus }: Session,
  names: readonly string[],
  written: readonly string[],
): Promise<string> {
  const client = new DaemonClient(bus, STAF);
  const stafd = await client.state();
  if (!stafd.ok) {
    return told(job, [
      "stafd is not running, so the log pages are unknown; systemctl start stafd",
      ...written,
    ]);
  }
  const { controllers, host, at } = stafd.value;
  const pages = distinct(controllers).flatMap((one) => pageTexts(one, at));
  const none = pages.length === 0
    ? ["stafd has no discovery controller: add a controller= line to stafd.conf"]
    : pages;
  const listed = await listedBy(client, names);
  const advice = listed.length > 0
    ? "it is listed, but stacd does not know that yet: stacctl status shows the time of stafd's last report"
    : `to have it listed, map it on the array to this host: ${host.nqn}; or add a controller= line to stacd.conf`;
  return told(job, [...none, ...listed, ...written, advice]);
}

/** What stands deeper follows from the line above. */
function told({ world: { err } }: Job, lines: readonly string[]): string {
  const columns = err.isTerminal ? err.columns : Infinity;
  return lines.map((line) => {
    const depth = /^ */.exec(line)?.[0].length ?? 0;
    const lead = { lead: " ".repeat(2 + depth), width: 2 + depth, indent: 4 + depth };
    return hung(lead, harmless(line.slice(depth)), columns);
  }).join("");
}

function pageTexts({ text, logPage, phase, detail, nextTry }: V1Controller, now: number): readonly string[] {
  const name = `log page of ${text}`;
  if (logPage === null) {
    const next = nextTry === null ? [] : [`  next attempt ${until(nextTry, now)}, at ${clock(nextTry, now)}`];
    return [`${name}: never read; it is ${phase}: ${detail}`, ...next];
  }
  const { readAt, genctr, entries } = logPage;
  const next = phase === "connected"
    ? `read again when the array reports a change; checked by ${clock(now + NEXT_LOOK_MS, now)} in any case`
    : `it is ${phase} now: the page will be read again when it is back`;
  return [
    `${name}: read ${clock(readAt, now)} (${span(now - readAt)} ago), generation ${genctr}, ${entries} ${
      entries === 1 ? "entry" : "entries"
    }`,
    `  ${next}`,
  ];
}

/** Pages that do list the volume. */
async function listedBy(client: DaemonClient, names: readonly string[]): Promise<readonly string[]> {
  const answer = await client.getAllLogPages(false);
  const pages = answer.ok ? parsePages(answer.value) : undefined;
  if (pages?.ok !== true) return [];
  return pages.value.flatMap(({ dc, entries }) => {
    const found = entries.filter((entry) =>
      names.some((name) => entry["subnqn"] === name || entry["traddr"] === name)
    );
    return found.length === 0
      ? []
      : [`${found.length} of the entries of ${dc["traddr"] ?? ""}:${dc["trsvcid"] ?? ""} are for it`];
  });
}
