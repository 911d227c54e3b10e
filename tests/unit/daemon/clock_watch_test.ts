import assert from "node:assert/strict";
import { ClockWatch } from "../../../src/lib/daemon/clock_watch.ts";

/** A machine's three clocks. */
class Machine {
  mono = 1_000;
  up = 500_000;
  wall = 1_795_000_000_000;
  readonly watch = new ClockWatch({
    now: () => ({ mono: this.mono, wall: this.wall }),
    uptime: () => this.up,
    wakeAt: () => () => {},
  });

  pass(ms: number): void {
    this.mono += ms;
    this.up += ms;
    this.wall += ms;
  }

  suspend(ms: number): void {
    this.up += ms;
    this.wall += ms;
  }
}

Deno.test("a clock that is set is noticed once, in both directions; time that passes is not", () => {
  const machine = new Machine();
  machine.pass(86_400_000);
  assert.equal(machine.watch.setBy(), 0);
  machine.wall -= 7_200_000;
  assert.equal(machine.watch.setBy(), -7_200_000);
  assert.equal(machine.watch.setBy(), 0);
  machine.pass(5);
  machine.wall += 3_000;
  machine.pass(60_000);
  assert.equal(machine.watch.setBy(), 3_000);
  assert.equal(machine.watch.setBy(), 0);
});

Deno.test("small settings add up until they count", () => {
  const machine = new Machine();
  machine.wall += 600;
  assert.equal(machine.watch.setBy(), 0);
  machine.wall += 600;
  assert.equal(machine.watch.setBy(), 1_200);
});

Deno.test("a machine that was suspended has its clock right; one whose clock was set meanwhile is told by how much", () => {
  const machine = new Machine();
  machine.suspend(28_800_000);
  assert.equal(machine.watch.setBy(), 0);
  machine.suspend(3_600_000);
  machine.wall -= 10_000;
  assert.equal(machine.watch.setBy(), -10_000);
  assert.equal(machine.watch.setBy(), 0);
});
