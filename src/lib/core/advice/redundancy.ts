/**
 * Is the storage redundant? Judges the visible state of subsystems, paths and namespaces: it reports
 * conditions under which one more failure would cost access to the storage, or its speed. Pure.
 */
import { anaUsable } from "../../nvme/namespace_look.ts";
import type { ServedNamespace, ServedPath, StorageLook, SubsystemLook } from "../../nvme/storage_look.ts";
import { nameKey } from "../../base/name_key.ts";
import { wantsOf } from "./array_wants.ts";

/** The path is wanted. */
export interface PathFacts {
  /** The device; empty without a connection. */
  readonly device: string;
  readonly transport: string;
  readonly traddr: string;
  /** The interface or port of this host; empty when that is not known. */
  readonly from: string;
  /** `down`: an attempt failed, or the link is lost; `pending`: not tried to the end yet. */
  readonly is: "live" | "down" | "pending";
  /** Seconds, -1 for ever; undefined when it is not known. */
  readonly ctrlLossTmo: number | undefined;
}

export interface SubsystemFacts {
  readonly nqn: string;
  readonly paths: readonly PathFacts[];
  /** The last withdrawn path, and why; undefined if none was withdrawn. */
  readonly withdrawn: { readonly count: number; readonly when: string; readonly why: string } | undefined;
}

/** Every kind of problem: whether it degrades the health, or is advice. */
export const REDUNDANCY_KINDS = {
  "no-usable-path": "degrades",
  "one-path": "degrades",
  "no-optimized-path": "degrades",
  "native-multipath-off": "degrades",
  "dm-multipath": "degrades",
  "fewer-paths": "advice",
  "one-interface": "advice",
  "one-array-address": "advice",
  "io-policy": "advice",
  "ctrl-loss-tmo": "advice",
} as const satisfies Readonly<Record<string, "degrades" | "advice">>;

export type RedundancyKind = keyof typeof REDUNDANCY_KINDS;

export interface RedundancyProblem {
  readonly kind: RedundancyKind;
  readonly nqn: string;
  /** The same text for all subsystems with this problem. */
  readonly cause: string;
  /** The devices of this subsystem that are concerned. */
  readonly devices: readonly string[];
  readonly remedy: string;
}

type Found = Omit<RedundancyProblem, "nqn">;
type Context = Pick<StorageLook, "nativeMultipath" | "kernel" | "sturdyInterfaces">;
type Judge = (facts: SubsystemFacts, look: SubsystemLook | undefined, context: Context) => readonly Found[];

/** `nqn: cause (nvme1, nvme2)`. */
export const redundancyText = ({ nqn, cause, devices }: RedundancyProblem): string =>
  `${nqn}: ${cause}${devices.length === 0 ? "" : ` (${devices.join(", ")})`}`;

export function redundancyProblems(
  all: readonly SubsystemFacts[],
  look: StorageLook,
): readonly RedundancyProblem[] {
  const looks = new Map(look.subsystems.map((one) => [nameKey(one.nqn), one]));
  return all.flatMap((facts) =>
    JUDGES.flatMap((judge) => judge(facts, looks.get(nameKey(facts.nqn)), look))
      .map((found) => ({ ...found, nqn: facts.nqn }))
  );
}

const liveOf = ({ paths }: SubsystemFacts): readonly PathFacts[] => paths.filter(({ is }) => is === "live");
const devicesOf = (paths: readonly PathFacts[]): readonly string[] =>
  paths.map(({ device, traddr }) => device === "" ? traddr : device);

/**
 * A path that has not come up yet is not a loss; for a subsystem without any path, each path is a problem
 * already.
 */
const paths: Judge = (facts) => {
  const { withdrawn, paths: all } = facts;
  const live = liveOf(facts);
  const down = all.filter(({ is }) => is === "down");
  if (live.length === 1 && down.length > 0) {
    return [{
      kind: "one-path",
      cause: `only one of its ${all.length} paths is up`,
      devices: devicesOf(live),
      remedy: "bring the other paths up before you touch this one",
    }];
  }
  if (live.length === 1 && all.length === 1 && withdrawn !== undefined) {
    return [{
      kind: "fewer-paths",
      cause: `it has one path, and had ${
        withdrawn.count + 1
      }; the last of the others was withdrawn at ${withdrawn.when}: ${withdrawn.why}`,
      devices: devicesOf(live),
      remedy: "if the array still has the port, let its log page or a controller= line list it again",
    }];
  }
  return [];
};

const namespaces: Judge = (facts, look) => {
  const controllers = new Set(liveOf(facts).map(({ device }) => device));
  const all = look?.namespaces ?? [];
  return [
    ...united(all).flatMap(usability),
    ...all.flatMap((namespace) =>
      namespace.isShared && namespace.paths.length === 1 && controllers.size > 1
        ? [{
          kind: "one-path" as const,
          cause: "only one of its controllers serves a namespace",
          devices: [`${namespace.device} by ${namespace.paths[0]?.controller ?? ""}`],
          remedy: "map the namespace on every port of the array that this host is connected to",
        }]
        : []
    ),
  ];
};

/** Without native multipath, the disks of one namespace share the namespace number. */
function united(all: readonly ServedNamespace[]): readonly ServedNamespace[] {
  const byNumber = Map.groupBy(
    all,
    ({ device, isShared }) => isShared ? device : device.replace(/^nvme\d+/, ""),
  );
  return [...byNumber.values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [{ ...first, paths: [first, ...more].flatMap(({ paths }) => paths) }]
  );
}

function usability({ device, paths }: ServedNamespace): readonly Found[] {
  const live = paths.filter(({ state }) => state === "live");
  if (live.length === 0) return [];
  const usable = live.filter(({ anaState }) => anaUsable(anaState));
  const told = (some: readonly ServedPath[]): string =>
    `${device}: ${
      some.map(({ controller, anaState }) => `${controller} ${anaState === "" ? "live" : anaState}`).join(
        ", ",
      )
    }`;
  if (usable.length === 0) {
    return [{
      kind: "no-usable-path",
      cause: "a namespace cannot be reached: the array refuses I/O on every path that is up",
      devices: [told(live)],
      remedy:
        "check on the array which of its controllers serves the namespace, and why this host is connected to none of them",
    }];
  }
  if (usable.every(({ anaState }) => anaState === "non-optimized")) {
    return [{
      kind: "no-optimized-path",
      cause: "a namespace has no optimized path: I/O takes a slower route through the array",
      devices: [told(live)],
      remedy:
        "connect the ports of the array's controller that owns the namespace, or move it back on the array",
    }];
  }
  return [];
}

const singlePoints: Judge = (facts, _look, { sturdyInterfaces }) => {
  const live = liveOf(facts).filter(({ transport }) => transport !== "loop");
  if (live.length < 2) return [];
  const found: Found[] = [];
  const [{ from = "", traddr = "" } = {}] = live;
  if (from !== "" && !sturdyInterfaces.has(from) && live.every((path) => path.from === from)) {
    found.push({
      kind: "one-interface",
      cause: `all its paths use ${from}: if that fails, none is left`,
      devices: devicesOf(live),
      remedy:
        "connect some of them through another interface: host-iface= in a controller= line, or another subnet",
    });
  }
  if (live.every((path) => path.traddr === traddr)) {
    found.push({
      kind: "one-array-address",
      cause: "all its paths go to one address of the array: if that fails, none is left",
      devices: devicesOf(live),
      remedy: "connect another port of the array, and have its log page list it",
    });
  }
  return found;
};

const multipath: Judge = (facts, look, { nativeMultipath }) => {
  const found: Found[] = [];
  const served = look?.namespaces ?? [];
  const isOff = nativeMultipath === "off" || nativeMultipath === "absent";
  const isCovered = served.length > 0 && served.every(({ dmMultipath }) => dmMultipath !== undefined);
  if (isOff && facts.paths.length > 1 && !isCovered) {
    found.push({
      kind: "native-multipath-off",
      cause: `native multipath is ${
        nativeMultipath === "off" ? "off (nvme_core.multipath=N)" : "not built into this kernel"
      }: each path is a disk of its own, and a program that uses a disk loses it when its path fails`,
      devices: served.map(({ device }) => device),
      remedy: nativeMultipath === "off"
        ? "set nvme_core.multipath=Y in /etc/modprobe.d and the initramfs, and reboot; or have dm-multipath unite them"
        : "use a kernel with CONFIG_NVME_MULTIPATH, or have dm-multipath unite them",
    });
  }
  const stacked = served.filter(({ isShared, dmMultipath }) => isShared && dmMultipath !== undefined);
  if (stacked.length > 0) {
    found.push({
      kind: "dm-multipath",
      cause: "dm-multipath is on top of native multipath, which already unites the paths",
      devices: stacked.map(({ device, dmMultipath = "" }) => `${device} in ${dmMultipath}`),
      remedy: 'blacklist { protocol "nvme:.*" } in /etc/multipath.conf, once nothing uses the map any more',
    });
  }
  return found;
};

const vendor: Judge = (facts, look, { kernel }) => {
  const wants = look === undefined ? undefined : wantsOf(look.model, kernel);
  if (look === undefined || wants === undefined) return [];
  const found: Found[] = [];
  if (look.ioPolicy !== "" && look.ioPolicy !== wants.ioPolicy) {
    found.push({
      kind: "io-policy",
      cause: `the I/O policy is ${look.ioPolicy}, and ${wants.vendor} recommends ${wants.ioPolicy}`,
      devices: [look.device],
      remedy:
        `write ${wants.ioPolicy} to /sys/class/nvme-subsystem/${look.device}/iopolicy; for every boot: nvme-cli's udev rule ${wants.rule}`,
    });
  }
  const gives = liveOf(facts).filter(({ transport, ctrlLossTmo }) =>
    wants.neverGiveUpOn.includes(transport) && ctrlLossTmo !== undefined && ctrlLossTmo >= 0
  );
  for (const [tmo, some] of Map.groupBy(gives, ({ ctrlLossTmo }) => ctrlLossTmo)) {
    found.push({
      kind: "ctrl-loss-tmo",
      cause:
        `ctrl-loss-tmo is ${tmo}, and ${wants.vendor} recommends -1, with which the kernel never gives up a lost path`,
      devices: devicesOf(some),
      remedy:
        `ctrl-loss-tmo = -1 in [Global] of stacd.conf or in the controller= line, for new connections; at once: echo -1 > /sys/class/nvme/${
          some[0]?.device ?? "nvmeN"
        }/ctrl_loss_tmo`,
    });
  }
  return found;
};

const JUDGES: readonly Judge[] = [paths, namespaces, singlePoints, multipath, vendor];
