import { isoTime } from "../../base/time.ts";

/**
 * The reasons for which a connection may be removed (S2): always the positive statement of a source, never
 * its silence. Times are milliseconds since 1970.
 */
export type Evidence =
  /** A line of a configuration file, or the absence of a line from a file that was read completely. */
  | { readonly kind: "config"; readonly file: string; readonly line?: number; readonly what: string }
  /** A discovery log page, read completely, does not list the controller. */
  | { readonly kind: "log-page"; readonly dc: string; readonly genctr: string; readonly readAt: number }
  /** stafd dropped the discovery controller that listed it. */
  | { readonly kind: "dc-retired"; readonly dc: string; readonly why: string; readonly at: number }
  /** A host name now resolves to other addresses. */
  | { readonly kind: "resolved"; readonly host: string; readonly addresses: string; readonly at: number }
  /** Found by mDNS, withdrawn, and unreachable for longer than the configuration allows. */
  | { readonly kind: "unresponsive"; readonly since: number; readonly timeoutMs: number }
  /** A person says that the controller, which mDNS no longer announces, will not come back. */
  | { readonly kind: "forgotten"; readonly what: string; readonly uid: number; readonly at: number }
  /** The policy is to remove connections that no source wants, and every source has been read. */
  | { readonly kind: "audit"; readonly file: string; readonly line?: number; readonly asked: string }
  /** The daemon stops and the configuration says not to keep connections. */
  | { readonly kind: "stop"; readonly file: string; readonly line?: number }
  /** A person took it out for maintenance. Without `until` it has no term; `forced`: also what is in use goes (S12). */
  | {
    readonly kind: "drain";
    readonly what: string;
    readonly uid: number;
    readonly at: number;
    readonly until?: number;
    readonly forced: boolean;
  }
  /** A person has it connected again, with the options of the file. */
  | { readonly kind: "renewed"; readonly what: string; readonly uid: number; readonly at: number };

/** Evidence that is not empty: the type of a disconnect requires it. */
export type Proof = readonly [Evidence, ...Evidence[]];

const place = (file: string, line: number | undefined): string =>
  line === undefined ? file : `${file}:${line}`;

export function evidenceText(evidence: Evidence): string {
  switch (evidence.kind) {
    case "config":
      return `${place(evidence.file, evidence.line)}: ${evidence.what}`;
    case "log-page": {
      const version = evidence.genctr === "" ? "" : `, generation ${evidence.genctr}`;
      return `not in the log page of ${evidence.dc}${version}, read ${isoTime(evidence.readAt)}`;
    }
    case "dc-retired":
      return `listed only by ${evidence.dc}, which stafd dropped at ${isoTime(evidence.at)}: ${evidence.why}`;
    case "resolved":
      return `${evidence.host} now resolves to ${evidence.addresses} (${isoTime(evidence.at)})`;
    case "unresponsive":
      return `no longer announced by mDNS and unreachable since ${isoTime(evidence.since)}, longer than ` +
        `zeroconf-connections-persistence (${evidence.timeoutMs / 1000} s)`;
    case "renewed":
      return `renewed by uid ${evidence.uid} at ${isoTime(evidence.at)}: ${evidence.what}`;
    case "forgotten":
      return `forgotten by uid ${evidence.uid} at ${isoTime(evidence.at)}: ${evidence.what}`;
    case "audit":
      return `${
        place(evidence.file, evidence.line)
      }: disconnect-scope: no source wants it (checked: ${evidence.asked})`;
    case "stop":
      return `${place(evidence.file, evidence.line)}: persistent-connections=false, and the daemon stops`;
    case "drain": {
      const { what, uid, until, forced } = evidence;
      const end = until === undefined ? "until undrain or a reboot" : `until ${isoTime(until)}`;
      return `drained by uid ${uid} ${end}${forced ? ", by force" : ""}: ${what}`;
    }
  }
}

/** The number of reasons that are written out; of others only their number (S6). */
const MAX_TOLD = 8;
/**
 * The longest text of a reason inside another: in a circle each reason would contain the others and grow
 * without end (S6).
 */
const MAX_WHY = 400;

export function proofText(proof: readonly Evidence[]): string {
  const told = proof.slice(0, MAX_TOLD).map(evidenceText).join("; ");
  return proof.length > MAX_TOLD ? `${told}; and ${proof.length - MAX_TOLD} more` : told;
}

/** The reason for which another controller was dropped, shortened for use inside a reason. */
export function whyText(proof: readonly Evidence[]): string {
  const text = proofText(proof);
  return text.length > MAX_WHY ? `${text.slice(0, MAX_WHY - 3)}...` : text;
}
