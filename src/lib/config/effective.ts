/** The values in force and their origins, for `check`, in the notation of the files. */
import type { Duration } from "../base/time.ts";
import { connectOptionText } from "./connect_option.ts";
import { CONNECT_OPTIONS, type ConnectOption } from "../nvme/option_table.ts";
import { type DaemonConf, IP_FAMILIES } from "./daemon_conf.ts";
import { CONTROLLERS, DC_MANAGEMENT, GLOBAL, IOC_MANAGEMENT, SERVICE_DISCOVERY } from "./known_options.ts";
import { DEFAULT_ORIGIN, type Origin, type Value } from "./origin.ts";
import { MASK } from "./redact.ts";
import type { StacdConf } from "./stacd_conf.ts";
import type { StafdConf } from "./stafd_conf.ts";
import type { SysConf } from "./sys_conf.ts";

export interface EffectiveValue {
  readonly section: string;
  readonly option: string;
  /** Undefined: left to the kernel, or no value. Secrets are masked (S8). */
  readonly value: string | undefined;
  readonly origin: Origin;
}

export function effectiveStafd(conf: StafdConf): readonly EffectiveValue[] {
  return [
    ...globalValues(conf),
    row(GLOBAL, "pleo", conf.pleo, enabledText),
    row(SERVICE_DISCOVERY, "zeroconf", conf.zeroconf, enabledText),
    row(DC_MANAGEMENT, "persistent-connections", conf.persistentConnections, String),
    row(DC_MANAGEMENT, "zeroconf-connections-persistence", conf.zeroconfPersistence, spanText),
    row(DC_MANAGEMENT, "young-page-soak", conf.youngPageSoak, spanText),
    ...controllerValues(conf),
  ];
}

export function effectiveStacd(conf: StacdConf): readonly EffectiveValue[] {
  return [
    ...globalValues(conf),
    row(IOC_MANAGEMENT, "disconnect-scope", conf.disconnectScope, String),
    row(IOC_MANAGEMENT, "disconnect-trtypes", conf.disconnectTrtypes, (types) => [...types].join("+")),
    row(IOC_MANAGEMENT, "connect-attempts-on-ncc", conf.connectAttemptsOnNcc, String),
    row(IOC_MANAGEMENT, "disconnect-in-use", conf.disconnectInUse, String),
    row(IOC_MANAGEMENT, "in-use-window", conf.inUseWindow, spanText),
    row(IOC_MANAGEMENT, "young-page-soak", conf.youngPageSoak, spanText),
    ...controllerValues(conf),
  ];
}

export function effectiveSys(conf: SysConf): readonly EffectiveValue[] {
  return [
    row("Host", "nqn", conf.nqn, String),
    row("Host", "id", conf.id, String),
    row("Host", "key", conf.key, (key) => key === undefined ? undefined : MASK),
    row("Host", "symname", conf.symname, (name) => name === "" ? undefined : name),
  ];
}

function globalValues(conf: DaemonConf): EffectiveValue[] {
  return [
    row(GLOBAL, "tron", conf.tron, String),
    ...CONNECT_OPTIONS.map((option): EffectiveValue => ({
      section: GLOBAL,
      option: option.name,
      ...inForce(conf, option),
    })),
    row(GLOBAL, "ignore-iface", conf.ignoreIface, String),
    row(GLOBAL, "ip-family", conf.ipFamilies, ({ v4, v6 }) => {
      for (const [word, families] of IP_FAMILIES) if (families.v4 === v4 && families.v6 === v6) return word;
      return undefined;
    }),
    row(GLOBAL, "tls-from-log-page", conf.tlsFromLogPage, String),
  ];
}

/** A number below all that are passed is left out, and the kernel decides (CFG-22). */
function inForce(conf: DaemonConf, option: ConnectOption): Pick<EffectiveValue, "value" | "origin"> {
  const value = option.kind === "integer" ? conf.options[option.key] : undefined;
  if (option.kind === "integer" && value !== undefined && value < Math.min(option.least, 0)) {
    return { value: undefined, origin: DEFAULT_ORIGIN };
  }
  return {
    value: connectOptionText(conf.options, option),
    origin: conf.optionOrigins.get(option.key) ?? DEFAULT_ORIGIN,
  };
}

function controllerValues(conf: DaemonConf): EffectiveValue[] {
  const rows = (
    option: string,
    lines: DaemonConf["controllers"] | DaemonConf["excludes"],
  ): EffectiveValue[] =>
    lines.map(({ text, origin }) => ({ section: CONTROLLERS, option, value: text, origin }));
  return [...rows("controller", conf.controllers), ...rows("exclude", conf.excludes)];
}

function row<T>(
  section: string,
  option: string,
  { value, origin }: Value<T>,
  text: (value: T) => string | undefined,
): EffectiveValue {
  return { section, option, value: text(value), origin };
}

const enabledText = (on: boolean): string => on ? "enabled" : "disabled";

/** In the largest unit that divides it evenly. */
function spanText({ ms }: Duration): string {
  if (ms === Infinity) return "-1";
  const units: readonly [string, number][] = [["hours", 3_600_000], ["minutes", 60_000]];
  for (const [unit, size] of [...units, ["seconds", 1_000] as const]) {
    if (ms > 0 && ms % size === 0) return `${ms / size} ${ms === size ? unit.slice(0, -1) : unit}`;
  }
  return `${ms / 1_000} seconds`;
}
