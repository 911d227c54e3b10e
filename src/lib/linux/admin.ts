/** NVMe admin commands to one of the kernel's controllers, identified by number and incarnation. */
import type { AdminCommand } from "../nvme/admin_command.ts";
import { errnoName } from "../nvme/errno.ts";
import { statusText } from "../nvme/status.ts";
import type { DeviceRef } from "../ports.ts";
import { bytes, O_CLOEXEC, O_RDONLY, sys } from "./ffi_libc.ts";
import type { Backend, Handle } from "./libnvme.ts";
import { Limiter } from "./limiter.ts";
import { EAGAIN, EINTR, EINVAL, errnoOf, isGone } from "./os_error.ts";
import type { Sysfs } from "./sysfs.ts";
import { THREADS } from "./thread_shares.ts";

const MAX_WAITING = 8192;
/** Shorter than any time-out, longer than any refusal. */
const AT_ONCE_MS = 1000;

/** The outcome of a command. */
export type CommandAnswer =
  | { readonly kind: "done"; readonly data: Uint8Array<ArrayBuffer> }
  /** The controller refused: the NVMe status with its flags. */
  | { readonly kind: "status"; readonly status: number; readonly text: string }
  /** The command did not reach the controller, or its answer did not come. */
  | {
    readonly kind: "failed";
    readonly gone: boolean;
    readonly errno?: string;
    readonly message: string;
  };

export class AdminCommands {
  readonly #backend: Backend;
  readonly #sysfs: Sysfs;
  readonly #dev: string;
  readonly #limiter = new Limiter(THREADS.commands, MAX_WAITING);

  constructor(backend: Backend, sysfs: Sysfs, dev = "/dev") {
    this.#backend = backend;
    this.#sysfs = sysfs;
    this.#dev = dev;
  }

  /** Sends a command with this data, or with a buffer for the answer. */
  async run(target: DeviceRef, command: AdminCommand, data?: Uint8Array): Promise<CommandAnswer> {
    try {
      const answer = await this.#limiter.run(() => this.#run(target, command, data));
      return answer ?? failed(`${target.device}: too many commands are waiting`);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 0) throw error;
      return failed(`${target.device} cannot be opened: ${String(error)}`, errno);
    }
  }

  /** The meaning of a status, in libnvme's words if it has any. */
  describe(status: number): string {
    const text = this.#backend.statusText(status);
    return text === undefined ? statusText(status) : `0x${status.toString(16)} (${text})`;
  }

  async #run(target: DeviceRef, command: AdminCommand, data: Uint8Array | undefined): Promise<CommandAnswer> {
    const { device } = target;
    const node = `${this.#dev}/${device}`;
    const handle = this.#backend.open(
      device,
      () => sys.open(node, O_RDONLY | O_CLOEXEC),
      (fd) => sys.close(fd),
    );
    if (typeof handle === "number") return this.#notOpened(target, node, -handle);
    try {
      // The open node keeps its controller, so the number cannot be reused after this.
      if (this.#sysfs.incarnation(device) !== target.incarnation) return gone(device);
      return await this.#submit(handle, target, command, data);
    } finally {
      handle.close();
    }
  }

  async #submit(
    handle: Handle,
    target: DeviceRef,
    command: AdminCommand,
    data: Uint8Array | undefined,
  ): Promise<CommandAnswer> {
    const buffer = bytes(command.dataLength);
    if (data !== undefined) buffer.set(data);
    const started = performance.now();
    const completion = await handle.submit(command, buffer);
    const elapsed = performance.now() - started;
    if (completion.kind === "done") return { kind: "done", data: completion.transferred };
    if (completion.kind === "status") {
      return { kind: "status", status: completion.status, text: this.describe(completion.status) };
    }
    return this.#notDone(target, completion.errno, elapsed < AT_ONCE_MS);
  }

  #notOpened(target: DeviceRef, node: string, errno: number): CommandAnswer {
    const { device } = target;
    if (errno === EAGAIN) return failed(`${device} is not connected at the moment`, errno);
    if (isGone(errno) && this.#sysfs.incarnation(device) !== target.incarnation) return gone(device);
    return failed(`cannot open ${node} (${errnoName(errno)})`, errno);
  }

  /**
   * The errno is lost (except with libnvme 3), so the state of the controller must show what happened. A
   * time-out takes time, and breaks the connection; a command that fails at once on a live controller was
   * refused by the kernel itself.
   */
  #notDone(target: DeviceRef, errno: number | undefined, atOnce: boolean): CommandAnswer {
    const { device } = target;
    if (this.#sysfs.incarnation(device) !== target.incarnation) return gone(device);
    const state = this.#sysfs.attribute(device, "state") ?? "unknown";
    if (state !== "live") {
      return failed(
        `the connection of ${device} was lost during a command (state: ${state})`,
        errno ?? EINTR,
      );
    }
    return atOnce
      ? failed(`the kernel refused a command to ${device}`, errno ?? EINVAL)
      : failed(`${device} did not answer a command in time`, errno ?? EINTR);
  }
}

const gone = (device: string): CommandAnswer => ({
  kind: "failed",
  gone: true,
  message: `${device} does not exist any more`,
});

const failed = (message: string, errno?: number): CommandAnswer => ({
  kind: "failed",
  gone: false,
  ...(errno === undefined ? {} : { errno: errnoName(errno) }),
  message,
});
