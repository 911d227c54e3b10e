/** A failing seed with less in it: fewer kinds of faults, for a shorter time, and still breaking the same rule. */
import { type Options, Simulation, type Who } from "./simulation.ts";

const TRIES = 60;

export async function shrink({ seed, who }: { readonly seed: number; readonly who: Who }): Promise<Options> {
  let options: Options = { seed, who };
  const first = await new Simulation(options).run();
  const rule = first.violation?.rule;
  let tries = 0;
  const fails = async (smaller: Options): Promise<boolean> =>
    tries++ < TRIES && (await new Simulation(smaller).run()).violation?.rule === rule;
  for (const fault of first.faults) {
    const smaller = { ...options, without: new Set([...options.without ?? [], fault]) };
    if (await fails(smaller)) options = smaller;
  }
  for (let ms = Math.floor(first.faultsMs / 2); ms > 500; ms = Math.floor(ms / 2)) {
    const smaller = { ...options, faultsMs: ms };
    if (!await fails(smaller)) break;
    options = smaller;
  }
  return options;
}
