/** The admin commands that stas sends. All numbers are as on the wire. */
import { type Duration, seconds } from "../base/time.ts";

export interface AdminCommand {
  readonly opcode: number;
  readonly nsid: number;
  readonly cdw10: number;
  readonly cdw11: number;
  readonly cdw12: number;
  readonly cdw13: number;
  /** Bytes to transfer, either way. */
  readonly dataLength: number;
  readonly timeout: Duration;
}

const OPCODE = { getLogPage: 0x02, identify: 0x06, dim: 0x21 } as const;

export const LID = { supported: 0x00, discovery: 0x70 } as const;

/** A pass-through that times out makes the kernel reset the controller: better a long time-out. */
const TIMEOUT = seconds(30);

/** One Get Log Page command. `offset` and `length` are bytes, multiples of 4; `rae` set leaves the notification masked. */
export interface GetLog {
  readonly lid: number;
  readonly lsp: number;
  readonly rae: boolean;
  readonly offset: number;
  readonly length: number;
}

const command = (opcode: number, dataLength: number, cdws: Partial<AdminCommand>): AdminCommand => ({
  opcode,
  nsid: 0,
  cdw10: 0,
  cdw11: 0,
  cdw12: 0,
  cdw13: 0,
  dataLength,
  timeout: TIMEOUT,
  ...cdws,
});

/** Get Log Page (Base 2.1 section 5.1.12): cdw10 has LID 7:0, LSP 14:8, RAE 15, NUMDL 31:16. */
export function getLogCommand({ lid, lsp, rae, offset, length }: GetLog): AdminCommand {
  if (length < 4 || length % 4 !== 0 || offset < 0 || offset % 4 !== 0) {
    throw new RangeError(`log page ${lid}: ${length} bytes at ${offset} are not whole dwords`);
  }
  const numd = length / 4 - 1;
  return command(OPCODE.getLogPage, length, {
    // The Supported Log Pages log is read with the broadcast id (KRN-58), the discovery log with none (KRN-55).
    nsid: lid === LID.supported ? 0xffff_ffff : 0,
    cdw10: ((lid & 0xff) | ((lsp & 0x7f) << 8) | (rae ? 0x8000 : 0) | ((numd & 0xffff) << 16)) >>> 0,
    cdw11: numd >>> 16,
    cdw12: offset >>> 0,
    cdw13: Math.floor(offset / 0x1_0000_0000),
  });
}

/** Identify Controller (CNS 01h). */
export function identifyCommand(): AdminCommand {
  return command(OPCODE.identify, 4096, { cdw10: 1 });
}

/** Discovery Information Management (KRN-47); `tas` 0 registers, 1 deregisters, 2 updates. */
export function dimCommand(tas: number, dataLength: number): AdminCommand {
  return command(OPCODE.dim, dataLength, { cdw10: tas & 0xf });
}
