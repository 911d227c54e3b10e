/** Where most scenarios of stacd begin: one discovery controller that lists one subsystem. */
import assert from "node:assert/strict";
import { type Discovery, entryFor } from "../../../src/lib/sim/discovery.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import type { Stage } from "./stage.ts";

export const DC_LINE = "[Controllers]\ncontroller = transport=tcp;traddr=10.0.0.100\n";
/** A file with this one line. */
export const line = (rest: string): string => `[Controllers]\ncontroller = transport=tcp;${rest}\n`;

/** One discovery controller that lists one subsystem, both connected. */
export async function listed(stage: Stage): Promise<{ subsystem: Target; page: Discovery }> {
  const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
  const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
  stage.stafdConf(DC_LINE);
  await stage.start();
  assert.equal(stage.to(subsystem).length, 1, "connected at the start");
  return { subsystem, page };
}
