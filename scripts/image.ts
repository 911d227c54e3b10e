/** `deno task image`: a container image with both daemons and the tools. */
import { VERSION } from "../src/lib/base/version.ts";
import { layOutImage } from "./image/rootfs.ts";
import { builtProgram } from "./install/built.ts";
import { currentRelease } from "./package/release.ts";
import { capture, passThrough, runScript } from "./run.ts";
import { taskArguments, usageError } from "./task_arguments.ts";

const ENGINES: ReadonlyMap<string, readonly string[]> = new Map([
  ["podman", ["podman", "build"]],
  ["buildah", ["buildah", "bud"]],
  ["docker", ["docker", "build"]],
]);

const USAGE = `usage: deno task image [--engine podman|buildah|docker] [--tag NAME]

Makes build/image: the Containerfile of packaging/container, and a tar of the program with the libraries that it needs,
from this machine. With --engine the image is built from it; it needs no base image and no network.

  --engine E   build the image with this program, too
  --tag NAME   its name (default: localhost/nvme-stas:${VERSION})
`;

/** The tar, the same bytes from the same libraries. */
async function makeContext(dir: string): Promise<void> {
  const { epoch } = await currentRelease();
  const root = `${dir}/rootfs`;
  await Deno.mkdir(dir, { recursive: true });
  await layOutImage(await builtProgram(), root);
  const owner = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name", `--mtime=@${epoch}`];
  await capture(["tar", "-C", root, ...owner, "-cf", `${dir}/rootfs.tar`, "."]);
  await Deno.remove(root, { recursive: true });
  await Deno.copyFile("packaging/container/Containerfile", `${dir}/Containerfile`);
}

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: {
      engine: { type: "string" },
      tag: { type: "string", default: `localhost/nvme-stas:${VERSION}` },
    },
  });
  const engine = values.engine === undefined ? undefined : ENGINES.get(values.engine);
  if (values.engine !== undefined && engine === undefined) {
    usageError(USAGE, `--engine ${values.engine}: must be one of ${[...ENGINES.keys()].join(", ")}`);
  }
  const dir = "build/image";
  await makeContext(dir);
  const { size } = await Deno.stat(`${dir}/rootfs.tar`);
  console.error(`image: ${dir}/rootfs.tar (${(size / 1e6).toFixed(1)} MB)`);
  if (engine === undefined) return true;
  return await passThrough([...engine, "-t", values.tag, "-f", `${dir}/Containerfile`, dir]);
}

if (import.meta.main) await runScript("image", main);
