/** A host key that is asked for and cannot be read (S15). */
import assert from "node:assert/strict";
import { newCtl } from "../../../src/lib/core/controller/ctl.ts";
import { securityBar } from "../../../src/lib/core/request/line_demands.ts";
import { type Lines, type LineState, writtenLines } from "../../../src/lib/core/sources/lines.ts";
import { tidKey } from "../../../src/lib/nvme/tid.ts";
import { stacd } from "../config/confs.ts";

const HOST = {
  nqn: "nqn.2014-08.org.example:h",
  id: "01234567-0123-0123-0123-0123456789ab",
  symname: "",
  key: undefined,
  keyProblem: "sys.conf:2:1: the key is not read",
};

Deno.test("without the host's key only lines with a secret of their own are connected", () => {
  const { conf } = stacd(
    "[Controllers]\ncontroller=transport=rdma;traddr=192.0.2.1;nqn=a;dhchap-secret=DHHC-1:00:aaa=:\n" +
      "controller=transport=rdma;traddr=192.0.2.2;nqn=a\n",
  );
  const lines: Lines = new Map(
    [...writtenLines(conf, HOST.nqn)].map(([authority, { line, tid, also, why }]): [string, LineState] => [
      authority,
      {
        line,
        also,
        unusable: why,
        written: tid,
        addresses: undefined,
        op: undefined,
        askAt: undefined,
        failures: 0,
        failure: undefined,
      },
    ]),
  );
  const bars = [...lines.values()].map(({ written }) =>
    // As a page lists it, by an interface.
    ["", "eth0"].map((hostIface) => {
      const tid = { ...written, hostIface };
      return securityBar(newCtl(tidKey(tid), tid, 0), HOST, conf, lines, false);
    })
  );
  assert.deepEqual(bars, [[undefined, undefined], [HOST.keyProblem, HOST.keyProblem]]);
});
