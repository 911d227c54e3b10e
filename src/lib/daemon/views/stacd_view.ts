/** stacd's answers on `org.nvmexpress.stac` and its debug interface, made from its state. */
import type { Ctl } from "../../core/controller/ctl.ts";
import { isNcc } from "../../core/sources/ncc.ts";
import type { StacdState } from "../../core/stacd/stacd_state.ts";
import type { PageEntry } from "../../nvme/discovery_entry.ts";
import { entryToText } from "../../nvme/entry_text.ts";
import { pythonRepr } from "../../base/python_literal.ts";
import type { Now } from "../../base/time.ts";
import type { Peek } from "./classic.ts";
import { type ClassicAnswers, commonAnswers } from "./classic_answers.ts";
import { pythonBool } from "./texts.ts";
import { stacdView } from "../../core/stacd/stacd_rules.ts";
import type { StacdView } from "../../core/stacd/stacd_draft.ts";
import { claimsOf } from "../../core/fleet/questions.ts";

export function stacdAnswers(state: StacdState, now: Now, peek: Peek): ClassicAnswers {
  const view = stacdView(state, now);
  const { listed, find, info, dict, process } = commonAnswers(view, peek, {
    /** STAC-44: an excluded controller is not listed; one that is being removed is listed until it is gone. */
    isListed: (ctl) => ctl.link.phase === "up" || view.rules.verdict(view, ctl).is !== "excluded",
    info: (_ctl, common) => common,
    more: (ctl) => ({
      dlpe: dlpeText(view, ctl),
      "dlpe.eflags.ncc": pythonBool(isNcc(ctl)),
    }),
  });
  return {
    listControllers: (detailed) => listed().map((ctl) => dict(ctl, detailed)),
    controllerInfo: (asked) => {
      // Only the one requested: `status` asks for each controller separately.
      const ctl = find(asked);
      return ctl === undefined ? "{}" : JSON.stringify(info(ctl));
    },
    processInfo: (facts) => JSON.stringify(process(facts)),
  };
}

/** The newest log page entry that lists it. */
function dlpeText(view: StacdView, ctl: Ctl): string {
  let newest: { readonly readAt: number; readonly entry: PageEntry } | undefined;
  for (const claim of claimsOf(view, ctl)) {
    if (claim.kind === "log-page" && (newest === undefined || claim.readAt >= newest.readAt)) newest = claim;
  }
  return pythonRepr(newest === undefined ? null : entryToText(newest.entry));
}
