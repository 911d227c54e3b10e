/** Where `deno task install` puts what packaging/files.txt lists: PREFIX in place of /usr, all of it below DESTDIR. */
import { type Entry, parseManifest } from "../package/manifest.ts";

export interface Place {
  /** `/usr/local`: in place of `/usr`. */
  readonly prefix: string;
  /** Before every path, for those who make packages; empty on the machine itself. */
  readonly destdir: string;
}

/** A listed file, and where it goes: a path without DESTDIR. */
export interface Placed extends Entry {
  readonly to: string;
}

const POLICY_DIR = "/usr/share/dbus-1/system.d/";
/** The bus reads policies there and below /usr/share, whatever the prefix is. */
const LOCAL_POLICY_DIR = "/etc/dbus-1/system.d/";
/** Prefixes whose programs are found without help: systemd's own PATH has them. */
const IN_PATH = ["/usr", "/usr/local"];

function folderOf(name: string, given: string): string {
  const path = given.length > 1 ? given.replace(/\/+$/, "") : given;
  if (!/^\/[\w@%+=:,./-]+$/.test(path) || path.split("/").some((part) => part === ".." || part === ".")) {
    throw new Error(
      `${name}=${given}: must be an absolute path of letters, digits and ./_@%+=:,- without ".."`,
    );
  }
  return path;
}

/** The place that PREFIX and DESTDIR name. Throws for one that a unit's command line could not hold. */
export function placeOf(prefix: string | undefined, destdir: string | undefined): Place {
  return {
    prefix: folderOf("PREFIX", prefix === undefined || prefix === "" ? "/usr/local" : prefix),
    destdir: destdir === undefined || destdir === "" || destdir === "/" ? "" : folderOf("DESTDIR", destdir),
  };
}

function placed(path: string, prefix: string): string {
  if (path.startsWith(POLICY_DIR)) {
    return prefix === "/usr" ? path : LOCAL_POLICY_DIR + path.slice(POLICY_DIR.length);
  }
  return path.startsWith("/usr/") ? prefix + path.slice("/usr".length) : path;
}

/** What is installed, by the .rpm's layout, which is the one without a distribution's own folders. */
export function placedFiles(list: string, { prefix }: Place): readonly Placed[] {
  return parseManifest(list, "rpm").map((entry) => ({ ...entry, to: placed(entry.path, prefix) }));
}

/** A unit whose command lines name programs below /usr, for another prefix. */
export function adjustedUnit(text: string, prefix: string): string {
  const commands = text.replace(
    /^(Exec\w+=\S*?)\/usr\/(s?bin\/sta|libexec\/nvme-stas\/)/gm,
    `$1${prefix}/$2`,
  );
  const started = `${prefix}/libexec/nvme-stas/write-metrics`;
  if (IN_PATH.includes(prefix) || !commands.includes(started)) return commands;
  // It calls the tools by their names.
  return commands.replace(/^\[Service\]$/m, `[Service]\nEnvironment=PATH=${prefix}/bin:/usr/bin:/bin`);
}
