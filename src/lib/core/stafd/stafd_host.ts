import type { Now } from "../../base/time.ts";
import type { StafdEffect } from "../effects.ts";
import type { Dc, StafdState } from "./stafd_state.ts";
import type { FleetTurn } from "../fleet/fleet_turn.ts";

/** The draft of one step of stafd, as its parts see it. */
export interface StafdHost {
  state: StafdState;
  readonly now: Now;
  readonly fleet: FleetTurn<StafdEffect>;
  dc(key: string): Dc;
  putDc(key: string, dc: Dc): void;
  /** The authority that the discovery controller goes back to (S16). */
  authorityOf(key: string): string;
}
