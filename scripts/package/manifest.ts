/** What the packages hold: packaging/files.txt, and what really lies below a folder, in the same terms. */

export const FORMATS = ["deb", "rpm"] as const;
export type Format = typeof FORMATS[number];

export interface Entry {
  /** With a slash at the beginning. */
  readonly path: string;
  readonly kind: "file" | "config" | "link";
  /** Permission bits of a file; 0 for a link. */
  readonly mode: number;
  /** Where a link leads; empty for a file. */
  readonly target: string;
}

/** The list for one format. Throws with the line's number when a line cannot be understood. */
export function parseManifest(text: string, format: Format): readonly Entry[] {
  const entries: Entry[] = [];
  for (const [n, line] of text.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const only = /^(deb|rpm): /.exec(line)?.[1];
    const [what = "", path = "", target = "", ...rest] = line.replace(/^(deb|rpm): /, "").split(" ");
    const link = what === "link";
    if (!path.startsWith("/") || rest.length > 0 || link !== (target !== "")) {
      throw new Error(
        `packaging/files.txt:${n + 1}: "${line}" is not a kind or mode, a path, and for a link a target`,
      );
    }
    if (only !== undefined && only !== format) continue;
    if (!link && what !== "config" && !/^0[0-7]{3}$/.test(what)) {
      throw new Error(
        `packaging/files.txt:${n + 1}: "${what}" is neither link, config nor a mode such as 0644`,
      );
    }
    const kind = link ? "link" : what === "config" ? "config" : "file";
    const mode = link ? 0 : kind === "config" ? 0o644 : parseInt(what, 8);
    entries.push({ path, kind, mode, target });
  }
  return entries.sort(byPath);
}

export const byPath = (a: Entry, b: Entry): number => a.path < b.path ? -1 : a.path > b.path ? 1 : 0;

/** Everything below `root` but folders. What is a configuration file cannot be seen: those are files here. */
export async function listTree(root: string, below = ""): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(`${root}${below}`)) {
    const path = `${below}/${name}`;
    if (isDirectory) entries.push(...await listTree(root, path));
    else if (isSymlink) {
      entries.push({ path, kind: "link", mode: 0, target: await Deno.readLink(`${root}${path}`) });
    } else {
      const { mode } = await Deno.lstat(`${root}${path}`);
      entries.push({ path, kind: "file", mode: (mode ?? 0) & 0o7777, target: "" });
    }
  }
  return entries.sort(byPath);
}

const described = ({ path, kind, mode, target }: Entry): string =>
  kind === "link" ? `${path} -> ${target}` : `${path} ${mode.toString(8)}`;

/** What exists and is not listed (`+`), and what is listed and missing (`-`); empty when all is as listed. */
export function differences(listed: readonly Entry[], there: readonly Entry[]): readonly string[] {
  const want = new Set(listed.map(described));
  const have = new Set(there.map(described));
  return [
    ...[...have].filter((one) => !want.has(one)).map((one) => `+ ${one}`),
    ...[...want].filter((one) => !have.has(one)).map((one) => `- ${one}`),
  ];
}
