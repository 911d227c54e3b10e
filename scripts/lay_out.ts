/** Everything that a package of one format holds, below a folder: for the builds of a distribution (DISTRO.md). */
import { builtProgram } from "./install/built.ts";
import { FORMATS } from "./package/manifest.ts";
import { currentRelease } from "./package/release.ts";
import { layOut } from "./package/tree.ts";
import { runScript } from "./run.ts";

async function main(): Promise<boolean> {
  const [wanted = "", root] = Deno.args;
  const format = FORMATS.find((one) => one === wanted);
  if (format === undefined || root === undefined) throw new Error("usage: lay_out.ts deb|rpm FOLDER");
  await layOut(await builtProgram(), format, await currentRelease(), root);
  return true;
}

if (import.meta.main) await runScript("lay_out", main);
