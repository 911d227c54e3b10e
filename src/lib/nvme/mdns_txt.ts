/** TXT records of mDNS services (STAF-35 to STAF-37). */
import { fits } from "./fields.ts";
import { MAX_NQN } from "./host_nqn.ts";
import { decodeUtf8, quoted } from "../base/plain_text.ts";
import { WELL_KNOWN_DISC_NQN } from "./tid.ts";

/** S6: further records of one service are ignored. */
const MAX_RECORDS = 256;
/** Control, format, surrogate, private-use and unassigned characters, and separators other than the space. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/**
 * STAF-35: `key=value` records, keys in lower case, the last of a repeated key. Records that are not printable, have
 * no key, or do not have exactly one `=` are ignored.
 */
export function parseTxt(records: readonly Uint8Array[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const record of records.slice(0, MAX_RECORDS)) {
    const text = decodeUtf8(record);
    if (text === undefined || UNPRINTABLE.test(text)) continue;
    const [key = "", value, more] = text.split("=", 3);
    if (key !== "" && value !== undefined && more === undefined) fields.set(key.toLowerCase(), value);
  }
  return fields;
}

/** The records without the NQN: for a kernel that can only connect by the well-known NQN (STAF-37). */
export function withoutNqn(records: readonly Uint8Array[]): readonly Uint8Array[] {
  return records.filter((record) => !/^nqn=/i.test(decodeUtf8(record) ?? ""));
}

export type Identified =
  | {
    readonly ok: true;
    readonly transport: "tcp" | "rdma";
    /** Of the discovery controller; the well-known one when the service names none. */
    readonly nqn: string;
    /** A defect that the administrator of the service should correct. */
    readonly notice?: string;
  }
  | { readonly ok: false; readonly problem: string };

/**
 * STAF-36, STAF-37. A service of type `_nvme-disc._tcp` without `p` counts as tcp, as it did in older versions. The
 * caller must check whether the kernel can connect to an NQN other than the well-known one: {@link withoutNqn}.
 */
export function identifyService(records: readonly Uint8Array[], stype: string): Identified {
  const fields = parseTxt(records);
  const nqn = fields.get("nqn")?.trim() ?? "";
  if (nqn.includes(",") || !fits(nqn, MAX_NQN)) {
    return { ok: false, problem: `TXT nqn ${quoted(nqn)} is no NQN` };
  }
  const subsysnqn = nqn === "" ? WELL_KNOWN_DISC_NQN : nqn;
  const p = fields.get("p");
  switch (p?.trim().toLowerCase()) {
    case "tcp":
      return { ok: true, transport: "tcp", nqn: subsysnqn };
    case "roce":
    case "iwarp":
    case "rdma":
      return { ok: true, transport: "rdma", nqn: subsysnqn };
    case undefined:
      return stype.toLowerCase().endsWith("._tcp")
        ? { ok: true, transport: "tcp", nqn: subsysnqn, notice: "TXT p is missing: taken as p=tcp" }
        : { ok: false, problem: "TXT p is missing: the transport is unknown" };
    default:
      return { ok: false, problem: `TXT p=${quoted(p ?? "")} is none of tcp, roce, iwarp, rdma` };
  }
}
