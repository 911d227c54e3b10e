/** A pass-through structure, read by the side that answers. */
import type { AdminCommand } from "../../src/lib/nvme/admin_command.ts";
import { viewOf } from "../../src/lib/nvme/fields.ts";

/** What is in a structure of either size. */
export function decodePassthru(bytes: Uint8Array): AdminCommand & { readonly address: bigint } {
  const view = viewOf(bytes);
  return {
    opcode: view.getUint8(0),
    nsid: view.getUint32(4, true),
    cdw10: view.getUint32(40, true),
    cdw11: view.getUint32(44, true),
    cdw12: view.getUint32(48, true),
    cdw13: view.getUint32(52, true),
    dataLength: view.getUint32(36, true),
    timeout: { ms: view.getUint32(64, true) },
    address: view.getBigUint64(24, true),
  };
}
