/** stacd's answers on `org.nvmexpress.stac` and its debug interface, made from its state. */
import { type Ctl, deviceOf } from "../../core/controller/ctl.ts";
import { StacdTurn } from "../../core/stacd/stacd_step.ts";
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

export class StacdView {
  readonly #state: StacdState;
  readonly #now: Now;
  readonly #peek: Peek;
  readonly #turn: StacdTurn;

  constructor(state: StacdState, now: Now, peek: Peek) {
    this.#state = state;
    this.#now = now;
    this.#peek = peek;
    this.#turn = new StacdTurn(state, now);
  }

  readonly #lacking: Lacking = (ctl) => {
    const ref = deviceOf(ctl);
    const device = ref === undefined ? undefined : this.#turn.fleet.device(ref);
    return lackingKeys(this.#turn.request(ctl), device);
  };

  /** STAC-44: an excluded controller is not listed; one that is being removed is listed until it is gone. */
  #listed(): readonly Ctl[] {
    return [...this.#state.fleet.ctls.values()].filter((ctl) => this.#isListed(ctl)).toSorted(byText);
  }

  #isListed(ctl: Ctl): boolean {
    return ctl.link.phase === "up" || this.#turn.verdict(ctl).is !== "excluded";
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
