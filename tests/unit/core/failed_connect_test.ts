/** When a person hears of a connect that failed (STAF-45). */
import assert from "node:assert/strict";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import type { StafdEffect, StafdEvent } from "../../../src/lib/core/effects.ts";
import { stafdWakeAt, stepStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { emptyStafd, type StafdState } from "../../../src/lib/core/stafd/stafd_state.ts";
import type { Failure } from "../../../src/lib/base/failure.ts";

const refused: Failure = { phase: "connect", kind: "transient", message: "refused" };
const noKey: Failure = { phase: "connect", kind: "permanent", message: "a key is missing" };

/** The levels at which the failures of attempts one after the other are logged. */
function levels(failures: readonly Failure[]): string[] {
  const parsed = parseStafdConf(
    "[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.11\n",
    "stafd.conf",
  );
  assert.ok(parsed.ok);
  let state: StafdState = emptyStafd;
  let mono = 0;
  let effects: StafdEffect[] = [];
  const take = (event: StafdEvent): void => {
    const step = stepStafd(state, event, { mono, wall: mono });
    state = step.state;
    effects.push(...step.effects);
    for (const effect of step.effects) {
      if (effect.do === "save") {
        take({ type: "saved", op: effect.op, outcome: { ok: true, value: undefined } });
      }
      if (effect.do === "scan") take({ type: "scanned", op: effect.op, outcome: { ok: true, value: [] } });
      if (effect.do === "reach") {
        const { op, key } = effect;
        take({ type: "reached", op, key, outcome: { ok: true, value: undefined } });
      }
    }
  };
  const hostNqn = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";
  take({ type: "host", host: { nqn: hostNqn, id: hostNqn.slice(-36), symname: "", key: undefined } });
  take({ type: "exclusions", exclusions: [] });
  const lan = { index: 2, mac: "02:00:00:00:00:01", up: true, v4: ["192.0.2.1"], v6: [] };
  take({ type: "network", interfaces: new Map([["eth0", lan]]) });
  take({ type: "config", conf: parsed.conf, reload: false });
  return failures.map((failure) => {
    let connect = effects.find((effect) => effect.do === "connect");
    while (connect === undefined) {
      const wake = stafdWakeAt(state);
      assert.ok(wake !== undefined, "no further attempt");
      mono = wake.mono;
      take({ type: "tick" });
      connect = effects.find((effect) => effect.do === "connect");
    }
    effects = [];
    take({ type: "connected", op: connect.op, key: connect.key, outcome: { ok: false, failure } });
    const said = effects.flatMap((effect) => effect.do === "log" ? [effect.entry] : [])
      .filter(({ message }) => message.includes(failure.message));
    assert.equal(said.length, 1);
    return said[0]?.level ?? "";
  });
}

Deno.test("a connect that may succeed the next time is worth a message when it fails again; then only what changes is", () => {
  assert.deepEqual(levels([refused, refused, refused, noKey, noKey]), [
    "debug",
    "error",
    "debug",
    "error",
    "debug",
  ]);
});

Deno.test("one that cannot succeed as things are is said at once", () => {
  assert.deepEqual(levels([noKey, noKey, refused, refused]), ["error", "debug", "error", "debug"]);
});
