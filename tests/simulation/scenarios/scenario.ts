import type { Cores } from "../cores.ts";

/** A defect that somebody has had, as a story that ends well with our cores. */
export interface Scenario {
  /** Issue of the original, or a requirement. */
  readonly from: string;
  /** What must be so. */
  readonly name: string;
  /** Plays the story; an assertion fails where it goes wrong. */
  readonly play: (cores: Cores) => Promise<void>;
  /** Cores that do in this one matter what the original does: the story must go wrong with them. */
  readonly original: () => Cores;
}
