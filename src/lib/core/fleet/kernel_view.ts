/** Questions about the kernel's connections: which is whose, and which are ours to disconnect. */
import { isDeleting } from "../../nvme/kernel_state.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { isUntold, matches, matchIndexKey } from "../../nvme/match.ts";
import { OWNER } from "../../nvme/registry.ts";
import type { View } from "./view.ts";
import type { DeviceRef } from "../../ports.ts";
import type { Ctl } from "../controller/ctl.ts";
import { ctlsFor, devicesFor } from "./fleet_index.ts";
import { ctlAt } from "./questions.ts";
import { isUnfinishedOf } from "../controller/unfinished.ts";
import type { Siblings } from "../planning/guard.ts";
import { type Tid, tidText } from "../../nvme/tid.ts";
import { type Exclusion, exclusionOf } from "../../nvme/exclusions.ts";

/** Its kind will be known once it is live. */
const isUnsure = (device: KernelCtrl): boolean =>
  isUntold(device) && device.state !== "live" && !isDeleting(device.state);

export function deviceAt(view: View, ref: DeviceRef): KernelCtrl | undefined {
  const device = view.state.fleet.devices.get(ref.device);
  return device?.incarnation === ref.incarnation ? device : undefined;
}

export function connectionOf(view: View, ctl: Ctl): KernelCtrl | undefined {
  // The connection that our record names goes before any other one, also while its kind is not shown (before 5.18).
  const own = deviceAt(view, {
    device: ctl.standing?.device ?? "",
    incarnation: ctl.standing?.incarnation ?? 0,
  });
  if (own !== undefined && !isDeleting(own.state) && isTheirs(view, ctl, own)) {
    if (view.rules.accepts(own)) return own;
    if (isUnsure(own)) return undefined;
  }
  let found: KernelCtrl | undefined;
  let former: KernelCtrl | undefined;
  for (const name of devicesFor(view.state.fleet.devicesAt, ctl.tid)) {
    view.work++;
    const device = view.state.fleet.devices.get(name);
    if (device === undefined || isDeleting(device.state) || !serves(view, ctl, device)) continue;
    if (!matches(ctl.tid, device, view.state.fleet.interfaces)) {
      former ??= device;
      continue;
    }
    // Our own goes before another program's: after a crash without a state file only the registry tells (S9).
    if (device.owner === OWNER) return device;
    found ??= device;
  }
  return found ?? former;
}

/** Is it this controller's connection, by its present identity or by an earlier one in our record (S13)? */
export function isTheirs(view: View, ctl: Ctl, device: KernelCtrl): boolean {
  const { interfaces } = view.state.fleet;
  return matches(ctl.tid, device, interfaces) ||
    ctl.formerly.some((side) => matches({ ...ctl.tid, ...side }, device, interfaces));
}

/**
 * A wanted controller that this connection would serve if it had been made under our present host identity.
 * A changed identity is no evidence against a connection (S13).
 */
export function exceptIdentity(view: View, device: KernelCtrl): Ctl | undefined {
  const { hostNqn } = device;
  for (const key of ctlsFor(view.state.fleet.ctlsAt, device)) {
    const ctl = ctlAt(view, key);
    if (ctl === undefined || ctl.claims.size === 0 || ctl.tid.hostNqn === hostNqn) continue;
    if (!matches({ ...ctl.tid, hostNqn }, device, view.state.fleet.interfaces)) continue;
    const { is } = view.rules.verdict(view, ctl);
    if (is === "wanted" || is === "held") return ctl;
  }
  return undefined;
}

/**
 * May a connect of ours that is still under way have made it? The controller that it serves is known when
 * the call ends.
 */
export function isAwaited(view: View, device: KernelCtrl): boolean {
  return ctlsFor(view.state.fleet.ctlsAt, device).some((key) => {
    view.work++;
    const ctl = ctlAt(view, key);
    return ctl?.link.phase === "connecting" && isTheirs(view, ctl, device);
  });
}

export function formingFor(view: View, ctl: Ctl): KernelCtrl | undefined {
  const own = view.state.fleet.devices.get(ctl.standing?.device ?? "");
  if (own !== undefined && isUnfinishedOf(ctl, own)) return own;
  for (const name of devicesFor(view.state.fleet.devicesAt, ctl.tid)) {
    view.work++;
    const device = view.state.fleet.devices.get(name);
    if (device !== undefined && isUnsure(device) && isTheirs(view, ctl, device)) return device;
  }
  return undefined;
}

export function shieldOf(view: View, device: KernelCtrl): string | undefined {
  if (device.transport === "pcie" || device.transport === "") {
    return "a local device, not a fabric connection";
  }
  if (device.owner !== "" && device.owner !== OWNER) return `owned by ${device.owner}`;
  if (!view.rules.accepts(device)) return `no controller that ${view.rules.daemon} handles`;
  for (const boot of view.state.fleet.nbft.boot) {
    // Whatever its interface: the root file system may be on it (STAC-47).
    if (boot.tid.subsysnqn === device.subsysnqn && matchIndexKey(boot.tid) === matchIndexKey(device)) {
      return `this machine was booted from it (${boot.file})`;
    }
  }
  return undefined;
}

export function otherUser(view: View, ctl: Ctl, device: KernelCtrl): Ctl | undefined {
  // What the audit found may serve a controller that is wanted, and stays with its maker then (S2).
  const isOurs = !ctl.leftToOthers && [...ctl.released.values()].some(({ kind }) => kind !== "audit");
  for (const key of ctlsFor(view.state.fleet.ctlsAt, device)) {
    view.work++;
    const other = key === ctl.key ? undefined : ctlAt(view, key);
    if (other === undefined) continue;
    // A controller keeps its connection even if the two cannot be compared at the moment.
    const { link } = other;
    const isOn = link.phase === "up" && link.ref.device === device.device &&
      link.ref.incarnation === device.incarnation;
    // One that has a connection of its own does not take over another one of ours: it would be nobody's.
    if (!isOn && ((link.phase === "up" && isOurs) || !serves(view, other, device))) continue;
    const is = view.rules.verdict(view, other).is;
    if (is === "wanted" || (is === "held" && other.link.phase === "up")) return other;
  }
  return undefined;
}

export function isGoing(view: View, { device, incarnation }: KernelCtrl): boolean {
  return (view.state.fleet.users.get(device) ?? []).some((key) => {
    view.work++;
    const link = ctlAt(view, key)?.link;
    return link?.phase === "deleting" && link.ref.incarnation === incarnation;
  });
}

export function siblingsOf(view: View, ctl: Ctl): Siblings {
  const { subsysnqn } = ctl.tid;
  const wanted = [...view.state.fleet.ctls.values()].find((other) =>
    other.key !== ctl.key && other.tid.subsysnqn === subsysnqn &&
    view.rules.verdict(view, other).is === "wanted"
  );
  return {
    stays: (device) => stays(view, device),
    wanted: wanted === undefined ? undefined : tidText(wanted.tid),
    unknown: view.rules.whyNotYetKnown(view),
  };
}

/**
 * Connections of other programs stay, and so do our own wanted ones; those about to be removed do not, nor
 * those that the audit may remove (S12).
 */
function stays(view: View, device: string): boolean {
  const ctrl = view.state.fleet.devices.get(device);
  if (ctrl === undefined || isDeleting(ctrl.state) || view.rules.mayBeTaken(view, ctrl)) return false;
  return (view.state.fleet.users.get(device) ?? []).every((key) => {
    const user = ctlAt(view, key);
    if (user === undefined) return true;
    if (user.link.phase === "deleting") return false;
    const verdict = view.rules.verdict(view, user);
    // Withdrawn by a page that does not count yet: it is about to be removed, too.
    return verdict.is === "wanted" || (verdict.is === "held" && verdict.withdrawn === undefined);
  });
}

/** A device serves no controller until it is known to be of this daemon's kind. */
function serves(view: View, ctl: Ctl, device: KernelCtrl): boolean {
  return view.rules.accepts(device) && isTheirs(view, ctl, device);
}

/** The host-wide exclusion of nvme-cli that forbids a connection. */
export function exclusionFor(view: View, tid: Tid): Exclusion | undefined {
  return exclusionOf(tid, view.state.fleet.host?.id ?? "", view.state.fleet.exclusions ?? []);
}
