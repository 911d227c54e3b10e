/**
 * Is there a daemon that does TLS handshakes for the kernel? The kernel looks whether anything listens to the multicast group
 * `tlshd` of the generic netlink family `handshake`, and so does this (linux/genetlink.h, linux/handshake.h).
 */
import { bytes, cString, sys } from "./ffi_libc.ts";
import { drainNetlink, netlinkAddress, openNetlink } from "./netlink.ts";
import { attributesOf } from "./rtnetlink.ts";

const NETLINK_GENERIC = 16;
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_NAME = 2;
const CTRL_ATTR_MCAST_GROUPS = 7;
const CTRL_ATTR_MCAST_GRP_NAME = 1;
const CTRL_ATTR_MCAST_GRP_ID = 2;
const NLM_F_REQUEST = 1;
const NLMSG_ERROR = 2;
const HEADER = 16;
const GENL_HEADER = 4;
const ANSWER = 8192;
/** Groups that /proc/net/netlink shows. */
const SHOWN_GROUPS = 32;

const FAMILY = "handshake";
const GROUP = "tlshd";
const SOCKETS = "/proc/self/net/netlink";

/** `NLMSG` asking for a family by name. */
function familyRequest(name: string): Uint8Array<ArrayBuffer> {
  const text = cString(name);
  const request = bytes(HEADER + GENL_HEADER + ((4 + text.length + 3) & ~3));
  const view = new DataView(request.buffer);
  view.setUint32(0, request.length, true);
  view.setUint16(4, GENL_ID_CTRL, true);
  view.setUint16(6, NLM_F_REQUEST, true);
  request[HEADER] = CTRL_CMD_GETFAMILY;
  request[HEADER + 1] = 1;
  view.setUint16(HEADER + GENL_HEADER, 4 + text.length, true);
  view.setUint16(HEADER + GENL_HEADER + 2, CTRL_ATTR_FAMILY_NAME, true);
  request.set(text, HEADER + GENL_HEADER + 4);
  return request;
}

/** The number of a multicast group in the answer; undefined where there is none of that name. */
export function groupIn(datagram: Uint8Array<ArrayBuffer>, group: string): number | undefined {
  if (datagram.length < HEADER + GENL_HEADER) return undefined;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  if (view.getUint16(4, true) === NLMSG_ERROR) return undefined;
  const groups = attributesOf(datagram.subarray(HEADER + GENL_HEADER)).get(CTRL_ATTR_MCAST_GROUPS);
  if (groups === undefined) return undefined;
  for (const one of attributesOf(groups).values()) {
    const attributes = attributesOf(one);
    const name = attributes.get(CTRL_ATTR_MCAST_GRP_NAME) ?? bytes(0);
    const id = attributes.get(CTRL_ATTR_MCAST_GRP_ID);
    if (new TextDecoder().decode(name).replace(/\0.*$/s, "") !== group || id?.length !== 4) continue;
    return new DataView(id.buffer, id.byteOffset, 4).getUint32(0, true);
  }
  return undefined;
}

/** Does a socket of /proc/net/netlink (sk, Eth, Pid, Groups, ...) listen to this group? Undefined: it is not shown. */
export function hasListener(sockets: string, group: number): boolean | undefined {
  if (group < 1 || group > SHOWN_GROUPS) return undefined;
  const bit = 2 ** (group - 1);
  return sockets.split("\n").some((line) => {
    const [, protocol, , groups = ""] = line.trim().split(/\s+/);
    return protocol === String(NETLINK_GENERIC) && /^[0-9a-f]{8}$/.test(groups) &&
      Math.floor(Number.parseInt(groups, 16) / bit) % 2 === 1;
  });
}

/** Undefined: it cannot be told. */
export function handshakeDaemon(): boolean | undefined {
  let group: number | undefined;
  const fd = openNetlink(NETLINK_GENERIC, 0, ANSWER);
  try {
    if (sys.send(fd, familyRequest(FAMILY), netlinkAddress(0)) < 0) return undefined;
    // The kernel answers within the call.
    drainNetlink(fd, bytes(ANSWER), (datagram) => group ??= groupIn(datagram, GROUP));
  } finally {
    sys.close(fd);
  }
  // A kernel without the family makes no TLS connections either.
  if (group === undefined) return false;
  try {
    return hasListener(Deno.readTextFileSync(SOCKETS), group);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
