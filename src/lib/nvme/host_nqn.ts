/** NQNs, host identifiers, and how the host NQN is derived (CLI-60 to CLI-64, CFG-70). */

/** Longest NQN, in bytes of UTF-8. */
export const MAX_NQN = 223;
/** Longest NQN that Linux connects to or as: it counts a terminating zero among the 223 (seen up to 7.3). */
const MAX_LINUX_NQN = 222;
/** The prefix that `stasadm` puts before the UUID: the UUID form of an NQN. */
export const UUID_NQN_PREFIX = "nqn.2014-08.org.nvmexpress:uuid:";
/** Application id of the derivation from the machine-id. */
const APPLICATION_ID = "$nvmexpress.org$";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const encoder = new TextEncoder();

export const nqnBytes = (nqn: string): number => encoder.encode(nqn).length;

/** The error in the length of an NQN, for people; undefined when there is none. */
export function nqnLengthProblem(nqn: string): string | undefined {
  const bytes = nqnBytes(nqn);
  if (bytes > MAX_NQN) return `is longer than ${MAX_NQN} bytes`;
  return bytes > MAX_LINUX_NQN
    ? `has ${bytes} bytes: no more than ${MAX_NQN}, but Linux takes no more than ${MAX_LINUX_NQN}`
    : undefined;
}

/** Why a UUID identifies no machine: every machine whose UUID was never set has it. */
export function zeroOrOnes(uuid: string): string | undefined {
  if (/^[0-]+$/.test(uuid)) return "is all zeros, which is no machine's own";
  return /^[f-]+$/i.test(uuid) ? "is all ones, which is no machine's own" : undefined;
}

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The 16 bytes of a UUID in the order of its text (network order). */
export function uuidBytes(text: string): Uint8Array | undefined {
  return isUuid(text) ? bytesOfHex(text.replaceAll("-", "")) : undefined;
}

/** Lower-case text of 16 bytes. */
export function uuidText(bytes: Uint8Array): string {
  const hex = [...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [0, 8, 12, 16, 20].map((start, i, starts) => hex.slice(start, starts[i + 1] ?? 32)).join("-");
}

/** Is it of the form `nqn.2014-08.org.nvmexpress:uuid:<UUID>`? */
export function isUuidNqn(nqn: string): boolean {
  return nqn.startsWith(UUID_NQN_PREFIX) && isUuid(nqn.slice(UUID_NQN_PREFIX.length));
}

export function uuidNqn(uuid: string): string {
  return UUID_NQN_PREFIX + uuid;
}

/** HMAC-SHA256 of a message; 32 bytes. */
export type HmacSha256 = (key: Uint8Array, message: Uint8Array) => Uint8Array;

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** Version 4 and the RFC 4122 variant, set in the first 16 bytes. */
function asUuid4(bytes: Uint8Array): string {
  const uuid = bytes.slice(0, 16);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(uuid);
}

/** CLI-61: UUID from the text of `/etc/machine-id`; undefined when that does not begin with 32 hexadecimal digits. */
export function uuidFromMachineId(machineId: string, hmac: HmacSha256): string | undefined {
  const digits = machineId.slice(0, 32);
  if (!/^[0-9a-f]{32}$/i.test(digits)) return undefined;
  return asUuid4(hmac(encoder.encode(APPLICATION_ID), bytesOfHex(digits)));
}

/**
 * CLI-63: UUID from DMI's `product_uuid`. Its first three groups are little-endian; the letter case stays.
 * All zeros and all ones stand for "not set" there, and would give many hosts one NQN.
 */
export function uuidFromDmi(productUuid: string): string | undefined {
  const text = productUuid.slice(0, 36);
  if (!isUuid(text) || zeroOrOnes(text) !== undefined) return undefined;
  const swap = (group: string) => (group.match(/../g) ?? []).reverse().join("");
  const [a = "", b = "", c = "", ...rest] = text.split("-");
  return [swap(a), swap(b), swap(c), ...rest].join("-");
}

/** CLI-64: the partition UUID of the device tree, as it is written there. */
export function uuidFromDeviceTree(partitionUuid: string): string | undefined {
  const text = partitionUuid.slice(0, 36);
  return isUuid(text) ? text : undefined;
}

export interface HostNqnSources {
  readonly machineId?: string | undefined;
  readonly productUuid?: string | undefined;
  readonly partitionUuid?: string | undefined;
  /** 16 random bytes, for a host without any other source. */
  readonly random: Uint8Array;
  readonly hmac: HmacSha256;
}

/** CLI-60: the host NQN, from the first source that works. */
export function deriveHostNqn(sources: HostNqnSources): string {
  return uuidNqn(
    uuidFromMachineId(sources.machineId ?? "", sources.hmac) ??
      uuidFromDmi(sources.productUuid ?? "") ??
      uuidFromDeviceTree(sources.partitionUuid ?? "") ??
      asUuid4(sources.random),
  );
}
