/** Netlink sockets: opening one, and reading all waiting messages. */
import { AF_NETLINK, bytes, SO_RCVBUF, SO_RCVBUFFORCE, SOCK_RAW, SOL_SOCKET, sys } from "./ffi_libc.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_KOBJECT_UEVENT = 15;

const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;
const SOCKADDR_NL_SIZE = 12;
/**
 * The most datagrams in one turn: a storm must not delay everything else. If more are waiting, the socket is
 * ready again at once.
 */
const MAX_DATAGRAMS = 4096;

/** `groups` is the bit mask of multicast groups; `receiveBuffer` in bytes, beyond the system's maximum when we may. */
export function openNetlink(protocol: number, groups: number, receiveBuffer: number): number {
  const fd = sys.socket(AF_NETLINK, SOCK_RAW, protocol);
  if (fd < 0) throw new Error(`cannot open a netlink socket: errno ${-fd}`);
  const size = bytes(4);
  new DataView(size.buffer).setInt32(0, receiveBuffer, true);
  if (sys.setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, size) < 0) sys.setOption(fd, SOL_SOCKET, SO_RCVBUF, size);
  const bound = sys.bind(fd, netlinkAddress(groups));
  if (bound < 0) {
    sys.close(fd);
    throw new Error(`cannot listen on netlink protocol ${protocol}: errno ${-bound}`);
  }
  return fd;
}

/** `struct sockaddr_nl` of the kernel, or of ourselves with the groups to join. */
export function netlinkAddress(groups: number): Uint8Array<ArrayBuffer> {
  const address = bytes(SOCKADDR_NL_SIZE);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, groups, true);
  return address;
}

/**
 * Takes the waiting datagrams, 4096 at most. Only those that the kernel itself sent go to `message` (any local program may send
 * to a netlink socket); the view is valid during the call only. Returns false when the kernel had to drop some (ENOBUFS).
 */
export function drainNetlink(
  fd: number,
  buffer: Uint8Array<ArrayBuffer>,
  message: (payload: Uint8Array<ArrayBuffer>) => void,
): boolean {
  const from = bytes(SOCKADDR_NL_SIZE);
  const sender = new DataView(from.buffer);
  let complete = true;
  for (let taken = 0; taken < MAX_DATAGRAMS; taken++) {
    const length = sys.receive(fd, buffer, from);
    if (length === -EAGAIN) break;
    if (length === -EINTR) continue;
    if (length === -ENOBUFS) {
      complete = false;
      continue;
    }
    if (length < 0) throw new Error(`cannot receive from netlink: errno ${-length}`);
    if (sender.getUint32(4, true) !== 0) continue;
    // A datagram that does not fit was cut, and counts as lost.
    if (length > buffer.length) complete = false;
    else message(buffer.subarray(0, length));
  }
  return complete;
}
