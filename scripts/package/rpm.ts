/** The .rpm, by rpmbuild. */
import type { Target } from "../denort.ts";
import { type Runtime, runtimeText } from "../runtime.ts";
import type { Compression } from "./deb.ts";
import type { Entry } from "./manifest.ts";
import { type Release, rpmChangelog } from "./release.ts";
import { rpmbuild } from "./rpmbuild.ts";

const ARCHITECTURES: Record<Target, string> = {
  "x86_64-unknown-linux-gnu": "x86_64",
  "aarch64-unknown-linux-gnu": "aarch64",
};

/** Folders that are the package's own. */
const OWN_FOLDERS = [
  "/usr/libexec/nvme-stas",
  "/etc/stas",
  "/usr/share/doc/nvme-stas",
  "/usr/share/doc/nvme-stas/examples",
  "/usr/share/doc/nvme-stas/examples/sos",
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
  await rpmbuild({ name: "nvme-stas", spec, root, outDir, compression, epoch, target: `${arch}-linux` });
  return `${outDir}/nvme-stas-${version}-1.${arch}.rpm`;
}
