/** stafd.conf and stacd.conf as requirements 10 have them: only what the rules judge by. */
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { familyOf } from "./address.ts";
import { type Exclude, excludeOf, excludes } from "./excluding.ts";
import { completed, isTransport, WELL_KNOWN } from "./identity.ts";
import { pairsOf, type Value, valuesOf } from "./ini.ts";

export type Daemon = "stafd" | "stacd";

/** One controller line. */
export interface Line {
  readonly line: number;
  /** What it asks for: its address may be a host name. */
  readonly tid: Tid;
  /** What it says of the connection itself, as written. */
  readonly options: ReadonlyMap<string, string>;
  readonly hostSecret: string | undefined;
  readonly ctrlSecret: string | undefined;
}

export interface Conf {
  readonly lines: readonly Line[];
  /** A controller entry that is not understood could mean any controller. */
  readonly hasDoubtful: boolean;
  readonly excludes: readonly Exclude[];
  readonly families: ReadonlySet<4 | 6>;
  readonly ignoreIface: boolean;
  /** Connect options of `[Global]`, those that can be read. */
  readonly global: ReadonlyMap<string, string>;
  readonly zeroconf: boolean;
  readonly persistent: boolean;
  readonly scope: string;
  readonly trtypes: ReadonlySet<string>;
  /** 0: for ever. */
  readonly nccAttempts: number;
  /** DEC-14: use holds nothing. */
  readonly inUseGoes: boolean;
  /** `young-page-soak` of this daemon. */
  readonly youngMs: number;
}

const DC = "Discovery controller connection management";
const IOC = "I/O controller connection management";
export const AUDIT = "all-connections-matching-disconnect-trtypes";
const SCOPES = ["only-stas-connections", AUDIT, "no-disconnect"];
const FAMILIES: ReadonlyMap<string, readonly (4 | 6)[]> = new Map([
  ["ipv4", [4]],
  ["ipv6", [6]],
  ["ipv4+ipv6", [4, 6]],
  ["ipv6+ipv4", [4, 6]],
]);
const BOOLEANS = ["hdr-digest", "data-digest", "disable-sqflow"];
const NUMBERS = [
  "kato",
  "queue-size",
  "reconnect-delay",
  "ctrl-loss-tmo",
  "nr-io-queues",
  "nr-write-queues",
  "nr-poll-queues",
];
const SWITCHES = ["tls", "concat"];
const REFERENCES = ["keyring", "tls-key"];
const SECURITY = [...SWITCHES, ...REFERENCES];
export const OPTIONS: readonly string[] = [...BOOLEANS, ...NUMBERS, ...SECURITY];

/** CFG-22. */
export const numberOf = (text: string): number | undefined =>
  /^[+-]?\d+(_\d+)*$/.test(text.trim()) ? Number(text.trim().replaceAll("_", "")) : undefined;

const isTruth = (text: string): boolean => ["true", "false"].includes(text.toLowerCase());

/** Can the value of a connect option be used? */
function isUsable(option: string, text: string): boolean {
  if (BOOLEANS.includes(option) || SWITCHES.includes(option)) return isTruth(text);
  if (REFERENCES.includes(option)) return !/NVMeTLSkey|DHHC/i.test(text);
  const number = numberOf(text);
  if (number === undefined || Math.abs(number) > 2 ** 31) return false;
  return option !== "queue-size" || number >= 16 && number <= 1024;
}

class Values {
  readonly #values: readonly Value[];

  constructor(values: readonly Value[]) {
    this.#values = values;
  }

  all(section: string, ...options: readonly string[]): readonly Value[] {
    return this.#values.filter((one) => one.section === section && options.includes(one.option));
  }

  /** CFG-8, CFG-9: the last one; empty ones only if there is no other. */
  last(section: string, option: string): string | undefined {
    const all = this.all(section, option).map(({ text }) => text);
    return all.filter((text) => text !== undefined && text !== "").at(-1) ?? all.at(-1);
  }

  word(section: string, option: string, words: readonly string[], otherwise: string, anyCase = true): string {
    const text = this.last(section, option);
    const found = anyCase ? text?.toLowerCase() : text;
    return found !== undefined && words.includes(found) ? found : otherwise;
  }
}

/** Undefined: rejected as a whole (CFG-5; a security option of `[Global]` that cannot be read, S15). */
export function confOf(daemon: Daemon, text: string | undefined, hostNqn: string): Conf | undefined {
  const read = valuesOf(text ?? "");
  if (read === undefined) return undefined;
  const values = new Values(read);
  const global = new Map<string, string>();
  for (const option of OPTIONS) {
    const value = values.last("Global", option);
    if (values.all("Global", option).length === 0) continue;
    const isGood = value !== undefined && isUsable(option, value);
    if (!isGood && SECURITY.includes(option)) return undefined;
    if (isGood) global.set(option, value);
  }
  const isTrue = (section: string, option: string, otherwise: string): boolean =>
    values.word(section, option, ["true", "false"], otherwise) === "true";
  const families = new Set(
    FAMILIES.get(values.word("Global", "ip-family", [...FAMILIES.keys()], "ipv4+ipv6", false)),
  );
  const ignoreIface = isTrue("Global", "ignore-iface", "false");
  const entries = values.all("Controllers", "controller").map(({ line, text: entry }) =>
    lineOf(daemon, line, entry ?? "", { hostNqn, ignoreIface, families })
  );
  const legacy = values.all(DC, "persistent-connections").length === 0 ? "Global" : DC;
  const ncc = numberOf(values.last(IOC, "connect-attempts-on-ncc") ?? "") ?? 0;
  const trtypes = (values.last(IOC, "disconnect-trtypes") ?? "").split("+")
    .filter((one) => ["tcp", "rdma", "fc"].includes(one));
  return {
    lines: entries.filter((entry) => entry !== "none" && entry !== "doubtful"),
    hasDoubtful: entries.includes("doubtful") || read.some(isDoubtful),
    excludes: values.all("Controllers", "exclude", "blacklist").map((one) => excludeOf(one.text ?? ""))
      .filter((one) => one !== undefined),
    families,
    ignoreIface,
    global,
    zeroconf: values.word("Service Discovery", "zeroconf", ["enabled", "disabled"], "enabled") === "enabled",
    persistent: isTrue(legacy, "persistent-connections", "true"),
    scope: values.word(IOC, "disconnect-scope", SCOPES, "only-stas-connections", false),
    trtypes: new Set(trtypes.length === 0 ? ["tcp"] : trtypes),
    youngMs: spanOf(values.last(daemon === "stafd" ? DC : IOC, "young-page-soak")) ?? 900_000,
    inUseGoes: values.word(IOC, "disconnect-in-use", ["never", "always"], "never", false) === "always",
    nccAttempts: ncc < 0 || ncc > 2 ** 31 - 1 ? 0 : ncc === 1 ? 2 : ncc,
  };
}

/** The spans that the world writes. */
function spanOf(text: string | undefined): number | undefined {
  const [, count, unit] = /^(\d+)(?: (s|minute))?$/.exec(text ?? "") ?? [];
  return count === undefined ? undefined : Number(count) * (unit === "minute" ? 60_000 : 1_000);
}

/** An option of which nobody can say that no controller was meant by it. */
const isDoubtful = ({ section, option, text }: Value): boolean =>
  section === "Controllers"
    ? !["controller", "exclude", "blacklist"].includes(option)
    : /c.?o.?n.?t.?r.?o.?l/i.test(option) || /^\s*controller\s*=/i.test(text ?? "");

interface Context {
  readonly hostNqn: string;
  readonly ignoreIface: boolean;
  readonly families: ReadonlySet<4 | 6>;
}

/** CFG-52 to CFG-59. */
function lineOf(daemon: Daemon, line: number, text: string, context: Context): Line | "none" | "doubtful" {
  const { pairs, broken } = pairsOf(text);
  if (pairs.size === 0 && broken === 0) return "none";
  const given = (key: string): string => pairs.get(key) ?? "";
  const transport = given("transport");
  if (!isTransport(transport)) return "doubtful";
  const subsysnqn = given("nqn") === "" ? given("subsysnqn") : given("nqn");
  const isLacking = (given("traddr") === "" && transport !== "loop") ||
    (given("host-traddr") === "" && transport === "fc") || (subsysnqn === "" && daemon === "stacd");
  if (isLacking) return "doubtful";
  for (const [key, value] of pairs) {
    if (SECURITY.includes(key) && value !== "" && !isUsable(key, value)) return "doubtful";
    if (SWITCHES.includes(key) && value === "") return "doubtful";
  }
  const tid = completed({
    transport,
    traddr: given("traddr"),
    trsvcid: given("trsvcid"),
    subsysnqn: subsysnqn === "" ? WELL_KNOWN : subsysnqn,
    hostTraddr: given("host-traddr"),
    hostIface: context.ignoreIface ? "" : given("host-iface"),
    hostNqn: pairs.get("host-nqn") ?? context.hostNqn,
  });
  if ((transport === "tcp" || transport === "rdma") && !allows(context.families, tid.traddr)) return "none";
  const options = [...pairs].filter(([key, value]) => OPTIONS.includes(key) && isUsable(key, value));
  const hostSecret = pairs.get("dhchap-secret");
  return { line, tid, options: new Map(options), hostSecret, ctrlSecret: pairs.get("dhchap-ctrl-secret") };
}

/** CFG-59; a host name passes. */
export function allows(families: ReadonlySet<4 | 6>, traddr: string): boolean {
  const family = familyOf(traddr);
  return family === undefined || families.has(family);
}

/** `ip-family` looks at its address. */
export const isOfFamily = ({ transport }: { readonly transport: string }): boolean =>
  transport === "tcp" || transport === "rdma";

/** Forbidden by the daemon's own file: as its line was written, or as it is. */
export function refusal(conf: Conf, tid: Tid, written: Tid = tid): string | undefined {
  const exclude = conf.excludes.find((one) => excludes(one, tid) || excludes(one, written));
  if (exclude !== undefined) return `exclude = ${exclude.text}`;
  return isOfFamily(tid) && !allows(conf.families, tid.traddr) ? "a disabled family" : undefined;
}
