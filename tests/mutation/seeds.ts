/** Seeds of the simulation, until the first one that fails; with --all, every one that fails is printed. */
import { Simulation, type Who } from "../simulation/simulation.ts";

const SEEDS = Number(Deno.env.get("STAS_SEEDS") ?? "300");
const KINDS: readonly Who[] = ["stafd", "stacd", "both"];

if (import.meta.main) {
  const known = new Set((Deno.env.get("STAS_FAILING_SEEDS") ?? "").split(","));
  const isAll = Deno.args.includes("--all");
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const who of KINDS) {
      const name = `${seed} ${who}`;
      if (known.has(name)) continue;
      const { violation } = await new Simulation({ seed, who }).run();
      if (violation === undefined) continue;
      console.log(`${name}: ${violation.message}`);
      if (!isAll) Deno.exit(1);
    }
  }
}
