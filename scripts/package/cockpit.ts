/** The packages of the page of Cockpit: the same files for every machine, as a .deb and as an .rpm. */
import { bundlePage } from "../cockpit/bundle.ts";
import { capture } from "../run.ts";
import type { Compression } from "./deb.ts";
import { type Format, listTree } from "./manifest.ts";
import { debianCopyright, fontLicense, pageNotices } from "./page_notices.ts";
import { debianChangelog, type Release, rpmChangelog } from "./release.ts";
import { rpmbuild } from "./rpmbuild.ts";

const NAME = "cockpit-nvme-stas";
const SOURCE = "packaging/cockpit";
const PAGE_DIR = "/usr/share/cockpit/nvme-stas";
const DOC_DIR = `/usr/share/doc/${NAME}`;
const METAINFO = "org.nvmexpress.nvme_stas.cockpit.metainfo.xml";

async function layOut(root: string, format: Format, release: Release): Promise<void> {
  await Deno.remove(root, { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const { packages } = await bundlePage(`${root}${PAGE_DIR}`);
  const write = async (path: string, text: string): Promise<void> => {
    const full = `${root}${path}`;
    await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(full, text);
  };
  await write(`/usr/share/metainfo/${METAINFO}`, await Deno.readTextFile(`${SOURCE}/${METAINFO}`));
  await write(`${DOC_DIR}/THIRD-PARTY-NOTICES`, await pageNotices(packages));
  if (format === "deb") {
    await write(
      `${DOC_DIR}/copyright`,
      debianCopyright(await Deno.readTextFile(`${SOURCE}/copyright`), await fontLicense()),
    );
    await write(
      `/usr/share/lintian/overrides/${NAME}`,
      await Deno.readTextFile(`${SOURCE}/lintian-overrides`),
    );
    await write(`${DOC_DIR}/changelog.Debian`, debianChangelog(release, NAME));
    await capture(["gzip", "-9n", "-f", `${root}${DOC_DIR}/changelog.Debian`]);
  } else await write(`/usr/share/licenses/${NAME}/LICENSE`, await Deno.readTextFile("LICENSE"));
  await capture(["chmod", "-R", "u=rwX,go=rX", root]);
}

async function makeDeb(
  root: string,
  { version, epoch }: Release,
  outDir: string,
  compression: Compression,
): Promise<string> {
  const files = (await listTree(root)).map(({ path }) => path);
  const sizes = await Promise.all(files.map(async (path) => (await Deno.stat(`${root}${path}`)).size));
  const sums = await capture(["md5sum", ...files.map((path) => path.slice(1))], { cwd: root });
  const control = (await Deno.readTextFile(`${SOURCE}/control`)).replaceAll("@VERSION@", `1:${version}-1`)
    .replace("@SIZE@", String(sizes.reduce((kib, size) => kib + Math.ceil(size / 1024), 0)));
  await Deno.mkdir(`${root}/DEBIAN`);
  await Deno.writeTextFile(`${root}/DEBIAN/control`, control);
  await Deno.writeTextFile(`${root}/DEBIAN/md5sums`, sums);
  await capture(["chmod", "-R", "u=rwX,go=rX", `${root}/DEBIAN`]);
  const file = `${outDir}/${NAME}_${version}-1_all.deb`;
  await capture(["dpkg-deb", "--root-owner-group", `-Z${compression}`, "-z6", "--build", root, file], {
    env: { SOURCE_DATE_EPOCH: String(epoch) },
  });
  return file;
}

/** Folders that are the package's own. */
const OWN_FOLDERS = [PAGE_DIR, DOC_DIR, `/usr/share/licenses/${NAME}`];

async function makeRpm(
  root: string,
  release: Release,
  outDir: string,
  compression: Compression,
): Promise<string> {
  const { version, epoch } = release;
  const kindOf = (path: string): string =>
    path.startsWith("/usr/share/licenses/") ? "%license " : path.startsWith(DOC_DIR) ? "%doc " : "";
  const files = (await listTree(root)).map(({ path }) => `%attr(0644,root,root) ${kindOf(path)}${path}`);
  const folders = OWN_FOLDERS.map((path) => `%dir %attr(0755,root,root) ${path}`);
  const spec = (await Deno.readTextFile(`${SOURCE}/${NAME}.spec`)).replaceAll("@VERSION@", version)
    .replace("@FILES@", [...folders, ...files].join("\n"))
    .replace("@CHANGELOG@", rpmChangelog(release));
  await rpmbuild({ name: NAME, spec, root, outDir, compression, epoch });
  return `${outDir}/${NAME}-${version}-1.noarch.rpm`;
}

/** Makes the page's packages in `outDir`; the result are their paths. */
export async function makePagePackages(
  formats: readonly Format[],
  compression: Compression,
  release: Release,
  workDir: string,
  outDir: string,
): Promise<readonly string[]> {
  await Deno.mkdir(outDir, { recursive: true });
  const made: string[] = [];
  for (const format of formats) {
    const root = `${workDir}/cockpit-${format}`;
    await layOut(root, format, release);
    const make = format === "deb" ? makeDeb : makeRpm;
    made.push(await make(root, release, outDir, compression));
    await Deno.remove(root, { recursive: true });
  }
  return made;
}
