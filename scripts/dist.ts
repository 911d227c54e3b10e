/** `deno task dist`: the source as a tarball, the same bytes from the same source. */
import { VERSION } from "../src/lib/base/version.ts";
import { exists } from "./exists.ts";
import { packSource } from "./dist/tarball.ts";
import { currentRelease } from "./package/release.ts";
import { collect, runScript } from "./run.ts";
import { taskArguments } from "./task_arguments.ts";

const USAGE = `usage: deno task dist [--vendor] [--out DIR]

Packs the source, build/nvme-stas-${VERSION}.tar.gz: in a clone what git tracks, with changes that are not committed;
elsewhere everything but build, coverage and node_modules. SOURCE_DATE_EPOCH is the last commit's time unless it is
set.

  --vendor   also the npm modules that a build needs, build/nvme-stas-${VERSION}-vendor.tar.gz: unpacked over the
             source they make a build without a network possible (DISTRO.md)
  --out DIR  where they go (default: build)
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: { vendor: { type: "boolean", default: false }, out: { type: "string", default: "build" } },
  });
  for (const { file, count } of await packSource(await currentRelease(), values.out, values.vendor)) {
    const { size } = await Deno.stat(file);
    console.error(`dist: ${file} (${count} files, ${(size / 1e6).toFixed(1)} MB)`);
  }
  if (await exists(".git")) {
    const changed = (await collect(["git", "status", "--porcelain"])).stdout.trim();
    if (changed !== "") console.error("dist: the tarball holds changes that are not committed (git status)");
  }
  return true;
}

if (import.meta.main) await runScript("dist", main);
