/** Folders that `deno task uninstall` leaves behind empty go, too, but not those of every Linux system. */
import { dirname } from "node:path";
import type { Place } from "./place.ts";

/** Below a prefix; they belong to the system or to everybody who installs something there. */
const OF_ALL = [
  "bin",
  "sbin",
  "lib",
  "libexec",
  "share",
  "share/man",
  "share/doc",
  "share/zsh",
  "share/dbus-1",
];

function kept({ prefix }: Place): ReadonlySet<string> {
  const keep = new Set([
    "/",
    "/etc",
    "/etc/dbus-1",
    "/etc/dbus-1/system.d",
    "/opt",
    "/usr",
    "/usr/local",
    prefix,
  ]);
  if (prefix === "/usr" || prefix === "/usr/local") {
    for (const name of OF_ALL) {
      keep.add(`${prefix}/${name}`);
    }
  }
  return keep;
}

async function removedIfEmpty(path: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(path)) return false;
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

/** Removes the empty folders above `paths`, which are without DESTDIR. Within a DESTDIR nothing is the system's. */
export async function removeEmptyFolders(paths: readonly string[], place: Place): Promise<void> {
  const keep = place.destdir === "" ? kept(place) : new Set(["/"]);
  for (const path of paths) {
    let dir = dirname(path);
    while (!keep.has(dir) && await removedIfEmpty(place.destdir + dir)) dir = dirname(dir);
  }
}
