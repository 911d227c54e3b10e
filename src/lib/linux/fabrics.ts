/**
 * Connecting through `/dev/nvme-fabrics` (requirements 80). File I/O instead of libnvme: the exact errno
 * comes with Deno's error, and no requested option is lost on the way.
 */
import { connectFailure, errnoName, givenUp } from "../nvme/errno.ts";
import { type ConnectReply, encodeConnect, parseConnectReply } from "../nvme/fabrics_options.ts";
import type { Failure, Outcome } from "../base/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { type FabricsSupport, kernelSupport } from "../nvme/kernel_version.ts";
import { type Tid, tidText, type Transport } from "../nvme/tid.ts";
import type { ConnectRequest, Log } from "../ports.ts";
import { BlockUse } from "./block_use.ts";
import { KernelLog } from "./kernel_log.ts";
import { Limiter } from "./limiter.ts";
import { THREADS } from "./thread_shares.ts";
import { EINVAL, errnoOf } from "./os_error.ts";
import type { Sysfs } from "./sysfs.ts";
import type { TlsKeys } from "./tls_keys.ts";

const FABRICS_DEVICE = "/dev/nvme-fabrics";
/** Connects waiting for their turn (S6). */
const MAX_WAITING = 8192;
/** The kernel's answers are shorter than a page. */
const PAGE = 4096;

export class Fabrics {
  readonly #sysfs: Sysfs;
  readonly #tlsKeys: TlsKeys;
  readonly #log: Log;
  readonly #device: string;
  readonly #use: BlockUse;
  /**
   * The kernel holds one lock during a connect, which also blocks reading the option list: parallel connects
   * gain nothing.
   */
  readonly #queue = new Limiter(THREADS.connect, MAX_WAITING);
  readonly #reportedDropped = new Set<string>();
  #support: FabricsSupport | undefined;

  constructor(
    sysfs: Sysfs,
    tlsKeys: TlsKeys,
    log: Log,
    device: string = FABRICS_DEVICE,
    use = new BlockUse(),
  ) {
    this.#sysfs = sysfs;
    this.#tlsKeys = tlsKeys;
    this.#log = log;
    this.#device = device;
    this.#use = use;
  }

  /** The options that this kernel supports (KRN-1 to KRN-4). Read once, but again after a failure. */
  async support(): Promise<FabricsSupport> {
    if (this.#support !== undefined) return this.#support;
    try {
      using file = await Deno.open(this.#device, { read: true });
      return this.#support = kernelSupport(Deno.osRelease(), await readOnce(file));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 0) throw error;
      const support = kernelSupport(Deno.osRelease(), undefined);
      // Kernels before 5.17 have the list but do not show it: that will not change.
      if (errno === EINVAL) this.#support = support;
      this.#log.write({
        level: "warning",
        message: `cannot read the connect options of ${this.#device} (${errnoName(errno)}): ` +
          `assuming those of kernel ${Deno.osRelease()}`,
      });
      return support;
    }
  }

  /**
   * Makes the connection and reads it back, with `read`. `free` is called when the kernel can make the next
   * connection; the caller submits that one during this call. Failures with `kind: "permanent"` need another
   * configuration or another kernel.
   */
  async connect(
    request: ConnectRequest,
    free: () => void,
    read: (device: string) => Promise<Outcome<KernelCtrl>> = (device) => this.#sysfs.read(device),
  ): Promise<Outcome<KernelCtrl>> {
    const attempt = await this.#queue.run(() => this.#attempt(request));
    if (attempt === undefined) return fail(notTried);
    if (!("made" in attempt)) return attempt;
    // Kept open until the end: it pins the connection, so that its number cannot be reused.
    using made = attempt.made;
    using kernelLog = attempt.kernelLog;
    // Started before the next connect: the kernel usually answers before that connect, in the worst case
    // after it.
    const answer = answered(made);
    const demanded = demands(request);
    if (demanded.length === 0) free();
    const reply = await answer;
    if (!reply.ok) return reply;
    const device = `nvme${reply.value.instance}`;
    const incarnation = this.#sysfs.incarnation(device);
    const broken = incarnation === undefined ? undefined : this.#missing(device, demanded);
    // A connection that may have to be disconnected again was examined before the next connect begins.
    if (demanded.length > 0) free();
    if (incarnation !== undefined && broken !== undefined) {
      return await this.#takeDown(device, incarnation, broken, read);
    }
    return await this.#readBack(request.tid.transport, device, read, () => kernelLog?.news() ?? []);
  }

  /** One write makes the connection. */
  async #attempt(request: ConnectRequest): Promise<Outcome<KernelCtrl> | Made> {
    const options = this.#tlsKeys.resolve(request.options);
    if (!options.ok) return options;
    // No turn of the event loop except for the write itself: the kernel makes no connections while it waits
    // for us.
    const support = this.#support ?? await this.support();
    const encoded = encodeConnect({ ...request, options: options.value }, support);
    if (!encoded.ok) return encoded;
    this.#reportDropped(encoded.dropped, request.tid);
    const file = this.#open();
    if (!file.ok) return file;
    const kernelLog = KernelLog.open();
    const attempt = await this.#write(file.value, encoded.text, request, kernelLog);
    if (!("made" in attempt)) {
      file.value.close();
      kernelLog?.close();
    }
    return attempt;
  }

  #open(): Outcome<Deno.FsFile> {
    try {
      // On the main thread: opening the device does not block.
      return { ok: true, value: Deno.openSync(this.#device, { read: true, write: true }) };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 0) throw error;
      return fail(unusable(this.#device, errnoName(errno)));
    }
  }

  async #write(
    file: Deno.FsFile,
    text: string,
    { tid, options }: ConnectRequest,
    kernelLog: KernelLog | undefined,
  ): Promise<Outcome<KernelCtrl> | Made> {
    const data = new TextEncoder().encode(text);
    try {
      const written = await file.write(data);
      if (written === data.length) return { made: file, kernelLog };
      return fail(garbled(`it accepted ${written} of ${data.length} bytes`));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 0) throw error;
      // The core finds an existing connection (EALREADY) in a scan, and takes it over unchanged.
      return fail(connectFailure(errnoName(errno), kernelLog?.news() ?? [], options.tls === true, tid));
    }
  }

  /**
   * Disconnects a connection that lacks requested security. Its namespaces may be in use already, through other paths
   * or by a fast program: then the connection stays, and is shown (S15).
   */
  async #takeDown(
    device: string,
    incarnation: number,
    broken: string,
    readDevice: (device: string) => Promise<Outcome<KernelCtrl>>,
  ): Promise<Outcome<KernelCtrl>> {
    if (await this.#inUse(device)) return await readDevice(device);
    const deleted = await this.#sysfs.delete(device, incarnation);
    return deleted.ok
      ? fail({ ...unsafe(broken, `${device} was disconnected again`), undone: { device, incarnation } })
      : fail(unsafe(broken, deleted.failure.message));
  }

  async #readBack(
    transport: Transport,
    device: string,
    readDevice: (device: string) => Promise<Outcome<KernelCtrl>>,
    news: () => readonly string[],
  ): Promise<Outcome<KernelCtrl>> {
    const read = await readDevice(device);
    if (read.ok) return read;
    if (transport === "fc" && this.#sysfs.incarnation(device) === undefined) {
      return fail(givenUp(device, news()));
    }
    const message = `connected as ${device}, but ${read.failure.message}`;
    return fail({ ...read.failure, phase: "connect", kind: "transient", message });
  }

  async #inUse(device: string): Promise<boolean> {
    const looks = await this.#use.look(device);
    return !looks.ok ||
      looks.value.some(({ holders, unknown }) => holders.length > 0 || unknown !== undefined);
  }

  /**
   * Requested security that the connection does not have, although the kernel made it: security is never
   * dropped silently.
   */
  #missing(device: string, demanded: readonly Demand[]): string | undefined {
    return demanded.find(({ attribute }) => {
      const value = this.#sysfs.attribute(device, attribute);
      return value === undefined || value === "" || value === "none" || value === "0";
    })?.what;
  }

  /** Once for each transport. */
  #reportDropped(names: readonly string[], tid: Tid): void {
    for (const name of names) {
      const kind = `${tid.transport} ${name}`;
      if (this.#reportedDropped.has(kind)) continue;
      this.#reportedDropped.add(kind);
      this.#log.write({
        level: "warning",
        message: `${tidText(tid)}: this kernel has no connect option ${name} for ${tid.transport}; ` +
          "this controller, and any other of that transport, is connected without it",
      });
    }
  }
}

/** A connection that the kernel made, and where it says how that went. */
interface Made {
  readonly made: Deno.FsFile;
  readonly kernelLog: KernelLog | undefined;
}

/** The security options: the attribute of a connection that shows each, and its name for people. */
interface Demand {
  readonly attribute: string;
  readonly what: string;
}

function demands({ options, keys }: ConnectRequest): readonly Demand[] {
  const demanded: Demand[] = [];
  if (options.tls === true || options.concat === true) demanded.push({ attribute: "tls_key", what: "TLS" });
  if (keys.hostKey !== undefined) {
    demanded.push({ attribute: "dhchap_secret", what: "authentication (DH-HMAC-CHAP)" });
  }
  if (keys.ctrlKey !== undefined) {
    demanded.push({ attribute: "dhchap_ctrl_secret", what: "authentication of the controller" });
  }
  return demanded;
}

/** The connection that was made through this file. */
async function answered(file: Deno.FsFile): Promise<Outcome<ConnectReply>> {
  try {
    const reply = parseConnectReply(await readOnce(file));
    return reply.ok ? reply : fail(garbled(reply.problem));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 0) throw error;
    return fail(garbled(`its answer cannot be read (${errnoName(errno)})`));
  }
}

/** The kernel's whole answer comes with the first read; further ones may belong to something else. */
async function readOnce(file: Deno.FsFile): Promise<string> {
  const page = new Uint8Array(PAGE);
  const length = await file.read(page);
  return new TextDecoder().decode(page.subarray(0, length ?? 0));
}

const fail = (failure: Failure): { readonly ok: false; readonly failure: Failure } => ({
  ok: false,
  failure,
});

const notTried: Failure = {
  phase: "connect",
  kind: "transient",
  message: `not tried: ${MAX_WAITING} other connects are waiting`,
};

const garbled = (what: string): Failure => ({
  phase: "connect",
  kind: "transient",
  message: `the kernel answered in an unexpected way: ${what}`,
});

const unsafe = (what: string, then: string): Failure => ({
  phase: "verify",
  kind: "permanent",
  message: `the connection came up without ${what}; ${then}`,
  remedy:
    "this kernel may be built without it, or the controller does not require it: see nvme-cli's documentation on TLS and DH-HMAC-CHAP",
});

const unusable = (device: string, errno: string): Failure => ({
  phase: "connect",
  kind: "transient",
  errno,
  message: `cannot open ${device} (${errno})`,
  remedy: errno === "ENOENT"
    ? "load the kernel module: modprobe nvme-tcp"
    : "run as root, without a sandbox that hides the device",
});
