/** `deno task source`: source packages that a distribution can build without a network. */
import { resolve } from "node:path";
import { packSource } from "./dist/tarball.ts";
import { parseManifest } from "./package/manifest.ts";
import { currentRelease, debianChangelog, type Release } from "./package/release.ts";
import { specText } from "./package/rpm.ts";
import { capture, runScript } from "./run.ts";
import { taskArguments } from "./task_arguments.ts";

const SCRIPTS = ["postinst", "prerm", "postrm"];

/** In place of the parts, which are known when the program is built. */
const SEE_NOTICES = " see sbom.cdx.json and THIRD-PARTY-NOTICES, which the build makes";

/** The .dsc with its tarballs, by dpkg-source. */
async function debianSource(release: Release, out: string): Promise<string> {
  const { version, epoch } = release;
  const tree = `${out}/nvme-stas-${version}`;
  await Deno.remove(tree, { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const [source, vendored] = await packSource(release, out, true);
  if (source === undefined || vendored === undefined) throw new Error("no tarballs");
  await Deno.copyFile(source.file, `${out}/nvme-stas_${version}.orig.tar.gz`);
  await Deno.copyFile(vendored.file, `${out}/nvme-stas_${version}.orig-vendor.tar.gz`);
  await capture(["tar", "-xzf", source.file, "-C", out]);
  await Deno.mkdir(`${tree}/vendor`);
  await capture(["tar", "-xzf", vendored.file, "-C", `${tree}/vendor`, "--strip-components=1"]);
  const debian = `${tree}/debian`;
  await Deno.mkdir(`${debian}/source`, { recursive: true });
  const write = (name: string, text: string): Promise<void> => Deno.writeTextFile(`${debian}/${name}`, text);
  const read = (name: string): Promise<string> => Deno.readTextFile(`packaging/deb/${name}`);
  // Fields that only dpkg-deb is given are made by dpkg-gencontrol.
  const binary = (await read("control")).replace(
    /^(?:Version|Maintainer|Installed-Size|Runtime|Section|Priority): .*\n/gm,
    "",
  )
    .replace("@ARCH@", "amd64 arm64");
  await write("control", await read("source/control") + binary);
  await write("changelog", debianChangelog(release));
  await write("copyright", (await read("copyright")).replace("@PARTS@", SEE_NOTICES));
  await write("source/format", "3.0 (quilt)\n");
  await write("rules", await read("source/rules"));
  await Deno.chmod(`${debian}/rules`, 0o755);
  for (const script of SCRIPTS) await write(`nvme-stas.${script}`, await read(script));
  await capture(["dpkg-source", "-b", `nvme-stas-${version}`], {
    cwd: out,
    env: { SOURCE_DATE_EPOCH: String(epoch) },
  });
  return `${out}/nvme-stas_${version}-1.dsc`;
}

/** The .src.rpm, by rpmbuild. */
async function rpmSource(release: Release, out: string): Promise<string> {
  await packSource(release, out, true);
  const listed = parseManifest(await Deno.readTextFile("packaging/files.txt"), "rpm");
  const [head, sections] = await Promise.all(
    ["source", "source-sections"].map((name) => Deno.readTextFile(`packaging/rpm/${name}.spec.in`)),
  );
  const spec = (await specText(listed, release)).replace(/^# Packs what .*\n/, "")
    .replace("\n%description\n", `\n${head ?? ""}%description\n`)
    .replace(/%install\nmkdir[^]*?\n\n/, `${sections ?? ""}\n`);
  await Deno.writeTextFile(`${out}/nvme-stas.spec`, spec);
  const defines = { _sourcedir: resolve(out), _srcrpmdir: resolve(out), _buildhost: "reproducible" };
  const words = Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
  await capture(["rpmbuild", "-bs", "--quiet", ...words, `${out}/nvme-stas.spec`], {
    env: { SOURCE_DATE_EPOCH: String(release.epoch) },
  });
  return `${out}/nvme-stas-${release.version}-1.src.rpm`;
}

const USAGE = `usage: deno task source [--out DIR]

Makes source packages for distributions: nvme-stas_VERSION-1.dsc with its tarballs, and nvme-stas-VERSION-1.src.rpm. They
hold the npm modules that a build needs, and build without a network from a given Deno and runtime (DISTRO.md).

  --out DIR  where they go (default: build/source)
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, { options: { out: { type: "string", default: "build/source" } } });
  await Deno.mkdir(values.out, { recursive: true });
  const release = await currentRelease();
  for (const make of [debianSource, rpmSource]) console.error(`source: ${await make(release, values.out)}`);
  return true;
}

if (import.meta.main) await runScript("source", main);
