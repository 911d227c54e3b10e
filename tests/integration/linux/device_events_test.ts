import assert from "node:assert/strict";
import { DeviceEvents } from "../../../src/lib/linux/device_events.ts";
import type { Outcome } from "../../../src/lib/base/failure.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import type { KernelEvent } from "../../../src/lib/ports.ts";

const ctrl = (device: string, incarnation: number): KernelCtrl => ({
  device,
  incarnation,
  transport: "tcp",
  traddr: "192.0.2.1",
  trsvcid: "8009",
  subsysnqn: "nqn.x",
  hostNqn: "nqn.host",
  hostId: "",
  hostTraddr: "",
  hostIface: "",
  srcAddr: "",
  state: "live",
  cntrltype: "discovery",
  dctype: "none",
  cntlid: "1",
  model: "",
  serial: "",
  isDc: true,
  isIoc: false,
  owner: "",
  namespaces: [],
});

const payload = (
  action: string,
  device: string,
  properties = "",
  subsystem = "nvme",
): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(
    `${action}@/devices/virtual/nvme-fabrics/ctl/${device}\0ACTION=${action}\0SUBSYSTEM=${subsystem}\0${properties}`,
  );

/** The sink with reads of sysfs that end when the test says so. */
class Bench {
  readonly told: string[] = [];
  readonly reads: { readonly device: string; readonly end: (outcome: Outcome<KernelCtrl>) => void }[] = [];
  /** Who has the number of a device that was removed. */
  readonly holders = new Map<string, number>();
  readonly events = new DeviceEvents(
    (device) => new Promise((end) => this.reads.push({ device, end })),
    (device) => this.holders.get(device),
    (event) => this.told.push(shown(event)),
  );

  feed(...payloads: Uint8Array<ArrayBuffer>[]): void {
    for (const each of payloads) this.events.message(each);
    this.events.drained(true);
  }

  async end(read: number, outcome: Outcome<KernelCtrl>): Promise<void> {
    this.reads[read]?.end(outcome);
    // The result passes through two promises.
    for (let i = 0; i < 4; i++) await Promise.resolve();
  }
}

function shown(event: KernelEvent): string {
  switch (event.type) {
    case "device":
      return `${event.cause} ${event.ctrl.device}#${event.ctrl.incarnation}`;
    case "aen":
      return `aen ${event.device} ${event.value.toString(16)}`;
    case "removed":
      return `removed ${event.device}${event.now === undefined ? "" : `, now #${event.now}`}`;
    default:
      return event.type;
  }
}

Deno.test("events that come together cost one read, and AENs come after it", async () => {
  const bench = new Bench();
  bench.feed(
    payload("change", "nvme0", "NVME_EVENT=rediscover\0"),
    payload("change", "nvme0", "NVME_AEN=0x70f002\0"),
    payload("change", "nvme0", "NVME_EVENT=connected\0"),
    payload("change", "nvme0", "NVME_EVENT=connected\0"),
  );
  assert.equal(bench.reads.length, 1);
  assert.deepEqual(bench.told, []);
  await bench.end(0, { ok: true, value: ctrl("nvme0", 7) });
  assert.deepEqual(bench.told, ["rediscover nvme0#7", "connected nvme0#7", "aen nvme0 70f002"]);
});

Deno.test("what comes during a read is read again", async () => {
  const bench = new Bench();
  bench.feed(payload("add", "nvme0"));
  bench.feed(payload("change", "nvme0", "NVME_EVENT=connected\0"));
  assert.equal(bench.reads.length, 1);
  await bench.end(0, { ok: true, value: ctrl("nvme0", 7) });
  assert.deepEqual(bench.told, ["add nvme0#7"]);
  assert.equal(bench.reads.length, 2);
  await bench.end(1, { ok: true, value: ctrl("nvme0", 7) });
  assert.deepEqual(bench.told, ["add nvme0#7", "connected nvme0#7"]);
});

Deno.test("what was read when a device was connected serves others, while it is read and after", async () => {
  const bench = new Bench();
  bench.feed(payload("change", "nvme0", "NVME_EVENT=connected\0"));
  const during = bench.events.lastConnected("nvme0");
  assert.equal(await bench.events.lastConnected("nvme1"), undefined);
  const read = ctrl("nvme0", 7);
  await bench.end(0, { ok: true, value: read });
  assert.equal(await during, read);
  assert.equal(await bench.events.lastConnected("nvme0"), read);
  // A change is no connect, and what is read for it says nothing of one.
  bench.feed(payload("change", "nvme2"));
  await bench.end(1, { ok: true, value: ctrl("nvme2", 8) });
  assert.equal(await bench.events.lastConnected("nvme2"), undefined);
  bench.feed(payload("change", "nvme0", "NVME_EVENT=connected\0"));
  await bench.end(2, { ok: false, failure: { phase: "scan", kind: "gone", message: "gone" } });
  assert.equal(await bench.events.lastConnected("nvme0"), undefined);
});

Deno.test("an AEN alone needs no read", () => {
  const bench = new Bench();
  bench.feed(payload("change", "nvme3", "NVME_AEN=0x70f002\0"));
  assert.equal(bench.reads.length, 0);
  assert.deepEqual(bench.told, ["aen nvme3 70f002"]);
});

Deno.test("a removal tells who has the number by now", () => {
  const bench = new Bench();
  bench.holders.set("nvme1", 9);
  bench.feed(payload("remove", "nvme0"), payload("remove", "nvme1"));
  assert.deepEqual(bench.told, ["removed nvme0", "removed nvme1, now #9"]);
});

Deno.test("nothing of before a removal is told after it, the next one with its number is", async () => {
  const bench = new Bench();
  bench.feed(
    payload("change", "nvme0", "NVME_AEN=0x70f002\0"),
    payload("change", "nvme0", "NVME_EVENT=connected\0"),
  );
  bench.feed(payload("remove", "nvme0"), payload("add", "nvme0"));
  assert.deepEqual(bench.told, ["removed nvme0"]);
  assert.equal(bench.reads.length, 2);
  // The first read saw the new controller already.
  await bench.end(0, { ok: true, value: ctrl("nvme0", 8) });
  assert.deepEqual(bench.told, ["removed nvme0"]);
  await bench.end(1, { ok: true, value: ctrl("nvme0", 8) });
  assert.deepEqual(bench.told, ["removed nvme0", "add nvme0#8"]);
});

Deno.test("a controller that is gone again makes no event, one that cannot be read makes the picture stale", async () => {
  const bench = new Bench();
  bench.feed(payload("add", "nvme0"), payload("add", "nvme1"));
  await bench.end(0, { ok: false, failure: { phase: "scan", kind: "gone", message: "gone" } });
  assert.deepEqual(bench.told, []);
  await bench.end(1, { ok: false, failure: { phase: "scan", kind: "transient", message: "EIO" } });
  assert.deepEqual(bench.told, ["overflow"]);
});

Deno.test("other subsystems, namespaces, other actions and garbage are nothing to us; lost events are", () => {
  const bench = new Bench();
  bench.feed(
    payload("add", "nvme0", "", "net"),
    payload("add", "nvme0n1"),
    payload("bind", "nvme0"),
    new TextEncoder().encode("libudev\0"),
    new Uint8Array(0),
  );
  assert.deepEqual(bench.told, []);
  assert.equal(bench.reads.length, 0);
  bench.events.drained(false);
  assert.deepEqual(bench.told, ["overflow"]);
});

Deno.test("after closing nothing is told", async () => {
  const bench = new Bench();
  bench.feed(payload("add", "nvme0"));
  bench.events.close();
  await bench.end(0, { ok: true, value: ctrl("nvme0", 7) });
  assert.deepEqual(bench.told, []);
});
