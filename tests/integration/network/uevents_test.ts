import assert from "node:assert/strict";
import { AF_NETLINK, bytes, SOCK_RAW, sys } from "../../../src/lib/linux/ffi_libc.ts";
import {
  drainNetlink,
  NETLINK_KOBJECT_UEVENT,
  netlinkAddress,
  openNetlink,
} from "../../../src/lib/linux/netlink.ts";
import { Reactor, type Ready } from "../../../src/lib/linux/reactor.ts";
import { Uevents } from "../../../src/lib/linux/uevents.ts";
import { ONLY_ROOT } from "../../../scripts/skipped.ts";
import { NETWORK_NEEDS } from "../../../scripts/system_packages.ts";
import { packages, skipAllWithout } from "../../lacking.ts";
import { Told } from "../linux/waiting.ts";

const INTERFACES = "/sys/class/net";

/** An interface of which this user may have the kernel send events: `lo` for root, a new one in a user namespace. */
function interfaceOfOurs(): string | undefined {
  const names = [...Deno.readDirSync(INTERFACES)].map(({ name }) => name);
  return ["lo", ...names.sort()].find((name) => {
    try {
      Deno.openSync(`${INTERFACES}/${name}/uevent`, { write: true }).close();
      return true;
    } catch (error) {
      const { NotFound, PermissionDenied, NotCapable } = Deno.errors;
      if ([NotFound, PermissionDenied, NotCapable].some((kind) => error instanceof kind)) return false;
      // A read-only sysfs, as in a container.
      if (error instanceof Error && /\(os error 30\)/.test(error.message)) return false;
      throw error;
    }
  });
}

const INTERFACE = interfaceOfOurs();
skipAllWithout(
  packages(NETWORK_NEEDS),
  () => INTERFACE === undefined ? `${ONLY_ROOT}: has the kernel send events` : undefined,
);

const UUID = "2d8f9a3c-0000-4000-8000-000000000000";

/** Makes the kernel send an event with our mark in it. */
const synthesise = (mark: string): Promise<void> =>
  Deno.writeTextFile(`${INTERFACES}/${INTERFACE}/uevent`, `change ${UUID} STAS=${mark}`);

const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

Deno.test("events of the kernel arrive, those of a local program do not", async () => {
  const reactor = new Reactor();
  const told = new Told<string>();
  const drained = new Told<boolean>();
  const uevents = new Uevents(reactor, {
    message: (payload) => told.tell(text(payload)),
    drained: drained.tell,
  });
  const liar = sys.socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
  const lie = new TextEncoder().encode(
    "remove@/devices/virtual/nvme-fabrics/ctl/nvme0\0ACTION=remove\0SUBSYSTEM=nvme\0",
  );
  const copy = bytes(lie.length);
  copy.set(lie);
  assert.ok(sys.send(liar, copy, netlinkAddress(1)) > 0, "root may send to the group");
  await synthesise("truth");
  const event = await told.until((payload) => payload.includes("SYNTH_ARG_STAS=truth"), "the kernel's event");
  assert.ok(event.startsWith(`change@/devices/virtual/net/${INTERFACE}\0`), event);
  assert.ok(!told.all.some((payload) => payload.includes("nvme0")), "a lie got through");
  await drained.until((complete) => complete, "the end of the round");
  uevents.close();
  sys.close(liar);
  await reactor.close();
});

Deno.test("events that the kernel had to drop are noticed, and those after them arrive", async () => {
  const fd = openNetlink(NETLINK_KOBJECT_UEVENT, 1, 4096);
  for (let i = 0; i < 200; i++) await synthesise(String(i));
  let seen = 0;
  assert.equal(drainNetlink(fd, bytes(8192), () => seen++), false);
  assert.ok(seen < 200);
  await synthesise("after");
  const after: string[] = [];
  assert.equal(drainNetlink(fd, bytes(8192), (payload) => after.push(text(payload))), true);
  assert.ok(after.some((payload) => payload.includes("STAS=after")));
  sys.close(fd);
});

Deno.test("a message that does not fit the buffer counts as lost", async () => {
  const fd = openNetlink(NETLINK_KOBJECT_UEVENT, 1, 65536);
  await synthesise("long");
  assert.equal(drainNetlink(fd, bytes(16), () => assert.fail("half a message was delivered")), false);
  sys.close(fd);
});

/** A reactor that tells of what is ready when the test says so. */
class Hand {
  ready: Ready = () => assert.fail("nothing is watched");

  watch(_fd: number, _interest: number, ready: Ready): void {
    this.ready = ready;
  }

  unwatch(): void {}
}

/** Events of a connect of our own: what was told so far, of those with this mark. */
function marked(mark: string): { hand: Hand; uevents: Uevents; told: string[] } {
  const hand = new Hand();
  const told: string[] = [];
  const uevents = new Uevents(hand, {
    message: (payload) => {
      if (text(payload).includes(`STAS=${mark}`)) told.push("event");
    },
    drained: () => told.push("drained"),
  });
  return { hand, uevents, told };
}

Deno.test("without a connect of our own, events are taken in at once", async () => {
  const { hand, uevents, told } = marked("free");
  await synthesise("free");
  assert.equal(hand.ready(), undefined);
  assert.deepEqual(told, ["event", "drained"]);
  uevents.close();
});

Deno.test("events wait for a connect of our own, and are taken in while its end is told", async () => {
  const { hand, uevents, told } = marked("waits");
  const [first, second] = [uevents.connecting(), uevents.connecting()];
  await synthesise("waits");
  const waiting = hand.ready();
  assert.ok(waiting instanceof Promise);
  assert.deepEqual(told, []);
  // The next connect is under way by now: what has arrived is about the last one.
  first();
  assert.deepEqual(told, ["event", "drained"]);
  await waiting;
  first();
  assert.ok(hand.ready() instanceof Promise, "the second one is still under way");
  second();
  assert.equal(hand.ready(), undefined);
  assert.deepEqual(told, ["event", "drained", "drained", "drained"]);
  uevents.close();
});

Deno.test("a connect that does not end does not keep events waiting for ever", async () => {
  const { hand, uevents, told } = marked("bound");
  const over = uevents.connecting();
  await synthesise("bound");
  const ended = new Told<string>();
  void Promise.resolve(hand.ready()).then(() => ended.tell("ended"));
  await ended.until(() => true, "the end of its patience");
  assert.deepEqual(told, ["event", "drained"]);
  over();
  assert.deepEqual(told, ["event", "drained"]);
  uevents.close();
});

Deno.test("closed while events wait: they are not taken in, and nobody waits for them", async () => {
  const { hand, uevents, told } = marked("closed");
  const over = uevents.connecting();
  const waiting = hand.ready();
  uevents.close();
  await waiting;
  over();
  assert.deepEqual(told, []);
});
