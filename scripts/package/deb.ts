/** The .deb, by dpkg-deb. */
import type { Target } from "../denort.ts";
import { capture } from "../run.ts";
import { type Runtime, runtimeText } from "../runtime.ts";
import { byPath, type Entry } from "./manifest.ts";
import type { Release } from "./release.ts";

const ARCHITECTURES: Record<Target, string> = {
  "x86_64-unknown-linux-gnu": "amd64",
  "aarch64-unknown-linux-gnu": "arm64",
};

const SCRIPTS = ["postinst", "prerm", "postrm"];

/** `xz` for users; `none` where only the content counts. */
export type Compression = "xz" | "none";

async function md5Of(file: string): Promise<string> {
  return (await capture(["md5sum", file])).slice(0, 32);
}

/** Packs the folder `root`, which gets the control files. Returns the package's path in `outDir`. */
export async function makeDeb(
  root: string,
  listed: readonly Entry[],
  release: Release,
  target: Target,
  outDir: string,
  compression: Compression,
  runtime: Runtime,
): Promise<string> {
  const { version, epoch } = release;
  const files = [...listed].filter(({ kind }) => kind !== "link").sort(byPath);
  let kib = 0;
  let sums = "";
  for (const { path } of files) {
    kib += Math.ceil((await Deno.stat(`${root}${path}`)).size / 1024);
    sums += `${await md5Of(`${root}${path}`)}  ${path.slice(1)}\n`;
  }
  const control = (await Deno.readTextFile("packaging/deb/control")).replace("@VERSION@", `1:${version}-1`)
    .replace("@ARCH@", ARCHITECTURES[target]).replace("@SIZE@", String(kib)).replace(
      "@RUNTIME@",
      () => runtimeText(runtime),
    );
  const dir = `${root}/DEBIAN`;
  await Deno.mkdir(dir);
  await Deno.chmod(dir, 0o755);
  const write = async (name: string, text: string, mode: number): Promise<void> => {
    await Deno.writeTextFile(`${dir}/${name}`, text);
    await Deno.chmod(`${dir}/${name}`, mode);
  };
  await write("control", control, 0o644);
  await write("md5sums", sums, 0o644);
  await write(
    "conffiles",
    files.filter(({ kind }) => kind === "config").map(({ path }) => `${path}\n`).join(""),
    0o644,
  );
  for (const script of SCRIPTS) {
    await write(script, await Deno.readTextFile(`packaging/deb/${script}`), 0o755);
  }
  const file = `${outDir}/nvme-stas_${version}-1_${ARCHITECTURES[target]}.deb`;
  // The program is half the runtime's own tables: level 6 is as small as 9 and needs an eighth of the memory.
  await capture(["dpkg-deb", "--root-owner-group", `-Z${compression}`, "-z6", "--build", root, file], {
    env: { SOURCE_DATE_EPOCH: String(epoch) },
  });
  return file;
}
