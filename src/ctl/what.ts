/**
 * `<what>` on the side of the tools: names that only this machine's files can resolve, and suggestions for an
 * unknown name.
 */
import { editDistance } from "../lib/config/suggestion.ts";
import type { V1Controller, V1State } from "../lib/dbus/v1_types.ts";
import { type Matcher, matcherOf, type Nameable } from "../lib/nvme/what.ts";
import { parseMountinfo } from "../lib/base/mount_table.ts";
import { addressOf } from "./controllers_view.ts";
import { namesIn } from "./doctor_finding.ts";
import { readFileText, wordsOf } from "./host_identity.ts";
import { harmless } from "./text_width.ts";
import type { World } from "./world.ts";

/** In one sentence, for help and errors. */
export const FORMS =
  "an NQN or a part of it, an address with or without its port, a host name of a controller line, a device " +
  "(nvme3, nvme3n1, nvme3c1n1, also below /dev), a mount point, a transport id";

export const nameableOf = (one: V1Controller): Nameable => ({ ...one, hosts: one.hosts ?? [] });

export type Resolved =
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly message: string };

const NVME = /^nvme\d+(?:n\d+(?:p\d+)?|c\d+n\d+)?$/;
/** The deepest stack of devices that is followed. */
const MAX_DEPTH = 8;

/**
 * For a path (a device, a link to one, or a mount point) the names of the NVMe devices below it; any other
 * name stands for itself. To be called while files may still be read.
 */
export function resolveWhat({ root }: World, what: string): Resolved {
  const wanted = what.trim();
  if (wanted === "") return { ok: false, message: `no name is given: give ${FORMS}` };
  if (!wanted.startsWith("/") || NVME.test(wanted.replace(/^\/dev\//, ""))) {
    return { ok: true, names: [wanted] };
  }
  const place = wanted.replace(/(?<=.)\/+$/, "");
  const tables = readFileText(`${root}/proc/self/mountinfo`);
  // If file systems are mounted over each other, the last one is visible.
  const mount = parseMountinfo(tables.ok ? tables.text : "").findLast(({ mountPoint }) =>
    mountPoint === place
  );
  const device = mount === undefined
    ? blockName(root, place)
    : mount.source.startsWith("/dev/")
    ? blockName(root, mount.source)
    : blockName(root, `/sys/dev/block/${mount.dev}`);
  if (device === undefined) {
    return mount === undefined
      ? { ok: false, message: `${harmless(place)} is neither a device nor a mount point` }
      : {
        ok: false,
        message: `${harmless(place)} is mounted from ${harmless(mount.source)}, which is not a block device`,
      };
  }
  const names = below(root, device, 0);
  if (names.length > 0) return { ok: true, names };
  return {
    ok: false,
    message: `${harmless(place)} is on ${harmless(device)}, but no NVMe device is below it`,
  };
}

/** The kernel's name of what a path leads to, when that is in /dev or a device in /sys. */
function blockName(root: string, path: string): string | undefined {
  try {
    const real = Deno.realPathSync(root + path);
    const name = real.slice(real.lastIndexOf("/") + 1);
    return real.startsWith(`${root}/dev/`) || real.startsWith(`${root}/sys/`) ? name : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.FilesystemLoop) {
      return undefined;
    }
    throw new Error(`${path}: ${wordsOf(error)}`, { cause: error });
  }
}

/** NVMe devices that a device is made of (device mapper, RAID), itself if it is one. */
function below(root: string, device: string, depth: number): readonly string[] {
  if (NVME.test(device)) return [device];
  if (depth === MAX_DEPTH) return [];
  const folder = `${root}/sys/class/block/${device}`;
  const slaves = namesIn(`${folder}/slaves`);
  // A partition has no list of its own: that of its disk counts.
  const parts = slaves.length > 0 ? slaves : namesIn(`${folder}/../slaves`);
  return [...new Set(parts.flatMap((name) => below(root, name, depth + 1)))];
}

/** One matcher for all names that a query stands for. */
export function matcherFor(names: readonly string[]): Matcher {
  const all = names.map(matcherOf);
  return (one) => {
    const fits = all.map((matcher) => matcher(one));
    return fits.includes("certain") ? "certain" : fits.includes("possible") ? "possible" : "no";
  };
}

/** The most suggestions for an unknown name. */
const MAX_NEAREST = 3;
/** A longer name does not count as mistyped. */
const MAX_DIFFERENCE = 64;

/** `; nearest: a, b`, or nothing. */
function nearestText(what: string, { controllers }: Pick<V1State, "controllers">): string {
  // The end of an NQN, as tables show it, stands for the whole.
  const tails = new Map(controllers.flatMap(({ tid: { subsysnqn } }) => {
    const tail = subsysnqn.slice(subsysnqn.lastIndexOf(":") + 1);
    return tail === subsysnqn ? [] : [[tail, subsysnqn] as const];
  }));
  const names = new Set(controllers.flatMap((one) => [
    one.tid.subsysnqn,
    ...(what.includes(":") && !what.startsWith("nqn.") ? [addressOf(one)] : [one.tid.traddr]),
    ...(one.device === "" ? [] : [one.device]),
    ...one.namespaces,
    ...one.hosts ?? [],
  ]));
  const near = [...[...names].map((name) => [name, name] as const), ...tails]
    .map(([written, name]) => ({ written, name, far: distance(what.trim(), written) }))
    .filter(({ written, far }) => far <= Math.max(1, Math.floor(Math.min(written.length, what.length) / 4)))
    .toSorted((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_NEAREST);
  return near.length === 0 ? "" : `; nearest: ${near.map(({ name }) => harmless(name)).join(", ")}`;
}

/** A common beginning and end cost nothing, however long they are. */
function distance(a: string, b: string): number {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return left.length > MAX_DIFFERENCE || right.length > MAX_DIFFERENCE ? Infinity : editDistance(left, right);
}

/** A name that no controller has: similar names, and where else to look. */
export function unknownText(
  daemon: "stafd" | "stacd",
  what: string,
  state: Pick<V1State, "controllers"> | undefined,
): string {
  const near = state === undefined ? "" : nearestText(what, state);
  const [other, kind] = daemon === "stafd" ? ["stacctl", "I/O"] : ["stafctl", "discovery"];
  const forms = near === "" ? ` Give ${FORMS};` : "";
  return `${daemon} knows no controller "${
    harmless(what)
  }"${near}.${forms} ${kind} controllers: ${other} explain`;
}
