/** Of Deno's 32 threads for blocking calls no more than 24 are taken by what may hang (L6). */
import assert from "node:assert/strict";
import { claimDevice } from "../../../src/lib/linux/block_claim.ts";
import { sys } from "../../../src/lib/linux/ffi_libc.ts";
import { THREADS } from "../../../src/lib/linux/thread_shares.ts";

// The C library is opened once and stays: it is no leak of the first test.
sys.interfaceIndex("lo");

Deno.test("all shares together are 24 threads", () => {
  assert.equal(Object.values(THREADS).reduce((sum: number, share) => sum + share, 0), 24);
});

/** Limits of other things than threads. */
const NO_THREADS: ReadonlyMap<string, string> = new Map([
  ["reach.ts", "sockets that the reactor waits for"],
  ["kernel.ts", "large pages, read by commands that have their share"],
]);

Deno.test("whatever limits blocking work has its share in the table", async () => {
  const folder = new URL("../../../src/lib/linux/", import.meta.url);
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(new URL(name, folder));
    const limits = [...text.matchAll(/new Limiter\(([\w.]+)/g)].map(([, share = ""]) => share);
    const own = limits.filter((share) => !share.startsWith("THREADS."));
    assert.ok(own.length <= (NO_THREADS.has(name) ? 1 : 0), `${name}: ${own.join()}`);
  }
});

Deno.test("while the open of a block device hangs, no other one is begun", async () => {
  const places = { sys: "/nonexistent", dev: "/nonexistent" };
  const stuck = Promise.withResolvers<number>();
  let opens = 0;
  const open = (): Promise<number> => {
    opens++;
    return stuck.promise;
  };
  const first = await claimDevice("nvme0n1", places, 10, open);
  assert.ok(!first.ok && first.why.includes("could not be opened within"));
  const second = await claimDevice("nvme1n1", places, 10, open);
  assert.ok(!second.ok && second.why.includes("/nonexistent/nvme0n1 hangs"), second.ok ? "" : second.why);
  assert.equal(opens, 1);
  stuck.resolve(-2);
  await stuck.promise;
  const third = await claimDevice("nvme1n1", places, 10, () => Promise.resolve(-2));
  assert.ok(!third.ok && third.why.includes("cannot be opened"));
});
