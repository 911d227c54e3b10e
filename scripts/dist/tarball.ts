/** The source, and the npm modules that a build needs, as tarballs: the same bytes from the same files. */
import { resolve } from "node:path";
import type { Release } from "../package/release.ts";
import { capture } from "../run.ts";
import { sourceFiles } from "./source_files.ts";
import { vendoredFiles } from "./vendored.ts";

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

export interface Tarball {
  readonly file: string;
  readonly count: number;
}

/** Packs them into the folder `out`; the source first. */
export async function packSource(
  { version, epoch }: Release,
  out: string,
  withVendored: boolean,
): Promise<readonly Tarball[]> {
  const top = `nvme-stas-${version}`;
  await Deno.mkdir(out, { recursive: true });
  const wanted: [string, readonly string[]][] = [[`${top}.tar.gz`, await sourceFiles()]];
  if (withVendored) wanted.push([`${top}-vendor.tar.gz`, await vendoredFiles()]);
  const made: Tarball[] = [];
  for (const [name, files] of wanted) {
    const file = resolve(out, name);
    await pack(files, top, file, epoch);
    made.push({ file, count: files.length });
  }
  return made;
}
