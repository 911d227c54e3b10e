/** nvme-cli's exclusions: `/etc/nvme/exclusions.conf` and `exclusions.conf.d/*.conf` (libnvme 3). */
import { quoted } from "../base/plain_text.ts";
import { canonicalAddress, impliedIface, type Tid } from "./tid.ts";

const KEYS = [
  "transport",
  "traddr",
  "trsvcid",
  "nqn",
  "host-traddr",
  "host-iface",
  "hostnqn",
  "hostid",
] as const;
type Key = (typeof KEYS)[number];

export interface Exclusion {
  /** All of them must match. There is at least one. */
  readonly fields: ReadonlyMap<Key, string>;
  /** `file:line`, for explanations. */
  readonly origin: string;
}

export interface ExclusionProblem {
  readonly line: number;
  readonly column: number;
  /** `file:line:column: what, and what follows from it`. */
  readonly message: string;
}

export interface Exclusions {
  readonly entries: readonly Exclusion[];
  readonly problems: readonly ExclusionProblem[];
}

const isKey = (text: string): text is Key => KEYS.some((key) => key === text);

/** `key=value;key=value`; a text says why there is no entry. */
function parseEntry(text: string): ReadonlyMap<Key, string> | string {
  const fields = new Map<Key, string>();
  for (const token of text.split(";").map((part) => part.trim())) {
    if (token === "") continue;
    const equals = token.indexOf("=");
    const key = token.slice(0, Math.max(equals, 0)).trim();
    const value = token.slice(equals + 1).trim();
    if (!isKey(key)) return `${quoted(token)} has none of the keys ${KEYS.join(", ")}`;
    if (value === "") return `${key} has no value`;
    fields.set(key, value);
  }
  return fields.size === 0 ? "no key=value" : fields;
}

/** The entries of one file. A malformed entry excludes nothing and is reported. */
export function parseExclusions(text: string, file: string): Exclusions {
  const entries: Exclusion[] = [];
  const problems: ExclusionProblem[] = [];
  let section = "";
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    const place = { line: index + 1, column: raw.length - raw.trimStart().length + 1 };
    const problem = (what: string) =>
      problems.push({
        ...place,
        message: `${file}:${place.line}:${place.column}: ${what}: the line excludes nothing`,
      });
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const header = /^\[(.*)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      section = header.trim().toLowerCase();
      continue;
    }
    if (section !== "exclusions") continue;
    const option = /^exclusion\s*=(.*)$/.exec(line)?.[1];
    const fields = option === undefined
      ? `${quoted(line)} is not exclusion = key=value;...`
      : parseEntry(option);
    if (typeof fields === "string") problem(fields);
    else entries.push({ fields, origin: `${file}:${place.line}` });
  }
  return { entries, problems };
}

function fieldOf(tid: Tid, hostId: string, key: Key): string {
  switch (key) {
    case "transport":
      return tid.transport;
    case "traddr":
      return tid.traddr;
    case "trsvcid":
      return tid.trsvcid;
    case "nqn":
      return tid.subsysnqn;
    case "host-traddr":
      return tid.hostTraddr;
    case "host-iface":
      return impliedIface(tid);
    case "hostnqn":
      return tid.hostNqn;
    case "hostid":
      return hostId;
  }
}

/** The first entry all of whose fields agree with the transport id; addresses in canonical form, UUIDs without case. */
export function exclusionOf(
  tid: Tid,
  hostId: string,
  exclusions: readonly Exclusion[],
): Exclusion | undefined {
  const canonical = (key: Key, text: string) =>
    key === "traddr" || key === "host-traddr"
      ? canonicalAddress(tid.transport, text)
      : key === "hostid"
      ? text.toLowerCase()
      : text;
  return exclusions.find(({ fields }) =>
    [...fields].every(([key, value]) => canonical(key, value) === canonical(key, fieldOf(tid, hostId, key)))
  );
}
