import assert from "node:assert/strict";
import { bytes, sys } from "../../../src/lib/linux/ffi_libc.ts";
import { Reactor, READABLE } from "../../../src/lib/linux/reactor.ts";
import { Told } from "./waiting.ts";

/** An eventfd that counts how often it was found ready. */
function watched(reactor: Reactor, name: string, told: Told<string>): number {
  const fd = sys.eventFd();
  reactor.watch(fd, READABLE, () => {
    sys.read(fd, bytes(8));
    told.tell(name);
  });
  return fd;
}

Deno.test("descriptors that become ready are told, each to its own handler", async () => {
  const reactor = new Reactor();
  const told = new Told<string>();
  const fds = ["a", "b", "c"].map((name) => watched(reactor, name, told));
  for (const fd of fds) sys.signalEventFd(fd);
  for (const name of ["a", "b", "c"]) await told.until((item) => item === name, name);
  sys.signalEventFd(fds[1] ?? -1);
  await told.until(() => told.all.filter((item) => item === "b").length === 2, "b again");
  assert.equal(told.all.length, 4);
  await reactor.close();
  for (const fd of fds) sys.close(fd);
});

Deno.test("what is not taken is told again; what is unwatched is not told any more", async () => {
  const reactor = new Reactor();
  const told = new Told<number>();
  const fd = sys.eventFd();
  reactor.watch(fd, READABLE, () => {
    told.tell(told.all.length);
    if (told.all.length === 3) reactor.unwatch(fd);
  });
  sys.signalEventFd(fd);
  await told.until((count) => count === 2, "the third time");
  // Another one ready after it proves that a round went by without it.
  const other = new Told<string>();
  const later = watched(reactor, "later", other);
  sys.signalEventFd(later);
  await other.until(() => true, "the later one");
  assert.equal(told.all.length, 3);
  await reactor.close();
  sys.close(fd);
  sys.close(later);
});

Deno.test("a number that is in use again does not get the events of the one before", async () => {
  const reactor = new Reactor();
  const told = new Told<string>();
  const first = sys.eventFd();
  let second = -1;
  const late = new Told<string>();
  reactor.watch(first, READABLE, () => {
    reactor.unwatch(first);
    sys.close(first);
    second = watched(reactor, "second", late);
    told.tell("first");
  });
  sys.signalEventFd(first);
  await told.until(() => true, "the first");
  assert.equal(second, first, "the kernel gives out the lowest free number");
  assert.deepEqual(late.all, []);
  sys.signalEventFd(second);
  await late.until(() => true, "the second");
  await reactor.close();
  sys.close(second);
});

Deno.test("a handler may unwatch another descriptor that is ready in the same round", async () => {
  const reactor = new Reactor();
  const told = new Told<string>();
  const [trigger, a, b] = [sys.eventFd(), sys.eventFd(), sys.eventFd()];
  reactor.watch(a, READABLE, () => {
    reactor.unwatch(a);
    reactor.unwatch(b);
    told.tell("a");
  });
  reactor.watch(b, READABLE, () => {
    reactor.unwatch(a);
    reactor.unwatch(b);
    told.tell("b");
  });
  // From a handler, while nobody waits: both are found by the same wait.
  reactor.watch(trigger, READABLE, () => {
    reactor.unwatch(trigger);
    sys.signalEventFd(a);
    sys.signalEventFd(b);
  });
  sys.signalEventFd(trigger);
  await told.until(() => true, "one of the two");
  const other = new Told<string>();
  const later = watched(reactor, "later", other);
  sys.signalEventFd(later);
  await other.until(() => true, "the later one");
  assert.equal(told.all.length, 1);
  await reactor.close();
  for (const fd of [trigger, a, b, later]) sys.close(fd);
});

Deno.test("closing ends the thread, twice is once, and watching afterwards is refused", async () => {
  const reactor = new Reactor();
  await Promise.all([reactor.close(), reactor.close()]);
  assert.throws(() => reactor.watch(0, READABLE, () => {}), /closed/);
});

Deno.test("an idle reactor does not wake up", async () => {
  const reactor = new Reactor();
  /** Context switches of each thread that waits in epoll, the main one aside. */
  const switches = async (): Promise<ReadonlyMap<string, number>> => {
    const counts = new Map<string, number>();
    for await (const { name } of Deno.readDir("/proc/self/task")) {
      const task = `/proc/self/task/${name}`;
      const status = await Deno.readTextFile(`${task}/status`);
      const found = /^voluntary_ctxt_switches:\s*(\d+)/m.exec(status);
      const waitsIn = await Deno.readTextFile(`${task}/wchan`);
      if (name !== String(Deno.pid) && /ep_poll|epoll/.test(waitsIn)) counts.set(name, Number(found?.[1]));
    }
    return counts;
  };
  // The thread needs a moment to get there.
  let before = await switches();
  while (before.size === 0) before = await switches();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const after = await switches();
  const parked = [...after].filter(([name, count]) => before.get(name) === count);
  assert.ok(parked.length > 0, `no thread slept through: ${Deno.inspect({ before, after })}`);
  await reactor.close();
});

Deno.test("nothing else is waited for until what a handler began is done", async () => {
  const reactor = new Reactor();
  const told = new Told<string>();
  const slow = sys.eventFd();
  const work = Promise.withResolvers<void>();
  reactor.watch(slow, READABLE, () => {
    sys.read(slow, bytes(8));
    told.tell("slow begins");
    return work.promise;
  });
  sys.signalEventFd(slow);
  await told.until((item) => item === "slow begins", "the slow one");
  const quick = watched(reactor, "quick", told);
  sys.signalEventFd(quick);
  // The thread that would tell of it is not even started: that takes a task of its own, after all that is due by now.
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(told.all, ["slow begins"]);
  work.resolve();
  await told.until((item) => item === "quick", "the quick one");
  await reactor.close();
  sys.close(slow);
  sys.close(quick);
});
