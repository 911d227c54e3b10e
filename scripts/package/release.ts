/** Which version is packed, and from when: the same for every build of the same source. */
import { VERSION } from "../../src/lib/base/version.ts";
import { exists } from "../exists.ts";
import { capture } from "../run.ts";

export interface Release {
  readonly version: string;
  /**
   * Seconds since 1970, of SOURCE_DATE_EPOCH, of the last commit, or in an unpacked tarball of its files. Everything in the
   * packages is of this time.
   */
  readonly epoch: number;
}

export async function currentRelease(): Promise<Release> {
  const text = Deno.env.get("SOURCE_DATE_EPOCH") ?? await sourceTime();
  const epoch = Number(text);
  if (!Number.isSafeInteger(epoch) || epoch <= 0) {
    throw new Error(`SOURCE_DATE_EPOCH=${text.trim()}: must be seconds since 1970`);
  }
  return { version: VERSION, epoch };
}

async function sourceTime(): Promise<string> {
  if (await exists(".git")) return capture(["git", "log", "-1", "--format=%ct"]);
  const { mtime } = await Deno.stat("package.json");
  return String(Math.floor((mtime?.getTime() ?? 0) / 1000));
}

export const MAINTAINER = "nvme-stas maintainers <maintainers@nvme-stas.invalid>";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function parts(epoch: number): { weekday: string; day: string; month: string; year: number; time: string } {
  const date = new Date(epoch * 1000);
  return {
    weekday: DAYS[date.getUTCDay()] ?? "",
    day: String(date.getUTCDate()).padStart(2, "0"),
    month: MONTHS[date.getUTCMonth()] ?? "",
    year: date.getUTCFullYear(),
    time: date.toISOString().slice(11, 19),
  };
}

/** `2026-11-22` */
export const isoDay = (epoch: number): string => new Date(epoch * 1000).toISOString().slice(0, 10);

/** The changelog of the package, which says where the real one is. */
export function debianChangelog({ version, epoch }: Release, name = "nvme-stas"): string {
  const { weekday, day, month, year, time } = parts(epoch);
  return `${name} (1:${version}-1) unstable; urgency=medium

  * Release ${version}; see /usr/share/doc/nvme-stas/changelog.gz.

 -- ${MAINTAINER}  ${weekday}, ${day} ${month} ${year} ${time} +0000
`;
}

export function rpmChangelog({ version, epoch }: Release): string {
  const { weekday, day, month, year } = parts(epoch);
  return `* ${weekday} ${month} ${day} ${year} ${MAINTAINER} - 1:${version}-1
- Release ${version}; see CHANGELOG.md.`;
}
