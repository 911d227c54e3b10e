/** stacd.conf: every option with its default and its origin. */
import { INT_MAX } from "../nvme/option_table.ts";
import { type Duration, hours, seconds } from "../base/time.ts";
import type { Transport } from "../nvme/tid.ts";
import { COMMON_DEFAULTS, type DaemonConf, parseDaemonConf, type ParsedConf } from "./daemon_conf.ts";
import { IOC_MANAGEMENT } from "./known_options.ts";
import { keepsAll } from "./next_names.ts";
import { badValue, type OptionReader, valueAt } from "./option_reader.ts";
import { defaulted, type Value } from "./origin.ts";
import type { ReadFile } from "./sys_conf.ts";
import { shown } from "./redact.ts";
import { integerBetween, listText, oneOf, type Parsed, parseSpan } from "./scalar.ts";
import { didYouMean } from "./suggestion.ts";
import { youngPageSoak } from "./young_page_soak.ts";

/** Which connections may be disconnected at all (CFG-40). */
export type DisconnectScope =
  | "only-stas-connections"
  | "all-connections-matching-disconnect-trtypes"
  | "no-disconnect";

export type DisconnectInUse = "never" | "always";

export const IN_USE_WINDOW: Duration = seconds(60);
const MAX_IN_USE_WINDOW: Duration = hours(1);

/** Transports that disconnect-trtypes can name (CFG-41). */
export type DisconnectTrtype = Exclude<Transport, "loop">;

export interface StacdConf extends DaemonConf, StacdOnly {}

interface StacdOnly {
  readonly disconnectScope: Value<DisconnectScope>;
  readonly disconnectTrtypes: Value<ReadonlySet<DisconnectTrtype>>;
  /** How often to try a controller with the NCC flag; 0 means for ever, 1 does not occur (CFG-42). */
  readonly connectAttemptsOnNcc: Value<number>;
  /** Whether connections of namespaces in use are removed like any others (DEC-14). */
  readonly disconnectInUse: Value<DisconnectInUse>;
  /** How long no program may write to a namespace before it counts as unused; 0 looks at no traffic. */
  readonly inUseWindow: Value<Duration>;
  /** How long a young log page withdraws no connection; 0: no longer than any other page. */
  readonly youngPageSoak: Value<Duration>;
}

const SCOPES = new Map<string, DisconnectScope>([
  ["only-stas-connections", "only-stas-connections"],
  ["all-connections-matching-disconnect-trtypes", "all-connections-matching-disconnect-trtypes"],
  ["no-disconnect", "no-disconnect"],
]);
const IN_USE = new Map<string, DisconnectInUse>([["never", "never"], ["always", "always"]]);
const TRTYPES = new Map<string, DisconnectTrtype>([["tcp", "tcp"], ["rdma", "rdma"], ["fc", "fc"]]);

/** `text` is undefined when there is no file; `file` is for origins and findings only. */
export function parseStacdConf(
  text: string | undefined,
  file: string,
  readFile?: ReadFile,
): ParsedConf<StacdConf> {
  return parseDaemonConf(
    text,
    file,
    "stacd",
    COMMON_DEFAULTS,
    (reader): StacdOnly => ({
      disconnectScope: disconnectScope(reader),
      disconnectTrtypes: disconnectTrtypes(reader),
      connectAttemptsOnNcc: connectAttemptsOnNcc(reader),
      disconnectInUse: reader.value(IOC_MANAGEMENT, "disconnect-in-use", oneOf(IN_USE), "never", "never"),
      inUseWindow: reader.value(
        IOC_MANAGEMENT,
        "in-use-window",
        trafficWindow,
        IN_USE_WINDOW,
        "60 (seconds)",
      ),
      youngPageSoak: youngPageSoak(reader, IOC_MANAGEMENT),
    }),
    readFile,
  );
}

/** `honor-fabric-zoning = no`, of nvme-stas 3, disconnects nothing here either. */
function disconnectScope(reader: OptionReader): Value<DisconnectScope> {
  const written = reader.value(
    IOC_MANAGEMENT,
    "disconnect-scope",
    oneOf(SCOPES),
    "only-stas-connections",
    "only-stas-connections",
  );
  const keeps = keepsAll(reader.ini);
  return keeps === undefined ? written : { value: "no-disconnect", origin: reader.origin(keeps) };
}

/** A finite time span. */
function trafficWindow(text: string): Parsed<Duration> {
  const parsed = parseSpan(text);
  return parsed.ok && Number.isFinite(parsed.value.ms) && parsed.value.ms <= MAX_IN_USE_WINDOW.ms
    ? parsed
    : { ok: false, expected: 'a time span of at most one hour, such as "60" (seconds) or "2 minutes"' };
}

/** CFG-19a: bad items are left out. */
function disconnectTrtypes(reader: OptionReader): StacdConf["disconnectTrtypes"] {
  const fallback: ReadonlySet<DisconnectTrtype> = new Set(["tcp"]);
  const entry = reader.last(IOC_MANAGEMENT, "disconnect-trtypes");
  if (entry === undefined) return defaulted(fallback);
  reader.noteRepetition(entry);
  const words = [...TRTYPES.keys()];
  const expected = `a list of ${listText(words)}, joined by '+'`;
  const items = entry.value?.split("+") ?? [];
  const good = new Set<DisconnectTrtype>();
  const bad: string[] = [];
  for (const item of items) {
    const trtype = TRTYPES.get(item);
    if (trtype === undefined) bad.push(item);
    else good.add(trtype);
  }
  if (good.size === 0) {
    reader.findings.add(
      "bad-value",
      valueAt(entry),
      `${badValue(entry, expected)}; the default, tcp, is used`,
    );
    return defaulted(fallback);
  }
  for (const item of bad) {
    const what = `[${IOC_MANAGEMENT}] ${entry.option}: ${shown(item)} is not ${listText(words)}`;
    reader.findings.add("bad-value", valueAt(entry), `${what}${didYouMean(item, words)}; it is left out`);
  }
  return { value: good, origin: reader.origin(entry) };
}

/** 1 counts as 2; negative is invalid (CFG-42). */
function connectAttemptsOnNcc(reader: OptionReader): Value<number> {
  const attempts = reader.value(
    IOC_MANAGEMENT,
    "connect-attempts-on-ncc",
    integerBetween(0, INT_MAX),
    0,
    "0 (never give up)",
  );
  return attempts.value === 1 ? { ...attempts, value: 2 } : attempts;
}
