import type { Ctl } from "./ctl.ts";
import { eflagsNcc } from "./entry_tid.ts";

/** The last word of the fabric: not connected, say all that list it (STAC-50). */
export function isNcc(ctl: Ctl): boolean {
  const pages = [...ctl.claims.values()].flatMap((claim) => claim.kind === "log-page" ? [claim.entry] : []);
  return pages.length > 0 && pages.every(eflagsNcc);
}
