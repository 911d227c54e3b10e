/** All NVMe subsystems in sysfs, with their paths and namespaces, for queries about redundancy. */
import type { Failure, Outcome } from "../base/failure.ts";
import {
  type Counters,
  DIAG_COUNTERS,
  type NativeMultipath,
  type ServedNamespace,
  type ServedPath,
  type StorageLook,
  type SubsystemLook,
} from "../nvme/storage_look.ts";
import type { Done, Storage } from "../ports.ts";
import { isAbsent, names, text } from "./attribute_files.ts";
import { BlockHolders, type Tables, USE_PLACES, type UsePlaces } from "./block_holders.ts";
import { errnoOf } from "./os_error.ts";

/** The most subsystems read in parallel: files are read in a thread pool that other work needs, too. */
const AT_ONCE = 4;
/** VLANs on bridges on bonds: deeper stacks of interfaces are not followed (S6). */
const MAX_DEPTH = 8;

export class LinuxStorage implements Storage {
  readonly #places: UsePlaces;
  readonly #holders: BlockHolders;

  constructor(places: UsePlaces = USE_PLACES) {
    this.#places = places;
    this.#holders = new BlockHolders(places);
  }

  look(done: Done<StorageLook>): void {
    void this.lookNow().then(done);
  }

  async lookNow(): Promise<Outcome<StorageLook>> {
    const { sys, proc } = this.#places;
    try {
      const folder = `${sys}/class/nvme-subsystem`;
      const devices = (await names(folder)).filter((name) => /^nvme-subsys\d+$/.test(name));
      const tables = await this.#holders.tables();
      const hasDiag = await this.#hasDiag();
      const subsystems: SubsystemLook[] = [];
      for (let start = 0; start < devices.length; start += AT_ONCE) {
        const some = devices.slice(start, start + AT_ONCE);
        subsystems.push(
          ...await Promise.all(some.map((device) => this.#subsystem(device, tables, hasDiag))),
        );
      }
      return {
        ok: true,
        value: {
          nativeMultipath: await this.#nativeMultipath(),
          kernel: await text(`${proc}/sys/kernel/osrelease`) ?? "",
          subsystems,
          sturdyInterfaces: await this.#sturdyInterfaces(),
        },
      };
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return { ok: false, failure: unreadable(error) };
    }
  }

  async #nativeMultipath(): Promise<NativeMultipath> {
    const folder = `${this.#places.sys}/module/nvme_core`;
    const value = await text(`${folder}/parameters/multipath`);
    if (value !== undefined) return /^[Y1]/i.test(value) ? "on" : "off";
    return (await names(`${folder}/parameters`)).length > 0 ? "absent" : "unknown";
  }

  /** The kernel has these counters for all devices or for none. */
  async #hasDiag(): Promise<boolean> {
    const [first] = (await names(`${this.#places.sys}/class/nvme`)).filter((name) => /^nvme\d+$/.test(name));
    return first !== undefined && (await names(`${this.#places.sys}/class/nvme/${first}/diag`)).length > 0;
  }

  async #subsystem(device: string, tables: Tables, hasDiag: boolean): Promise<SubsystemLook> {
    const { sys } = this.#places;
    const folder = `${sys}/class/nvme-subsystem/${device}`;
    const [, number = ""] = /^nvme-subsys(\d+)$/.exec(device) ?? [];
    const [nqn, model, ioPolicy] = await Promise.all(
      ["subsysnqn", "model", "iopolicy"].map((name) => text(`${folder}/${name}`)),
    );
    const members = (await names(folder)).filter((name) => /^nvme\d+$/.test(name));
    const counters = (of: string, kind: keyof typeof DIAG_COUNTERS): Promise<Counters> =>
      hasDiag ? this.#counters(of, kind) : Promise.resolve({});
    const controllers: SubsystemLook["controllers"][number][] = [];
    const namespaces = new Map<string, { isShared: boolean; paths: ServedPath[] }>();
    for (const controller of members) {
      const own = `${sys}/class/nvme/${controller}`;
      controllers.push({ device: controller, counters: await counters(own, "controller") });
      const state = await text(`${own}/state`) ?? "";
      for (const child of await names(own)) {
        const found = /^nvme(\d+)(c\d+)?n(\d+)$/.exec(child);
        if (found === null) continue;
        const isShared = found[2] !== undefined;
        const head = isShared ? `nvme${number}n${found[3]}` : child;
        const path = `${own}/${child}`;
        const served = namespaces.get(head) ?? { isShared, paths: [] };
        served.paths.push({
          controller,
          device: child,
          state,
          anaState: await text(`${path}/ana_state`) ?? "",
          counters: await counters(path, "path"),
        });
        namespaces.set(head, served);
      }
    }
    const looked: ServedNamespace[] = [];
    for (const [head, { isShared, paths }] of namespaces) {
      const use = await this.#use(head, tables);
      looked.push({
        device: head,
        isShared,
        paths,
        ...use,
        counters: await counters(`${sys}/class/block/${head}`, "namespace"),
      });
    }
    return {
      device,
      nqn: nqn ?? "",
      model: model ?? "",
      ioPolicy: ioPolicy ?? "",
      controllers,
      namespaces: looked,
    };
  }

  async #use(
    head: string,
    tables: Tables,
  ): Promise<Pick<ServedNamespace, "holders" | "unknown" | "dmMultipath">> {
    try {
      const holders = await this.#holders.of(head, tables);
      const isHeld = holders.some((holder) => holder.startsWith("held by "));
      const dmMultipath = isHeld ? await this.#holders.dmMultipathOn(head) : undefined;
      return { holders, unknown: tables.problem, dmMultipath };
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return { holders: [], unknown: describe(error), dmMultipath: undefined };
    }
  }

  async #counters(folder: string, kind: keyof typeof DIAG_COUNTERS): Promise<Counters> {
    const found: Record<string, number> = {};
    for (const name of DIAG_COUNTERS[kind]) {
      const value = await text(`${folder}/diag/${name}`);
      if (value !== undefined && /^\d+$/.test(value)) found[name] = Number(value);
    }
    return found;
  }

  async #sturdyInterfaces(): Promise<ReadonlySet<string>> {
    const sturdy = new Set<string>();
    for (const name of await names(`${this.#places.sys}/class/net`)) {
      if (await this.#isSturdy(name, 0)) sturdy.add(name);
    }
    return sturdy;
  }

  async #isSturdy(name: string, depth: number): Promise<boolean> {
    if (depth > MAX_DEPTH) return false;
    const lower = (await namesOrNone(`${this.#places.sys}/class/net/${name}`))
      .filter((entry) => entry.startsWith("lower_")).map((entry) => entry.slice("lower_".length));
    const [only] = lower;
    return lower.length > 1 || (only !== undefined && await this.#isSturdy(only, depth + 1));
  }
}

/** `bonding_masters`, in the same folder as the interfaces, is a file. */
async function namesOrNone(folder: string): Promise<readonly string[]> {
  try {
    return await names(folder);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return [];
  }
}

const describe = (error: unknown): string => error instanceof Error ? error.message : String(error);

const unreadable = (error: unknown): Failure => ({
  phase: "scan",
  kind: "transient",
  message: `cannot read the subsystems in sysfs: ${describe(error)}`,
});
