/** What our parser makes of a configuration, in the form in which `reader.py` tells what the original's makes of it. */
import type { ControllerLine } from "../../src/lib/config/controller_line.ts";
import type { DaemonConf } from "../../src/lib/config/daemon_conf.ts";
import { excludedBy } from "../../src/lib/config/exclude.ts";
import { parseIni } from "../../src/lib/config/ini.ts";
import { parseStacdConf } from "../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../src/lib/config/stafd_conf.ts";
import { CONNECT_OPTIONS } from "../../src/lib/nvme/option_table.ts";
import { canonicalAddress, isTransport, normaliseTid, WELL_KNOWN_DISC_NQN } from "../../src/lib/nvme/tid.ts";
import type { Case } from "./generator.ts";

export const HOST_NQN = "nqn.2014-08.org.example:this-host";

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };
export type Row = { readonly [key: string]: Plain };

/** Of one file; undefined when it is rejected. */
export interface Meaning {
  readonly values: Row;
  /** The values of `controller`, those without a text left out. */
  readonly written: readonly string[];
  /** For each of them: the controller that it asks for; null when it is dropped, "unusable" when it is not connected. */
  readonly controllers: readonly Plain[];
  /** Each entry as it is written, and which of the pool it excludes by itself; those without a text are left out. */
  readonly excludes: readonly (readonly [text: string, matches: readonly boolean[]])[];
}

/** The options that both have. */
const SHARED = CONNECT_OPTIONS.filter(({ security }) => security !== true);

export function meaningOf({ daemon, text }: Case, pool: readonly Row[]): Meaning | undefined {
  if (daemon === "stafd") {
    const parsed = parseStafdConf(text, "f");
    if (!parsed.ok) return undefined;
    const { conf } = parsed;
    return {
      ...common(conf, text, daemon, pool),
      values: {
        ...globals(conf),
        pleo: conf.pleo.value,
        zeroconf: conf.zeroconf.value,
        "persistent-connections": conf.persistentConnections.value,
        "zeroconf-connections-persistence": seconds(conf.zeroconfPersistence.value.ms / 1_000),
      },
    };
  }
  const parsed = parseStacdConf(text, "f");
  if (!parsed.ok) return undefined;
  const { conf } = parsed;
  return {
    ...common(conf, text, daemon, pool),
    values: {
      ...globals(conf),
      "disconnect-scope": conf.disconnectScope.value,
      "disconnect-trtypes": [...conf.disconnectTrtypes.value].toSorted(),
      "connect-attempts-on-ncc": conf.connectAttemptsOnNcc.value,
    },
  };
}

const seconds = (value: number): Plain => value === Infinity ? "for ever" : value;

function globals(conf: DaemonConf): Row {
  const { v4, v6 } = conf.ipFamilies.value;
  return {
    tron: conf.tron.value,
    "ignore-iface": conf.ignoreIface.value,
    "ip-family": [...v4 ? [4] : [], ...v6 ? [6] : []],
    ...Object.fromEntries(SHARED.map(({ name, key }): [string, Plain] => [name, conf.options[key] ?? null])),
  };
}

function common(
  conf: DaemonConf,
  text: string,
  daemon: Case["daemon"],
  pool: readonly Row[],
): Omit<Meaning, "values"> {
  const entries = parseIni(text, "f").entries.filter(({ section, option, value }) =>
    section === "Controllers" && option === "controller" && value !== undefined && value !== ""
  );
  const at = (line: ControllerLine): number => line.origin.kind === "file" ? line.origin.line : 0;
  const controllers = entries.map(({ line }): Plain => {
    if (conf.unusable.some((one) => at(one.line) === line)) return "unusable";
    const found = conf.controllers.find((one) => at(one) === line);
    return found === undefined ? null : controllerOf(found, conf, daemon);
  });
  return {
    written: entries.map(({ value }) => value ?? ""),
    controllers,
    excludes: excludesOf(conf, text, pool),
  };
}

function excludesOf(conf: DaemonConf, text: string, pool: readonly Row[]): Meaning["excludes"] {
  const { entries } = parseIni(text, "f");
  return ["exclude", "blacklist"].flatMap((name) =>
    entries.flatMap(({ section, option, value = "", line }): Meaning["excludes"] => {
      if (section !== "Controllers" || option !== name || value === "") return [];
      const lines = conf.excludes.filter(({ origin }) => origin.kind === "file" && origin.line === line);
      const matches = pool.map((cid) => {
        const tid = tidOf(cid, conf.ignoreIface.value);
        return tid !== undefined && excludedBy(tid, lines) !== undefined;
      });
      return [[value, matches]];
    })
  );
}

const wordOf = (value: Plain | undefined): string => typeof value === "string" ? value : "";

function tidOf(cid: Row, ignoreIface: boolean) {
  const transport = wordOf(cid["transport"]);
  if (!isTransport(transport)) return undefined;
  return normaliseTid({
    transport,
    traddr: wordOf(cid["traddr"]),
    trsvcid: wordOf(cid["trsvcid"]),
    subsysnqn: wordOf(cid["subsysnqn"]),
    hostTraddr: wordOf(cid["host-traddr"]),
    hostIface: wordOf(cid["host-iface"]),
    hostNqn: cid["host-nqn"] === undefined ? undefined : wordOf(cid["host-nqn"]),
  }, { hostNqn: HOST_NQN, ignoreIface });
}

function controllerOf(
  { fields, overrides, keys }: ControllerLine,
  conf: DaemonConf,
  daemon: Case["daemon"],
): Row {
  const { hostTraddr, hostIface, hostNqn, hostId: _, ...same } = fields;
  const cid = {
    ...same,
    "host-traddr": hostTraddr,
    "host-iface": hostIface,
    ...(hostNqn === undefined ? {} : { "host-nqn": hostNqn }),
  };
  const given = SHARED.flatMap(({ name, key }): [string, Plain][] => {
    const value = overrides[key];
    return value === undefined ? [] : [[name, value]];
  });
  return comparable(
    {
      ...cid,
      ...Object.fromEntries(given),
      ...(keys.hostKey === undefined ? {} : { "dhchap-secret": keys.hostKey.reveal() }),
      ...(keys.ctrlKey === undefined ? {} : { "dhchap-ctrl-secret": keys.ctrlKey.reveal() }),
    },
    conf.ignoreIface.value,
    daemon,
  );
}

/** With its defaults, and addresses in one form. Both sides go through this. */
export function comparable(cid: Row, ignoreIface: boolean, daemon: Case["daemon"]): Row {
  const { subsysnqn, ...rest } = cid;
  const nqn = wordOf(subsysnqn) || (daemon === "stafd" ? WELL_KNOWN_DISC_NQN : "");
  const tid = tidOf({ ...rest, subsysnqn: nqn }, ignoreIface);
  if (tid === undefined) return { ...cid };
  return {
    ...rest,
    transport: tid.transport,
    traddr: canonicalAddress(tid.transport, tid.traddr),
    trsvcid: tid.trsvcid,
    subsysnqn: tid.subsysnqn,
    "host-traddr": canonicalAddress(tid.transport, tid.hostTraddr),
    "host-iface": tid.hostIface,
    "host-nqn": tid.hostNqn,
  };
}
