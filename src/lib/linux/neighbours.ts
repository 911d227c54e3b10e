/**
 * The route of packets to an address, and the state of the neighbour that they go to, from rtnetlink
 * (linux/rtnetlink.h, linux/neighbour.h), which answers at once.
 */
import { formatIp, type Ip } from "../nvme/address.ts";
import { AF_INET, AF_INET6, AF_NETLINK, bytes, SOCK_RAW, sys } from "./ffi_libc.ts";
import { drainNetlink, NETLINK_ROUTE, netlinkAddress } from "./netlink.ts";
import { attributesOf, HEADER, NLM_F_REQUEST, parseRtnetlink, RTM_NEWROUTE } from "./rtnetlink.ts";

const RTM_GETROUTE = 26;
const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;
/** `struct rtmsg` and `struct ndmsg` have the same length. */
const BODY = 12;
const RTMSG_TYPE = 7;
const NDMSG_IFINDEX = 4;
const NDMSG_STATE = 8;
const RTN_UNICAST = 1;
const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_VIA = 18;
const NDA_DST = 1;
const NUD_INCOMPLETE = 0x01;
const NUD_FAILED = 0x20;
const ANSWER = 8192;

/** `unknown`: has no neighbour state: it is this host itself, or a link without neighbours. */
export type NeighbourState = "known" | "asked" | "missing" | "unknown";

export interface Neighbour {
  readonly state: NeighbourState;
  /** The address of the next hop, if that is a gateway. */
  readonly gateway: string | undefined;
}

const UNKNOWN: Neighbour = { state: "unknown", gateway: undefined };

/** The neighbour that packets to `ip` go to, from this source address and interface, where these are given. */
export function neighbourOf(ip: Ip, source: Ip | undefined, ifindex: number): Neighbour {
  const fd = sys.socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0) return UNKNOWN;
  try {
    const attributes = [
      attribute(RTA_DST, ip.bytes),
      ...(source === undefined ? [] : [attribute(RTA_SRC, source.bytes)]),
      ...(ifindex === 0 ? [] : [attribute(RTA_OIF, number(ifindex))]),
    ];
    const route = ask(fd, request(RTM_GETROUTE, routeBody(ip, source), attributes), RTM_NEWROUTE);
    if (route === undefined || route[RTMSG_TYPE] !== RTN_UNICAST) return UNKNOWN;
    const found = attributesOf(route.subarray(BODY));
    const out = found.get(RTA_OIF);
    if (out?.length !== 4) return UNKNOWN;
    const via = found.get(RTA_GATEWAY) ?? found.get(RTA_VIA)?.subarray(2);
    const hop = via ?? ip.bytes;
    const index = new DataView(out.buffer, out.byteOffset).getInt32(0, true);
    const entry = ask(
      fd,
      request(RTM_GETNEIGH, neighbourBody(hop, index), [attribute(NDA_DST, hop)]),
      RTM_NEWNEIGH,
    );
    return { state: stateOf(entry), gateway: via === undefined ? undefined : formatIp(via) };
  } finally {
    sys.close(fd);
  }
}

function stateOf(entry: Uint8Array<ArrayBuffer> | undefined): NeighbourState {
  if (entry === undefined || entry.length < BODY) return "unknown";
  const state = new DataView(entry.buffer, entry.byteOffset).getUint16(NDMSG_STATE, true);
  if ((state & NUD_FAILED) !== 0) return "missing";
  return state === NUD_INCOMPLETE ? "asked" : "known";
}

/** The body of the answer of this type; undefined when the kernel sends none. */
function ask(
  fd: number,
  message: Uint8Array<ArrayBuffer>,
  type: number,
): Uint8Array<ArrayBuffer> | undefined {
  if (sys.send(fd, message, netlinkAddress(0)) < 0) return undefined;
  let answer: Uint8Array<ArrayBuffer> | undefined;
  drainNetlink(fd, bytes(ANSWER), (datagram) => {
    for (const { type: told } of parseRtnetlink(datagram)) {
      if (told === type && datagram.length >= HEADER + BODY) answer ??= datagram.slice(HEADER);
    }
  });
  return answer;
}

function request(
  type: number,
  body: Uint8Array<ArrayBuffer>,
  attributes: readonly Uint8Array<ArrayBuffer>[],
): Uint8Array<ArrayBuffer> {
  const message = bytes(HEADER + body.length + attributes.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, NLM_F_REQUEST, true);
  let at = HEADER;
  for (const part of [body, ...attributes]) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

function routeBody(ip: Ip, source: Ip | undefined): Uint8Array<ArrayBuffer> {
  const body = bytes(BODY);
  body[0] = ip.family === 4 ? AF_INET : AF_INET6;
  body[1] = 8 * ip.bytes.length;
  body[2] = source === undefined ? 0 : 8 * source.bytes.length;
  return body;
}

function neighbourBody(hop: Uint8Array, ifindex: number): Uint8Array<ArrayBuffer> {
  const body = bytes(BODY);
  body[0] = hop.length === 4 ? AF_INET : AF_INET6;
  new DataView(body.buffer).setInt32(NDMSG_IFINDEX, ifindex, true);
  return body;
}

/** Aligned to four bytes. */
function attribute(type: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoded = bytes((4 + value.length + 3) & ~3);
  const view = new DataView(encoded.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  encoded.set(value, 4);
  return encoded;
}

function number(value: number): Uint8Array<ArrayBuffer> {
  const encoded = bytes(4);
  new DataView(encoded.buffer).setInt32(0, value, true);
  return encoded;
}
