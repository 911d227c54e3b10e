/** Entries of a discovery log page (Base 2.1 Fig. 294; TP8010). Numbers are as on the wire, reserved ones included. */
import type { ExtendedAttribute } from "./extended_attribute.ts";

export const TRTYPE = { unspecified: 0, rdma: 1, fc: 2, tcp: 3, loop: 254 } as const;
export const ADRFAM = { pci: 0, ipv4: 1, ipv6: 2, ib: 3, fc: 4, loop: 254 } as const;
/** `discovery`: the reporting discovery subsystem itself. */
export const SUBTYPE = { referral: 1, nvme: 2, discovery: 3 } as const;

/**
 * The codes of TSAS by their numbers. All others are `reserved`: the published form, which is also that of the state
 * file, does not tell them apart (requirements 50), and a page must stay the same over a restart.
 */
export const SECTYPES = ["none", "tls", "tls1.3"] as const;
export const QPTYPES = [undefined, "connected", "datagram"] as const;
export const PRTYPES = [undefined, "not specified", "infiniband", "roce", "rocev2", "iwarp"] as const;
export const CMSES = [undefined, "cm"] as const;

type Code<Words extends readonly (string | undefined)[]> = Exclude<Words[number], undefined> | "reserved";
export type Sectype = Code<typeof SECTYPES>;

/** Transport specific address subtype; `none`: of another transport. */
export type Tsas =
  | { readonly kind: "none" }
  | { readonly kind: "tcp"; readonly sectype: Sectype }
  | {
    readonly kind: "rdma";
    readonly qptype: Code<typeof QPTYPES>;
    readonly prtype: Code<typeof PRTYPES>;
    readonly cms: Code<typeof CMSES>;
  };

/** One of each, which the entries share. */
export const NO_TSAS: Tsas = { kind: "none" };
export const TCP_TSAS: Readonly<Record<Sectype, Tsas>> = {
  "none": { kind: "tcp", sectype: "none" },
  "tls": { kind: "tcp", sectype: "tls" },
  "tls1.3": { kind: "tcp", sectype: "tls1.3" },
  "reserved": { kind: "tcp", sectype: "reserved" },
};

/** One entry as a discovery controller writes it; texts are trimmed. */
export interface DiscoveryEntry {
  readonly trtype: number;
  readonly adrfam: number;
  readonly subtype: number;
  readonly treq: number;
  readonly portid: number;
  readonly cntlid: number;
  readonly asqsz: number;
  readonly eflags: number;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subnqn: string;
  readonly tsas: Tsas;
}

/** An entry that came as texts which say more, or less, than the fields can: its texts are kept. */
export interface ForeignEntry {
  /** Undefined, here and below: not a code. */
  readonly trtype: number | undefined;
  readonly subtype: number | undefined;
  readonly treq: number | undefined;
  readonly eflags: number;
  /** As written, also with spaces around. */
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subnqn: string;
  /** `tls`: a text that is not understood, but names TLS. */
  readonly tsas: Tsas | { readonly kind: "unknown"; readonly tls: boolean };
  readonly texts: Readonly<Record<string, string>>;
}

/** One entry as the daemons keep it: decoded once, here or by the stafd that read the page. */
export type PageEntry = DiscoveryEntry | ForeignEntry;

/** An entry with extended attributes, of which no log page's are used: a registration of this host has some. */
export interface ExtendedEntry extends DiscoveryEntry {
  readonly attributes?: readonly ExtendedAttribute[];
}

/** A complete discovery log page, with the same generation counter before and after reading (S3). */
export interface DiscoveryLog {
  /** Generation counter; a 64-bit number. */
  readonly genctr: bigint;
  readonly entries: readonly DiscoveryEntry[];
  /** The number of its entries, of which none is here: their text is longer than that of one page may be (S6). */
  readonly tooMany?: number;
}
