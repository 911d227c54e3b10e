/**
 * The answers of both daemons on the original's interfaces (requirements 50). Secrets are shown as `*****`
 * (DBUS-30).
 */
import { CONNECT_OPTIONS } from "../../nvme/option_table.ts";
import { lessSafe } from "../../core/controller/as_asked.ts";
import { type Ctl, deviceOf } from "../../core/controller/ctl.ts";
import { configClaims } from "../../core/planning/planner.ts";
import { CONNECT_RETRY, pause } from "../../core/retry.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { pythonRepr } from "../../base/python_literal.ts";
import { type Tid, tidFields } from "../../nvme/tid.ts";
import type { Now } from "../../base/time.ts";
import type { ConnectRequest } from "../../ports.ts";
import { IDLE_INTERVAL, pythonBool, timerText } from "./texts.ts";

export type Dict = Record<string, string>;

/** Reads one device as it is now; undefined when it is gone. */
export type Peek = (device: string) => KernelCtrl | undefined;

const MASK = "*****";
/** The text that stands for a missing device. */
const NO_DEVICE = "nvme?";

/** Security options of a line that the connection does not have; they must not be shown as if it did. */
export type Lacking = (ctl: Ctl) => readonly SecurityKey[];
export type SecurityKey = "tls" | "concat" | "dhchap-secret" | "dhchap-ctrl-secret";

export function lackingKeys(request: ConnectRequest, device: KernelCtrl | undefined): readonly SecurityKey[] {
  const made = device?.made;
  if (device === undefined || made === undefined) return [];
  const inClear = lessSafe({ ...request, keys: {} }, device).length > 0;
  const keys: SecurityKey[] = inClear ? ["tls", "concat"] : [];
  if (made.dhchap === false) keys.push("dhchap-secret");
  if (made.dhchapCtrl === false) keys.push("dhchap-ctrl-secret");
  return keys;
}

/** 6.1: identity, device, and what the configuration line adds. */
export function idDict(ctl: Ctl, lacking: Lacking): Dict {
  const dict: Dict = { ...tidFields(ctl.tid) };
  const line = configClaims(ctl)[0];
  if (line !== undefined) {
    for (const option of CONNECT_OPTIONS) {
      const value = line.overrides[option.key];
      if (value !== undefined) {
        dict[option.name] = typeof value === "boolean" ? pythonBool(value) : String(value);
      }
    }
    if (line.keys.hostKey !== undefined) dict["dhchap-secret"] = MASK;
    if (line.keys.ctrlKey !== undefined) dict["dhchap-ctrl-secret"] = MASK;
    for (const [key, value] of line.extra) dict[key] = value;
    for (const key of lacking(ctl)) {
      if (key.startsWith("dhchap")) delete dict[key];
      else if (dict[key] !== undefined) dict[key] = pythonBool(false);
    }
  }
  dict["device"] = deviceOf(ctl)?.device ?? NO_DEVICE;
  return dict;
}

/** The part of 6.2 that both daemons have. */
export function infoDict(ctl: Ctl, now: Now, lacking: Lacking): Dict {
  const { link } = ctl;
  const dict = idDict(ctl, lacking);
  dict["connect attempts"] = String(ctl.attempts);
  const waiting = link.phase === "waiting" ? link.until : undefined;
  const interval = waiting === undefined
    ? IDLE_INTERVAL
    : ctl.attempts === 0
    ? 3
    : pause(CONNECT_RETRY, ctl.attempts, ctl.key).ms / 1000;
  dict["retry connect timer"] = timerText(interval, waiting, now);
  const isTrying = link.phase === "connecting" || link.phase === "forming" || link.phase === "reaching" ||
    link.phase === "ready";
  if (isTrying) {
    dict["connect operation"] = pythonRepr({ "fail count": ctl.attempts, completed: false, alive: true });
  }
  return dict;
}

/** The part of 6.3 that both daemons have. */
export function deviceDict(ctl: Ctl, peek: Peek): Dict {
  const ref = deviceOf(ctl);
  const found = ref === undefined ? undefined : peek(ref.device);
  const device = found?.incarnation === ref?.incarnation ? found : undefined;
  const tried = ctl.attempts > 0 || ctl.link.phase === "connecting" || ctl.link.phase === "forming";
  return {
    hostid: device?.hostId ?? "",
    hostnqn: device?.hostNqn ?? "",
    model: device?.model ?? "",
    serial: device?.serial ?? "",
    dctype: device?.dctype ?? "",
    cntrltype: device?.cntrltype ?? "",
    connected: ctl.link.phase === "up" ? "True" : tried ? "False" : "None",
  };
}

/** The process information of both daemons (6.8). */
export interface ProcessFacts {
  readonly tron: boolean;
  readonly stateFile: string;
  /** Requirements 80. */
  readonly supportsDiscovery: boolean;
  readonly supportsHostIface: boolean;
}

export interface HostFacts {
  readonly nqn: string;
  readonly id: string;
  readonly symname: string;
  readonly hasKey: boolean;
}

export function processDict(facts: ProcessFacts, host: HostFacts): Record<string, unknown> {
  return {
    tron: facts.tron,
    "log-level": facts.tron ? "DEBUG" : "INFO",
    hostnqn: host.nqn,
    hostid: host.id,
    hostkey: host.hasKey ? MASK : null,
    symname: host.symname === "" ? null : host.symname,
    "last known config file": facts.stateFile,
    "config soak timer": "1.0s [off]",
    "kernel support.TP8013": pythonBool(facts.supportsDiscovery),
    "kernel support.host_iface": pythonBool(facts.supportsHostIface),
    "terminator.audit timer": "30.0s [off]",
  };
}

export const byText = (a: { readonly tid: Tid; readonly key: string }, b: { readonly key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
