/**
 * Kernel events (uevents) straight from the kernel's netlink group, so that they are not delayed by udevd.
 * Requirements 80
 */
import { bytes, sys } from "./ffi_libc.ts";
import { drainNetlink, NETLINK_KOBJECT_UEVENT, openNetlink } from "./netlink.ts";
import { type Reactor, READABLE } from "./reactor.ts";
import { attachUeventFilter } from "./uevent_filter.ts";

/** Multicast group of the kernel's own events; group 2 is udevd's. */
const KERNEL_GROUP = 1;
/** Room for a storm of events (thousands of namespaces) while the main loop is busy. */
const RECEIVE_BUFFER = 16 * 1024 * 1024;
/** Events wait for a connect of our own this long, at most, in milliseconds. */
const PATIENCE = 100;
/** The kernel's limit is 2 KiB of variables and a short header. */
const MAX_MESSAGE = 8 * 1024;

export interface UeventSink {
  /** One event as the kernel sent it: `action@devpath`, then `KEY=value`, each with NUL at its end. Valid during the call. */
  message(payload: Uint8Array<ArrayBuffer>): void;
  /** Everything that had arrived was delivered; `complete` is false when the kernel had to drop some. */
  drained(complete: boolean): void;
}

export class Uevents {
  readonly #reactor: Pick<Reactor, "watch" | "unwatch">;
  readonly #fd: number;
  readonly #sink: UeventSink;
  readonly #buffer = bytes(MAX_MESSAGE);
  /** Connects of our own that are under way. */
  #connecting = 0;
  /** While events wait for a connect: ends the wait, and reads the events or not. */
  #resume: ((take: boolean) => void) | undefined;

  constructor(reactor: Pick<Reactor, "watch" | "unwatch">, sink: UeventSink) {
    this.#reactor = reactor;
    this.#sink = sink;
    this.#fd = openNetlink(NETLINK_KOBJECT_UEVENT, KERNEL_GROUP, RECEIVE_BUFFER);
    attachUeventFilter(this.#fd);
    reactor.watch(this.#fd, READABLE, () => this.#connecting > 0 ? this.#wait() : this.#take());
  }

  /**
   * A connect of our own is under way until the returned function is called; events that have arrived by then
   * are read during that call. The kernel sends the event of a connection just before it answers the connect.
   * The answer takes precedence: the kernel makes no connection until it is asked for the next one, and the
   * events of the last one can be read meanwhile.
   */
  connecting(): () => void {
    let isOver = false;
    this.#connecting++;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#connecting--;
      this.#resume?.(true);
    };
  }

  close(): void {
    this.#resume?.(false);
    this.#reactor.unwatch(this.#fd);
    sys.close(this.#fd);
  }

  #take(): void {
    this.#sink.drained(drainNetlink(this.#fd, this.#buffer, (payload) => this.#sink.message(payload)));
  }

  #wait(): Promise<void> {
    return new Promise((done) => {
      const resume = (take: boolean): void => {
        clearTimeout(timer);
        this.#resume = undefined;
        if (take) this.#take();
        done();
      };
      const timer = setTimeout(() => resume(true), PATIENCE);
      this.#resume = resume;
    });
  }
}
