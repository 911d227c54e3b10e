/**
 * Claims a block device while its controller is being deleted (S12). The claim is refused if another user has
 * claimed the device (a file system in any mount namespace, swap, md, dm, LVM); while it lasts no other claim
 * succeeds.
 *
 * First the lock that systemd, udev and partitioning tools agree on, then open(2) with O_EXCL. Never for
 * writing: udev and LVM examine a device again when a writable descriptor is closed. Never with Deno's own
 * open: there O_EXCL creates.
 */
import { LOCK_EX, LOCK_NB, O_CLOEXEC, O_EXCL, O_NONBLOCK, O_RDONLY, sys } from "./ffi_libc.ts";
import { errnoName } from "../nvme/errno.ts";
import { EAGAIN, EBUSY, errnoOf } from "./os_error.ts";
import { THREADS } from "./thread_shares.ts";

/** An open of a device with hanging paths takes as long as they hang. */
const OPEN_LIMIT_MS = 10_000;
/** An open that took longer is not repeated on the main thread. */
const SLOW_OPEN_MS = 200;
/** Devices whose open has not returned in its time. */
const hanging = new Set<string>();
const OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_CLOEXEC;

export interface BlockPlaces {
  readonly sys: string;
  readonly dev: string;
}

export const BLOCK_PLACES: BlockPlaces = { sys: "/sys", dev: "/dev" };

export type Claimed =
  | { readonly ok: true; readonly claim: Disposable }
  /** The reason, in words, for which the device counts as in use. */
  | { readonly ok: false; readonly why: string };

const refused = (why: string): Claimed => ({ ok: false, why });

/** `device` is the name of a block device, such as `nvme0n1`. Never throws for an answer of the system. */
export async function claimDevice(
  device: string,
  places: BlockPlaces,
  limitMs: number = OPEN_LIMIT_MS,
  open: typeof sys.openInPool = sys.openInPool,
): Promise<Claimed> {
  const path = `${places.dev}/${device}`;
  // Each hanging open occupies a thread of the pool (L6).
  const [other] = hanging;
  if (hanging.size >= THREADS.hungClaims) {
    return refused(`${device} cannot be claimed while the open of ${other} hangs`);
  }
  const lock = await openWithin(path, OPEN_FLAGS, limitMs, open);
  if (typeof lock === "string") return refused(lock);
  const locked = sys.flock(lock, LOCK_EX | LOCK_NB);
  if (locked < 0) {
    sys.close(lock);
    return refused(
      locked === -EAGAIN
        ? `${device} is locked by another program`
        : `${path} cannot be locked (${errnoName(-locked)})`,
    );
  }
  const fd = await openWithin(path, OPEN_FLAGS | O_EXCL, limitMs, open);
  if (typeof fd === "string") {
    sys.close(lock);
    return refused(fd);
  }
  const claim = {
    [Symbol.dispose]: (): void => {
      sys.close(fd);
      sys.close(lock);
    },
  };
  const expected = await numbersOf(device, places);
  if (expected !== undefined && sys.blockDevice(fd) === expected && sys.blockDevice(lock) === expected) {
    return { ok: true, claim };
  }
  claim[Symbol.dispose]();
  return refused(`${path} is not the block device that the kernel calls ${device}`);
}

/** The major and minor number in sysfs; undefined if sysfs has none. */
async function numbersOf(device: string, { sys: root }: BlockPlaces): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(`${root}/class/block/${device}/dev`)).trim();
  } catch (error) {
    if (errnoOf(error) === 0) throw error;
    return undefined;
  }
}

/** The descriptor, or the reason, in words, for which there is none. */
async function openWithin(
  path: string,
  flags: number,
  limitMs: number,
  open: typeof sys.openInPool,
): Promise<number | string> {
  let late = false;
  const begin = performance.now();
  const opening = open(path, flags).then((fd) => {
    if (late && fd >= 0) sys.close(fd);
    if (late) hanging.delete(path);
    return fd;
  });
  const limit = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => limit.resolve(undefined), limitMs);
  const fd = await Promise.race([opening, limit.promise]);
  clearTimeout(timer);
  if (fd === undefined) {
    late = true;
    hanging.add(path);
    return `${path} could not be opened within ${limitMs / 1000} s`;
  }
  if (fd >= 0) return fd;
  if (performance.now() - begin > SLOW_OPEN_MS) return `${path} cannot be opened`;
  // The error number of another thread cannot be read. The call failed at once there, so it will also fail at
  // once here.
  const again = sys.open(path, flags);
  if (again >= 0) return again;
  return again === -EBUSY ? `${path} is claimed (EBUSY)` : `${path} cannot be opened (${errnoName(-again)})`;
}
