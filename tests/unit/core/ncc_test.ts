/** A controller counts as not connected to the CDC only if every page that lists it says so (STAC-50). */
import assert from "node:assert/strict";
import type { Claim, Ctl } from "../../../src/lib/core/controller/ctl.ts";
import { newCtl } from "../../../src/lib/core/controller/ctl.ts";
import { isNcc } from "../../../src/lib/core/sources/ncc.ts";
import { TID } from "./tid.ts";
import { discoveryEntry } from "../nvme/samples.ts";

const listedWith = (...eflags: readonly number[]): Ctl => ({
  ...newCtl("a", TID, 0),
  claims: new Map(
    eflags.map((flags, n): [`page:${number}`, Claim] => [`page:${n}`, {
      kind: "log-page",
      dc: `dc${n}`,
      dcText: `dc${n}`,
      genctr: "1",
      readAt: 0,
      entry: discoveryEntry({ eflags: flags }),
    }]),
  ),
});

Deno.test("NCC counts when all pages have it, and not when one has not", () => {
  assert.deepEqual(
    [
      listedWith(4),
      listedWith(4, 6),
      listedWith(4, 0),
      listedWith(0, 4),
      listedWith(3),
      listedWith(),
    ]
      .map(isNcc),
    [true, true, false, false, false, false],
  );
});
