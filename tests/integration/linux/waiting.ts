/** Waiting for what must come, with a bound. */
import { sys } from "../../../src/lib/linux/ffi_libc.ts";

// libc is opened at the first use and stays open: not the leak of the test that happens to be the first.
sys.monotonicUsec();

/** What was told so far, and a way to wait until something of it fits. */
export class Told<T> {
  readonly all: T[] = [];
  #waiting: (() => void)[] = [];

  readonly tell = (item: T): void => {
    this.all.push(item);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  };

  /** The first item that fits, told already or within the bound. */
  async until(fits: (item: T) => boolean, what: string, ms = 10_000): Promise<T> {
    const deadline = performance.now() + ms;
    for (;;) {
      const found = this.all.find(fits);
      if (found !== undefined) return found;
      if (performance.now() >= deadline) {
        throw new Error(`${what} did not come within ${ms} ms; told: ${Deno.inspect(this.all)}`);
      }
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        timer = setTimeout(resolve, deadline - performance.now());
      });
      clearTimeout(timer);
    }
  }
}

/** The outcome of a method that tells it through `done`. */
export const outcome = <T>(start: (done: (value: T) => void) => void): Promise<T> =>
  new Promise((resolve) => start(resolve));

/** A log that remembers. */
export class RememberingLog {
  readonly entries: { readonly level: string; readonly message: string }[] = [];

  write(entry: { readonly level: string; readonly message: string }): void {
    this.entries.push(entry);
  }
}

/** Names of what is in a folder. */
export const namesIn = (folder: string): Promise<string[]> =>
  Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
