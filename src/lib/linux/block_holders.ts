/**
 * The holders of a block device (S12), in words. Read-only: it opens only files of sysfs and procfs.
 *
 * Sources: holders of the disk and its partitions (md, dm, LVM, bcache) and the holders of those holders,
 * slaves of block devices, file systems mounted in this mount namespace, devices of btrfs, swap, loop
 * devices. A source that cannot be read is reported in {@link Tables.problem}.
 */
import { type Mount, parseMountinfo, parseSwaps } from "../base/mount_table.ts";
import { isAbsent, names, read, text } from "./attribute_files.ts";

export interface UsePlaces {
  readonly sys: string;
  readonly proc: string;
}

export const USE_PLACES: UsePlaces = { sys: "/sys", proc: "/proc" };

/** Deeper stacks (a file system on LVM on md on partitions is four) are not followed (S6). */
const MAX_DEPTH = 8;
/** More block devices than this are not searched for slaves (S6). */
const MAX_BLOCK_DEVICES = 65_536;

export class BlockHolders {
  readonly #places: UsePlaces;

  constructor(places: UsePlaces) {
    this.#places = places;
  }

  /** Holders of a whole disk or its partitions. */
  async of(disk: string, tables: Tables): Promise<readonly string[]> {
    const holders = new Set<string>();
    for (const device of await this.#withPartitions(disk)) {
      await this.#holdersOf(device, tables, holders, 0);
    }
    return [...holders];
  }

  /** The map of dm-multipath that has this disk as a path; undefined when none has. */
  async dmMultipathOn(disk: string): Promise<string | undefined> {
    for (const holder of await names(`${this.#places.sys}/class/block/${disk}/holders`)) {
      const folder = `${this.#places.sys}/class/block/${holder}/dm`;
      const uuid = await text(`${folder}/uuid`);
      if (uuid?.startsWith("mpath-") === true) return await text(`${folder}/name`) ?? holder;
    }
    return undefined;
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

  /** Tables that are read once for all devices. */
  async tables(): Promise<Tables> {
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

export interface Tables {
  readonly mounts: readonly Mount[];
  readonly swaps: readonly string[];
  readonly loops: readonly Loop[];
  /** For each device the block devices that have it as a slave. */
  readonly slaves: ReadonlyMap<string, readonly string[]>;
  readonly btrfs: ReadonlySet<string>;
  /** Major and minor number of each device file that is named anywhere: `259:3`. */
  readonly numbers: ReadonlyMap<string, string>;
  readonly problem: string | undefined;
}

/** Undefined if the path is not a device file. */
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
