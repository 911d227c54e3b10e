/** Identify Controller (CNS 01h): the fields that matter to stas (notes 3.4). */
import { type Decoded, decoded, malformed } from "./decoded.ts";
import { putText, textField, viewOf } from "./fields.ts";

export const IDENTIFY_SIZE = 4096;

export interface IdentifyCtrl {
  readonly vid: number;
  readonly serial: string;
  readonly model: string;
  readonly firmware: string;
  /** Largest transfer, as a power of two of the minimum page size; 0 is no limit. */
  readonly mdts: number;
  readonly cntlid: number;
  readonly ver: number;
  /** Optional events; bit 31: discovery log change. */
  readonly oaes: number;
  /** 1 I/O, 2 discovery, 3 administrative. */
  readonly cntrltype: number;
  readonly aerl: number;
  readonly lpa: number;
  /** Granularity of the keep alive timer, in 100 ms. */
  readonly kas: number;
  readonly maxcmd: number;
  readonly sgls: number;
  readonly subnqn: string;
  readonly ioccsz: number;
  readonly ofcs: number;
  /** 0 not reported, 1 DDC, 2 CDC. */
  readonly dctype: number;
}

const TEXTS = [["serial", 4, 20], ["model", 24, 40], ["firmware", 64, 8], ["subnqn", 768, 256]] as const;

export function decodeIdentify(bytes: Uint8Array): Decoded<IdentifyCtrl> {
  if (bytes.length !== IDENTIFY_SIZE) {
    return malformed(bytes.length, `identify controller: ${bytes.length} bytes instead of ${IDENTIFY_SIZE}`);
  }
  const texts = { serial: "", model: "", firmware: "", subnqn: "" };
  for (const [name, offset, length] of TEXTS) {
    const text = textField(bytes, offset, length);
    if (text === undefined) {
      return malformed(offset, `identify controller: ${name} at byte ${offset} is not text`);
    }
    texts[name] = text;
  }
  const view = viewOf(bytes);
  return decoded({
    ...texts,
    vid: view.getUint16(0, true),
    mdts: view.getUint8(77),
    cntlid: view.getUint16(78, true),
    ver: view.getUint32(80, true),
    oaes: view.getUint32(92, true),
    cntrltype: view.getUint8(111),
    aerl: view.getUint8(259),
    lpa: view.getUint8(261),
    kas: view.getUint16(320, true),
    maxcmd: view.getUint16(514, true),
    sgls: view.getUint32(536, true),
    ioccsz: view.getUint32(1792, true),
    ofcs: view.getUint16(1804, true),
    dctype: view.getUint8(1806),
  });
}

/** For the side that answers. Serial, model and firmware are padded with blanks. */
export function encodeIdentify(ctrl: IdentifyCtrl): Uint8Array {
  const bytes = new Uint8Array(IDENTIFY_SIZE);
  const view = viewOf(bytes);
  bytes.fill(0x20, 4, 72);
  for (const [name, offset, length] of TEXTS) putText(bytes, offset, length, ctrl[name]);
  view.setUint16(0, ctrl.vid, true);
  view.setUint8(77, ctrl.mdts);
  view.setUint16(78, ctrl.cntlid, true);
  view.setUint32(80, ctrl.ver, true);
  view.setUint32(92, ctrl.oaes, true);
  view.setUint8(111, ctrl.cntrltype);
  view.setUint8(259, ctrl.aerl);
  view.setUint8(261, ctrl.lpa);
  view.setUint16(320, ctrl.kas, true);
  view.setUint16(514, ctrl.maxcmd, true);
  view.setUint32(536, ctrl.sgls, true);
  view.setUint32(1792, ctrl.ioccsz, true);
  view.setUint16(1804, ctrl.ofcs, true);
  view.setUint8(1806, ctrl.dctype);
  return bytes;
}

/** KRN-45: the words that sysfs uses. */
export function cntrltypeText(cntrltype: number): string {
  return ["", "io", "discovery", "admin"][cntrltype] || "reserved";
}

export function dctypeText(dctype: number): string {
  return ["none", "ddc", "cdc"][dctype] ?? "reserved";
}

/** Largest transfer in bytes for an MDTS field, with the 4096-byte pages of every known controller; undefined is no limit. */
export function maxTransfer(mdts: number): number | undefined {
  return mdts === 0 ? undefined : 4096 * 2 ** Math.min(mdts, 20);
}
