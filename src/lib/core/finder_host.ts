import type { Now } from "../nvme/time.ts";
import type { FinderEffect } from "./effects.ts";
import type { Dc, FinderState } from "./finder_state.ts";
import type { FleetTurn } from "./fleet_turn.ts";

/** The draft of one step of stafd, as its parts see it. */
export interface FinderHost {
  state: FinderState;
  readonly now: Now;
  readonly fleet: FleetTurn<FinderEffect>;
  dc(key: string): Dc;
  putDc(key: string, dc: Dc): void;
  /** The authority that the discovery controller goes back to (S16). */
  authorityOf(key: string): string;
}
