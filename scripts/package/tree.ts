/** Lays out everything that a package of one format holds, below a folder, and compares it with the list. */
import { completionScript, type Shell } from "../../src/ctl/completion.ts";
import { type Built, NAMES, PROGRAM } from "../build.ts";
import { capture } from "../run.ts";
import { cratesIn } from "../runtime.ts";
import { stage } from "../stage.ts";
import { billOfMaterials, debianCopyright, notices } from "./bill.ts";
import { BUNDLES, SCHEMA_FOLDER } from "./schema_bundles.ts";
import { manualPages } from "./man.ts";
import { toolDefinition, TOOLS } from "./man_commands.ts";
import { CATALOG } from "./man_journal.ts";
import { troff } from "./man_troff.ts";
import { differences, type Entry, type Format, listTree, parseManifest } from "./manifest.ts";
import { debianChangelog, isoDay, type Release } from "./release.ts";

const UNIT_DIR = "/usr/lib/systemd/system";
const DOC_DIR = "/usr/share/doc/nvme-stas";

/** Where the program lies; the second is what SELinux's policies take for programs, and Fedora asks for. */
const PROGRAM_DIR: Record<Format, string> = { deb: "/usr/lib/nvme-stas", rpm: "/usr/libexec/nvme-stas" };

const APPARMOR_PROFILE = "nvme-stas-daemon";

const ZSH: Record<Format, string> = {
  deb: "/usr/share/zsh/vendor-completions",
  rpm: "/usr/share/zsh/site-functions",
};

class Tree {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async write(path: string, text: string, mode = 0o644): Promise<void> {
    const full = `${this.#root}${path}`;
    await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(full, text);
    await Deno.chmod(full, mode);
  }

  async copy(from: string, path: string, mode = 0o644): Promise<void> {
    await this.write(path, await Deno.readTextFile(from), mode);
  }

  /** Without name and time, so that the same text has the same bytes. */
  async compressed(path: string, text: string): Promise<void> {
    await this.write(path, text);
    await capture(["gzip", "-9n", "-f", `${this.#root}${path}`]);
  }

  async link(path: string, target: string): Promise<void> {
    await Deno.remove(`${this.#root}${path}`);
    await Deno.symlink(target, `${this.#root}${path}`);
  }

  async move(from: string, to: string): Promise<void> {
    const full = `${this.#root}${to}`;
    await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    await Deno.rename(`${this.#root}${from}`, full);
  }
}

async function addManualPages(tree: Tree, { version, epoch }: Release): Promise<void> {
  for (const page of manualPages()) {
    const { name, section } = page;
    const path = `/usr/share/man/man${section}/${name}.${section}`;
    await tree.compressed(path, troff(page, version, isoDay(epoch)));
  }
}

async function addCompletions(tree: Tree, format: Format): Promise<void> {
  for (const tool of TOOLS) {
    const places: readonly (readonly [Shell, string])[] = [
      ["bash", `/usr/share/bash-completion/completions/${tool}`],
      ["fish", `/usr/share/fish/vendor_completions.d/${tool}.fish`],
      ["zsh", `${ZSH[format]}/_${tool}`],
    ];
    for (const [shell, path] of places) {
      await tree.write(path, completionScript(toolDefinition(tool), shell));
    }
  }
}

const binPath = (name: typeof NAMES[number]): string =>
  `/usr/${name === "stafd" || name === "stacd" ? "sbin" : "bin"}/${name}`;

/** Folders are 0755 whatever the umask is. */
async function openFolders(path: string): Promise<void> {
  await Deno.chmod(path, 0o755);
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) await openFolders(`${path}/${name}`);
  }
}

/** Makes the folder `root` afresh. Throws with all differences when it does not hold exactly what is listed. */
export async function layOut(
  built: Built,
  format: Format,
  release: Release,
  root: string,
): Promise<readonly Entry[]> {
  await stage(built, root);
  const tree = new Tree(root);
  await addManualPages(tree, release);
  await addCompletions(tree, format);
  const service = await Deno.readTextFile("packaging/metrics/nvme-stas-metrics.service");
  await tree.write(
    `${UNIT_DIR}/nvme-stas-metrics.service`,
    service.replace(`${PROGRAM_DIR.deb}/`, `${PROGRAM_DIR[format]}/`),
  );
  await tree.copy("packaging/metrics/nvme-stas-metrics.timer", `${UNIT_DIR}/nvme-stas-metrics.timer`);
  await tree.copy("packaging/metrics/write-metrics", `${PROGRAM_DIR[format]}/write-metrics`, 0o755);
  for (const example of ["alerts.yml", "dashboard.json"]) {
    await tree.copy(`packaging/metrics/${example}`, `${DOC_DIR}/examples/${example}`);
  }
  await tree.copy("packaging/sos/nvme_stas.py", `${DOC_DIR}/examples/sos/nvme_stas.py`);
  for (const doc of ["operations.md", "architecture.md", "house.svg"]) {
    await tree.copy(`docs/${doc}`, `${DOC_DIR}/${doc}`);
  }
  const crates = cratesIn(await Deno.readFile(built.program));
  await tree.write(`${DOC_DIR}/sbom.cdx.json`, billOfMaterials(built, crates));
  await tree.write(`${DOC_DIR}/THIRD-PARTY-NOTICES`, notices(built, crates));
  await tree.copy(CATALOG, "/usr/lib/systemd/catalog/nvme-stas.catalog");
  for (const name of Object.keys(BUNDLES)) {
    await tree.copy(`${SCHEMA_FOLDER}/${name}`, `/usr/share/nvme-stas/schema/${name}`);
  }
  if (format === "deb") {
    for (const conf of ["stafd.conf", "stacd.conf"]) {
      await tree.move(`/etc/stas/${conf}`, `/usr/share/nvme-stas/${conf}`);
    }
    await tree.copy(`packaging/apparmor/${APPARMOR_PROFILE}`, `/etc/apparmor.d/${APPARMOR_PROFILE}`);
    const copyright = await Deno.readTextFile("packaging/deb/copyright");
    await tree.write(`${DOC_DIR}/copyright`, debianCopyright(copyright, built, crates));
    await tree.compressed(`${DOC_DIR}/changelog`, await Deno.readTextFile("CHANGELOG.md"));
    await tree.compressed(`${DOC_DIR}/changelog.Debian`, debianChangelog(release));
    await tree.copy("packaging/deb/lintian-overrides", "/usr/share/lintian/overrides/nvme-stas");
  } else {
    await tree.move(`${PROGRAM_DIR.deb}/${PROGRAM}`, `${PROGRAM_DIR.rpm}/${PROGRAM}`);
    for (const name of NAMES) {
      await tree.link(binPath(name), `../${PROGRAM_DIR.rpm.slice("/usr/".length)}/${PROGRAM}`);
    }
    await tree.copy("CHANGELOG.md", `${DOC_DIR}/CHANGELOG.md`);
    await tree.copy("LICENSE", "/usr/share/licenses/nvme-stas/LICENSE");
  }
  await openFolders(root);
  const listed = parseManifest(await Deno.readTextFile("packaging/files.txt"), format);
  const wrong = differences(listed, await listTree(root));
  if (wrong.length > 0) {
    throw new Error(`the ${format} does not hold what packaging/files.txt lists:\n  ${wrong.join("\n  ")}`);
  }
  return listed;
}
