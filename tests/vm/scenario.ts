/** What a scenario is. Each starts on a machine with no daemon running, no connection, no fabric, default configuration. */
import type { Guest } from "./guest.ts";
import type { Need } from "./needs.ts";

export interface Scenario {
  /** Short and telling; `--only` selects by a part of it. */
  readonly name: string;
  /** Looks at our own program and units, so that it says nothing of the original. */
  readonly ofOurs?: true;
  /** Left out of the short run that every change gets. */
  readonly slow?: true;
  /** What not every image has; where one of these is missing, the scenario is skipped with the reason. */
  readonly needs?: readonly Need[];
  /** Added to the kernel's command line: a machine of its own is booted for the scenarios with these. */
  readonly kernelArguments?: string;
  readonly run: (guest: Guest) => Promise<void>;
}
