/** Identify Controller, as a controller answers it. */
import { putText, viewOf } from "../../src/lib/nvme/fields.ts";
import { IDENTIFY_SIZE, type IdentifyCtrl } from "../../src/lib/nvme/identify.ts";

const TEXTS = [["serial", 4, 20], ["model", 24, 40], ["firmware", 64, 8], ["subnqn", 768, 256]] as const;

/** Serial, model and firmware are padded with spaces. */
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
