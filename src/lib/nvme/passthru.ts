/** The kernel's pass-through structures (`linux/nvme_ioctl.h`). */
import type { AdminCommand } from "./admin_command.ts";
import { viewOf } from "./fields.ts";

/** `nvme_passthru_cmd`, and libnvme 1.x. */
const PASSTHRU_SIZE = 72;
export const PASSTHRU_IOCTL = 0xc048_4e41;
/** `nvme_passthru_cmd64`, and libnvme 3. */
const PASSTHRU64_SIZE = 80;

function fill(command: AdminCommand, address: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  view.setUint8(0, command.opcode);
  view.setUint32(4, command.nsid, true);
  view.setBigUint64(24, address, true);
  view.setUint32(36, command.dataLength, true);
  view.setUint32(40, command.cdw10, true);
  view.setUint32(44, command.cdw11, true);
  view.setUint32(48, command.cdw12, true);
  view.setUint32(52, command.cdw13, true);
  view.setUint32(64, command.timeout.ms, true);
  return bytes;
}

/** The 72-byte structure; `address` is that of the data buffer, which must live until the call returns. */
export function encodePassthru(command: AdminCommand, address: bigint): Uint8Array {
  return fill(command, address, PASSTHRU_SIZE);
}

/** The 80-byte structure: the same, with a 64-bit result. */
export function encodePassthru64(command: AdminCommand, address: bigint): Uint8Array {
  return fill(command, address, PASSTHRU64_SIZE);
}

/** Completion dword 0, after the call, from a structure of either size. */
export function passthruResult(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(bytes.length === PASSTHRU64_SIZE ? 72 : 68, true);
}
