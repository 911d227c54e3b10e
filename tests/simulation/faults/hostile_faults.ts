/** A hostile network. No seed has one by its dice: `--with adversaries` lets it loose in every one. */
import { HANGING, letLoose, SLOW } from "../adversaries.ts";
import type { Fault } from "./fault.ts";

export const HOSTILE_FAULTS: readonly Fault[] = [
  {
    name: "adversaries",
    everyMs: 0,
    chance: 0,
    begin: (sim, random) => {
      const { world, landscape } = sim;
      let goesOn = true;
      const rightful = [...landscape.subsystems, ...landscape.dcs];
      const manners = random.chance(0.2) ? HANGING : SLOW;
      const leave = letLoose(world, random, rightful, manners, () => goesOn);
      // Who goes on for ever is judged by time (adversaries_test.ts); at the end of a seed all must come to rest.
      sim.atPeace = () => {
        goesOn = false;
        leave();
      };
    },
  },
];
