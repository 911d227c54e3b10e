/** What discovery controllers and mDNS services ask for (requirements 20 and 30). */
import type { DiscoveryEntry, PageEntry } from "../../../src/lib/nvme/discovery_entry.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import type { MdnsService } from "../../../src/lib/ports.ts";
import { isAddress, isLinkLocal, scopeOf } from "./address.ts";
import { completed, isTransport, WELL_KNOWN } from "./identity.ts";
import { keptFor } from "./memo.ts";

export type EntryText = Readonly<Record<string, string>>;
export type Subtype = "nvme" | "referral";

const TRTYPES: ReadonlyMap<number, string> = new Map([[1, "rdma"], [2, "fc"], [3, "tcp"], [254, "loop"]]);
const SUBTYPES: ReadonlyMap<number, string> = new Map([[1, "referral"], [2, "nvme"], [3, "discovery"]]);

const TREQS: ReadonlyMap<number, string> = new Map([[0, "not specified"], [1, "required"], [
  2,
  "not required",
]]);

/** STAF-57: an entry without an address is left out; that of any host, in every spelling, is none. */
const hasAddress = ({ traddr }: DiscoveryEntry): boolean => !/^[0:]*(ffff:)?[0.:]*$/i.test(traddr.trim());

/** NVMe Base 2.1: at most 223 bytes. */
const isNqn = (text: string): boolean => new TextEncoder().encode(text).length <= 223;

/** The fields of a page that say which controller is meant, as they are published (requirements 50). */
export const asPublished = keptFor((entries: readonly DiscoveryEntry[]): readonly EntryText[] =>
  entries.filter((entry) => hasAddress(entry) && isNqn(entry.subnqn.trim())).map((entry) => ({
    trtype: TRTYPES.get(entry.trtype) ?? String(entry.trtype),
    traddr: entry.traddr.trim(),
    trsvcid: entry.trsvcid.trim(),
    subnqn: entry.subnqn.trim(),
    subtype: SUBTYPES.get(entry.subtype) ?? String(entry.subtype),
    eflags: String(entry.eflags),
  }))
);

/** What stacd was told of a page: the same fields, and those about TLS. */
export const asTold = keptFor((entries: readonly PageEntry[]): readonly EntryText[] =>
  entries.map((entry): EntryText => {
    if ("texts" in entry) return entry.texts;
    const { trtype, traddr, trsvcid, subnqn, subtype, treq, tsas, eflags } = entry;
    return {
      trtype: TRTYPES.get(trtype) ?? String(trtype),
      traddr,
      trsvcid,
      subnqn,
      subtype: SUBTYPES.get(subtype) ?? String(subtype),
      treq: TREQS.get(treq) ?? String(treq),
      ...(tsas.kind === "tcp" ? { tsas: `{'sectype': '${tsas.sectype}'}` } : {}),
      eflags: String(eflags),
    };
  })
);

/** What a page says of every controller, entry by entry. */
function said(entries: readonly EntryText[]): readonly string[] {
  const keys = ["trtype", "traddr", "trsvcid", "subnqn", "subtype", "eflags"];
  return entries.map((entry) => JSON.stringify(keys.map((key) => entry[key]?.trim())));
}

/** Two pages say the same of every controller, in the same order. */
export const sameEntries = (a: readonly EntryText[], b: readonly EntryText[]): boolean =>
  JSON.stringify(said(a)) === JSON.stringify(said(b));

/** The same in any order, which means nothing. */
export const sameStatement = (a: readonly EntryText[], b: readonly EntryText[]): boolean =>
  JSON.stringify(said(a).toSorted()) === JSON.stringify(said(b).toSorted());

/** An entry whose controller can be connected to, with the host's side of whoever listed it. */
export function tidListed(entry: EntryText, by: Tid): Tid | undefined {
  const text = (key: string): string => (entry[key] ?? "").trim();
  const transport = text("trtype");
  if (!isTransport(transport) || text("subnqn") === "") return undefined;
  const isIp = transport === "tcp" || transport === "rdma";
  if (isIp && !isAddress(text("traddr"))) return undefined;
  return completed({
    transport,
    traddr: text("traddr"),
    trsvcid: text("trsvcid"),
    subsysnqn: text("subnqn"),
    hostTraddr: by.hostTraddr,
    hostIface: by.hostIface,
    hostNqn: by.hostNqn,
  });
}

/** What a page asks for. */
export function tidsListed(entries: readonly EntryText[], by: Tid, subtype: Subtype): readonly Tid[] {
  const known = listedOf(entries);
  const key = [subtype, by.hostTraddr, by.hostIface, by.hostNqn].join("|");
  const found = known.get(key) ??
    entries.filter((entry) => entry["subtype"] === subtype).map((entry) => tidListed(entry, by))
      .filter((tid) => tid !== undefined);
  known.set(key, found);
  return found;
}

const listedOf = keptFor((_entries: readonly EntryText[]) => new Map<string, readonly Tid[]>());

/** STAC-50: bit 2 of EFLAGS: the CDC is not connected to it. */
export const isNotConnected = (entry: EntryText): boolean => (Number(entry["eflags"] ?? "0") & 4) !== 0;

/** STAF-35 to STAF-37: what a service asks for; undefined when its records are no good. */
export function tidAnnounced(service: MdnsService, ignoreIface: boolean, hostNqn: string): Tid | undefined {
  const records = new Map<string, string>();
  for (const record of service.txt) {
    const text = new TextDecoder().decode(record);
    const parts = /[\p{C}\p{Z}]/u.test(text.replaceAll(" ", "")) ? [] : text.split("=");
    const [key = "", value] = parts;
    if (parts.length === 2 && key !== "" && value !== undefined) records.set(key.toLowerCase(), value.trim());
  }
  const p = records.get("p")?.toLowerCase() ?? (service.stype.endsWith("._tcp") ? "tcp" : "");
  const transport = p === "tcp" ? "tcp" : ["roce", "iwarp", "rdma"].includes(p) ? "rdma" : undefined;
  if (transport === undefined) return undefined;
  const nqn = records.get("nqn") ?? "";
  // A comma would end the option of the connect string.
  if (nqn.includes(",") || !isNqn(nqn)) return undefined;
  const hostIface = transport === "tcp" && !ignoreIface ? service.hostIface : "";
  const needsScope = hostIface === "" && isLinkLocal(service.traddr) && scopeOf(service.traddr) === "";
  return completed({
    transport,
    traddr: needsScope ? `${service.traddr}%${service.hostIface}` : service.traddr,
    trsvcid: String(service.port),
    subsysnqn: nqn === "" ? WELL_KNOWN : nqn,
    hostTraddr: "",
    hostIface,
    hostNqn,
  });
}
