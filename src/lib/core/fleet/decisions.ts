/** The planner, asked about one controller: now, later, and as if the kernel were as last seen. */
import type { View } from "./view.ts";
import type { Ctl } from "../controller/ctl.ts";
import { decide, type Decision, unwanted } from "../planning/planner.ts";
import type { Proof } from "../planning/evidence.ts";

export function decisionOn(view: View, ctl: Ctl): Decision {
  view.work++;
  return decide(view, ctl);
}

/** The decision about a withdrawn controller, once the withdrawal counts. */
export function afterwards(view: View, ctl: Ctl, evidence: Proof): Decision {
  return unwanted(view, ctl, { is: "unwanted", evidence }, true);
}

/** The decision on the assumption that the kernel's connections are those last seen. */
export function outlook(view: View, ctl: Ctl): Decision {
  return decide(view, ctl, true);
}
