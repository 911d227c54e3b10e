/** Mounts and swap areas: `/proc/self/mountinfo` and `/proc/swaps` (proc(5)). */

export interface Mount {
  /** `259:3`; for a file system with several devices (btrfs) it is the number of none of them. */
  readonly dev: string;
  readonly mountPoint: string;
  readonly fsType: string;
  readonly source: string;
}

/** Space, tab, newline and backslash are written in octal. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Malformed lines are left out. */
export function parseMountinfo(text: string): readonly Mount[] {
  return text.split("\n").flatMap((line) => {
    // The first lone dash ends the optional fields; a source may be one, too.
    const [, , dev, , mountPoint, ...more] = line.split(" ");
    const dash = more.indexOf("-");
    const [fsType, source] = dash < 0 ? [] : more.slice(dash + 1);
    if (dev === undefined || mountPoint === undefined || fsType === undefined || source === undefined) {
      return [];
    }
    return [{ dev, mountPoint: unescape(mountPoint), fsType, source: unescape(source) }];
  });
}

/** The devices and files swapped to. */
export function parseSwaps(text: string): readonly string[] {
  return text.split("\n").slice(1).flatMap((line) => {
    const name = line.split(/[ \t]/, 1)[0] ?? "";
    return name === "" ? [] : [unescape(name)];
  });
}
