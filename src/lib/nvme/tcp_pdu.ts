/** The first two messages of an NVMe/TCP connection (NVMe/TCP 1.1, 3.6.2): the answer shows that the peer is a target. */
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import { viewOf } from "./fields.ts";

/** Bytes of each of the two. */
export const IC_PDU = 128;

const TYPE = { icReq: 0x00, icResp: 0x01 } as const;

/** Version 0, no alignment, no digests, like the kernel's own request without options. */
export function encodeIcReq(): Uint8Array<ArrayBuffer> {
  const pdu = new Uint8Array(IC_PDU);
  const view = viewOf(pdu);
  view.setUint8(0, TYPE.icReq);
  view.setUint8(2, IC_PDU);
  view.setUint32(4, IC_PDU, true);
  return pdu;
}

/** From 128 bytes. */
export function decodeIcResp(pdu: Uint8Array): Decoded<{ readonly version: number }> {
  if (pdu.length < IC_PDU) return malformed(pdu.length, `ICResp ends after ${pdu.length} bytes`);
  const view = viewOf(pdu);
  const type = view.getUint8(0);
  if (type !== TYPE.icResp) {
    return malformed(0, `the answer is a PDU of type 0x${type.toString(16)}, not ICResp`);
  }
  const lengths = [view.getUint8(2), view.getUint32(4, true)];
  if (lengths.some((length) => length !== IC_PDU)) {
    return malformed(2, `ICResp has the lengths ${lengths.join(" and ")}, not ${IC_PDU}`);
  }
  const version = view.getUint16(8, true);
  return version === 0 ? decoded({ version }) : malformed(8, `ICResp is of PDU format ${version}, not 0`);
}
