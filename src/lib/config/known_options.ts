/** Which sections and options each daemon has (requirements 10). */
import type { FindingKind } from "./finding_kind.ts";
import { CONNECT_OPTIONS } from "../nvme/option_table.ts";

export type Daemon = "stafd" | "stacd";

export const GLOBAL = "Global";
export const SERVICE_DISCOVERY = "Service Discovery";
export const DC_MANAGEMENT = "Discovery controller connection management";
export const IOC_MANAGEMENT = "I/O controller connection management";
export const CONTROLLERS = "Controllers";

export interface KnownOption {
  readonly section: string;
  readonly option: string;
  readonly daemons: readonly Daemon[];
}

const BOTH: readonly Daemon[] = ["stafd", "stacd"];

const options = (section: string, daemons: readonly Daemon[], ...names: readonly string[]): KnownOption[] =>
  names.map((option) => ({ section, option, daemons }));

/** In the order of the manual and of `check`. */
export const KNOWN_OPTIONS: readonly KnownOption[] = [
  ...options(GLOBAL, BOTH, "tron"),
  ...CONNECT_OPTIONS.flatMap((o) =>
    options(GLOBAL, o.documentedForStacdOnly === true ? ["stacd"] : BOTH, o.name)
  ),
  ...options(GLOBAL, BOTH, "ignore-iface", "ip-family", "tls-from-log-page"),
  ...options(GLOBAL, ["stafd"], "pleo"),
  ...options(SERVICE_DISCOVERY, ["stafd"], "zeroconf"),
  ...options(DC_MANAGEMENT, ["stafd"], "persistent-connections", "zeroconf-connections-persistence"),
  ...options(DC_MANAGEMENT, ["stafd"], "young-page-soak"),
  ...options(
    IOC_MANAGEMENT,
    ["stacd"],
    "disconnect-scope",
    "disconnect-trtypes",
    "connect-attempts-on-ncc",
    "disconnect-in-use",
    "in-use-window",
    "young-page-soak",
  ),
  ...options(CONTROLLERS, BOTH, "controller", "exclude"),
];

/** Names of older versions (requirements 10). `advice` says what happens now. */
export interface LegacyOption extends KnownOption {
  readonly kind: FindingKind;
  readonly advice: (value: string) => string;
}

export const LEGACY_OPTIONS: readonly LegacyOption[] = [
  {
    section: CONTROLLERS,
    option: "blacklist",
    daemons: BOTH,
    kind: "old-name",
    advice: () => "it is honoured as exclude; rename it",
  },
  {
    section: GLOBAL,
    option: "persistent-connections",
    daemons: ["stafd"],
    kind: "old-name",
    advice: () =>
      `it is honoured unless [${DC_MANAGEMENT}] has persistent-connections; move it to that section`,
  },
  {
    section: GLOBAL,
    option: "sticky-connections",
    daemons: BOTH,
    kind: "misplaced",
    advice: (value) => {
      const successor = new Map([
        ["enabled", "no-disconnect"],
        ["disabled", "all-connections-matching-disconnect-trtypes"],
      ]).get(value.toLowerCase());
      const what = successor === undefined ? "" : ` = ${successor}`;
      return `it is ignored; use disconnect-scope${what} in [${IOC_MANAGEMENT}] of stacd.conf`;
    },
  },
  {
    section: GLOBAL,
    option: "udev-rule",
    daemons: BOTH,
    kind: "note",
    advice: () => "it is ignored: stafd always replaces the udev rule; remove it",
  },
  {
    section: GLOBAL,
    option: "duplicate-connect",
    daemons: BOTH,
    kind: "note",
    advice: () => "it is ignored: stas never makes a second connection to one controller; remove it",
  },
  {
    section: SERVICE_DISCOVERY,
    option: "stype",
    daemons: ["stafd"],
    kind: "note",
    advice: () => "it is ignored; use zeroconf = enabled or disabled",
  },
];
