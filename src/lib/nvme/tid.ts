/** The transports that stas handles. PCIe is never ours (S1). */
export type Transport = "tcp" | "rdma" | "fc" | "loop";

/** The well-known NQN of discovery controllers. */
export const WELL_KNOWN_DISC_NQN = "nqn.2014-08.org.nvmexpress.discovery";

/**
 * Transport id: what identifies a controller (spec 20). All seven fields are texts, empty when not given;
 * they are kept as written. Identity is {@link tidKey}, which compares addresses in canonical form.
 */
export interface Tid {
  readonly transport: Transport;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  readonly hostNqn: string;
}
