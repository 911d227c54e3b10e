/** `deno task install`: the built program and its files on this machine, or below DESTDIR for a package. */
import { exists } from "./exists.ts";
import { builtProgram } from "./install/built.ts";
import { type Place, placedFiles, placeOf } from "./install/place.ts";
import { putAll } from "./install/write.ts";
import { currentRelease } from "./package/release.ts";
import { layOut } from "./package/tree.ts";
import { runScript } from "./run.ts";
import { taskArguments } from "./task_arguments.ts";

/** Lays out everything in a folder of its own, and puts it from there where it belongs. */
async function install(place: Place): Promise<readonly string[]> {
  const work = await Deno.makeTempDir({ prefix: "nvme-stas-install-" });
  try {
    await layOut(await builtProgram(), "rpm", await currentRelease(), `${work}/tree`);
    const files = placedFiles(await Deno.readTextFile("packaging/files.txt"), place);
    return await putAll(files, `${work}/tree`, place);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

const USAGE = `usage: deno task install

Installs the program and all that packaging/files.txt lists, and builds the program first when its source is newer.
Units name the program where it is installed. A configuration file that exists and differs stays as it is.
deno task uninstall removes all of it again.

PREFIX    in place of /usr (default: /usr/local). Configuration is in /etc/stas whatever it is, and so are the bus
          policies in /etc/dbus-1/system.d unless it is /usr
DESTDIR   before every path, for a package

  PREFIX=/opt/nvme-stas deno task install
`;

function nextSteps({ prefix }: Place): string {
  return `install: next, as root:
  systemctl daemon-reload
  busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig
  ${prefix}/bin/stafctl check
  systemctl enable --now stafd stacd`;
}

async function main(): Promise<boolean> {
  taskArguments(USAGE, {});
  const place = placeOf(Deno.env.get("PREFIX"), Deno.env.get("DESTDIR"));
  const kept = await install(place);
  for (const file of kept) {
    console.error(`install: ${file} differs from the shipped file, and stays as it is`);
  }
  console.error(`install: nvme-stas is in ${place.destdir}${place.prefix}`);
  if (place.destdir === "") {
    if (place.prefix !== "/usr" && await exists("/usr/sbin/stafd")) {
      console.error(
        "install: /usr/sbin/stafd belongs to a package; the units installed now take precedence over its units. " +
          "Remove the package unless you mean that",
      );
    }
    console.error(nextSteps(place));
  }
  return true;
}

if (import.meta.main) await runScript("install", main);
