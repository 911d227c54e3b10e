/** Where the built program and its files go in a Linux system: one layout for packages, installs and the test machine. */
import { type Built, NAMES, PROGRAM } from "./build.ts";

/** The program itself; the five names are links to it, so that all of them share one file in memory. */
const PROGRAM_DIR = "usr/lib/nvme-stas";
const UNIT_DIR = "usr/lib/systemd/system";
const POLICY_DIR = "usr/share/dbus-1/system.d";
const CONFIG_DIR = "etc/stas";

function binDir(name: typeof NAMES[number]): string {
  return name === "stafd" || name === "stacd" ? "usr/sbin" : "usr/bin";
}

async function copyFolder(from: string, suffixes: readonly string[], to: string): Promise<number> {
  await Deno.mkdir(to, { recursive: true });
  let copied = 0;
  for await (const entry of Deno.readDir(from)) {
    if (!entry.isFile || !suffixes.some((suffix) => entry.name.endsWith(suffix))) continue;
    await Deno.copyFile(`${from}/${entry.name}`, `${to}/${entry.name}`);
    await Deno.chmod(`${to}/${entry.name}`, 0o644);
    copied += 1;
  }
  return copied;
}

/** Lays out everything below `root`, which is made afresh. Throws when a part is missing. */
export async function stage(built: Built, root: string): Promise<void> {
  await Deno.remove(root, { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(`${root}/${PROGRAM_DIR}`, { recursive: true });
  await Deno.copyFile(built.program, `${root}/${PROGRAM_DIR}/${PROGRAM}`);
  await Deno.chmod(`${root}/${PROGRAM_DIR}/${PROGRAM}`, 0o755);
  for (const name of NAMES) {
    await Deno.mkdir(`${root}/${binDir(name)}`, { recursive: true });
    await Deno.symlink(`../lib/nvme-stas/${PROGRAM}`, `${root}/${binDir(name)}/${name}`);
  }
  const parts: ReadonlyArray<readonly [from: string, suffixes: readonly string[], to: string]> = [
    ["systemd", [".service", ".target"], UNIT_DIR],
    ["systemd", [".conf"], POLICY_DIR],
    ["etc/stas", [".conf", ".doc"], CONFIG_DIR],
  ];
  for (const [from, suffixes, to] of parts) {
    if (await copyFolder(from, suffixes, `${root}/${to}`) === 0) {
      throw new Error(`${from} has no file ending in ${suffixes.join(" or ")}`);
    }
  }
}
