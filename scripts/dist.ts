/** `deno task dist`: the source as a tarball, the same bytes from the same source. */
import { resolve } from "node:path";
import { VERSION } from "../src/lib/nvme/version.ts";
import { exists } from "./exists.ts";
import { sourceFiles } from "./dist/source_files.ts";
import { vendoredFiles } from "./dist/vendored.ts";
import { currentRelease } from "./package/release.ts";
import { capture, collect, runScript } from "./run.ts";
import { taskArguments } from "./task_arguments.ts";

/** Packs these files of the current folder below `top`; owner, modes, order and times do not depend on who packs. */
async function pack(files: readonly string[], top: string, out: string, epoch: number): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "nvme-stas-dist-" });
  try {
    await Deno.writeTextFile(`${work}/files`, files.map((file) => `${file}\0`).join(""));
    const tar = `${work}/${top}.tar`;
    await capture([
      "tar",
      "--create",
      `--file=${tar}`,
      "--format=gnu",
      "--no-recursion",
      "--null",
      `--files-from=${work}/files`,
      `--transform=s,^,${top}/,rSh`,
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      "--mode=u=rwX,go=rX",
      `--mtime=@${epoch}`,
    ], { env: { LC_ALL: "C" } });
    await capture(["gzip", "-9n", tar]);
    await Deno.copyFile(`${tar}.gz`, out);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

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
  const { version, epoch } = await currentRelease();
  const top = `nvme-stas-${version}`;
  await Deno.mkdir(values.out, { recursive: true });
  const wanted: [string, readonly string[]][] = [[`${top}.tar.gz`, await sourceFiles()]];
  if (values.vendor) wanted.push([`${top}-vendor.tar.gz`, await vendoredFiles()]);
  for (const [name, files] of wanted) {
    const out = resolve(values.out, name);
    await pack(files, top, out, epoch);
    const { size } = await Deno.stat(out);
    console.error(`dist: ${out} (${files.length} files, ${(size / 1e6).toFixed(1)} MB)`);
  }
  if (await exists(".git")) {
    const changed = (await collect(["git", "status", "--porcelain"])).stdout.trim();
    if (changed !== "") console.error("dist: the tarball holds changes that are not committed (git status)");
  }
  return true;
}

if (import.meta.main) await runScript("dist", main);
