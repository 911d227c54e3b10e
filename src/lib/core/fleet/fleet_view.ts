/** The planner's questions about the kernel, answered from the draft. */
import { type Exclusion, exclusionOf } from "../../nvme/exclusions.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { isUntold, matches, matchIndexKey } from "../../nvme/match.ts";
import { type Tid, tidText } from "../../nvme/tid.ts";
import type { DeviceRef } from "../../ports.ts";
import type { Ctl } from "../controller/ctl.ts";
import { FleetDraft } from "./fleet_draft.ts";
import { ctlsFor, devicesFor } from "./fleet_index.ts";
import type { Siblings } from "../planning/guard.ts";
import type { Proof } from "../planning/evidence.ts";
import { decide, type Decision, type KernelView, unwanted } from "../planning/planner.ts";
import { isUnfinishedOf } from "../controller/unfinished.ts";

/** Its kind will be known once it is live. */
const isUnsure = (device: KernelCtrl): boolean =>
  isUntold(device) && device.state !== "live" && !device.state.startsWith("delet");

export class FleetView<E extends { readonly do: string } = never> extends FleetDraft<E>
  implements KernelView {
  device(ref: DeviceRef): KernelCtrl | undefined {
    const device = this.fleet.devices.get(ref.device);
    return device?.incarnation === ref.incarnation ? device : undefined;
  }

  find(ctl: Ctl): KernelCtrl | undefined {
    // The connection that our record names goes before any other one, also while its kind is not shown (before 5.18).
    const own = this.device({
      device: ctl.standing?.device ?? "",
      incarnation: ctl.standing?.incarnation ?? 0,
    });
    if (own !== undefined && !own.state.startsWith("delet") && this.isTheirs(ctl, own)) {
      if (this.rules.accepts(own)) return own;
      if (isUnsure(own)) return undefined;
    }
    let former: KernelCtrl | undefined;
    for (const name of devicesFor(this.fleet.devicesAt, ctl.tid)) {
      this.work++;
      const device = this.fleet.devices.get(name);
      if (device === undefined || device.state.startsWith("delet") || !this.#serves(ctl, device)) continue;
      if (matches(ctl.tid, device, this.fleet.interfaces)) return device;
      former ??= device;
    }
    return former;
  }

  /** Is it this controller's connection, by its present identity or by an earlier one in our record (S13)? */
  isTheirs(ctl: Ctl, device: KernelCtrl): boolean {
    const { interfaces } = this.fleet;
    return matches(ctl.tid, device, interfaces) ||
      ctl.formerly.some((side) => matches({ ...ctl.tid, ...side }, device, interfaces));
  }

  /**
   * A wanted controller that this connection would serve if it had been made under our present host identity.
   * A changed identity is no evidence against a connection (S13).
   */
  exceptIdentity(device: KernelCtrl): Ctl | undefined {
    const { hostNqn } = device;
    for (const key of ctlsFor(this.fleet.ctlsAt, device)) {
      const ctl = this.ctl(key);
      if (ctl === undefined || ctl.claims.size === 0 || ctl.tid.hostNqn === hostNqn) continue;
      if (!matches({ ...ctl.tid, hostNqn }, device, this.fleet.interfaces)) continue;
      const { is } = this.rules.verdict(ctl);
      if (is === "wanted" || is === "held") return ctl;
    }
    return undefined;
  }

  /**
   * May a connect of ours that is still under way have made it? The controller that it serves is known when
   * the call ends.
   */
  awaited(device: KernelCtrl): boolean {
    return ctlsFor(this.fleet.ctlsAt, device).some((key) => {
      this.work++;
      const ctl = this.ctl(key);
      return ctl?.link.phase === "connecting" && this.isTheirs(ctl, device);
    });
  }

  forming(ctl: Ctl): KernelCtrl | undefined {
    const own = this.fleet.devices.get(ctl.standing?.device ?? "");
    if (own !== undefined && isUnfinishedOf(ctl, own)) return own;
    for (const name of devicesFor(this.fleet.devicesAt, ctl.tid)) {
      this.work++;
      const device = this.fleet.devices.get(name);
      if (device !== undefined && isUnsure(device) && this.isTheirs(ctl, device)) return device;
    }
    return undefined;
  }

  shield(device: KernelCtrl): string | undefined {
    if (device.transport === "pcie" || device.transport === "") {
      return "a local device, not a fabric connection";
    }
    if (device.owner !== "" && device.owner !== "stas") return `owned by ${device.owner}`;
    if (!this.rules.accepts(device)) return `no controller that ${this.rules.daemon} handles`;
    for (const boot of this.fleet.nbft.boot) {
      // Whatever its interface: the root file system may be on it (STAC-47).
      if (boot.tid.subsysnqn === device.subsysnqn && matchIndexKey(boot.tid) === matchIndexKey(device)) {
        return `this machine was booted from it (${boot.file})`;
      }
    }
    return undefined;
  }

  otherUser(ctl: Ctl, device: KernelCtrl): Ctl | undefined {
    for (const key of ctlsFor(this.fleet.ctlsAt, device)) {
      this.work++;
      const other = key === ctl.key ? undefined : this.ctl(key);
      if (other === undefined) continue;
      // A controller keeps its connection even if the two cannot be compared at the moment.
      const { link } = other;
      const isOn = link.phase === "up" && link.ref.device === device.device &&
        link.ref.incarnation === device.incarnation;
      if (!isOn && !this.#serves(other, device)) continue;
      const is = this.rules.verdict(other).is;
      if (is === "wanted" || (is === "held" && other.link.phase === "up")) return other;
    }
    return undefined;
  }

  isGoing({ device, incarnation }: KernelCtrl): boolean {
    return (this.fleet.users.get(device) ?? []).some((key) => {
      this.work++;
      const link = this.ctl(key)?.link;
      return link?.phase === "deleting" && link.ref.incarnation === incarnation;
    });
  }

  siblings(ctl: Ctl): Siblings {
    const { subsysnqn } = ctl.tid;
    const wanted = [...this.fleet.ctls.values()].find((other) =>
      other.key !== ctl.key && other.tid.subsysnqn === subsysnqn && this.rules.verdict(other).is === "wanted"
    );
    return {
      stays: (device) => this.#stays(device),
      wanted: wanted === undefined ? undefined : tidText(wanted.tid),
      unknown: this.rules.unheard,
    };
  }

  /**
   * Connections of other programs stay, and so do our own wanted ones; those about to be removed do not
   * (S12).
   */
  #stays(device: string): boolean {
    const ctrl = this.fleet.devices.get(device);
    if (ctrl === undefined || ctrl.state.startsWith("delet")) return false;
    return (this.fleet.users.get(device) ?? []).every((key) => {
      const user = this.ctl(key);
      if (user === undefined) return true;
      if (user.link.phase === "deleting") return false;
      const verdict = this.rules.verdict(user);
      // Withdrawn by a page that does not count yet: it is about to be removed, too.
      return verdict.is === "wanted" || (verdict.is === "held" && verdict.withdrawn === undefined);
    });
  }

  /** A device serves no controller until it is known to be of this daemon's kind. */
  #serves(ctl: Ctl, device: KernelCtrl): boolean {
    return this.rules.accepts(device) && this.isTheirs(ctl, device);
  }

  /** The host-wide exclusion of nvme-cli that forbids a connection. */
  barred(tid: Tid): Exclusion | undefined {
    return exclusionOf(tid, this.fleet.host?.id ?? "", this.fleet.exclusions ?? []);
  }

  decision(ctl: Ctl): Decision {
    this.work++;
    return decide(ctl, this, this.rules, this.now);
  }

  /** The decision about a withdrawn controller, once the withdrawal counts. */
  afterwards(ctl: Ctl, evidence: Proof): Decision {
    return unwanted(ctl, { is: "unwanted", evidence }, this, this.rules, this.now, true);
  }

  /** The decision on the assumption that the kernel's connections are those last seen. */
  outlook(ctl: Ctl): Decision {
    return decide(ctl, this, this.rules, this.now, true);
  }
}
