/** stafd: a connect that the kernel completes by itself, and whose number others have before it shows its kind. */
import assert from "node:assert/strict";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { foundDc, OneDc } from "./one_dc.ts";

const phases = ({ state }: OneDc): string =>
  [...state.fleet.ctls.values()].map(({ link }) => link.phase).join();

/** Its connect has returned, and shows no subsystem yet. */
function following(): { readonly stafd: OneDc; readonly made: KernelCtrl } {
  const stafd = new OneDc("");
  stafd.take({ type: "exclusions", exclusions: [] });
  stafd.take({ type: "removed", device: "nvme0", now: undefined });
  stafd.now = { mono: 60_000, wall: 60_000 };
  stafd.take({ type: "tick" });
  const { op: saved } = stafd.last("save");
  stafd.take({ type: "saved", op: saved, outcome: { ok: true, value: undefined } });
  const { op: probe, key } = stafd.last("reach");
  stafd.take({ type: "reached", op: probe, key, outcome: { ok: true, value: undefined } });
  const { op } = stafd.last("connect");
  const made: KernelCtrl = {
    ...foundDc(""),
    device: "nvme1",
    incarnation: 2,
    subsysnqn: "",
    state: "connecting",
    isDc: false,
  };
  stafd.take({ type: "connected", op, key, outcome: { ok: true, value: made } });
  assert.equal(phases(stafd), "forming");
  return { stafd, made };
}

Deno.test("an NQN alone, before the link is up, does not tell whose an unfinished connect is (S1)", () => {
  const { stafd, made } = following();
  const named: KernelCtrl = { ...made, subsysnqn: "nqn.of-itself" };
  stafd.take({ type: "device", cause: "change", ctrl: named });
  assert.equal(phases(stafd), "forming", "not live, and of no kind");
  stafd.take({ type: "device", cause: "connected", ctrl: { ...named, state: "live" } });
  assert.equal(phases(stafd), "up", "a kernel that shows no kind: the connect asked for one of that kind");
});

Deno.test("an unfinished connect that turns out to be an I/O controller is not taken over (S1)", () => {
  const { stafd, made } = following();
  stafd.take({ type: "device", cause: "change", ctrl: { ...made, subsysnqn: "nqn.of-others" } });
  const told: KernelCtrl = { ...made, subsysnqn: "nqn.of-others", state: "live", isIoc: true };
  stafd.take({ type: "device", cause: "connected", ctrl: told });
  assert.equal(phases(stafd), "waiting");
  assert.equal(stafd.effects.some((effect) => effect.do === "own" && effect.device === "nvme1"), false);
});
