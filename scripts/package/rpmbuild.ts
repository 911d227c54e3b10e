/** A package by the distribution's own tool, the same bytes each time. */
import { resolve } from "node:path";
import { capture } from "../run.ts";
import type { Compression } from "./deb.ts";

/** In rpm's notation: the compressor, and its level. */
const PAYLOADS: Readonly<Record<Compression, string>> = { xz: "w6.xzdio", none: "w.ufdio" };

export interface RpmOrder {
  readonly name: string;
  /** The whole spec file, with its list of files. */
  readonly spec: string;
  /** The folder that is packed. */
  readonly root: string;
  readonly outDir: string;
  readonly compression: Compression;
  /** SOURCE_DATE_EPOCH. */
  readonly epoch: number;
  /** `x86_64-linux`; a package without it is for every processor. */
  readonly target?: string;
}

export async function rpmbuild(
  { name, spec, root, outDir, compression, epoch, target }: RpmOrder,
): Promise<void> {
  const top = await Deno.makeTempDir({ prefix: "nvme-stas-rpm-" });
  try {
    await Deno.writeTextFile(`${top}/${name}.spec`, spec);
    const defines = {
      _topdir: top,
      _rpmdir: resolve(outDir),
      _rpmfilename: "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm",
      tree: resolve(root),
      _binary_payload: PAYLOADS[compression],
      _buildhost: "reproducible",
      use_source_date_epoch_as_buildtime: "1",
      clamp_mtime_to_source_date_epoch: "1",
      source_date_epoch_from_changelog: "0",
    };
    const defined = Object.entries(defines).flatMap(([key, value]) => ["--define", `${key} ${value}`]);
    const machine = target === undefined ? [] : ["--target", target];
    await capture(
      ["rpmbuild", "-bb", "--quiet", ...machine, ...defined, `${top}/${name}.spec`],
      { env: { SOURCE_DATE_EPOCH: String(epoch) } },
    );
  } finally {
    await Deno.remove(top, { recursive: true });
  }
}
