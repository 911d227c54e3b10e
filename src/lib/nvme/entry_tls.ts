/** The TLS demand of an entry of a discovery log page: from TREQ (Fig. 294) and the SECTYPE of NVMe/TCP. */
import { treqOfText, tsasFields } from "./entry_text.ts";

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

/** An unreadable field counts as the stricter value (S15). */
export function tlsOfEntry(entry: Readonly<Record<string, string>>): TlsDemand {
  const { trtype, tsas = "", treq = "" } = entry;
  if (trtype !== "tcp" || tsas === "") return "none";
  if (tsasFields(tsas)?.["sectype"] === "none") return "none";
  const number = treqOfText(treq);
  if (number === undefined) return "required";
  const requirement = number & TSC_MASK;
  return requirement === TSC.notSpecified || requirement === TSC.notRequired ? "offered" : "required";
}
