import assert from "node:assert/strict";
import { CallQueue } from "../../../src/lib/dbus/call_queue.ts";

interface Call {
  readonly sender: string;
  readonly n: number;
}

Deno.test("a few calls are worked on at once, callers take turns, and too many are refused", async () => {
  const started: string[] = [];
  const finish: (() => void)[] = [];
  const queue = new CallQueue<Call>(2, 6, ({ sender, n }) => {
    started.push(`${sender}${n}`);
    return new Promise((resolve) => finish.push(resolve));
  });
  const offered = [1, 2, 3, 4, 5, 6].map((n) => queue.offer({ sender: "a", n }));
  offered.push(queue.offer({ sender: "b", n: 1 }), queue.offer({ sender: "b", n: 2 }));
  assert.deepEqual(offered, Array.from({ length: 8 }, () => true));
  assert.equal(queue.offer({ sender: "c", n: 1 }), false);
  assert.deepEqual(started, ["a1", "a2"]);
  for (let done = 0; done < 8; done++) {
    finish.shift()?.();
    await Promise.resolve();
    await Promise.resolve();
    assert.ok(finish.length <= 2);
  }
  assert.deepEqual(started, ["a1", "a2", "a3", "b1", "a4", "b2", "a5", "a6"]);
  assert.ok(queue.offer({ sender: "c", n: 1 }));
});

Deno.test("calls that are answered at once never wait, and forgotten ones are not worked on", async () => {
  const seen: number[] = [];
  const later = Promise.withResolvers<void>();
  const queue = new CallQueue<Call>(1, 10, ({ n }) => {
    seen.push(n);
    return n === 3 ? later.promise : undefined;
  });
  for (const n of [1, 2, 3, 4, 5]) assert.ok(queue.offer({ sender: "a", n }));
  assert.deepEqual(seen, [1, 2, 3]);
  queue.clear();
  later.resolve();
  await later.promise;
  await Promise.resolve();
  assert.ok(queue.offer({ sender: "a", n: 6 }));
  assert.deepEqual(seen, [1, 2, 3, 6]);
});
