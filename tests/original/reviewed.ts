/**
 * Where our parser reads something else than the original's, on purpose: each entry with the rule that says so. What none of
 * them explains is a difference that nobody has decided, and fails the test.
 */
import { isOddIpv4 } from "../../src/lib/config/line_check.ts";
import type { Plain } from "./meaning.ts";

export interface Difference {
  readonly daemon: "stafd" | "stacd";
  /** `file`: rejected or not; `value`: of an option; `controller`: of one entry; `exclude`: of one of the pool. */
  readonly of: "file" | "value" | "written" | "controller" | "exclude";
  /** Option, or key of the entry. */
  readonly name: string;
  /** The file, or the entry. */
  readonly text: string;
  readonly ours: Plain;
  readonly theirs: Plain;
}

export interface Reviewed {
  /** In docs/requirements.md, where it has a row. */
  readonly rule: string;
  readonly why: string;
  readonly explains: (difference: Difference) => boolean;
}

const raises = (theirs: Plain): boolean =>
  typeof theirs === "object" && theirs !== null && "raises" in theirs;
const pieces = (entry: string): readonly (readonly [key: string, value: string])[] =>
  entry.replace(/(?:^|\s)#.*$/, "").split(";").map((piece) => piece.trim()).filter((piece) => piece !== "")
    .map((piece) => {
      const equals = piece.indexOf("=");
      return equals < 0 ? [piece, ""] : [piece.slice(0, equals).trim(), piece.slice(equals + 1).trim()];
    });
const valueOf = (entry: string, key: string): string =>
  pieces(entry).findLast(([name]) => name === key)?.[1] ?? "";
const has = (entry: string, key: string): boolean => pieces(entry).some(([name]) => name === key);

const hasComment = (entry: string): boolean => /(?:^|\s)#/.test(entry);
const isList = (value: Plain): value is readonly Plain[] => Array.isArray(value);
/** Excludes less than theirs. */
const fewer = (ours: Plain, theirs: Plain): boolean =>
  isList(ours) && isList(theirs) && ours.every((one, n) => one !== true || theirs[n] === true);
const none = (value: Plain): boolean => isList(value) && value.every((one) => one === false);

const COUNTS: ReadonlySet<string> = new Set([
  "kato",
  "queue-size",
  "ctrl-loss-tmo",
  "reconnect-delay",
  "nr-io-queues",
  "nr-write-queues",
  "nr-poll-queues",
]);
const SWITCHES: ReadonlySet<string> = new Set(["hdr-digest", "data-digest", "disable-sqflow"]);

const isInteger = (text: string): boolean => /^\s*[+-]?\d+(?:_\d+)*\s*$/.test(text);
const isBoolean = (text: string): boolean => /^(?:true|false)$/i.test(text);

/** Is the value that an entry gives to this option none that both read alike? */
function isBad(entry: string, name: string): boolean {
  const value = valueOf(entry, name);
  if (SWITCHES.has(name)) return !isBoolean(value);
  if (!COUNTS.has(name)) return false;
  return !isInteger(value) || (name === "queue-size" && !(Number(value) >= 16 && Number(value) <= 1024));
}

/** A line that is neither a section, a comment nor an assignment. */
const hasBareLine = (text: string): boolean =>
  text.split(/\r?\n/).map((line) => line.trim()).some((line) =>
    /^[^=#;][^=]*$/.test(line) && !/^\[.+\]/.test(line)
  );
/** Does the file have the name on a line without "="? */
const isBare = (text: string, option: string): boolean =>
  text.split(/\r?\n/).some((line) => line.trim().toLowerCase() === option);
const hasForeignDigits = (text: string, option: string): boolean =>
  text.split(/\r?\n/).some((line) => line.trim().toLowerCase().startsWith(option) && /[^\t -~]/.test(line));

/** The last value of an option in a file, whatever its section. */
const lastOf = (text: string, option: string): string =>
  text.split(/\r?\n/).flatMap((line) => {
    const [, name = "", value = ""] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return name.toLowerCase() === option ? [value] : [];
  }).at(-1) ?? "";

export const REVIEWED: readonly Reviewed[] = [
  {
    rule: "CFG-11",
    why: "a bare name of an option ends the original; here it has no value, and the default is used",
    explains: ({ of, name, text, ours, theirs }) =>
      of === "file"
        // Python 3.13 and newer name the error that a continuation of a bare name is; before, it was a slip.
        ? ["AttributeError", "MultilineContinuationError"].includes(name) && ours === false &&
          hasBareLine(text)
        : raises(theirs) && ENTRIES.concat(name).some((one) => isBare(text, one)),
  },
  {
    rule: "CFG-11, beside other lines",
    why: "a bare name takes back what other lines with the same name say in the original, and nothing here",
    explains: ({ of, name, text }) => (of === "value" || of === "written") && isBare(text, name),
  },
  {
    rule: "CFG-46",
    why: "an exclude entry that names nothing excludes everything in the original, and nothing here",
    explains: ({ of, name, text, ours, theirs }) =>
      of === "exclude" && (name === "empty" ||
        (none(ours) && isList(theirs) && theirs.every((one) => one === true) &&
          KEYS.every((key) => !has(text, key)))),
  },
  {
    rule: "CFG-4",
    why: "what follows a space and # in an entry is a comment",
    explains: ({ of, text }) => (of === "controller" || of === "exclude") && hasComment(text),
  },
  {
    rule: "CFG-53",
    why: "key and value are separated by the first =; a value may have more of them",
    explains: ({ of, name, text }) =>
      of === "controller" && pieces(text).some(([key, value]) => key === name && value.includes("=")),
  },
  {
    rule: "CFG-56",
    why: "an override that cannot be read is dropped, and the value of [Global] counts",
    explains: ({ of, name, text, ours, theirs }) =>
      of === "controller" && ours === null && isBad(text, name) &&
      (typeof theirs === "string" || theirs === 30 || theirs === false ||
        /[^\t -~]/.test(valueOf(text, name))),
  },
  {
    rule: "CFG-22",
    why: "digits are 0 to 9; Python reads those of every script",
    explains: ({ of, name, text, theirs }) =>
      of === "value" && COUNTS_AND_NCC.has(name) && typeof theirs === "number" &&
      hasForeignDigits(text, name),
  },
  {
    rule: "CFG-42",
    why: "a negative number of attempts is none; the default, 0, counts",
    explains: ({ of, name, ours, theirs }) =>
      of === "value" && name === "connect-attempts-on-ncc" && ours === 0 && typeof theirs === "number" &&
      theirs < 0,
  },
  {
    rule: "CFG-51",
    why: "what is no time span is the default of 72 hours; the original goes on without a value",
    explains: ({ of, name, ours, theirs }) =>
      of === "value" && name === "zeroconf-connections-persistence" && ours === 259_200 &&
      (theirs === null || theirs === "nan"),
  },
  {
    rule: "CFG-38",
    why: "the place of older versions counts only when the option is nowhere else",
    explains: ({ of, name, text }) =>
      of === "value" && name === "persistent-connections" &&
      ((text.match(/^\s*persistent-connections\b/gim) ?? []).length > 1 || !isBoolean(lastOf(text, name))),
  },
  {
    rule: "TID-15",
    why: "resolvers take such a text for another address than it seems to be; the entry is refused",
    explains: ({ of, name, text, ours }) =>
      of === "controller" && name === "whole" && ours === null && isOddIpv4(valueOf(text, "traddr")),
  },
  {
    rule: "host-iface=none",
    why: "what nvme-cli writes for 'not given' is not given",
    explains: ({ of, name, ours, theirs }) =>
      of === "controller" && (name === "host-iface" || name === "host-traddr") && ours === "" &&
      theirs === "none",
  },
  {
    rule: "K3, S15",
    why: "an entry that asks for security in a way that cannot be read is not connected",
    explains: ({ of, text, ours }) => of === "controller" && ours === "unusable" && /tls|secret/.test(text),
  },
  {
    rule: "CFG-58",
    why: "fc and loop work; the original drops them, for they have no port",
    explains: ({ of, name, text, theirs }) =>
      of === "controller" && name === "whole" && theirs === null &&
      /^(?:fc|loop)$/.test(valueOf(text, "transport")),
  },
  {
    rule: "TID-16",
    why: "an IPv4-mapped address is IPv4 for ip-family",
    explains: ({ of, name, text }) =>
      of === "controller" && name === "whole" && valueOf(text, "traddr").startsWith("::ffff:"),
  },
  {
    rule: "DEC-20",
    why: "networks in traddr and * in nqn",
    explains: ({ of, text, ours, theirs }) =>
      of === "exclude" && fewer(theirs, ours) &&
      (valueOf(text, "nqn").includes("*") || valueOf(text, "traddr").includes("/")),
  },
  {
    rule: "CFG-49",
    why: "addresses are compared as addresses: FE80::1 is fe80::1",
    explains: ({ of, text, ours, theirs }) =>
      of === "exclude" && fewer(theirs, ours) && /^[0-9A-F:.]+$/i.test(valueOf(text, "traddr")) &&
      valueOf(text, "traddr").includes(":"),
  },
  {
    rule: "S1",
    why:
      "what is left of an exclude entry after a malformed token would exclude far more than was meant; it is ignored",
    explains: ({ of, text, ours }) =>
      of === "exclude" && none(ours) && !has(text, "traddr") && !has(text, "nqn") &&
      !has(text, "subsysnqn") &&
      pieces(text).some(([key, value]) => value === "" || value.includes("=") || key === ""),
  },
];

/** What a controller is made with. */
const ENTRIES: readonly string[] = ["controller", "exclude", "blacklist", "ignore-iface", "ip-family"];
const KEYS: readonly string[] = [
  "transport",
  "traddr",
  "trsvcid",
  "subsysnqn",
  "nqn",
  "host-iface",
  "host-nqn",
];
const COUNTS_AND_NCC: ReadonlySet<string> = new Set([...COUNTS, "connect-attempts-on-ncc"]);
