/** stafd's core with one discovery controller, which a line asks for and which is found connected. */
import assert from "node:assert/strict";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { stepStafd } from "../../../src/lib/core/stafd/stafd_step.ts";
import { emptyStafd, type StafdState } from "../../../src/lib/core/stafd/stafd_state.ts";
import type { StafdEffect, StafdEvent } from "../../../src/lib/core/effects.ts";
import type { KernelCtrl } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import type { Now } from "../../../src/lib/base/time.ts";

export const HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";

export const foundDc = (dctype: string): KernelCtrl => ({
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

export class OneDc {
  state: StafdState = emptyStafd;
  readonly effects: StafdEffect[] = [];
  now: Now = { mono: 0, wall: 0 };

  constructor(dctype: string, lines: readonly string[] = ["controller = transport=tcp;traddr=192.0.2.11"]) {
    const parsed = parseStafdConf(`[Controllers]\n${lines.join("\n")}\n`, "stafd.conf");
    assert.ok(parsed.ok);
    this.take({ type: "host", host: { nqn: HOST_NQN, id: foundDc("").hostId, symname: "", key: undefined } });
    const lan = { index: 2, mac: "02:00:00:00:00:01", up: true, v4: ["192.0.2.1"], v6: [] };
    this.take({ type: "network", interfaces: new Map([["eth0", lan]]) });
    this.take({ type: "config", conf: parsed.conf, reload: false });
    const scan = this.effects.find((effect) => effect.do === "scan");
    assert.ok(scan?.do === "scan");
    this.take({ type: "scanned", op: scan.op, outcome: { ok: true, value: [foundDc(dctype)] } });
  }

  take(event: StafdEvent): void {
    const step = stepStafd(this.state, event, this.now);
    this.state = step.state;
    this.effects.push(...step.effects);
  }

  /** The newest effect of a kind. */
  last<Kind extends StafdEffect["do"]>(kind: Kind): Extract<StafdEffect, { readonly do: Kind }> {
    const found = this.effects.findLast((effect): effect is Extract<StafdEffect, { readonly do: Kind }> =>
      effect.do === kind
    );
    assert.ok(found !== undefined, `nothing was done of the kind ${kind}`);
    return found;
  }
}
