/**
 * Folders that this user can see but the daemons cannot: their units hide them (systemd/stafd.service,
 * stacd.service).
 */
import { dirname, join, resolve } from "node:path";
import type { ReadFile } from "../lib/config/sys_conf.ts";
import type { World } from "./world.ts";

export interface HiddenFolder {
  readonly path: string;
  /** The directive of the units that hides it. */
  readonly directive: string;
}

export const HIDDEN_FOLDERS: readonly HiddenFolder[] = [
  { path: "/tmp", directive: "PrivateTmp=yes" },
  { path: "/var/tmp", directive: "PrivateTmp=yes" },
  { path: "/home", directive: "ProtectHome=yes" },
  { path: "/root", directive: "ProtectHome=yes" },
  { path: "/run/user", directive: "ProtectHome=yes" },
];

/**
 * Why the daemons cannot see a file that `conf`, a file of theirs, refers to (or `conf` itself); undefined
 * when they can. A configuration file that is itself in a hidden folder counts as a draft, and may refer to
 * hidden files.
 */
export function whyHidden(world: World, conf: string, path: string): string | undefined {
  const folders = world.hiddenFolders ?? HIDDEN_FOLDERS;
  const folder = folders.find((one) => isIn(resolved(path), one) || isIn(resolve(path), one));
  if (folder === undefined || folders.some((one) => isIn(resolve(conf), one))) return undefined;
  const through = resolve(path) === resolved(path) ? "" : `, which is ${resolved(path)}`;
  return `stafd and stacd cannot see ${path}${through}: their units hide ${folder.path} (${folder.directive})`;
}

/** Reads the files that `conf` refers to as the daemons would. */
export const asDaemons = (world: World, conf: string, read: ReadFile): ReadFile => (path) => {
  const why = whyHidden(world, conf, path);
  return why === undefined ? read(path) : { ok: false, why: "unreadable", message: why };
};

const isIn = (path: string, folder: HiddenFolder): boolean =>
  [folder.path, resolved(folder.path)].some((hidden) => path === hidden || path.startsWith(`${hidden}/`));

/** The path without symbolic links, as far as it exists and is accessible. */
function resolved(path: string): string {
  const whole = resolve(path);
  try {
    return Deno.realPathSync(whole);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const parent = dirname(whole);
    return parent === whole ? whole : join(resolved(parent), whole.slice(parent.length));
  }
}
