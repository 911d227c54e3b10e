/** A hostile network. No seed has one by its dice: `--with adversaries` lets it loose in every one. */
import type { Manner } from "../../../src/lib/sim/fabric.ts";
import type { Random } from "../../../src/lib/sim/random.ts";
import { HANGING, letLoose, SLOW } from "../adversaries.ts";
import type { Fault } from "./fault.ts";

export const ADVERSARIES = "adversaries";

/** How their targets behave in the world of a seed; `random`: the dice of these. */
export const mannersOf = (random: Random): readonly Manner[] => random.chance(0.2) ? HANGING : SLOW;

export const HOSTILE_FAULTS: readonly Fault[] = [
  {
    name: ADVERSARIES,
    everyMs: 0,
    chance: 0,
    begin: (sim, random) => {
      const { world, landscape } = sim;
      let goesOn = true;
      const rightful = [...landscape.subsystems, ...landscape.dcs];
      const manners = mannersOf(random);
      const leave = letLoose(world, random, rightful, manners, () => goesOn);
      // Who goes on for ever is judged by time (adversaries_test.ts); at the end of a seed all must come to rest.
      sim.atPeace = () => {
        goesOn = false;
        leave();
      };
    },
  },
];
