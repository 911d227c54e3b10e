/**
 * The state of one namespace's block device: its holders, the controllers that serve it, and its I/O counters.
 * Whether it is in use follows from these (S12).
 */

/** I/O of one block device since the kernel made it (`stat` in sysfs). Sectors have 512 bytes. */
export interface IoCounters {
  readonly readSectors: number;
  readonly writtenSectors: number;
  readonly discardedSectors: number;
  /** Requests. */
  readonly flushes: number;
  /** Requests not completed yet. */
  readonly inFlight: number;
}

/** One controller's way to a namespace. */
export interface NamespacePath {
  /** The controller, `nvme3`. */
  readonly device: string;
  /** The controller's state, as {@link KernelCtrl.state}; empty when unreadable. */
  readonly state: string;
  /** `optimized`, `non-optimized`, `inaccessible`, `persistent-loss`, `change`; empty where the controller has no ANA. */
  readonly anaState: string;
  /** Of the hidden path device; undefined with native multipath off, and where it cannot be read. */
  readonly io: IoCounters | undefined;
}

export interface NamespaceLook {
  /** The block device that programs use: `nvme0n1`, the head of all paths with native multipath. */
  readonly device: string;
  /** The holders of the device, in words for people: `mounted on /srv`. Empty when none was found. */
  readonly holders: readonly string[];
  /** Which source could not be read, and why; then the namespace counts as in use. */
  readonly unknown: string | undefined;
  /** With native multipath off, the one controller that the device belongs to. */
  readonly paths: readonly NamespacePath[];
  /** Of {@link device} itself; undefined when it cannot be read. Kernels before 6.5 count on the paths only. */
  readonly io: IoCounters | undefined;
}

/**
 * The fields of `stat` in sysfs (Documentation/block/stat.rst); undefined when the text is not that. Old kernels end
 * after 11 or 15.
 */
export function parseIoCounters(text: string): IoCounters | undefined {
  const fields = text.trim().split(/\s+/).map(Number);
  if (fields.length < 11 || !fields.every((field) => Number.isSafeInteger(field) && field >= 0)) {
    return undefined;
  }
  const at = (index: number): number => fields[index] ?? 0;
  return {
    readSectors: at(2),
    writtenSectors: at(6),
    discardedSectors: at(13),
    flushes: at(15),
    inFlight: at(8),
  };
}

/** ANA states in which a host may send I/O; a controller without ANA serves all its namespaces. */
export const anaUsable = (state: string): boolean =>
  state === "" || state === "optimized" || state === "non-optimized";

/** Whether this path serves its namespace now (S12). */
export const serves = (path: NamespacePath): boolean => path.state === "live" && anaUsable(path.anaState);
