/** The .rpm, by rpmbuild. */
import { resolve } from "node:path";
import type { Target } from "../denort.ts";
import { capture } from "../run.ts";
import { type Runtime, runtimeText } from "../runtime.ts";
import type { Compression } from "./deb.ts";
import type { Entry } from "./manifest.ts";
import { type Release, rpmChangelog } from "./release.ts";

const ARCHITECTURES: Record<Target, string> = {
  "x86_64-unknown-linux-gnu": "x86_64",
  "aarch64-unknown-linux-gnu": "aarch64",
};

const PAYLOADS: Record<Compression, string> = { xz: "w6.xzdio", none: "w.ufdio" };

/** Folders that are the package's own. */
const OWN_FOLDERS = [
  "/usr/libexec/nvme-stas",
  "/etc/stas",
  "/usr/share/doc/nvme-stas",
  "/usr/share/doc/nvme-stas/examples",
  "/usr/share/nvme-stas",
  "/usr/share/nvme-stas/schema",
  "/usr/share/licenses/nvme-stas",
];

function fileLine({ path, kind, mode }: Entry): string {
  if (kind === "link") return path;
  if (kind === "config") return `%attr(0644,root,root) %config(noreplace) ${path}`;
  const doc = path.startsWith("/usr/share/doc/")
    ? "%doc "
    : path.startsWith("/usr/share/licenses/")
    ? "%license "
    : "";
  return `%attr(${mode.toString(8).padStart(4, "0")},root,root) ${doc}${path}`;
}

/** The spec file of the package, which packs what is laid out already; a source package's runtime is that of the build. */
export async function specText(
  listed: readonly Entry[],
  release: Release,
  runtime?: Runtime,
): Promise<string> {
  const files = [...OWN_FOLDERS.map((dir) => `%dir %attr(0755,root,root) ${dir}`), ...listed.map(fileLine)];
  const [provides = "", described = ""] = runtime === undefined ? [] : [
    `Provides: bundled(deno) = ${runtime.version}\n`,
    // Lines of a description have at most 79 characters.
    `Runtime: ${runtimeText(runtime).replace(" (", ",\n(").replace("), ", "),\n")}\n\n`,
  ];
  return (await Deno.readTextFile("packaging/rpm/nvme-stas.spec")).replace("@VERSION@", release.version)
    .replace("@PROVIDES@\n", provides).replace("@RUNTIME@\n\n", () => described)
    .replace("@FILES@", files.join("\n")).replace("@CHANGELOG@", rpmChangelog(release));
}

/** Packs the folder `root`. Returns the package's path in `outDir`. */
export async function makeRpm(
  root: string,
  listed: readonly Entry[],
  release: Release,
  target: Target,
  outDir: string,
  compression: Compression,
  runtime: Runtime,
): Promise<string> {
  const { version, epoch } = release;
  const arch = ARCHITECTURES[target];
  const spec = await specText(listed, release, runtime);
  const top = await Deno.makeTempDir({ prefix: "nvme-stas-rpm-" });
  try {
    await Deno.writeTextFile(`${top}/nvme-stas.spec`, spec);
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
    await capture(
      [
        "rpmbuild",
        "-bb",
        "--quiet",
        "--target",
        `${arch}-linux`,
        ...Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]),
        `${top}/nvme-stas.spec`,
      ],
      { env: { SOURCE_DATE_EPOCH: String(epoch) } },
    );
  } finally {
    await Deno.remove(top, { recursive: true });
  }
  return `${outDir}/nvme-stas-${version}-1.${arch}.rpm`;
}
