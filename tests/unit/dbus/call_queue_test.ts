import assert from "node:assert/strict";
import { CallQueue, type QueueLimits } from "../../../src/lib/dbus/call_queue.ts";

interface Call {
  readonly sender: string;
  readonly n: number;
  readonly bytes: number;
}

const LIMITS: QueueLimits = {
  atOnce: 2,
  atOnceOfUser: 2,
  aTurn: 1000,
  bytesOfCall: 100,
  waitingOfUser: 100,
  bytesOfUser: 1000,
  waiting: 200,
  bytes: 2000,
};

/** A queue with what became of each call, whose calls end when the test says so. */
class Bench {
  readonly started: string[] = [];
  readonly refused: string[] = [];
  readonly queue: CallQueue<Call>;
  readonly #finish: ((bytes: number) => void)[] = [];
  readonly #turns = new Set<() => void>();

  /** `answerAtOnce`: with so many bytes. */
  constructor(limits: Partial<QueueLimits>, answerAtOnce?: number) {
    this.queue = new CallQueue<Call>(
      { ...LIMITS, ...limits },
      ({ sender, n }, user) => {
        this.started.push(`${user}${sender}${n}`);
        return answerAtOnce ?? new Promise((resolve) => this.#finish.push(resolve));
      },
      ({ sender, n }) => this.refused.push(`${sender}${n}`),
      (run) => {
        this.#turns.add(run);
        return () => this.#turns.delete(run);
      },
    );
  }

  offer(user: string | undefined, sender: string, ...numbers: readonly number[]): void {
    for (const n of numbers) this.queue.offer({ sender, n, bytes: 10 }, user);
  }

  get inWork(): number {
    return this.#finish.length;
  }

  async finish(count: number): Promise<void> {
    for (let done = 0; done < count; done++) {
      this.#finish.shift()?.(0);
      await Promise.resolve();
      await Promise.resolve();
    }
  }

  /** Turns whose end is waited for. */
  get turns(): number {
    return this.#turns.size;
  }

  turn(): void {
    for (const run of [...this.#turns]) {
      this.#turns.delete(run);
      run();
    }
  }
}

Deno.test("a few calls are worked on at once; users take turns, and connections within a user's turns", async () => {
  const bench = new Bench({});
  bench.offer("1", "a", 1, 2, 3, 4);
  bench.offer("1", "b", 1, 2);
  bench.offer("2", "c", 1, 2);
  assert.deepEqual(bench.started, ["1a1", "1a2"]);
  for (let done = 0; done < 8; done++) {
    await bench.finish(1);
    assert.ok(bench.inWork <= 2);
  }
  assert.deepEqual(bench.started, ["1a1", "1a2", "1a3", "2c1", "1b1", "2c2", "1a4", "1b2"]);
  assert.deepEqual(bench.refused, []);
});

Deno.test("one user's slow calls leave room for another's", () => {
  const bench = new Bench({ atOnce: 3, atOnceOfUser: 2 });
  bench.offer("1", "a", 1, 2, 3);
  bench.offer("1", "b", 1);
  assert.deepEqual(bench.started, ["1a1", "1a2"]);
  bench.offer("2", "c", 1);
  assert.deepEqual(bench.started, ["1a1", "1a2", "2c1"]);
});

Deno.test("a user has a share: more of his calls, or of their bytes, are refused, and another's are not", () => {
  const calls = new Bench({ atOnce: 0, waitingOfUser: 3 });
  calls.offer("1", "a", 1, 2);
  calls.offer("1", "b", 1, 2);
  calls.offer("2", "c", 1);
  assert.deepEqual(calls.refused, ["b2"]);
  const bytes = new Bench({ atOnce: 0, bytesOfUser: 25 });
  bytes.offer("1", "a", 1, 2, 3);
  bytes.offer("2", "c", 1);
  assert.deepEqual(bytes.refused, ["a3"]);
});

Deno.test("when all shares together are too much, room is taken from whoever has most", () => {
  const bench = new Bench({ atOnce: 0, waiting: 6 });
  bench.offer("1", "a", 1, 2, 3);
  bench.offer("1", "b", 1);
  bench.offer("2", "c", 1, 2);
  bench.offer("3", "d", 1);
  assert.deepEqual(bench.refused, ["a3"]);
  const bytes = new Bench({ atOnce: 0, bytes: 35 });
  bytes.offer("1", "a", 1, 2);
  bytes.offer("2", "c", 1);
  bytes.offer("3", "d", 1);
  assert.deepEqual(bytes.refused, ["a2"]);
});

Deno.test("a flood takes a bounded part of each turn of the event loop, and others their part of the same turn", () => {
  const bench = new Bench({ aTurn: 3, waitingOfUser: 10 }, 0);
  bench.offer("1", "a", ...Array.from({ length: 20 }, (_, n) => n));
  assert.deepEqual(bench.started, ["1a0", "1a1", "1a2"]);
  assert.equal(bench.refused.length, 7);
  bench.offer("2", "c", 1);
  bench.turn();
  assert.deepEqual(bench.started.slice(3), ["1a3", "2c1", "1a4"]);
  for (let turns = 0; turns < 4; turns++) bench.turn();
  assert.equal(bench.started.length, 14);
});

Deno.test("S6: long answers take their part of the turns after theirs, so that a few calls cannot fill one", () => {
  const bench = new Bench({ aTurn: 3, waitingOfUser: 10 }, 850);
  bench.offer("1", "a", 1, 2, 3);
  // Nine calls' worth: this turn and the two after it.
  assert.deepEqual(bench.started, ["1a1"]);
  bench.turn();
  bench.offer("2", "c", 1);
  bench.turn();
  assert.deepEqual(bench.started, ["1a1"]);
  bench.turn();
  assert.deepEqual(bench.started, ["1a1", "1a2"]);
  for (let turns = 0; turns < 3; turns++) bench.turn();
  assert.deepEqual(bench.started, ["1a1", "1a2", "2c1"]);
  for (let turns = 0; turns < 6; turns++) bench.turn();
  assert.equal(bench.started.length, 4);
  assert.equal(bench.turns, 0, "nothing is waited for");
});

Deno.test("calls of a connection whose user is not known wait; then they are that user's", async () => {
  const bench = new Bench({ waitingOfUser: 3, waiting: 5 });
  bench.offer(undefined, "a", 1, 2);
  bench.offer("1", "b", 1);
  assert.deepEqual(bench.started, ["1b1"]);
  bench.queue.identified("a", "1");
  await bench.finish(3);
  assert.deepEqual(bench.started, ["1b1", "1a1", "1a2"]);
  // A hundred connections are not a hundred shares: unknown ones lose what they have when others come.
  for (let n = 0; n < 100; n++) bench.offer(undefined, `x${n}`, 1);
  assert.equal(bench.refused.length, 95);
  // One that is gone has nobody to answer to.
  bench.queue.gone("a");
  bench.queue.clear();
  bench.offer("2", "c", 1);
  assert.equal(bench.started.at(-1), "2c1");
});

Deno.test("calls that are answered at once never wait, and forgotten ones are not worked on", async () => {
  const at = new Bench({}, 0);
  at.offer("1", "a", 1, 2, 3, 4, 5);
  assert.equal(at.started.length, 5);
  const bench = new Bench({ atOnce: 1 });
  bench.offer("1", "a", 1, 2, 3);
  bench.queue.clear();
  await bench.finish(1);
  bench.offer("1", "a", 6);
  assert.deepEqual(bench.started, ["1a1", "1a6"]);
});

Deno.test("a queue that is cleared waits for no turn to end, and counts afresh", () => {
  const bench = new Bench({ aTurn: 2 }, 0);
  bench.offer("1", "a", 1, 2, 3);
  assert.deepEqual(bench.started, ["1a1", "1a2"]);
  assert.equal(bench.turns, 1);
  bench.queue.clear();
  assert.equal(bench.turns, 0, "a closed bus leaves a timer behind");
  bench.offer("1", "a", 4, 5);
  assert.deepEqual(bench.started, ["1a1", "1a2", "1a4", "1a5"]);
  assert.equal(bench.turns, 1);
});
