/** A controller counts as not connected to the CDC only if every page that lists it says so (STAC-50). */
import assert from "node:assert/strict";
import type { Claim, Ctl } from "../../../src/lib/core/ctl.ts";
import { newCtl } from "../../../src/lib/core/ctl.ts";
import { isNcc } from "../../../src/lib/core/ncc.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";

const TID: Tid = {
  transport: "tcp",
  traddr: "10.0.0.1",
  trsvcid: "4420",
  subsysnqn: "nqn.sub",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "",
};

const listedWith = (...eflags: readonly string[]): Ctl => ({
  ...newCtl("a", TID, 0),
  claims: new Map(
    eflags.map((flags, n): [`page:${number}`, Claim] => [`page:${n}`, {
      kind: "log-page",
      dc: `dc${n}`,
      dcText: `dc${n}`,
      genctr: "1",
      readAt: 0,
      entry: { eflags: flags },
    }]),
  ),
});

Deno.test("NCC counts when all pages have it, and not when one has not", () => {
  assert.deepEqual(
    [
      listedWith("4"),
      listedWith("4", "4"),
      listedWith("4", "0"),
      listedWith("0", "4"),
      listedWith("0"),
      listedWith(),
    ]
      .map(isNcc),
    [true, true, false, false, false, false],
  );
});
