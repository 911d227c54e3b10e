import assert from "node:assert/strict";
import { otherWays, useOf } from "../../../src/lib/core/planning/in_use.ts";
import type { IoCounters, NamespaceLook } from "../../../src/lib/nvme/namespace_look.ts";
import { seconds } from "../../../src/lib/base/time.ts";

const QUIET: IoCounters = { readSectors: 0, writtenSectors: 0, discardedSectors: 0, flushes: 0, inFlight: 0 };
const WINDOW = seconds(60);

const look = (io: Partial<IoCounters> | undefined, more: Partial<NamespaceLook> = {}): NamespaceLook => ({
  device: "nvme0n1",
  holders: [],
  unknown: undefined,
  paths: [],
  io: io === undefined ? undefined : { ...QUIET, ...io },
  ...more,
});

const use = (before: NamespaceLook, now: NamespaceLook, ms: number, span = WINDOW) =>
  useOf({ at: { mono: 0 }, look: before }, { at: { mono: ms }, look: now }, span);

Deno.test("what holds a namespace is use, whatever the traffic", () => {
  const held = look({}, { holders: ["mounted on /srv", "used as swap"] });
  assert.deepEqual(use(held, held, 0), { is: "used", why: "mounted on /srv, used as swap" });
  assert.deepEqual(use(held, held, 0, seconds(0)), { is: "used", why: "mounted on /srv, used as swap" });
});

Deno.test("what cannot be found out is use", () => {
  const hidden = look({}, { unknown: "/proc/swaps cannot be read" });
  assert.deepEqual(use(hidden, hidden, 90_000), {
    is: "used",
    why: "use unknown: /proc/swaps cannot be read",
  });
  assert.equal(use(look(undefined), look(undefined), 90_000).is, "used");
});

Deno.test("a device that was never written to needs no window; one that was needs a quiet one", () => {
  assert.deepEqual(use(look({ readSectors: 9000 }), look({ readSectors: 9000 }), 0), { is: "unused" });
  const wrote = look({ writtenSectors: 8 });
  assert.deepEqual(use(wrote, wrote, 0), { is: "look-again", in: seconds(60) });
  assert.deepEqual(use(wrote, wrote, 59_000), { is: "look-again", in: seconds(1) });
  assert.deepEqual(use(wrote, wrote, 60_000), { is: "unused" });
  assert.deepEqual(use(wrote, wrote, 0, seconds(0)), { is: "unused" });
});

Deno.test("writes, discards, flushes, more than 1 MiB of reads and I/O in flight are use", () => {
  const before = look({ writtenSectors: 8 });
  for (const grown of [{ writtenSectors: 9 }, { discardedSectors: 1 }, { flushes: 1 }, { inFlight: 1 }]) {
    assert.equal(
      use(before, look({ writtenSectors: 8, ...grown }), 60_000).is,
      "used",
      JSON.stringify(grown),
    );
  }
  assert.equal(use(before, look({ writtenSectors: 8, readSectors: 2048 }), 60_000).is, "unused");
  assert.equal(use(before, look({ writtenSectors: 8, readSectors: 2049 }), 60_000).is, "used");
});

Deno.test("traffic is seen where the kernel counts it on the hidden path device", () => {
  const path = (writtenSectors: number) => [
    { device: "nvme1", state: "live", anaState: "", io: { ...QUIET, writtenSectors } },
  ];
  assert.equal(use(look({}, { paths: path(8) }), look({}, { paths: path(16) }), 60_000).is, "used");
  assert.equal(use(look({}, { paths: path(8) }), look({}, { paths: path(8) }), 60_000).is, "unused");
});

Deno.test("counters that began again prove nothing", () => {
  assert.equal(use(look({ writtenSectors: 80 }), look({ writtenSectors: 8 }), 60_000).is, "used");
});

Deno.test("only a live path that the array serves is another way", () => {
  const path = (device: string, state: string, anaState: string) => ({
    device,
    state,
    anaState,
    io: undefined,
  });
  const paths = [
    path("nvme1", "live", "optimized"),
    path("nvme2", "live", "non-optimized"),
    path("nvme3", "live", ""),
    path("nvme4", "live", "inaccessible"),
    path("nvme5", "live", "change"),
    path("nvme6", "live", "persistent-loss"),
    path("nvme7", "connecting", "optimized"),
    path("nvme8", "resetting", ""),
  ];
  assert.deepEqual(otherWays(look({}, { paths }), "nvme1").map(({ device }) => device), ["nvme2", "nvme3"]);
});
