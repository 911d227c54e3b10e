/** stacd's answers on `org.nvmexpress.stac` and its debug interface, made from its state. */
import { type Ctl, deviceOf } from "../../core/controller/ctl.ts";
import { isNcc } from "../../core/sources/ncc.ts";
import type { StacdState } from "../../core/stacd/stacd_state.ts";
import { pythonRepr } from "../../base/python_literal.ts";
import type { Now } from "../../base/time.ts";
import {
  type Asked,
  byText,
  deviceDict,
  type Dict,
  idDict,
  infoDict,
  type Lacking,
  lackingKeys,
  type Peek,
  processDict,
  type ProcessFacts,
} from "./classic.ts";
import { askedKey } from "./stafd_view.ts";
import { pythonBool } from "./texts.ts";
import { stacdView } from "../../core/stacd/stacd_rules.ts";
import { deviceAt } from "../../core/fleet/kernel_view.ts";
import { requestFor } from "../../core/fleet/view.ts";
import type { StacdView } from "../../core/stacd/stacd_draft.ts";

export class StacdAnswers {
  readonly #state: StacdState;
  readonly #now: Now;
  readonly #peek: Peek;
  readonly #view: StacdView;

  constructor(state: StacdState, now: Now, peek: Peek) {
    this.#state = state;
    this.#now = now;
    this.#peek = peek;
    this.#view = stacdView(state, now);
  }

  readonly #lacking: Lacking = (ctl) => {
    const ref = deviceOf(ctl);
    const device = ref === undefined ? undefined : deviceAt(this.#view, ref);
    return lackingKeys(requestFor(this.#view, ctl), device);
  };

  /** STAC-44: an excluded controller is not listed; one that is being removed is listed until it is gone. */
  #listed(): readonly Ctl[] {
    return [...this.#state.fleet.ctls.values()].filter((ctl) => this.#isListed(ctl)).toSorted(byText);
  }

  #isListed(ctl: Ctl): boolean {
    return ctl.link.phase === "up" || this.#view.rules.verdict(this.#view, ctl).is !== "excluded";
  }

  listControllers(detailed: boolean): readonly Dict[] {
    return this.#listed().map((ctl) => {
      if (!detailed) return idDict(ctl, this.#lacking);
      const entry = dlpeOf(ctl);
      return {
        ...infoDict(ctl, this.#now, this.#lacking),
        ...deviceDict(ctl, this.#peek),
        dlpe: pythonRepr(entry ?? null),
        "dlpe.eflags.ncc": pythonBool(isNcc(ctl)),
      };
    });
  }

  controllerInfo(asked: Asked): string {
    const key = askedKey(
      asked,
      this.#state.conf?.ignoreIface.value ?? false,
      this.#state.fleet.host?.nqn ?? "",
    );
    // Only the one requested: `status` asks for each controller separately.
    const ctl = key === undefined ? undefined : this.#state.fleet.ctls.get(key);
    return ctl === undefined || !this.#isListed(ctl)
      ? "{}"
      : JSON.stringify(infoDict(ctl, this.#now, this.#lacking));
  }

  processInfo(facts: ProcessFacts): string {
    const { host } = this.#state.fleet;
    return JSON.stringify(processDict(facts, {
      nqn: host?.nqn ?? "",
      id: host?.id ?? "",
      symname: host?.symname ?? "",
      hasKey: host?.key !== undefined,
    }));
  }
}

/** The newest log page entry that lists it. */
function dlpeOf(ctl: Ctl): Readonly<Record<string, string>> | undefined {
  let newest: { readonly readAt: number; readonly entry: Readonly<Record<string, string>> } | undefined;
  for (const claim of ctl.claims.values()) {
    if (claim.kind === "log-page" && (newest === undefined || claim.readAt >= newest.readAt)) newest = claim;
  }
  return newest?.entry;
}
