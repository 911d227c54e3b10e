/** The view and the draft of stacd. */
import type { View } from "../fleet/view.ts";
import type { KnownPage, StacdState } from "./stacd_state.ts";
import type { Draft } from "../fleet/draft.ts";
import type { StacdEffect } from "../effects.ts";
import type { Authority } from "../controller/ctl.ts";

export interface StacdView extends View {
  readonly state: StacdState;
  /** The information that is missing, kept for the next question while no new information arrives. */
  readonly memo: { isStill: boolean; unknowns: readonly string[] | undefined };
}

/** A draft of one step of stacd. */
export interface StacdDraft extends Draft {
  state: StacdState;
  readonly effects: StacdEffect[];
  readonly memo: StacdView["memo"];
  /** Connections that no controller of ours stands for are looked for before the step ends. */
  auditDue: boolean;
  /** The copies that this step changes: a copy for each entry would cost the square of the page's length. */
  ownPages: Map<Authority, KnownPage> | undefined;
  ownAwaited: Map<string, number> | undefined;
}
