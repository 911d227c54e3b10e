/** The NVMe status field, as a controller writes it. */
import type { Status } from "../../src/lib/nvme/status.ts";

export function encodeStatus(status: Status): number {
  return (status.sc & 0xff) | ((status.sct & 7) << 8) | ((status.crd & 3) << 11) |
    (status.more ? 0x2000 : 0) | (status.dnr ? 0x4000 : 0);
}
