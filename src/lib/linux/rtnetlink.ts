/**
 * The parts of the rtnetlink format about interfaces and addresses (linux/rtnetlink.h). Bytes in, values out.
 * Numbers are in host order, which is little endian on every machine that Deno runs on.
 */

import { formatIp } from "../nvme/address.ts";

export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 0x001;
const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x010;

export const HEADER = 16;
const IFINFOMSG = 16;
const IFADDRMSG = 8;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_VLAN_ID = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const NESTED_MASK = 0x3fff;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const AF_INET = 2;
const AF_INET6 = 10;

export interface LinkInfo {
  readonly kind: "link";
  readonly index: number;
  readonly name: string;
  /** `aa:bb:cc:dd:ee:ff`, empty when it has none. */
  readonly mac: string;
  /** Administratively up, and operational. */
  readonly up: boolean;
  readonly vlan?: number;
}

export interface AddressInfo {
  readonly kind: "address";
  readonly index: number;
  readonly family: 4 | 6;
  /** Canonical text of this end's address. */
  readonly address: string;
}

/** One message: its type, and its content if it is a new link or a new address. */
export type RtMessage =
  | { readonly type: number; readonly body: LinkInfo | AddressInfo | undefined }
  | { readonly type: "done" }
  | { readonly type: "error"; readonly errno: number }
  /** The dump is inconsistent: the interfaces changed while the kernel wrote it. */
  | { readonly type: "interrupted" };

/** The request for a dump of all links or all addresses. */
export function dumpRequest(type: typeof RTM_GETLINK | typeof RTM_GETADDR): Uint8Array<ArrayBuffer> {
  const request = new Uint8Array(new ArrayBuffer(HEADER + IFINFOMSG));
  const view = new DataView(request.buffer);
  view.setUint32(0, request.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true);
  return request;
}

/** The messages of one datagram, up to the first one whose length does not fit. */
export function* parseRtnetlink(datagram: Uint8Array<ArrayBuffer>): Generator<RtMessage> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let at = 0;
  while (at + HEADER <= datagram.length) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > datagram.length) return;
    const type = view.getUint16(at + 4, true);
    if ((view.getUint16(at + 6, true) & NLM_F_DUMP_INTR) !== 0) yield { type: "interrupted" };
    const body = datagram.subarray(at + HEADER, at + length);
    if (type === NLMSG_DONE) yield { type: "done" };
    else if (type === NLMSG_ERROR) {
      yield { type: "error", errno: body.length >= 4 ? -view.getInt32(at + HEADER, true) : 0 };
    } else {yield {
        type,
        body: type === RTM_NEWLINK ? link(body) : type === RTM_NEWADDR ? address(body) : undefined,
      };}
    at += (length + 3) & ~3;
  }
}

function link(body: Uint8Array<ArrayBuffer>): LinkInfo | undefined {
  if (body.length < IFINFOMSG) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const flags = view.getUint32(8, true);
  const attributes = attributesOf(body.subarray(IFINFOMSG));
  const name = text(attributes.get(IFLA_IFNAME));
  if (name === "") return undefined;
  const vlan = vlanId(attributes.get(IFLA_LINKINFO));
  return {
    kind: "link",
    index: view.getInt32(4, true),
    name,
    mac: [...attributes.get(IFLA_ADDRESS) ?? []].map((byte) => byte.toString(16).padStart(2, "0")).join(":"),
    up: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    ...(vlan === undefined ? {} : { vlan }),
  };
}

function vlanId(linkInfo: Uint8Array<ArrayBuffer> | undefined): number | undefined {
  if (linkInfo === undefined) return undefined;
  const info = attributesOf(linkInfo);
  const data = info.get(IFLA_INFO_DATA);
  if (data === undefined || text(info.get(IFLA_INFO_KIND)) !== "vlan") return undefined;
  const id = attributesOf(data).get(IFLA_VLAN_ID);
  return id === undefined || id.length < 2 ? undefined : (id[0] ?? 0) | ((id[1] ?? 0) << 8);
}

/** IFA_LOCAL is ours; on a point-to-point link IFA_ADDRESS is the peer's (TID-23). IPv6 has IFA_ADDRESS only. */
function address(body: Uint8Array<ArrayBuffer>): AddressInfo | undefined {
  if (body.length < IFADDRMSG) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const attributes = attributesOf(body.subarray(IFADDRMSG));
  const value = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  const family = body[0];
  if (value === undefined) return undefined;
  if (family === AF_INET && value.length === 4) {
    return { kind: "address", index: view.getUint32(4, true), family: 4, address: formatIp(value) };
  }
  if (family === AF_INET6 && value.length === 16) {
    return { kind: "address", index: view.getUint32(4, true), family: 6, address: formatIp(value) };
  }
  return undefined;
}

/** Attributes of any netlink family, nested ones as they are. */
export function attributesOf(body: Uint8Array<ArrayBuffer>): Map<number, Uint8Array<ArrayBuffer>> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const result = new Map<number, Uint8Array<ArrayBuffer>>();
  let at = 0;
  while (at + 4 <= body.length) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > body.length) break;
    result.set(view.getUint16(at + 2, true) & NESTED_MASK, body.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return result;
}

const decoder = new TextDecoder();

function text(value: Uint8Array | undefined): string {
  if (value === undefined) return "";
  const end = value.indexOf(0);
  return decoder.decode(end < 0 ? value : value.subarray(0, end));
}
