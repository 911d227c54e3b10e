/** The TLS demand of an entry of a discovery log page: from TREQ (Fig. 294) and the SECTYPE of NVMe/TCP. */
import { type PageEntry, TRTYPE } from "./discovery_entry.ts";

/**
 * `none`: the entry has no security (SECTYPE 0), whatever TREQ says; `offered`: TLS is possible; `required`: a connection
 * without TLS is refused.
 */
export type TlsDemand = "none" | "offered" | "required";

const ORDER: readonly TlsDemand[] = ["none", "offered", "required"];

export const stricterDemand = (a: TlsDemand, b: TlsDemand): TlsDemand =>
  ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b;

/** Bits 1:0 of TREQ, the secure channel requirement. */
const TSC_MASK = 0x3;
const TSC = { notSpecified: 0, notRequired: 2 } as const;

/** A field that is not a code counts as the stricter value (S15). */
export function tlsOfEntry({ trtype, tsas, treq }: PageEntry): TlsDemand {
  if (trtype !== TRTYPE.tcp || tsas.kind === "none") return "none";
  if (tsas.kind === "tcp" && tsas.sectype === "none") return "none";
  if (treq === undefined) return "required";
  const requirement = treq & TSC_MASK;
  return requirement === TSC.notSpecified || requirement === TSC.notRequired ? "offered" : "required";
}

/** The entry names TLS itself, not only a code that nobody knows yet. */
export const namesTls = ({ tsas }: PageEntry): boolean =>
  tsas.kind === "unknown"
    ? tsas.tls
    : tsas.kind === "tcp" && (tsas.sectype === "tls" || tsas.sectype === "tls1.3");
