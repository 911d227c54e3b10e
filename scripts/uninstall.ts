/** `deno task uninstall`: removes what `deno task install` has put there. */
import { removeEmptyFolders } from "./install/folders.ts";
import { type Place, type Placed, placedFiles, placeOf } from "./install/place.ts";
import { stateOf } from "./install/write.ts";
import { collect, runScript } from "./run.ts";
import { taskArguments } from "./task_arguments.ts";

const DAEMONS = ["stafd.service", "stacd.service", "nvme-stas-metrics.timer"];

async function removeFile(path: string): Promise<void> {
  await Deno.remove(path).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** Removes `files`; gives back the configuration files that stay, because somebody changed them. */
async function uninstall(files: readonly Placed[], place: Place): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const { kind, path, to } of files) {
    const full = place.destdir + to;
    // A configuration file's shipped text is the one of the same path in this repository.
    if (kind === "config" && await stateOf(full, path.slice(1)) === "changed") kept.push(full);
    else await removeFile(full);
  }
  await removeEmptyFolders(files.map(({ to }) => to), place);
  return kept;
}

/** Units that run from what would be removed. */
async function running({ destdir }: Place): Promise<readonly string[]> {
  if (destdir !== "") return [];
  const asked = await Promise.all(
    DAEMONS.map(async (unit) =>
      (await collect(["systemctl", "--quiet", "is-active", unit])).success ? [unit] : []
    ),
  );
  return asked.flat();
}

const USAGE = `usage: deno task uninstall

Removes what deno task install has installed with the same PREFIX and DESTDIR, and the folders that are empty then.
A configuration file that somebody changed stays, and is named; so does the identity of the host in /etc/nvme.
`;

async function main(): Promise<boolean> {
  taskArguments(USAGE, {});
  const place = placeOf(Deno.env.get("PREFIX"), Deno.env.get("DESTDIR"));
  const active = await running(place);
  if (active.length > 0) {
    throw new Error(
      `${active.join(", ")} still running: systemctl disable --now ${
        active.join(" ")
      } first. Connections stay`,
    );
  }
  const files = placedFiles(await Deno.readTextFile("packaging/files.txt"), place);
  for (const file of await uninstall(files, place)) {
    console.error(`uninstall: ${file} was changed, and stays`);
  }
  console.error(`uninstall: nvme-stas is no longer in ${place.destdir}${place.prefix}`);
  return true;
}

if (import.meta.main) await runScript("uninstall", main);
