/** The view and the draft of stafd. */
import type { View } from "../fleet/view.ts";
import { type Dc, newDc, type StafdState } from "./stafd_state.ts";
import type { Draft } from "../fleet/draft.ts";
import type { StafdEffect } from "../effects.ts";

export interface StafdView extends View {
  readonly state: StafdState;
  /** The last pass over all referrals, kept for the next question. */
  readonly memo: { referrals: StafdState["referrals"] };
}

/** A draft of one step of stafd. */
export interface StafdDraft extends Draft {
  state: StafdState;
  readonly effects: StafdEffect[];
  readonly memo: StafdView["memo"];
  /** A discovery controller was dropped. */
  dcRemoved: boolean;
}

export function dcAt(view: Pick<StafdView, "state">, key: string): Dc {
  return view.state.dcs.get(key) ?? newDc;
}

export function putDc(draft: StafdDraft, key: string, dc: Dc): void {
  draft.state = { ...draft.state, dcs: draft.state.dcs.with(key, dc) };
}
