/**
 * Kernel events (uevents) straight from the kernel's netlink group, so that they are not delayed by udevd.
 * Spec 80 section 3, notes/libnvme.md 4.7.
 */
import { bytes, sys } from "./ffi_libc.ts";
import { drainNetlink, NETLINK_KOBJECT_UEVENT, openNetlink } from "./netlink.ts";
import { type Reactor, READABLE } from "./reactor.ts";
import { attachUeventFilter } from "./uevent_filter.ts";

/** Multicast group of the kernel's own events; group 2 is udevd's. */
const KERNEL_GROUP = 1;
/** Room for a storm of events (thousands of namespaces) while the main loop is busy. */
const RECEIVE_BUFFER = 16 * 1024 * 1024;
/** The kernel's limit is 2 KiB of variables and a short header. */
const MAX_MESSAGE = 8 * 1024;

export interface UeventSink {
  /** One event as the kernel sent it: `action@devpath`, then `KEY=value`, each with NUL at its end. Valid during the call. */
  message(payload: Uint8Array<ArrayBuffer>): void;
  /** Everything that had arrived was delivered; `complete` is false when the kernel had to drop some. */
  drained(complete: boolean): void;
}

export class Uevents {
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #buffer = bytes(MAX_MESSAGE);

  constructor(reactor: Reactor, sink: UeventSink) {
    this.#reactor = reactor;
    this.#fd = openNetlink(NETLINK_KOBJECT_UEVENT, KERNEL_GROUP, RECEIVE_BUFFER);
    attachUeventFilter(this.#fd);
    reactor.watch(this.#fd, READABLE, () => {
      sink.drained(drainNetlink(this.#fd, this.#buffer, (payload) => sink.message(payload)));
    });
  }

  close(): void {
    this.#reactor.unwatch(this.#fd);
    sys.close(this.#fd);
  }
}
