import type { Ctl } from "../controller/ctl.ts";
import { eflagsNcc } from "./entry_tid.ts";

/**
 * The latest report of the fabric: every page that lists the controller says that it is not connected
 * (STAC-50).
 */
export function isNcc(ctl: Ctl): boolean {
  const pages = [...ctl.claims.values()].flatMap((claim) => claim.kind === "log-page" ? [claim.entry] : []);
  return pages.length > 0 && pages.every(eflagsNcc);
}
