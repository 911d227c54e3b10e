/** Debian's package of the Python implementation, unpacked into a cache folder: its parser is what ours is compared with. */
import { exists } from "../../scripts/exists.ts";
import { hostMirror } from "../fresh/host.ts";
import { capture, collect } from "../../scripts/run.ts";
import type { Need } from "../../scripts/system_packages.ts";
import { OTHERS } from "../../scripts/system_packages.ts";

/** What the comparison needs of this machine. */
export const ORIGINAL_NEEDS: readonly Need[] = [OTHERS.python3, {
  program: "dpkg-deb",
  apt: ["dpkg"],
  dnf: ["dpkg"],
}, {
  program: "apt-get",
  apt: ["apt"],
  dnf: ["apt"],
}];

/** The first Debian that has it in version 2. */
const SUITE = "trixie";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

const cacheDir = (): string =>
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`}/nvme-stas/original`;

const packages = (dir: string): string => `${dir}/tree/usr/lib/python3/dist-packages`;

/** The folder with its Python packages. Throws when it is not in the cache and cannot be had. */
export async function original(): Promise<string> {
  const dir = cacheDir();
  if (await exists(`${packages(dir)}/staslib/conf.py`)) return packages(dir);
  const mirror = await hostMirror();
  if (mirror === undefined) throw new Error("this machine knows no mirror of Debian's packages");
  const making = await Deno.makeTempDir({ prefix: "nvme-stas-original-" });
  try {
    // Lists of its own: the machine may be of another release, and need not be changed for this.
    await Deno.mkdir(`${making}/lists/partial`, { recursive: true });
    await Deno.mkdir(`${making}/archives/partial`, { recursive: true });
    const signed = await exists(KEYRING) ? `[signed-by=${KEYRING}] ` : "";
    await Deno.writeTextFile(`${making}/sources.list`, `deb ${signed}${mirror} ${SUITE} main\n`);
    const options = [
      `Dir::Etc::SourceList=${making}/sources.list`,
      "Dir::Etc::SourceParts=/dev/null",
      `Dir::State=${making}`,
      `Dir::State::Lists=${making}/lists`,
      "Dir::State::Status=/dev/null",
      `Dir::Cache=${making}`,
      "APT::Sandbox::User=",
    ].flatMap((option) => ["-o", option]);
    await capture(["apt-get", ...options, "-qq", "update"]);
    const got = await collect(["apt-get", ...options, "-qq", "download", "nvme-stas"], { cwd: making });
    if (!got.success) throw new Error(`apt-get download nvme-stas: ${got.stderr}`);
    let name: string | undefined;
    for await (const entry of Deno.readDir(making)) if (entry.name.endsWith(".deb")) name = entry.name;
    if (name === undefined) throw new Error("apt-get download nvme-stas brought nothing");
    await capture(["dpkg-deb", "-x", `${making}/${name}`, `${making}/tree`]);
    await Deno.mkdir(dir, { recursive: true });
    // Two at once make the same.
    await collect(["rm", "-rf", `${dir}/tree`]);
    await capture(["cp", "-a", `${making}/tree`, `${dir}/tree`]);
    return packages(dir);
  } finally {
    await Deno.remove(making, { recursive: true });
  }
}
