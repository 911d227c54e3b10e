/** Subsystems of the simulated kernel, as its sysfs would show them. */
import type { NativeMultipath, ServedNamespace, StorageLook, SubsystemLook } from "../nvme/storage_look.ts";
import type { Storage } from "../ports.ts";
import type { Device, Devices } from "./devices.ts";

/** Settings for stories to change; they begin with the kernel's defaults. */
export interface StorageSettings {
  nativeMultipath: NativeMultipath;
  kernel: string;
  /** By NQN of the subsystem. */
  readonly ioPolicies: Map<string, string>;
  readonly models: Map<string, string>;
  /** By block device: the map of dm-multipath on it. */
  readonly dmMultipath: Map<string, string>;
  readonly sturdyInterfaces: Set<string>;
}

export const usualStorage = (): StorageSettings => ({
  nativeMultipath: "on",
  kernel: "6.12.0",
  ioPolicies: new Map(),
  models: new Map(),
  dmMultipath: new Map(),
  sturdyInterfaces: new Set(),
});

function storageLook(devices: Devices): StorageLook {
  const { nativeMultipath, kernel, sturdyInterfaces } = devices.storage;
  const isIo = ({ target, complete }: Device): boolean =>
    target !== undefined && complete && target.discovery === undefined;
  const byNqn = Map.groupBy(devices.all.filter(isIo), ({ target }) => target?.nqn ?? "");
  return {
    nativeMultipath,
    kernel,
    sturdyInterfaces: new Set(sturdyInterfaces),
    subsystems: [...byNqn].map(([nqn, members]) => subsystem(nqn, members, devices)),
  };
}

function subsystem(nqn: string, members: readonly Device[], devices: Devices): SubsystemLook {
  const { storage, namespaces } = devices;
  const head = namespaces.head(nqn);
  const use = namespaces.use(nqn);
  const serving = members.filter(({ target }) => target?.isEmpty !== true);
  const isShared = storage.nativeMultipath === "on";
  const pathOf = (device: Device, own: string): ServedNamespace["paths"][number] => ({
    controller: device.name,
    device: own,
    state: device.state,
    anaState: device.anaState,
    counters: {},
  });
  const namespace = (device: string, paths: ServedNamespace["paths"]): ServedNamespace => ({
    device,
    isShared,
    holders: [...use.holders],
    unknown: use.unreadable,
    dmMultipath: storage.dmMultipath.get(device),
    paths,
    counters: {},
  });
  const [, number = ""] = /^nvme(\d+)n/.exec(head) ?? [];
  const served = isShared
    ? serving.length === 0 ? [] : [namespace(
      head,
      serving.map((device) => pathOf(device, `nvme${number}c${device.name.slice("nvme".length)}n1`)),
    )]
    : serving.map((device) => namespace(`${device.name}n1`, [pathOf(device, `${device.name}n1`)]));
  return {
    device: `nvme-subsys${number}`,
    nqn,
    model: storage.models.get(nqn) ?? "Simulated",
    ioPolicy: storage.ioPolicies.get(nqn) ?? "numa",
    controllers: members.map(({ name }) => ({ device: name, counters: {} })),
    namespaces: served,
  };
}

/** The port of one process; silent once the process has ended. Like the other reads for views, it takes no time. */
export const storagePort = (devices: Devices, alive: () => boolean): Storage => ({
  look: (done) =>
    queueMicrotask(() => {
      if (alive()) done({ ok: true, value: storageLook(devices) });
    }),
});
