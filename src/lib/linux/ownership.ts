/**
 * nvme-cli's registry of who owns a controller, `/run/nvme/registry/nvmeN` (STAF-115). It is advice to other
 * programs, so a failed write does no harm and is only logged. The files are in memory (tmpfs): writing them
 * on the main thread costs a fraction of the equivalent calls on another thread, for every connection.
 */
import { OWNER, parseOwner, registryText } from "../nvme/registry.ts";
import type { Log } from "../ports.ts";
import { sys } from "./ffi_libc.ts";
import { errnoOf, isGone, SystemError } from "./os_error.ts";
import { makePublicFolder, writePublicFile } from "./public_folder.ts";
import { isController, type SysfsPlaces, SYSTEM_PLACES } from "./sysfs.ts";

export class Ownership {
  readonly #places: SysfsPlaces;
  readonly #log: Log;

  constructor(log: Log, places: SysfsPlaces = SYSTEM_PLACES) {
    this.#log = log;
    this.#places = places;
  }

  /** Writes our name, or removes it where it is ours. */
  own(device: string, owned: boolean): void {
    this.#start(device, owned ? () => this.#claim(device) : () => this.#release(device));
  }

  /** After a `remove` event: no other program cleans up if nvme-cli is older than the registry. */
  forgetIfGone(device: string): void {
    this.#start(device, () => {
      if (!exists(`${this.#places.sys}/class/nvme/${device}`)) this.#release(device);
    });
  }

  #start(device: string, work: () => void): void {
    if (!isController(device)) throw new Error(`${JSON.stringify(device)} is not the name of a controller`);
    try {
      work();
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      this.#log.write({
        level: "debug",
        message: `cannot write the owner of ${device} to ${this.#places.registry}: ${String(error)}`,
      });
    }
  }

  /** Written under another name and renamed into place, so that no reader sees half an entry. */
  #claim(device: string): void {
    const { registry, sys } = this.#places;
    const building = `${registry}/.${device}.${Deno.pid}`;
    // An earlier process with our number may have left an unfinished one.
    makePublicFolder(building);
    const seqnum = textOf(`${sys}/kernel/uevent_seqnum`);
    writePublicFile(`${building}/owner`, registryText(OWNER));
    writePublicFile(`${building}/seqnum`, registryText(seqnum.trim()));
    const entry = `${registry}/${device}`;
    try {
      Deno.renameSync(building, entry);
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      // A folder is not renamed over one that has something in it.
      removeFolder(entry);
      Deno.renameSync(building, entry);
    }
  }

  #release(device: string): void {
    const entry = `${this.#places.registry}/${device}`;
    if (!exists(entry)) return;
    if (parseOwner(textOf(`${entry}/owner`)) === OWNER) removeFolder(entry);
  }
}

/** Empty when there is no such file. */
function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isGone(errnoOf(error))) return "";
    throw error;
  }
}

function removeFolder(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!isGone(errnoOf(error))) throw error;
  }
}

/** Usually it does not exist, and an exception would cost more than everything else. */
function exists(path: string): boolean {
  const inode = sys.inode(path);
  if (inode >= 0) return true;
  if (isGone(-inode)) return false;
  throw new SystemError(path, -inode);
}
