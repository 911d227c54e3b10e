/** With whom stafd registers the host (STAF-50, KRN-45). */
import assert from "node:assert/strict";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { stepFinder } from "../../../src/lib/core/finder.ts";
import { emptyFinder, type FinderState } from "../../../src/lib/core/finder_state.ts";
import type { FinderEffect, FinderEvent } from "../../../src/lib/core/effects.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";

const HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";
const NOW = { mono: 0, wall: 0 };

const device = (dctype: string): KernelCtrl => ({
  device: "nvme0",
  incarnation: 1,
  transport: "tcp",
  traddr: "192.0.2.11",
  trsvcid: "8009",
  subsysnqn: WELL_KNOWN_DISC_NQN,
  hostNqn: HOST_NQN,
  hostId: "01234567-89ab-cdef-0123-456789abcdef",
  hostTraddr: "",
  hostIface: "",
  srcAddr: "",
  state: "live",
  cntrltype: dctype === "" ? "" : "discovery",
  dctype,
  cntlid: "1",
  model: "",
  serial: "",
  isDc: true,
  isIoc: false,
  owner: "",
  namespaces: [],
});

/** What is asked of a discovery controller of this type that is found connected. */
function asked(dctype: string): string[] {
  const parsed = parseStafdConf(
    "[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.11\n",
    "stafd.conf",
  );
  assert.ok(parsed.ok);
  let state: FinderState = emptyFinder;
  const effects: FinderEffect[] = [];
  const take = (event: FinderEvent): void => {
    const step = stepFinder(state, event, NOW);
    state = step.state;
    effects.push(...step.effects);
  };
  const host = { nqn: HOST_NQN, id: device("").hostId, symname: "", key: undefined };
  take({ type: "host", host });
  const lan = { index: 2, mac: "02:00:00:00:00:01", up: true, v4: ["192.0.2.1"], v6: [] };
  take({ type: "network", interfaces: new Map([["eth0", lan]]) });
  take({ type: "config", conf: parsed.conf, reload: false });
  const scan = effects.find((effect) => effect.do === "scan");
  assert.ok(scan?.do === "scan");
  take({ type: "scanned", op: scan.op, outcome: { ok: true, value: [device(dctype)] } });
  return effects.map((effect) => effect.do).filter((what) =>
    ["register", "supported-logs", "read-log"].includes(what)
  );
}

Deno.test("a CDC and a DDC are registered with, others are not; where the kernel does not tell, the controller is asked", () => {
  assert.deepEqual(asked("cdc"), ["register"]);
  assert.deepEqual(asked("ddc"), ["register"]);
  assert.deepEqual(asked("none"), ["supported-logs"]);
  assert.deepEqual(asked("reserved"), ["supported-logs"]);
  assert.deepEqual(asked(""), ["register"]);
});
