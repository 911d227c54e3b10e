/** Identify Controller (CNS 01h): the fields that stas uses. */
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import { textField, viewOf } from "./fields.ts";

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

/** KRN-45: the words that sysfs uses. */
export function cntrltypeText(cntrltype: number): string {
  return ["", "io", "discovery", "admin"][cntrltype] || "reserved";
}

export function dctypeText(dctype: number): string {
  return ["none", "ddc", "cdc"][dctype] ?? "reserved";
}
