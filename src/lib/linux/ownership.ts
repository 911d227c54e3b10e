/**
 * nvme-cli's registry of who owns a controller, `/run/nvme/registry/nvmeN` (STAF-115; notes/libnvme.md 6). It is
 * advice to others: failing to write it harms nobody and is only logged.
 */
import { OWNER, parseOwner, registryText } from "../nvme/registry.ts";
import type { Log } from "../ports.ts";
import { Limiter } from "./limiter.ts";
import { errnoOf, isGone } from "./os_error.ts";
import { isController, type SysfsPlaces, SYSTEM_PLACES } from "./sysfs.ts";

const MAX_WAITING = 8192;

export class Ownership {
  readonly #places: SysfsPlaces;
  readonly #log: Log;
  /** One at a time: what is asked for later also happens later. */
  readonly #queue = new Limiter(1, MAX_WAITING);

  constructor(log: Log, places: SysfsPlaces = SYSTEM_PLACES) {
    this.#log = log;
    this.#places = places;
  }

  /** Writes our name, or removes it where it is ours. */
  own(device: string, owned: boolean): void {
    this.#start(device, owned ? () => this.#claim(device) : () => this.#release(device));
  }

  /** After a `remove` event: nobody else cleans up where nvme-cli is older than the registry. */
  forgetIfGone(device: string): void {
    this.#start(device, async () => {
      if (!await exists(`${this.#places.sys}/class/nvme/${device}`)) await this.#release(device);
    });
  }

  #start(device: string, work: () => Promise<void>): void {
    if (!isController(device)) throw new Error(`${JSON.stringify(device)} is not the name of a controller`);
    void this.#queue.run(async () => {
      try {
        await work();
      } catch (error) {
        if (errnoOf(error) === 0) throw error;
        this.#log.write({
          level: "debug",
          message: `cannot write the owner of ${device} to ${this.#places.registry}: ${String(error)}`,
        });
      }
    });
  }

  /** Built beside and renamed into place, so that nobody reads half an entry. */
  async #claim(device: string): Promise<void> {
    const { registry, sys } = this.#places;
    await Deno.mkdir(registry, { recursive: true, mode: 0o755 });
    const building = `${registry}/.${device}.${Deno.pid}`;
    await removeFolder(building);
    await Deno.mkdir(building, { mode: 0o755 });
    const seqnum = await textOf(`${sys}/kernel/uevent_seqnum`);
    await Deno.writeTextFile(`${building}/owner`, registryText(OWNER), { mode: 0o644 });
    await Deno.writeTextFile(`${building}/seqnum`, registryText(seqnum.trim()), { mode: 0o644 });
    // A folder is not renamed over one that has something in it.
    await removeFolder(`${registry}/${device}`);
    await Deno.rename(building, `${registry}/${device}`);
  }

  async #release(device: string): Promise<void> {
    const entry = `${this.#places.registry}/${device}`;
    if (parseOwner(await textOf(`${entry}/owner`)) === OWNER) await removeFolder(entry);
  }
}

/** Empty when there is no such file. */
async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (isGone(errnoOf(error))) return "";
    throw error;
  }
}

async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!isGone(errnoOf(error))) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (isGone(errnoOf(error))) return false;
    throw error;
  }
}
