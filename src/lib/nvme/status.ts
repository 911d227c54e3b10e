/** The NVMe status field as the kernel returns it (Base 2.1 section 4.2.3): SC 7:0, SCT 10:8, CRD 12:11, MORE 13, DNR 14. */
export interface Status {
  /** Status code. */
  readonly sc: number;
  /** Status code type: 0 generic, 1 command specific, 2 media, 3 path related, 7 vendor. */
  readonly sct: number;
  /** Command retry delay index. */
  readonly crd: number;
  readonly more: boolean;
  /** Do not retry: the same command would fail again. */
  readonly dnr: boolean;
}

export function decodeStatus(status: number): Status {
  return {
    sc: status & 0xff,
    sct: (status >>> 8) & 7,
    crd: (status >>> 11) & 3,
    more: (status & 0x2000) !== 0,
    dnr: (status & 0x4000) !== 0,
  };
}

/** Type and code, the flags removed: what identifies a status. */
export function statusCode(status: number): number {
  return status & 0x7ff;
}

/** Statuses that change our behaviour. */
export const STATUS = {
  invalidOpcode: 0x001,
  invalidField: 0x002,
  sglDataLength: 0x00f,
  invalidLogPage: 0x109,
  invalidDiscoveryInfo: 0x12f,
  discoverRestart: 0x190,
  authenticationRequired: 0x191,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x000, "Successful Completion"],
  [0x001, "Invalid Command Opcode"],
  [0x002, "Invalid Field in Command"],
  [0x003, "Command ID Conflict"],
  [0x004, "Data Transfer Error"],
  [0x005, "Commands Aborted due to Power Loss Notification"],
  [0x006, "Internal Error"],
  [0x007, "Command Abort Requested"],
  [0x008, "Command Aborted due to SQ Deletion"],
  [0x00b, "Invalid Namespace or Format"],
  [0x00c, "Command Sequence Error"],
  [0x00d, "Invalid SGL Segment Descriptor"],
  [0x00e, "Invalid Number of SGL Descriptors"],
  [0x00f, "Data SGL Length Invalid"],
  [0x011, "SGL Descriptor Type Invalid"],
  [0x016, "Operation Denied"],
  [0x018, "Host Identifier Inconsistent Format"],
  [0x019, "Keep Alive Timer Expired"],
  [0x01a, "Keep Alive Timeout Invalid"],
  [0x01f, "Administrative Command Media Not Ready"],
  [0x022, "Transient Transport Error"],
  [0x105, "Asynchronous Event Request Limit Exceeded"],
  [0x109, "Invalid Log Page"],
  [0x12f, "Invalid Discovery Information"],
  [0x132, "Insufficient Discovery Resources"],
  [0x133, "Requested Function Disabled"],
  [0x180, "Incompatible Format"],
  [0x181, "Controller Busy"],
  [0x182, "Connect Invalid Parameters"],
  [0x183, "Connect Restart Discovery"],
  [0x184, "Connect Invalid Host"],
  [0x185, "Invalid Queue Type"],
  [0x190, "Discover Restart"],
  [0x191, "Authentication Required"],
  [0x300, "Internal Path Error"],
  [0x301, "Asymmetric Access Persistent Loss"],
  [0x302, "Asymmetric Access Inaccessible"],
  [0x303, "Asymmetric Access Transition"],
  [0x360, "Controller Pathing Error"],
  [0x370, "Host Pathing Error"],
  [0x371, "Command Aborted by Host"],
]);

/** The name in the specification, for when libnvme is missing; `undefined` for unknown ones. */
export function statusName(status: number): string | undefined {
  return NAMES.get(statusCode(status));
}

/** `0x4184 (Connect Invalid Host)`. */
export function statusText(status: number): string {
  const name = statusName(status) ??
    (((status >>> 8) & 7) === 7 ? "Vendor Specific Error" : "unknown status");
  return `0x${status.toString(16)} (${name})`;
}
