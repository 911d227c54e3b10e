/** How stacd's configuration, and missing reports of stafd, affect a removal that is due (S12). */
import { IN_USE_WINDOW, type StacdConf } from "../../config/stacd_conf.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import type { Tid } from "../../nvme/tid.ts";
import { AUDIT_SCOPE } from "./audit.ts";
import type { StacdState } from "./stacd_state.ts";
import type { GuardPolicy } from "../planning/guard.ts";

export const guardPolicy = (conf: StacdConf | undefined): GuardPolicy => ({
  inUseGoes: conf?.disconnectInUse.value === "always",
  trafficWindow: conf?.inUseWindow.value ?? IN_USE_WINDOW,
});

/** Why it is not known yet whether a subsystem has another path; undefined once stafd has reported. */
export function whyNotYetKnown({ stafd, pages }: Pick<StacdState, "stafd" | "pages">): string | undefined {
  const untold = stafd.reportedAt === undefined ? [...pages.values()].find(({ told }) => !told) : undefined;
  return untold === undefined
    ? undefined
    : `stafd has not reported yet what ${untold.dcText} lists; that may be another path`;
}

/** Why the policy keeps an unwanted connection; undefined when it is to be removed (requirements 40). */
export function keptBy(
  conf: StacdConf | undefined,
  tid: Tid,
  transport: KernelCtrl["transport"],
): string | undefined {
  switch (conf?.disconnectScope.value) {
    case undefined:
      return "the configuration is not read yet";
    case "no-disconnect":
      return "disconnect-scope=no-disconnect";
    case "only-stas-connections":
      return undefined;
    case AUDIT_SCOPE: {
      const matching = [...conf?.disconnectTrtypes.value ?? []].some((trtype) => trtype === transport);
      return matching ? undefined : `disconnect-trtypes does not name ${tid.transport}`;
    }
  }
}
