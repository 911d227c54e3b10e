/**
 * What holds the namespaces of a controller, and which controllers serve them (DESIGN.md, S12). Only looks: nothing is
 * opened but files of sysfs and procfs.
 *
 * Sources: holders of the disk and its partitions (md, dm, LVM, bcache) and of what holds them in turn, slaves of block
 * devices, file systems mounted in this mount namespace, devices of btrfs, swap, loop devices. What one of them hides
 * is {@link NamespaceLook.unknown}.
 */
import type { Failure, Outcome } from "../nvme/failure.ts";
import { type NamespaceLook, type NamespacePath, parseIoCounters } from "../nvme/namespace_look.ts";
import { type Mount, parseMountinfo, parseSwaps } from "../nvme/mount_table.ts";
import { EINVAL, errnoOf, isGone } from "./os_error.ts";

export interface UsePlaces {
  readonly sys: string;
  readonly proc: string;
}

const USE_PLACES: UsePlaces = { sys: "/sys", proc: "/proc" };

/** Deeper stacks (a file system on LVM on md on partitions is four) are not followed (S6). */
const MAX_DEPTH = 8;
/** More block devices than this are not searched for slaves (S6). */
const MAX_BLOCK_DEVICES = 65_536;

export class BlockUse {
  readonly #places: UsePlaces;

  constructor(places: UsePlaces = USE_PLACES) {
    this.#places = places;
  }

  /** All namespaces of the controller. A controller that is gone has none. */
  async look(controller: string): Promise<Outcome<readonly NamespaceLook[]>> {
    try {
      const children = await names(`${this.#places.sys}/class/nvme/${controller}`);
      const own = children.flatMap((child) => {
        const found = /^(nvme\d+)(c\d+)?(n\d+)$/.exec(child);
        return found === null ? [] : [{ head: `${found[1]}${found[3]}`, shared: found[2] !== undefined }];
      });
      if (own.length === 0) return { ok: true, value: [] };
      const tables = await this.#tables();
      const looks: NamespaceLook[] = [];
      for (const { head, shared } of own) looks.push(await this.#lookAt(controller, head, shared, tables));
      return { ok: true, value: looks };
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return { ok: false, failure: unreadable(controller, error) };
    }
  }

  async #lookAt(controller: string, head: string, shared: boolean, tables: Tables): Promise<NamespaceLook> {
    const paths = shared ? await this.#pathsOf(head) : [await this.#path(controller, undefined)];
    const io = await this.#counters(`${this.#places.sys}/class/block/${head}`);
    try {
      const holders = new Set<string>();
      const devices = await this.#withPartitions(head);
      for (const device of devices) await this.#holdersOf(device, tables, holders, 0);
      return { device: head, holders: [...holders], unknown: tables.problem, paths, io };
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return { device: head, holders: [], unknown: describe(error), paths, io };
    }
  }

  /** The disk and its partitions. */
  async #withPartitions(disk: string): Promise<readonly string[]> {
    const folder = `${this.#places.sys}/class/block/${disk}`;
    const found = [disk];
    for (const name of await names(folder)) {
      if (name.startsWith(disk) && await text(`${folder}/${name}/partition`) !== undefined) found.push(name);
    }
    return found;
  }

  async #holdersOf(device: string, tables: Tables, holders: Set<string>, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) {
      holders.add(`a stack of more than ${MAX_DEPTH} devices on it`);
      return;
    }
    const folder = `${this.#places.sys}/class/block/${device}`;
    const dev = await text(`${folder}/dev`) ?? "";
    for (const mount of tables.mounts) {
      if (dev !== "" && (mount.dev === dev || tables.numbers.get(mount.source) === dev)) {
        holders.add(`mounted on ${mount.mountPoint}`);
      }
    }
    if (tables.swaps.some((swap) => tables.numbers.get(swap) === dev)) holders.add("used as swap");
    for (const { name, file } of tables.loops) {
      if (tables.numbers.get(file) === dev) holders.add(`used by loop device ${name}`);
    }
    if (tables.btrfs.has(device)) holders.add("used by a mounted btrfs file system");
    const above = new Set([...await names(`${folder}/holders`), ...tables.slaves.get(device) ?? []]);
    for (const holder of above) {
      const own = new Set<string>();
      await this.#holdersOf(holder, tables, own, depth + 1);
      for (const partition of await this.#withPartitions(holder)) {
        if (partition !== holder) await this.#holdersOf(partition, tables, own, depth + 1);
      }
      const name = await text(`${this.#places.sys}/class/block/${holder}/dm/name`);
      const label = name === undefined ? holder : `${holder} (${name})`;
      holders.add(own.size === 0 ? `held by ${label}` : `held by ${label}: ${[...own].join(", ")}`);
    }
  }

  /** Every controller of the subsystem that has a path to this head. */
  async #pathsOf(head: string): Promise<readonly NamespacePath[]> {
    const [, subsystem = "", namespace = ""] = /^nvme(\d+)n(\d+)$/.exec(head) ?? [];
    const members = await names(`${this.#places.sys}/class/nvme-subsystem/nvme-subsys${subsystem}`);
    const paths: NamespacePath[] = [];
    for (const member of members.filter((name) => /^nvme\d+$/.test(name))) {
      const path = `nvme${subsystem}c${member.slice("nvme".length)}n${namespace}`;
      const folder = `${this.#places.sys}/class/nvme/${member}/${path}`;
      if (await text(`${folder}/stat`) !== undefined) paths.push(await this.#path(member, folder));
    }
    return paths;
  }

  async #path(controller: string, folder: string | undefined): Promise<NamespacePath> {
    return {
      device: controller,
      state: await text(`${this.#places.sys}/class/nvme/${controller}/state`) ?? "",
      anaState: folder === undefined ? "" : await text(`${folder}/ana_state`) ?? "",
      io: folder === undefined ? undefined : await this.#counters(folder),
    };
  }

  async #counters(folder: string): Promise<NamespaceLook["io"]> {
    return parseIoCounters(await text(`${folder}/stat`) ?? "");
  }

  /** What is read once for all devices. */
  async #tables(): Promise<Tables> {
    const { sys, proc } = this.#places;
    const problems: string[] = [];
    const required = async (path: string): Promise<string> => {
      const found = await read(path);
      if (typeof found === "string") return found;
      problems.push(`${path} cannot be read`);
      return "";
    };
    const mounts = parseMountinfo(await required(`${proc}/self/mountinfo`));
    const swaps = parseSwaps(await required(`${proc}/swaps`));
    const blocks = await names(`${sys}/class/block`);
    if (blocks.length > MAX_BLOCK_DEVICES) problems.push(`more than ${MAX_BLOCK_DEVICES} block devices`);
    const loops: Loop[] = [];
    const slaves = new Map<string, string[]>();
    for (const name of blocks.slice(0, MAX_BLOCK_DEVICES)) {
      if (name.startsWith("nvme")) continue;
      if (name.startsWith("loop")) {
        const file = await text(`${sys}/class/block/${name}/loop/backing_file`);
        if (file !== undefined) loops.push({ name, file });
        continue;
      }
      for (const slave of await names(`${sys}/class/block/${name}/slaves`)) {
        slaves.set(slave, [...slaves.get(slave) ?? [], name]);
      }
    }
    const btrfs = new Set<string>();
    for (const id of await names(`${sys}/fs/btrfs`)) {
      for (const device of await names(`${sys}/fs/btrfs/${id}/devices`)) btrfs.add(device);
    }
    const numbers = new Map<string, string>();
    for (const path of [...mounts.map(({ source }) => source), ...swaps, ...loops.map(({ file }) => file)]) {
      const dev = path.startsWith("/dev/") ? await deviceNumbers(path) : undefined;
      if (dev !== undefined) numbers.set(path, dev);
    }
    const problem = problems.length === 0 ? undefined : problems.join("; ");
    return { mounts, swaps, loops, slaves, btrfs, numbers, problem };
  }
}

interface Loop {
  readonly name: string;
  readonly file: string;
}

interface Tables {
  readonly mounts: readonly Mount[];
  readonly swaps: readonly string[];
  readonly loops: readonly Loop[];
  /** By device: the block devices that have it as a slave. */
  readonly slaves: ReadonlyMap<string, readonly string[]>;
  readonly btrfs: ReadonlySet<string>;
  /** Major and minor number of each device file that is named anywhere: `259:3`. */
  readonly numbers: ReadonlyMap<string, string>;
  readonly problem: string | undefined;
}

/** The names in a folder, sorted, as the kernel gives them in no order; none where there is no such folder. */
async function names(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) found.push(name);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  return found.sort();
}

/** The trimmed text of a file; undefined where there is none. */
async function text(path: string): Promise<string | undefined> {
  const found = await read(path);
  if (typeof found === "string" || isAbsent(found)) return typeof found === "string" ? found : undefined;
  throw found;
}

/** The trimmed text of a file, or the system's error. */
async function read(path: string): Promise<string | Error> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Error && errnoOf(error) !== 0) return error;
    throw error;
  }
}

/** Not there, gone meanwhile, or an attribute without a value. */
function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return isGone(errno) || errno === ENOTDIR || errno === EINVAL;
}

const ENOTDIR = 20;

/** Undefined for what is no device file. */
async function deviceNumbers(path: string): Promise<string | undefined> {
  try {
    const { isBlockDevice, rdev } = await Deno.stat(path);
    return isBlockDevice === true && rdev !== null ? devText(rdev) : undefined;
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return undefined;
  }
}

/** A device number as glibc packs it (makedev(3)). */
export function devText(rdev: number): string {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

const describe = (error: unknown): string => error instanceof Error ? error.message : String(error);

const unreadable = (controller: string, error: unknown): Failure => ({
  phase: "scan",
  kind: "transient",
  message: `cannot tell what the namespaces of ${controller} are used for: ${describe(error)}`,
});
