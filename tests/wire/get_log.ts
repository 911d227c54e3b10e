/** Get Log Page, read by the side that answers. */
import type { AdminCommand, GetLog } from "../../src/lib/nvme/admin_command.ts";

export function getLogOf(cdws: Pick<AdminCommand, "cdw10" | "cdw11" | "cdw12" | "cdw13">): GetLog {
  const { cdw10, cdw11, cdw12, cdw13 } = cdws;
  return {
    lid: cdw10 & 0xff,
    lsp: (cdw10 >>> 8) & 0x7f,
    rae: (cdw10 & 0x8000) !== 0,
    offset: cdw13 * 0x1_0000_0000 + cdw12,
    length: ((cdw11 & 0xffff) * 0x1_0000 + (cdw10 >>> 16) + 1) * 4,
  };
}
