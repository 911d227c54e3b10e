/** What a container image holds: the program, its libraries from this machine, the bus, and nothing that names a host. */
import type { Built } from "../build.ts";
import { capture } from "../run.ts";
import { stage } from "../stage.ts";
import { layoutOfBus } from "./bus.ts";

/** Libraries that the program opens by name, the first of each that this machine has. */
const OPENED: readonly (readonly string[])[] = [["libnvme.so.1", "libnvme3.so.1"]];
/** Programs besides ours: a bus for a pod that does not use the host's. */
const PROGRAMS = ["/usr/bin/dbus-daemon"];
const UNITS = ["usr/lib/systemd"];

/** Paths of libraries that a program or library needs, its loader included. */
async function needed(file: string): Promise<readonly string[]> {
  const printed = await capture(["ldd", file]);
  return [...printed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

async function opened(names: readonly string[]): Promise<string> {
  const known = await capture(["/sbin/ldconfig", "-p"]);
  for (const name of names) {
    const path = known.split("\n").find((line) => line.startsWith(`\t${name} `))?.split(" => ")[1];
    if (path !== undefined) return path;
  }
  throw new Error(`none of ${names.join(", ")} is installed: the image needs one`);
}

/** To the same path; `/lib` is a link to `/usr/lib`, as on all systems of today. */
async function copyTo(root: string, path: string): Promise<void> {
  const to = `${root}${path.replace(/^\/lib/, "/usr/lib")}`;
  await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
  await Deno.copyFile(path, to);
  await Deno.chmod(to, 0o755);
}

/** Makes the folder `root` afresh. */
export async function layOutImage(built: Built, root: string): Promise<void> {
  await stage(built, root);
  for (const folder of UNITS) await Deno.remove(`${root}/${folder}`, { recursive: true });
  for (const name of ["lib", "lib64"]) {
    await Deno.mkdir(`${root}/usr/${name}`, { recursive: true });
    await Deno.symlink(`usr/${name}`, `${root}/${name}`);
  }
  const libraries = await Promise.all(OPENED.map(opened));
  const files = new Set([...libraries, ...PROGRAMS]);
  for (const file of [built.program, ...libraries, ...PROGRAMS]) {
    for (const path of await needed(file)) files.add(path);
  }
  for (const path of files) await copyTo(root, path);
  for (const folder of ["dev", "proc", "sys", "run", "tmp", "etc/nvme"]) {
    await Deno.mkdir(`${root}/${folder}`, { recursive: true });
  }
  await Deno.chmod(`${root}/tmp`, 0o1777);
  const write = (path: string, text: string): Promise<void> => Deno.writeTextFile(`${root}/${path}`, text);
  await write("etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n");
  await write("etc/group", "root:x:0:\n");
  await write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  await layoutOfBus(root);
}
