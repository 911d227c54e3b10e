/** Kernel versions, and the connect options that a kernel accepts (KRN-1 to KRN-4). */
import { CONNECT_OPTIONS, LINE_OPTIONS } from "./option_table.ts";

/** KRN-1: all groups of digits; `5.14.0-rc1` is 5, 14, 0, 1. */
export function parseKernelVersion(release: string): readonly number[] {
  return (release.match(/[0-9]+/g) ?? []).map(Number);
}

/** Below zero when `a` is older. Element by element; a version that is the beginning of another one is older than it. */
export function compareVersions(a: readonly number[], b: readonly number[]): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a[i] ?? -1;
    const y = b[i] ?? -1;
    if (x !== y) return x - y;
  }
  return 0;
}

export function isAtLeast(release: string, wanted: string): boolean {
  return compareVersions(parseKernelVersion(release), parseKernelVersion(wanted)) >= 0;
}

/** The names of the options that `/dev/nvme-fabrics` accepts. */
export type FabricsSupport = ReadonlySet<string>;

/** Options that every supported kernel had long before the list became readable. */
const ALWAYS = [
  "instance",
  "cntlid",
  "transport",
  "traddr",
  "trsvcid",
  "nqn",
  "queue_size",
  "nr_io_queues",
  "reconnect_delay",
  "ctrl_loss_tmo",
  "keep_alive_tmo",
  "hostnqn",
  "host_traddr",
  "hostid",
  "duplicate_connect",
  "disable_sqflow",
  "hdr_digest",
  "data_digest",
  "nr_write_queues",
  "nr_poll_queues",
  "tos",
  "fast_io_fail_tmo",
] as const;

/**
 * The first kernel with an option, as far as a version shows it. An option that a kernel can be built without is
 * never assumed.
 */
const SINCE: readonly (readonly [string, string])[] = [
  ["discovery", "5.16"],
  ...[...LINE_OPTIONS, ...CONNECT_OPTIONS].flatMap(({ kernel, since, isBuildOption }) =>
    since === undefined || isBuildOption === true ? [] : [[kernel, since] as const]
  ),
];

/** Options of a kernel whose list cannot be read (before 5.17). */
export function assumedSupport(release: string): FabricsSupport {
  return new Set([
    ...ALWAYS,
    ...SINCE.filter(([, since]) => isAtLeast(release, since)).map(([name]) => name),
  ]);
}

/** The names in the first line of `/dev/nvme-fabrics`: `instance=%d,cntlid=%d,transport=%s,...` (KRN-2). */
export function parseSupported(text: string): FabricsSupport {
  const line = text.split("\n", 1)[0] ?? "";
  const names = line.split(",").map((item) => (item.split("=", 1)[0] ?? "").trim());
  return new Set(names.filter((name) => /^[a-z0-9_]+$/.test(name)));
}

/**
 * The options that this kernel accepts. A list that names the options of every kernel is authoritative: an option
 * that it does not name is missing, whatever the version. Any other text only adds to the options that the version
 * implies (KRN-2, KRN-3).
 */
export function kernelSupport(release: string, listText: string | undefined): FabricsSupport {
  const assumed = assumedSupport(release);
  if (listText === undefined) return assumed;
  const listed = parseSupported(listText);
  return ["nqn", "transport", "traddr"].every((name) => listed.has(name))
    ? listed
    : new Set([...assumed, ...listed]);
}
