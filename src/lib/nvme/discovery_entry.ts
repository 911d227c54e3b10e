/** One entry of a discovery log page (Base 2.1 Fig. 294; TP8010). Numbers are as on the wire, texts are trimmed. */
export interface DiscoveryEntry {
  readonly trtype: number;
  readonly adrfam: number;
  /** 1 referral, 2 NVM subsystem, 3 the reporting discovery subsystem itself. */
  readonly subtype: number;
  readonly treq: number;
  readonly portid: number;
  readonly cntlid: number;
  readonly asqsz: number;
  readonly eflags: number;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subnqn: string;
  /** Transport specific address subtype: tcp has sectype; rdma has qptype, prtype, cms; others nothing. */
  readonly tsas:
    | { readonly kind: "tcp"; readonly sectype: number }
    | { readonly kind: "rdma"; readonly qptype: number; readonly prtype: number; readonly cms: number }
    | { readonly kind: "none" };
  /** Extended attributes, empty in a basic entry. */
  readonly attributes: readonly { readonly type: number; readonly value: Uint8Array }[];
}

/** A complete discovery log page, with the same generation counter before and after reading (S3). */
export interface DiscoveryLog {
  /** Generation counter; a 64-bit number. */
  readonly genctr: bigint;
  readonly entries: readonly DiscoveryEntry[];
}
