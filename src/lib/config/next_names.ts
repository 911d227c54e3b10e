/**
 * Names of nvme-stas 3 and nvme-cli 3 in files of this version. Each gets advice; a name has the safe meaning
 * where ignoring it would disconnect something that the file's author wants to keep.
 */
import { type Duration, forever } from "../base/time.ts";
import type { FindingKind } from "./finding_kind.ts";
import type { Ini, IniEntry } from "./ini.ts";
import { parseTimeSpan } from "./time_span.ts";

export interface NextName {
  readonly kind: FindingKind;
  /** The effect of the name, and the name to use. */
  readonly advice: string;
}

const renamed = (ours: string): NextName => ({ kind: "misplaced", advice: `it is ignored; write ${ours}` });
const none = (why: string): NextName => ({ kind: "misplaced", advice: `it is ignored: ${why}` });

const NAMES: ReadonlyMap<string, NextName> = new Map([
  ["keep-alive-tmo", renamed("kato")],
  ["hostnqn", renamed("host-nqn in a controller entry, or nqn in sys.conf")],
  ["hostid", renamed("host-id in a controller entry, or id in sys.conf")],
  ["hostsymname", renamed("symname in sys.conf")],
  ["persistent", renamed("persistent-connections")],
  ["trtype", renamed("transport in a controller entry")],
  [
    "epcsd-poll-interval-minutes",
    none("log pages are read again when the controller reports a change"),
  ],
  ["tos", none("this version does not pass it")],
  ["fast-io-fail-tmo", none("this version does not pass it")],
  ["exclusion", renamed("exclude in section [Controllers]")],
  ["honor-fabric-zoning", {
    kind: "old-name",
    advice:
      "no is taken as disconnect-scope = no-disconnect; write that in [I/O controller connection management] of stacd.conf",
  }],
  ["dc-giveup-timeout", {
    kind: "old-name",
    advice: "it is taken as zeroconf-connections-persistence; write that in " +
      "[Discovery controller connection management] of stafd.conf",
  }],
]);

export const nextName = (option: string): NextName | undefined => NAMES.get(option);

/** Keys of a `controller=` entry that have another name in nvme-cli. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ["trtype", "transport"],
  ["subnqn", "nqn"],
  ["hostnqn", "host-nqn"],
  ["hostid", "host-id"],
  ["keep-alive-tmo", "kato"],
  ["keep_alive_tmo", "kato"],
  ["port", "trsvcid"],
  ["address", "traddr"],
]);

/** The name of the key here. */
export const ourKey = (key: string): string | undefined => KEYS.get(key.replace(/^-+/, ""));

const last = (ini: Ini, option: string): IniEntry | undefined =>
  ini.entries.findLast((entry) => entry.option === option && !entry.continuation);

/** Only a clear yes lets stacd disconnect. */
export function keepsAll(ini: Ini): IniEntry | undefined {
  const entry = last(ini, "honor-fabric-zoning");
  return entry === undefined || /^(?:yes|true|on|1|enabled)$/i.test(entry.value ?? "") ? undefined : entry;
}

/** Its grammar is systemd's, where `M` is a month: a value that may differ here keeps everything. */
export function giveUpAfter(ini: Ini): { readonly entry: IniEntry; readonly span: Duration } | undefined {
  const entry = last(ini, "dc-giveup-timeout");
  if (entry === undefined) return undefined;
  const value = entry.value ?? "";
  const isPlain = /^\d+\s*(?:s|sec|m|min|h|hr|d|day|days|hours?|minutes?|seconds?)?$/.test(value);
  return { entry, span: (isPlain ? parseTimeSpan(value) : undefined) ?? forever };
}
