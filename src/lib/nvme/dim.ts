/** Discovery Information Management, opcode 21h: explicit registration of the host (Base 2.1 Fig. 495 to 500; TP8010; KRN-47, 48). */
import { ipFamily } from "./address.ts";
import { type Decoded, decoded, malformed } from "../base/decoded.ts";
import { ADRFAM, type ExtendedEntry, TRTYPE } from "./discovery_entry.ts";
import { encodeEntry, entrySize } from "./discovery_log.ts";
import { ATTRIBUTE, type ExtendedAttribute } from "./extended_attribute.ts";
import { fits, putText, viewOf } from "./fields.ts";
import { isUuidNqn, MAX_NQN, uuidBytes, uuidNqn } from "./host_nqn.ts";
import { hasControl, quoted } from "../base/plain_text.ts";
import type { Tid } from "./tid.ts";

export const DIM_HEADER = 1024;
/** Task selector, in cdw10. */
export const TAS = { register: 0, deregister: 1, update: 2 } as const;
const FORMAT = { basic: 1, extended: 2 } as const;
const ENTITY = { host: 1, ddc: 2, cdc: 3 } as const;
/** EKTYPE of hosts. */
const HOST_KEY_TYPE = 0x5f;
const MAX_LABEL = 256;

/** The data of a DIM command. */
export interface Dim {
  readonly entityType: number;
  readonly portLocal: number;
  readonly keyType: number;
  /** EID: NQN of the entity, in UUID form. */
  readonly entityId: string;
  /** ENAME. */
  readonly entityName: string;
  /** EVER. */
  readonly entityVersion: string;
  readonly extended: boolean;
  readonly entries: readonly ExtendedEntry[];
}

const TEXTS = [["entityId", 24, 256], ["entityName", 280, 256], ["entityVersion", 536, 64]] as const;

export function encodeDim(dim: Dim): Uint8Array {
  const size = dim.entries.reduce((sum, entry) => sum + entrySize(entry, dim.extended), DIM_HEADER);
  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  view.setUint32(0, size, true);
  view.setBigUint64(8, BigInt(dim.entries.length), true);
  view.setUint16(16, dim.extended ? FORMAT.extended : FORMAT.basic, true);
  view.setUint16(18, dim.entityType, true);
  view.setUint8(20, dim.portLocal);
  view.setUint16(22, dim.keyType, true);
  bytes.fill(0x20, 536, 600);
  for (const [name, offset, length] of TEXTS) putText(bytes, offset, length, dim[name]);
  let at = DIM_HEADER;
  for (const entry of dim.entries) at += encodeEntry(bytes, at, entry, dim.extended);
  return bytes;
}

/** The data of this host that a discovery controller receives. */
export interface HostRegistration {
  /** The connection to the discovery controller: its address family and its host NQN are used. */
  readonly tid: Tid;
  /** Host ID, a UUID. */
  readonly hostId: string;
  /** Symbolic name, empty when there is none. */
  readonly symname: string;
  /** Name of this machine. */
  readonly hostName: string;
  /** {@link entityVersion}. */
  readonly version: string;
}

const encoder = new TextEncoder();

/** The text, cut to at most `length` bytes of UTF-8, between characters. */
function cut(text: string, length: number): string {
  const buffer = new Uint8Array(length);
  return text.slice(0, encoder.encodeInto(text, buffer).read);
}

/** EVER: kernel name and release, distribution name and version; printable ASCII, at most 64 bytes. */
export function entityVersion(
  sysname: string,
  release: string,
  distribution: string,
  version: string,
): string {
  const text = [sysname, release, distribution, version].filter((part) => part !== "").join(" ");
  return text.replace(/[^ -~]/g, "?").slice(0, 64);
}

/** Longest symbolic name, in bytes of UTF-8. */
export const MAX_SYMNAME = 256;

/** The symbolic name as an attribute: ASCII where possible, otherwise UTF-8; padded with zeros to a multiple of 4. */
function label(symname: string): ExtendedAttribute {
  const text = encoder.encode(cut(symname, MAX_SYMNAME));
  const value = new Uint8Array(Math.ceil(text.length / 4) * 4);
  value.set(text);
  return { type: /^[ -~]*$/.test(symname) ? ATTRIBUTE.labelAscii : ATTRIBUTE.labelUtf8, value };
}

/**
 * The data that registers this host, for `TAS.register`. `at` of a problem means nothing: nothing was read.
 * KRN-46: only tcp connections can be registered. The empty traddr stands for the connection's source address.
 */
export function encodeRegistration(registration: HostRegistration): Decoded<Uint8Array> {
  const { tid, hostId, symname } = registration;
  const id = uuidBytes(hostId);
  if (tid.transport !== "tcp") {
    return malformed(0, `registration is not possible over ${tid.transport}, only over tcp`);
  }
  if (id === undefined) {
    return malformed(0, `registration needs a Host ID that is a UUID, not ${quoted(hostId)}`);
  }
  if (!tid.hostNqn.startsWith("nqn.") || !fits(tid.hostNqn, MAX_NQN) || hasControl(tid.hostNqn)) {
    return malformed(0, `registration needs a host NQN, ${quoted(tid.hostNqn)} is none`);
  }
  if (!fits(symname, MAX_LABEL) || hasControl(symname)) {
    return malformed(
      0,
      `symbolic name ${quoted(symname)} is longer than ${MAX_LABEL} bytes or has control characters`,
    );
  }
  const attributes = [{ type: ATTRIBUTE.hostId, value: id }, ...(symname === "" ? [] : [label(symname)])];
  return decoded(encodeDim({
    entityType: ENTITY.host,
    portLocal: 0,
    keyType: HOST_KEY_TYPE,
    entityId: isUuidNqn(tid.hostNqn) ? tid.hostNqn : uuidNqn(hostId.toLowerCase()),
    entityName: cut(registration.hostName, 256),
    entityVersion: registration.version.replace(/[^ -~]/g, "?").slice(0, 64),
    extended: true,
    entries: [{
      trtype: TRTYPE.tcp,
      adrfam: ipFamily(tid.traddr) === 6 ? ADRFAM.ipv6 : ADRFAM.ipv4,
      subtype: 0,
      treq: 0,
      portid: 0,
      cntlid: 0,
      asqsz: 0,
      eflags: 0,
      traddr: "",
      trsvcid: "",
      subnqn: tid.hostNqn,
      tsas: { kind: "none" },
      attributes,
    }],
  }));
}
