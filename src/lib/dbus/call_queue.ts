/**
 * Calls of others that take time: a few are worked on at once, the rest waits, and callers take turns. Any local user may
 * call as often as he likes; that must neither flood the kernel with questions nor keep another caller from its answer.
 */

export interface Turn {
  /** Unique name of the caller. */
  readonly sender: string;
}

export class CallQueue<T extends Turn> {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #work: (call: T) => Promise<void> | undefined;
  /** By caller; the first one is next. */
  readonly #waiting = new Map<string, T[]>();
  #waitingCount = 0;
  #inWork = 0;

  /** `work` answers a call; the promise, if it is one, settles when that is done. */
  constructor(atOnce: number, mostWaiting: number, work: (call: T) => Promise<void> | undefined) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
    this.#work = work;
  }

  /** False when too many wait already. */
  offer(call: T): boolean {
    if (this.#inWork < this.#atOnce) {
      this.#start(call);
      return true;
    }
    if (this.#waitingCount >= this.#mostWaiting) return false;
    this.#waitingCount += 1;
    const queue = this.#waiting.get(call.sender);
    if (queue === undefined) this.#waiting.set(call.sender, [call]);
    else queue.push(call);
    return true;
  }

  /** Forgets who waits: there is nobody left to answer to. */
  clear(): void {
    this.#waiting.clear();
    this.#waitingCount = 0;
  }

  #start(call: T): void {
    const done = this.#work(call);
    if (done === undefined) return;
    this.#inWork += 1;
    void done.then(() => {
      this.#inWork -= 1;
      while (this.#inWork < this.#atOnce) {
        const next = this.#next();
        if (next === undefined) return;
        this.#start(next);
      }
    });
  }

  #next(): T | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [sender, queue] = first;
    const call = queue.shift();
    this.#waiting.delete(sender);
    // To the end of the line.
    if (queue.length > 0) this.#waiting.set(sender, queue);
    this.#waitingCount -= 1;
    return call;
  }
}
