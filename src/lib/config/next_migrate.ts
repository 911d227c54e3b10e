/**
 * Writes the configuration of this version as files of nvme-stas 3 (`stasadm migrate --to 3`), and lists all changes:
 * options that are renamed, dropped, or have another meaning there. Pure.
 */
import { CONNECT_OPTIONS } from "../nvme/option_table.ts";
import { parseExclusions } from "../nvme/exclusions.ts";
import type { Secret } from "../base/secret.ts";
import type { Duration } from "../base/time.ts";
import type { ControllerLine } from "./controller_line.ts";
import { type DaemonConf, IP_FAMILIES, unreadPlaces } from "./daemon_conf.ts";
import { type ExcludeLine, isPattern } from "./exclude.ts";
import { DC_MANAGEMENT, GLOBAL, IOC_MANAGEMENT, SERVICE_DISCOVERY } from "./known_options.ts";
import { nextOption, type NextPair, nextRejection, nextSections, pairText } from "./next_write.ts";
import { type Origin, originText, type Value } from "./origin.ts";
import { shown } from "./redact.ts";
import type { StacdConf } from "./stacd_conf.ts";
import type { StafdConf } from "./stafd_conf.ts";

export interface NextText {
  /** Below /etc/nvme. */
  readonly name: string;
  readonly text: string;
  /** Only root may read it. */
  readonly hasKey: boolean;
}

export interface MigrationChange {
  /** `differs`: the behaviour changes, although the words stay the same or there are none. */
  readonly kind: "renamed" | "dropped" | "differs";
  /** `file:line`; empty for a change that applies to every host. */
  readonly where: string;
  readonly text: string;
}

export interface Migration {
  readonly files: readonly NextText[];
  readonly changes: readonly MigrationChange[];
}

/**
 * The identity from sys.conf; undefined where the system's file, such as `/etc/nvme/hostnqn`, counts in both
 * versions.
 */
export interface HostParts {
  readonly nqn: Value<string> | undefined;
  readonly id: Value<string> | undefined;
  readonly symname: Value<string>;
  readonly key: Value<Secret | undefined>;
}

const MAIN = "nvme-stas.conf";
const EXCLUSIONS = "exclusions.conf.d/nvme-stas-2.conf";

class Changes {
  readonly all: MigrationChange[] = [];

  add(kind: MigrationChange["kind"], origin: Origin | string, text: string): void {
    this.all.push({ kind, where: typeof origin === "string" ? origin : originText(origin), text });
  }
}

export function migration(stafd: StafdConf, stacd: StacdConf, host: HostParts): Migration {
  const changes = new Changes();
  const files = [
    ...connectivity(stafd, stacd, host, changes),
    stafdFile(stafd, changes),
    stacdFile(stacd, changes),
    ...exclusions([...stafd.excludes, ...stacd.excludes], changes),
  ].filter(({ text }) => text !== "");
  everywhere(stacd, changes);
  return { files, changes: changes.all };
}

const sections = (parts: readonly (readonly [name: string, pairs: readonly NextPair[]])[]): string =>
  parts.filter(([, pairs]) => pairs.length > 0)
    .map(([name, pairs]) => `[${name}]\n${pairs.map(pairText).join("")}`).join("\n");

/** The main file, and one more for each host NQN that lines have of their own. */
function connectivity(
  stafd: StafdConf,
  stacd: StacdConf,
  host: HostParts,
  changes: Changes,
): readonly NextText[] {
  const lines = { stafd: writable(stafd, changes), stacd: writable(stacd, changes) };
  const personas = new Set([...lines.stafd, ...lines.stacd].map(personaOf));
  const files: NextText[] = [];
  for (const persona of ["", ...[...personas].filter((one) => one !== "")]) {
    const mine = (line: ControllerLine): boolean => personaOf(line) === persona;
    const head = persona === ""
      ? mainHead(stafd, stacd, host, changes)
      : personaHead(persona, [...lines.stafd, ...lines.stacd], changes);
    if (head === undefined) continue;
    const dcs = nextSections("Discovery Controller", lines.stafd.filter(mine));
    const iocs = nextSections("Subsystem", lines.stacd.filter(mine));
    for (const { line, why } of [...dcs.refused, ...iocs.refused]) {
      changes.add(
        "dropped",
        line.origin,
        `controller = ${line.text}: libnvme would reject the whole file for it: ${why}`,
      );
    }
    files.push({
      name: persona === "" ? MAIN : `${MAIN}.d/host-${files.length}.conf`,
      text: [head.text, dcs.text, iocs.text].filter((text) => text !== "").join("\n"),
      hasKey: head.hasKey || dcs.hasKey || iocs.hasKey,
    });
  }
  return files;
}

/** A host NQN, a space, and the host ID that goes with it; empty for this system's. */
const personaOf = ({ fields: { hostNqn, hostId } }: ControllerLine): string =>
  hostNqn === undefined ? "" : `${hostNqn} ${hostId}`;

interface Head {
  readonly text: string;
  readonly hasKey: boolean;
}

/** Tried with 3.1: `auto`, its default, ends the connection to the kernel's own target, which does not report EPCSD. */
const STAYS_CONNECTED: NextPair = ["persistent", "force"];

function mainHead(stafd: StafdConf, stacd: StacdConf, host: HostParts, changes: Changes): Head {
  const key = host.key.value;
  const identity: readonly (readonly [name: string, value: Value<string> | undefined])[] = [
    ["hostnqn", host.nqn],
    ["hostid", host.id],
    ["hostsymname", host.symname.value === "" ? undefined : host.symname],
  ];
  const pairs: NextPair[] = [];
  for (const [name, value] of identity) {
    const why = value === undefined ? undefined : nextRejection(`[Host]\n${pairText([name, value.value])}`);
    if (value === undefined) continue;
    if (why !== undefined) changes.add("dropped", value.origin, `${name}: libnvme would reject it: ${why}`);
    else {
      pairs.push([name, value.value]);
      changes.add(
        "renamed",
        value.origin,
        `${name} in [Host] of ${MAIN}, where there is no sys.conf any more`,
      );
    }
  }
  if (pairs.some(([name]) => name === "hostnqn") !== pairs.some(([name]) => name === "hostid")) {
    changes.add(
      "differs",
      (host.nqn ?? host.id)?.origin ?? "",
      "an identity is taken whole: give both nqn and id in sys.conf, or neither, before you migrate",
    );
  }
  if (key !== undefined) {
    pairs.push(["kxchap-secret", key.reveal()]);
    changes.add("renamed", host.key.origin, `the host's key is kxchap-secret in [Host] of ${MAIN}`);
  }
  changes.add(
    "renamed",
    "",
    `each discovery controller stays connected by persistent = force in ${MAIN}; ` +
      "by default nvme-stas 3 disconnects one that does not report EPCSD, and hears of no change in between",
  );
  const text = sections([
    ["Host", pairs],
    ["Discovery Controller Defaults", [
      STAYS_CONNECTED,
      ...defaults(stafd, "Discovery Controller Defaults", changes),
    ]],
    ["I/O Controller Defaults", defaults(stacd, "I/O Controller Defaults", changes)],
  ]);
  return { text, hasKey: key !== undefined };
}

function personaHead(persona: string, lines: readonly ControllerLine[], changes: Changes): Head | undefined {
  const [nqn = "", id = ""] = persona.split(" ");
  const text = `[Host]\n${pairText(["hostnqn", nqn])}${id === "" ? "" : pairText(["hostid", id])}`;
  const why = nextRejection(text);
  for (const { origin } of lines.filter((line) => personaOf(line) === persona)) {
    if (why !== undefined) {
      changes.add("dropped", origin, `the line: libnvme would reject its host NQN: ${why}`);
    } else if (id === "") {
      changes.add(
        "differs",
        origin,
        "host-nqn without host-id: nvme-stas 3 lets the kernel make an ID at each boot; add one",
      );
    } else {changes.add(
        "renamed",
        origin,
        `host-nqn and host-id are hostnqn and hostid in a file of ${MAIN}.d`,
      );}
  }
  return why === undefined ? { text, hasKey: false } : undefined;
}

/** Connect options that the file sets for all connections. */
function defaults(conf: DaemonConf, section: string, changes: Changes): readonly NextPair[] {
  return CONNECT_OPTIONS.flatMap((option) => {
    const origin = conf.optionOrigins.get(option.key);
    if (origin?.kind !== "file") return [];
    const pair = nextOption(conf.options, option);
    if (pair === undefined) return [];
    changes.add("renamed", origin, `${option.name} is ${pair[0]} in [${section}] of ${MAIN}`);
    return [pair];
  });
}

/** Lines that can be written; the others are added to `changes`. */
function writable(conf: DaemonConf, changes: Changes): readonly ControllerLine[] {
  for (const { line, why } of conf.unusable) {
    changes.add("dropped", line.origin, `the line is not connected now, and cannot be written: ${why}`);
  }
  for (const place of unreadPlaces(conf)) {
    if (conf.unusable.some(({ line }) => originText(line.origin) === place)) continue;
    changes.add("dropped", place, "the line is not understood");
  }
  for (const { traddr } of conf.disabled) {
    changes.add("dropped", conf.ipFamilies.origin, `the line of ${shown(traddr)}, which ip-family excludes`);
  }
  for (const { extra, origin, keys } of conf.controllers) {
    for (const key of extra.keys()) {
      changes.add("dropped", origin, `${key} has no effect now, and no counterpart in nvme-stas 3`);
    }
    if (keys.hostKey !== undefined || keys.ctrlKey !== undefined) {
      changes.add(
        "renamed",
        origin,
        "dhchap keys are kxchap keys, and stand in the file itself: readable by root only",
      );
    }
  }
  return conf.controllers;
}

/** Options that both versions have, when the file sets them. */
function kept(
  ...all: readonly (readonly [name: string, value: Value<unknown>, text: string])[]
): readonly NextPair[] {
  return all.filter(([, { origin }]) => origin.kind === "file").map(([name, , text]) => [name, text]);
}

const familyText = ({ value }: DaemonConf["ipFamilies"]): string =>
  [...IP_FAMILIES].find(([, one]) => one.v4 === value.v4 && one.v6 === value.v6)?.[0] ?? "ipv4+ipv6";

const common = (conf: DaemonConf): readonly NextPair[] =>
  kept(
    ["tron", conf.tron, String(conf.tron.value)],
    ["ignore-iface", conf.ignoreIface, String(conf.ignoreIface.value)],
    ["ip-family", conf.ipFamilies, familyText(conf.ipFamilies)],
  );

/** In seconds, because `1M` means a month there. */
const spanText = ({ ms }: Duration): string =>
  Number.isFinite(ms) ? `${Math.round(ms / 1_000)}s` : "infinity";

const enabled = ({ value }: Value<boolean>): string => value ? "enabled" : "disabled";

function stafdFile(conf: StafdConf, changes: Changes): NextText {
  const { zeroconfPersistence, persistentConnections, youngPageSoak } = conf;
  const giveUp = kept(["dc-giveup-timeout", zeroconfPersistence, spanText(zeroconfPersistence.value)]);
  if (giveUp.length > 0) {
    changes.add(
      "renamed",
      zeroconfPersistence.origin,
      "zeroconf-connections-persistence is dc-giveup-timeout",
    );
  }
  dropped(
    changes,
    persistentConnections,
    "persistent-connections: what is connected stays connected at a stop",
  );
  dropped(
    changes,
    youngPageSoak,
    "young-page-soak: a young log page withdraws referrals at once",
  );
  const text = sections([
    [GLOBAL, [...common(conf), ...kept(["pleo", conf.pleo, enabled(conf.pleo)])]],
    [SERVICE_DISCOVERY, kept(["zeroconf", conf.zeroconf, enabled(conf.zeroconf)])],
    [DC_MANAGEMENT, giveUp],
  ]);
  return { name: "stafd.conf", text, hasKey: false };
}

function dropped(changes: Changes, { origin }: Value<unknown>, text: string): void {
  if (origin.kind === "file") changes.add("dropped", origin, text);
}

function stacdFile(conf: StacdConf, changes: Changes): NextText {
  const { disconnectScope, connectAttemptsOnNcc } = conf;
  const keeps = disconnectScope.value === "no-disconnect";
  const zoning = kept(["honor-fabric-zoning", disconnectScope, keeps ? "no" : "yes"]);
  if (zoning.length > 0) {
    changes.add(
      "renamed",
      disconnectScope.origin,
      `disconnect-scope is honor-fabric-zoning = ${keeps ? "no" : "yes"}`,
    );
  }
  if (disconnectScope.value === "all-connections-matching-disconnect-trtypes") {
    changes.add(
      "differs",
      disconnectScope.origin,
      "connections of other programs are no longer disconnected",
    );
  }
  dropped(
    changes,
    conf.disconnectTrtypes,
    "disconnect-trtypes: only connections of stacd's own are disconnected",
  );
  dropped(
    changes,
    conf.disconnectInUse,
    "disconnect-in-use: nvme-stas 3 does not check whether a namespace is in use",
  );
  dropped(
    changes,
    conf.inUseWindow,
    "in-use-window: nvme-stas 3 does not check whether a namespace is in use",
  );
  dropped(changes, conf.youngPageSoak, "young-page-soak: a young log page withdraws at once");
  const text = sections([
    [GLOBAL, common(conf)],
    [
      IOC_MANAGEMENT,
      [
        ...zoning,
        ...kept(["connect-attempts-on-ncc", connectAttemptsOnNcc, String(connectAttemptsOnNcc.value)]),
      ],
    ],
  ]);
  return { name: "stacd.conf", text, hasKey: false };
}

/** One list for the host, in a file of its own: another program's entries stay where they are. */
function exclusions(excludes: readonly ExcludeLine[], changes: Changes): readonly NextText[] {
  const entries = new Set<string>();
  for (const { matches, neverMatches, text, origin } of excludes) {
    if (neverMatches) {
      changes.add("dropped", origin, `exclude = ${text}: it excludes nothing now either`);
      continue;
    }
    if (isPattern(matches)) {
      changes.add(
        "dropped",
        origin,
        `exclude = ${text}: no networks and no "*" there; what it excludes WOULD BE CONNECTED`,
      );
      continue;
    }
    const fields: readonly (readonly [name: string, value: string | undefined])[] = [
      ["transport", matches.transport],
      ["traddr", matches.traddr],
      ["trsvcid", matches.trsvcid],
      ["nqn", matches.subsysnqn],
      ["host-iface", matches.hostIface],
      ["hostnqn", matches.hostNqn],
    ];
    const entry = fields.filter(([, value]) => value !== undefined).map(([name, value]) =>
      `${name}=${value ?? ""}`
    ).join(";");
    const [problem] = parseExclusions(`[Exclusions]\nexclusion = ${entry}\n`, "").problems;
    if (problem !== undefined) {
      changes.add(
        "dropped",
        origin,
        `exclude = ${text}: libnvme does not understand it; what it excludes WOULD BE CONNECTED`,
      );
      continue;
    }
    entries.add(entry);
    changes.add("renamed", origin, `exclude is an exclusion in ${EXCLUSIONS}, for all programs on this host`);
    if (matches.subsysnqn === undefined) {
      changes.add(
        "differs",
        origin,
        "without nqn it excludes discovery controllers and I/O controllers alike",
      );
    }
  }
  if (entries.size === 0) return [];
  const lines = [...entries].map((entry) => `exclusion = ${entry}\n`).join("");
  return [{ name: EXCLUSIONS, text: `[Exclusions]\n${lines}`, hasKey: false }];
}

/** Differences that apply to every host. */
function everywhere({ disconnectScope }: StacdConf, changes: Changes): void {
  if (disconnectScope.value !== "no-disconnect") {
    changes.add(
      "differs",
      "",
      "a connection whose namespaces are in use (mounted, swap, LVM, MD) is disconnected when the fabric withdraws it, and " +
        "young log pages withdraw at once; honor-fabric-zoning = no in stacd.conf keeps every connection",
    );
  }
  changes.add(
    "differs",
    "",
    "at its first start nvme-stas 3.1 disconnects connections that stacd made and connects them again: " +
      "unmount what they serve first, or change over with a reboot",
  );
  changes.add(
    "differs",
    "",
    "log pages of discovery controllers in the boot table (NBFT) are read only when they are configured",
  );
  changes.add(
    "differs",
    "",
    "programs that call the daemons by D-Bus: host-nqn is hostnqn, and there are no versioned interfaces",
  );
}
