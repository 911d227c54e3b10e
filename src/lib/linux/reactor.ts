/**
 * One thread parked in `epoll_wait` for all file descriptors that the daemon watches. It wakes only when a
 * descriptor is ready: an idle daemon sleeps. The thread is one of the 32 of Deno's blocking pool.
 */
import { bytes, sys } from "./ffi_libc.ts";

export const READABLE = 0x001;
export const WRITABLE = 0x004;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
/** The most events at one wake-up; the next one finds the others. */
const CAPACITY = 64;
/** `epoll_wait` may be interrupted (by SIGCONT); after this many failures in a row it counts as broken. */
const MAX_FAILURES = 100;

/** `struct epoll_event` is packed on x86-64 only. */
const PACKED = Deno.build.arch === "x86_64";
const EVENT_SIZE = PACKED ? 12 : 16;
const DATA_OFFSET = PACKED ? 4 : 8;

/**
 * Called when its descriptor is ready. If it returns a promise, no descriptor is waited for until that
 * settles.
 */
export type Ready = () => Promise<void> | void;

export class Reactor {
  readonly #epoll: number;
  readonly #wake: number;
  readonly #events = bytes(CAPACITY * EVENT_SIZE);
  /**
   * By token, not by descriptor: the number of a descriptor may be reused while an older event for it is
   * still unread.
   */
  readonly #ready = new Map<number, Ready>();
  readonly #tokens = new Map<number, number>();
  #nextToken = 1;
  readonly #stopped: Promise<void>;
  #stopping = false;

  constructor() {
    this.#epoll = must(sys.epollCreate(), "epoll_create1");
    this.#wake = must(sys.eventFd(), "eventfd");
    this.#control(EPOLL_CTL_ADD, this.#wake, READABLE, 0);
    this.#stopped = this.#run();
  }

  /**
   * Calls `ready` whenever the descriptor is ready for one of `interest` or has failed, until it is
   * unwatched. Called repeatedly while the descriptor stays ready (level-triggered).
   */
  watch(fd: number, interest: number, ready: Ready): void {
    if (this.#stopping) throw new Error("the reactor is closed");
    if (this.#tokens.has(fd)) throw new Error(`file descriptor ${fd} is watched already`);
    const token = this.#nextToken;
    this.#nextToken = token === 0xffff_ffff ? 1 : token + 1;
    this.#control(EPOLL_CTL_ADD, fd, interest, token);
    this.#tokens.set(fd, token);
    this.#ready.set(token, ready);
  }

  isWatched(fd: number): boolean {
    return this.#tokens.has(fd);
  }

  /** To be called before the descriptor is closed. */
  unwatch(fd: number): void {
    const token = this.#tokens.get(fd);
    if (token === undefined) return;
    this.#tokens.delete(fd);
    this.#ready.delete(token);
    if (!this.#stopping) this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Ends the thread; watched descriptors stay open and are no longer watched. */
  async close(): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      sys.signalEventFd(this.#wake);
    }
    await this.#stopped;
  }

  #control(operation: number, fd: number, interest: number, token: number): void {
    const event = bytes(EVENT_SIZE);
    const view = new DataView(event.buffer);
    view.setUint32(0, interest, true);
    view.setUint32(DATA_OFFSET, token, true);
    must(sys.epollControl(this.#epoll, operation, fd, event), "epoll_ctl");
  }

  async #run(): Promise<void> {
    const view = new DataView(this.#events.buffer);
    let failures = 0;
    while (!this.#stopping) {
      const count = await sys.epollWait(this.#epoll, this.#events, CAPACITY);
      failures = count < 0 ? failures + 1 : 0;
      if (failures > MAX_FAILURES) throw new Error(`epoll_wait failed ${failures} times in a row`);
      for (let i = 0; i < count && !this.#stopping; i++) {
        // A handler may have unwatched a descriptor that is ready in this same round.
        const work = this.#ready.get(view.getUint32(i * EVENT_SIZE + DATA_OFFSET, true))?.();
        if (work !== undefined) await work;
      }
    }
    this.#ready.clear();
    this.#tokens.clear();
    sys.close(this.#wake);
    sys.close(this.#epoll);
  }
}

function must(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed with errno ${-result}`);
  return result;
}
