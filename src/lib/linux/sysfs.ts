/**
 * NVMe controllers in sysfs: reads them, and deletes exactly the intended one.
 *
 * Attributes are read on the main thread: the kernel copies them from memory, and a dozen calls on another
 * thread cost twice as much. Only `address` takes a lock (that of the queue, for the source address), so the
 * thread pool reads it. Attributes are opened relative to the controller's folder: resolving the long path
 * would cost a third of a read.
 */
import { read as readText } from "./attribute_files.ts";
import type { KeysTaken } from "../ports.ts";
import type { DhchapKeys } from "../nvme/connect_options.ts";
import { type KernelState, kernelState } from "../nvme/kernel_state.ts";
import type { Failure, Outcome } from "../base/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { parseOwner } from "../nvme/registry.ts";
import {
  CTRL_ATTRIBUTES,
  type CtrlAttribute,
  kernelCtrlFromSysfs,
  MADE_ATTRIBUTES,
  type MadeAttribute,
} from "../nvme/sysfs_ctrl.ts";
import { bytes, cString, O_CLOEXEC, O_DIRECTORY, O_RDONLY, sys } from "./ffi_libc.ts";
import { Limiter } from "./limiter.ts";
import { EBUSY, EINVAL, ENOENT, errnoOf, isGone, SystemError } from "./os_error.ts";
import { THREADS } from "./thread_shares.ts";

const MAX_WAITING_READS = 65_536;
const MAX_WAITING_DELETIONS = 8192;
const C_NAMES: Readonly<Record<CtrlAttribute | MadeAttribute | "uevent", Uint8Array<ArrayBuffer>>> = {
  address: cString("address"),
  cntlid: cString("cntlid"),
  cntrltype: cString("cntrltype"),
  ctrl_loss_tmo: cString("ctrl_loss_tmo"),
  dctype: cString("dctype"),
  dhchap_ctrl_secret: cString("dhchap_ctrl_secret"),
  dhchap_secret: cString("dhchap_secret"),
  hostid: cString("hostid"),
  hostnqn: cString("hostnqn"),
  kato: cString("kato"),
  model: cString("model"),
  queue_count: cString("queue_count"),
  reconnect_delay: cString("reconnect_delay"),
  serial: cString("serial"),
  sqsize: cString("sqsize"),
  state: cString("state"),
  subsysnqn: cString("subsysnqn"),
  tls_key: cString("tls_key"),
  tls_mode: cString("tls_mode"),
  transport: cString("transport"),
  uevent: cString("uevent"),
};
/** The number of retries when a device number is reused during a read. */
const MAX_REREADS = 3;

export interface SysfsPlaces {
  /** The mount point of sysfs. */
  readonly sys: string;
  /** The registry of owners (nvme-cli 3). */
  readonly registry: string;
}

export const SYSTEM_PLACES: SysfsPlaces = { sys: "/sys", registry: "/run/nvme/registry" };

/**
 * With `discovery`, I/O controllers are left out, for a reader that does not need them: recognising one costs
 * a fraction of reading it. A controller that was reported before it was recognised is reported once more,
 * with its type.
 */
export type Detail = "all" | "discovery";

export const isController = (name: string): boolean => /^nvme\d+$/.test(name);

export class Sysfs {
  readonly #places: SysfsPlaces;
  readonly #detail: Detail;
  /** With detail `discovery`: the devices that were reported. */
  readonly #shown = new Set<string>();
  readonly #readers = new Limiter(THREADS.sysfsEvents, MAX_WAITING_READS);
  readonly #deleters = new Limiter(THREADS.removals, MAX_WAITING_DELETIONS);

  constructor(places: SysfsPlaces = SYSTEM_PLACES, detail: Detail = "all") {
    this.#places = places;
    this.#detail = detail;
  }

  /** One controller; a failure of kind `gone` when there is none of that name. */
  async read(device: string): Promise<Outcome<KernelCtrl>> {
    const outcome = await this.#readers.run(() => this.#read(device));
    return outcome ?? { ok: false, failure: tooMany("scan", `${device} was not read`) };
  }

  /**
   * All controllers, PCIe included. Fails as a whole when one cannot be read: an incomplete list would be
   * misleading (S2).
   */
  async readAll(): Promise<Outcome<readonly KernelCtrl[]>> {
    const folder = `${this.#places.sys}/class/nvme`;
    const devices: string[] = [];
    try {
      for await (const { name } of Deno.readDir(folder)) if (isController(name)) devices.push(name);
    } catch (error) {
      if (isGone(errnoOf(error)) && await exists(`${this.#places.sys}/class`)) return { ok: true, value: [] };
      return { ok: false, failure: unreadable(folder, error) };
    }
    devices.sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)));
    const found: KernelCtrl[] = [];
    for (const outcome of await Promise.all(devices.map((device) => this.read(device)))) {
      if (outcome.ok) found.push(outcome.value);
      else if (outcome.failure.kind !== "gone") return outcome;
    }
    return { ok: true, value: found };
  }

  /** The `state` of each existing, readable device. */
  states(devices: readonly string[]): ReadonlyMap<string, KernelState> {
    const states = new Map<string, KernelState>();
    for (const device of devices) {
      const state = this.attribute(device, "state");
      if (state !== undefined) states.set(device, kernelState(state));
    }
    return states;
  }

  /** One attribute of the controller, trimmed; undefined when it has none of that name, or cannot be read. */
  attribute(device: string, name: string): string | undefined {
    try {
      return textOf(readFile(`${this.#folder(device)}/${name}`))?.trim();
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return undefined;
    }
  }

  /**
   * The incarnation that has the name now; undefined if none has. Throws the system's error if it cannot be
   * determined.
   */
  incarnation(device: string): number | undefined {
    const folder = this.#folder(device);
    const inode = sys.inode(folder);
    if (inode >= 0) return inode;
    if (isGone(-inode)) return undefined;
    throw new SystemError(folder, -inode);
  }

  /** Likewise, but undefined if it cannot be determined. */
  holder(device: string): number | undefined {
    try {
      return this.incarnation(device);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return undefined;
    }
  }

  /**
   * Deletes this incarnation. The attribute is opened first, then the name is checked, then the attribute is
   * written. If the number was reused before the check, the check finds that; if it is reused after the
   * check, the open file belongs to the old controller, and writing to it fails. Another controller cannot be
   * deleted.
   */
  async delete(device: string, incarnation: number): Promise<Outcome<"deleted" | "gone">> {
    const outcome = await this.#deleters.run(() => this.#delete(device, incarnation));
    return outcome ?? { ok: false, failure: tooMany("disconnect", `${device} was not disconnected`) };
  }

  async #delete(device: string, incarnation: number): Promise<Outcome<"deleted" | "gone">> {
    try {
      using file = await Deno.open(`${this.#folder(device)}/delete_controller`, { write: true });
      if (this.incarnation(device) !== incarnation) return { ok: true, value: "gone" };
      await file.write(new TextEncoder().encode("1"));
      return { ok: true, value: "deleted" };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 0) throw error;
      if (isGone(errno)) return { ok: true, value: "gone" };
      return { ok: false, failure: notDeleted(device, errno, error) };
    }
  }

  /**
   * Writes the one key that differs; the kernel takes a key only in place of another one, and then authenticates again.
   * Both cannot be written: the target ends a connection that authenticates with one old and one new key.
   */
  async writeKeys(
    device: string,
    incarnation: number,
    { hostKey, ctrlKey }: DhchapKeys,
    dry: boolean,
  ): Promise<Outcome<KeysTaken>> {
    const values = [["dhchap_secret", hostKey], ["dhchap_ctrl_secret", ctrlKey]] as const;
    const differing: { readonly name: string; readonly text: string }[] = [];
    for (const [name, secret] of values) {
      if (secret === undefined) continue;
      const shown = await readText(`${this.#folder(device)}/${name}`);
      if (typeof shown !== "string") return { ok: false, failure: keysNotTaken(device, name, shown) };
      if (shown !== secret.reveal()) differing.push({ name, text: secret.reveal() });
    }
    const [one, other] = differing;
    if (other !== undefined) return { ok: true, value: "both" };
    if (one === undefined) return { ok: true, value: "same" };
    if (dry) return { ok: true, value: "taken" };
    try {
      using file = await Deno.open(`${this.#folder(device)}/${one.name}`, { write: true });
      if (this.incarnation(device) !== incarnation) {
        return { ok: false, failure: keysNotTaken(device, one.name) };
      }
      await file.write(new TextEncoder().encode(one.text));
      return { ok: true, value: "taken" };
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return { ok: false, failure: keysNotTaken(device, one.name, error) };
    }
  }

  async #read(device: string): Promise<Outcome<KernelCtrl>> {
    for (let attempt = 1; attempt <= MAX_REREADS; attempt++) {
      try {
        const isIo = this.#detail === "discovery" && this.#isIo(device);
        if (isIo && !this.#shown.delete(device)) break;
        using folder = openFolder(this.#folder(device));
        if (folder === undefined) break;
        if (this.#detail === "discovery" && !isIo) this.#shown.add(device);
        const ctrl = await this.#attributes(device, folder);
        // Either all attributes come from one controller, or none.
        if (ctrl !== undefined && this.incarnation(device) === folder.incarnation) {
          return { ok: true, value: ctrl };
        }
      } catch (error) {
        if (errnoOf(error) === 0) throw error;
        return { ok: false, failure: unreadable(this.#folder(device), error) };
      }
    }
    return {
      ok: false,
      failure: { phase: "scan", kind: "gone", message: `${device} does not exist any more` },
    };
  }

  /** Undefined when the controller goes away meanwhile. */
  async #attributes(device: string, folder: Folder): Promise<KernelCtrl | undefined> {
    const { path, fd, incarnation } = folder;
    const attributes: Partial<Record<CtrlAttribute, string>> = {};
    for (const name of CTRL_ATTRIBUTES) {
      const read = name === "address" ? await readInPool(`${path}/${name}`) : readAttribute(path, fd, name);
      if (read === "gone") return undefined;
      const text = textOf(read);
      if (text !== undefined) attributes[name] = text;
    }
    const uevent = readAttribute(path, fd, "uevent");
    if (uevent === "gone") return undefined;
    const isTold = /^(io|discovery|admin)\s*$/.test(attributes.cntrltype ?? "");
    const queues = isTold ? "absent" : readAttribute(path, fd, "queue_count");
    if (queues === "gone") return undefined;
    const made = attributes.transport?.trim() === "pcie" ? undefined : readMade(path, fd);
    if (made === "gone") return undefined;
    const children = this.#children(path);
    if (children === undefined) return undefined;
    const owner = readFile(`${this.#places.registry}/${device}/owner`);
    return kernelCtrlFromSysfs({
      device,
      incarnation,
      uevent: textOf(uevent) ?? "",
      attributes,
      ...(made === undefined ? {} : { made }),
      hasChildren: children.length > 0,
      queueCount: textOf(queues),
      namespaces: namespacesOf(children),
      owner: parseOwner(textOf(owner) ?? ""),
    });
  }

  #isIo(device: string): boolean {
    return textOf(readFile(`${this.#folder(device)}/cntrltype`))?.trim() === "io";
  }

  /** Folders below the controller, except power management's: its devices (namespaces, sensors). */
  #children(folder: string): readonly string[] | undefined {
    const names: string[] = [];
    try {
      for (const { name, isDirectory } of Deno.readDirSync(folder)) {
        if (isDirectory && name !== "power") names.push(name);
      }
    } catch (error) {
      if (isGone(errnoOf(error))) return undefined;
      throw error;
    }
    return names;
  }

  #folder(device: string): string {
    if (!isController(device)) throw new Error(`${JSON.stringify(device)} is not the name of a controller`);
    return `${this.#places.sys}/class/nvme/${device}`;
  }
}

/**
 * The block devices of these children: with multipath, path `nvme0c1n2` belongs to device `nvme0n2`, which is
 * below the subsystem.
 */
export function namespacesOf(children: readonly string[]): string[] {
  return children
    .map((name) => /^(nvme\d+)(?:c\d+)?(n\d+)$/.exec(name))
    .flatMap((found) => found === null ? [] : [`${found[1]}${found[2]}`])
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** `absent`: this kernel or transport does not have it, or no value for it. `gone`: its controller has been deleted. */
type Attribute = { readonly text: string } | "absent" | "gone";

/** No attribute is longer than a page. Used within one turn of the main loop. */
const page = bytes(4096);
const decoder = new TextDecoder();

/** A controller's folder, held open: a controller that gets its number meanwhile has another folder. */
interface Folder extends Disposable {
  readonly path: string;
  readonly fd: number;
  readonly incarnation: number;
}

/** Undefined if the folder does not exist. Throws the system's error if that cannot be determined. */
function openFolder(path: string): Folder | undefined {
  const fd = sys.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    if (isGone(-fd)) return undefined;
    throw new SystemError(path, -fd);
  }
  const incarnation = sys.inodeOf(fd);
  const folder = { path, fd, incarnation, [Symbol.dispose]: () => sys.close(fd) };
  if (incarnation >= 0) return folder;
  sys.close(fd);
  throw new SystemError(path, -incarnation);
}

function readAttribute(folder: string, fd: number, name: keyof typeof C_NAMES): Attribute {
  return readAndClose(sys.openAt(fd, C_NAMES[name], O_RDONLY | O_CLOEXEC), () => `${folder}/${name}`);
}

/** The bytes that show whether a secret is set, without revealing it. */
const SECRET_START = 5;
type Made = Partial<Record<MadeAttribute, string | null>>;

/**
 * The options that the connection was made with. `null` for one that may not be read: the reader need not be
 * root.
 */
function readMade(folder: string, fd: number): Made | "gone" {
  const made: Made = {};
  for (const name of MADE_ATTRIBUTES) {
    const isSecret = name === "dhchap_secret" || name === "dhchap_ctrl_secret";
    try {
      const file = sys.openAt(fd, C_NAMES[name], O_RDONLY | O_CLOEXEC);
      const read = readAndClose(file, () => `${folder}/${name}`, isSecret ? SECRET_START : page.length);
      if (read === "gone") return "gone";
      const text = textOf(read);
      if (text !== undefined) made[name] = text;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      made[name] = null;
    }
  }
  return made;
}

const readFile = (path: string): Attribute => readAndClose(sys.open(path, O_RDONLY | O_CLOEXEC), () => path);

/** `fd` is that of the file, or why it could not be opened. */
function readAndClose(fd: number, path: () => string, most: number = page.length): Attribute {
  const length = fd < 0 ? fd : sys.read(fd, most === page.length ? page : page.subarray(0, most));
  if (fd >= 0) sys.close(fd);
  return length < 0 ? without(path(), -length) : { text: decoder.decode(page.subarray(0, length)) };
}

async function readInPool(path: string): Promise<Attribute> {
  try {
    return { text: await Deno.readTextFile(path) };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 0) throw error;
    return without(path, errno);
  }
}

function without(path: string, errno: number): "absent" | "gone" {
  if (errno === ENOENT || errno === EINVAL) return "absent";
  if (isGone(errno)) return "gone";
  throw new SystemError(path, errno);
}

/** The text of an attribute that exists. */
const textOf = (attribute: Attribute): string | undefined =>
  typeof attribute === "string" ? undefined : attribute.text;

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (isGone(errnoOf(error))) return false;
    throw error;
  }
}

const describe = (error: unknown): string => error instanceof Error ? error.message : String(error);

const unreadable = (what: string, error: unknown): Failure => ({
  phase: "scan",
  kind: "transient",
  message: `cannot read ${what}: ${describe(error)}`,
});

const tooMany = (phase: "scan" | "disconnect", what: string): Failure => ({
  phase,
  kind: "transient",
  message: `${what}: too many requests are waiting`,
});

function notDeleted(device: string, errno: number, error: unknown): Failure {
  return errno === EBUSY
    ? {
      phase: "disconnect",
      kind: "transient",
      errno: "EBUSY",
      message: `${device} cannot be deleted yet: it is still being set up (EBUSY)`,
    }
    : {
      phase: "disconnect",
      kind: "transient",
      message: `cannot delete ${device}: ${describe(error)}`,
    };
}

/** The text has no part of the key (S8). */
const keysNotTaken = (device: string, name: string, error?: unknown): Failure => ({
  phase: "connect",
  kind: "transient",
  message: error === undefined
    ? `${device} is another controller by now: its ${name} was not written`
    : `the kernel does not take the new ${name} of ${device}: ${describe(error)}`,
});
