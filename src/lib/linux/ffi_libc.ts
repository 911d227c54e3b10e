/**
 * The few functions of libc that the adapters need. They are loaded at their first use, because the control
 * tools share the image and do not need them.
 *
 * Failing calls return `-errno`. errno is read through a view of the C library's own variable, directly after
 * the call: any code in between may change it. Only calls on the main thread have a readable errno, so the
 * single call here that blocks (`epoll_wait`, on a thread of the pool) reports no more than "interrupted or
 * worse".
 */

const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  open_in_pool: { name: "open", parameters: ["buffer", "i32"], result: "i32", nonblocking: true },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  openat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "isize" },
  if_indextoname: { parameters: ["u32", "buffer"], result: "pointer" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  eventfd_write: { parameters: ["i32", "u64"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32", nonblocking: true },
} as const;

type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes outside the JavaScript heap, whose address stays the same (small typed arrays may live inside it). */
export const bytes = (length: number): Bytes => new Uint8Array(new ArrayBuffer(length));

const encoder = new TextEncoder();

/** The text as a C string. A NUL inside would cut it short, so it is refused. */
export function cString(text: string): Bytes {
  if (text.includes("\0")) throw new Error("a text for a C function contains NUL");
  const encoded = encoder.encode(text);
  const result = bytes(encoded.length + 1);
  result.set(encoded);
  return result;
}

interface Library {
  readonly call: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly errno: Int32Array;
}

let library: Library | undefined;

function open(): Library {
  const call = Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  const cell = call.__errno_location();
  if (cell === null) throw new Error("libc.so.6: __errno_location() returned NULL");
  return { call, errno: new Int32Array(Deno.UnsafePointerView.getArrayBuffer(cell, 4)) };
}

const libc = (): Library => library ??= open();

/**
 * All functions return `-errno` when they fail. None of them blocks except {@link epollWait}, which is
 * asynchronous.
 */
export const sys = {
  open(path: string, flags: number): number {
    const { call, errno } = libc();
    const name = cString(path);
    const rc = call.open(name, flags);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  /** Likewise for a name within an open folder; a {@link cString}, because the names of attributes are always the same. */
  openAt(folder: number, name: Bytes, flags: number): number {
    const { call, errno } = libc();
    const rc = call.openat(folder, name, flags);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  /** On a thread of the pool; -1 when it fails, for an unknown reason. */
  async openInPool(path: string, flags: number): Promise<number> {
    const name = cString(path);
    const rc = await libc().call.open_in_pool(name, flags);
    // Keeps the memory alive until here: a call on another thread reads it.
    return name.length > 0 ? rc : -1;
  },

  flock(fd: number, operation: number): number {
    const { call, errno } = libc();
    const rc = call.flock(fd, operation);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  /** `259:3` for an open block device; undefined for anything else. */
  blockDevice(fd: number): string | undefined {
    if (libc().call.statx(fd, EMPTY, AT_EMPTY_PATH, STATX_TYPE, stat) < 0) return undefined;
    const view = new DataView(stat.buffer);
    if ((view.getUint16(STATX_MODE_OFFSET, true) & S_IFMT) !== S_IFBLK) return undefined;
    return `${view.getUint32(STATX_RDEV_OFFSET, true)}:${view.getUint32(STATX_RDEV_OFFSET + 4, true)}`;
  },

  close(fd: number): void {
    libc().call.close(fd);
  },

  read(fd: number, into: Bytes): number {
    const { call, errno } = libc();
    const rc = call.read(fd, into, BigInt(into.length));
    const error = errno[0] ?? 0;
    return rc < 0n ? -error : Number(rc);
  },

  /** Inode of the path's target. */
  inode(path: string): number {
    return inodeAt(AT_FDCWD, cString(path), 0);
  },

  /** Inode of an open file or folder. */
  inodeOf(fd: number): number {
    return inodeAt(fd, EMPTY, AT_EMPTY_PATH);
  },

  seekToEnd(fd: number): number {
    const { call, errno } = libc();
    const rc = call.lseek(fd, 0n, SEEK_END);
    const error = errno[0] ?? 0;
    return rc < 0n ? -error : 0;
  },

  socket(family: number, type: number, protocol: number): number {
    const { call, errno } = libc();
    const rc = call.socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  bind(fd: number, address: Bytes): number {
    const { call, errno } = libc();
    const rc = call.bind(fd, address, address.length);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  connect(fd: number, address: Bytes): number {
    const { call, errno } = libc();
    const rc = call.connect(fd, address, address.length);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  setOption(fd: number, level: number, option: number, value: Bytes): number {
    const { call, errno } = libc();
    const rc = call.setsockopt(fd, level, option, value, value.length);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  /** The pending error of a socket (SO_ERROR), 0 when there is none; reading it clears it. */
  socketError(fd: number): number {
    const { call, errno } = libc();
    const value = new Int32Array(new ArrayBuffer(4));
    const length = new Uint32Array(new ArrayBuffer(4));
    length[0] = 4;
    const rc = call.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length);
    const error = errno[0] ?? 0;
    return rc < 0 ? error : value[0] ?? 0;
  },

  /** Sends one datagram; `to` is null on a connected socket. */
  send(fd: number, data: Bytes, to: Bytes | null): number {
    const { call, errno } = libc();
    const rc = call.sendto(fd, data, BigInt(data.length), MSG_NOSIGNAL | MSG_DONTWAIT, to, to?.length ?? 0);
    const error = errno[0] ?? 0;
    return rc < 0n ? -error : Number(rc);
  },

  /** Receives one datagram and its sender's address. A longer one than `into` gives its real length (MSG_TRUNC). */
  receive(fd: number, into: Bytes, from: Bytes): number {
    const { call, errno } = libc();
    const length = new Uint32Array(new ArrayBuffer(4));
    length[0] = from.length;
    const rc = call.recvfrom(fd, into, BigInt(into.length), MSG_DONTWAIT | MSG_TRUNC, from, length);
    const error = errno[0] ?? 0;
    return rc < 0n ? -error : Number(rc);
  },

  /** Receives what has come on a connected stream; 0 at its end. */
  receiveStream(fd: number, into: Bytes): number {
    const { call, errno } = libc();
    const length = new Uint32Array(new ArrayBuffer(4));
    const rc = call.recvfrom(fd, into, BigInt(into.length), MSG_DONTWAIT, null, length);
    const error = errno[0] ?? 0;
    return rc < 0n ? -error : Number(rc);
  },

  /** Interface index, 0 when there is no such interface. */
  interfaceIndex(name: string): number {
    return name.includes("\0") ? 0 : libc().call.if_nametoindex(cString(name));
  },

  /** Interface name, empty when there is none with that index. */
  interfaceName(index: number): string {
    const name = bytes(IF_NAMESIZE);
    return libc().call.if_indextoname(index, name) === null
      ? ""
      : new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
  },

  /** CLOCK_MONOTONIC in microseconds, as systemd wants it. */
  monotonicUsec(): bigint {
    const time = new BigInt64Array(new ArrayBuffer(16));
    libc().call.clock_gettime(CLOCK_MONOTONIC, time);
    return (time[0] ?? 0n) * 1_000_000n + (time[1] ?? 0n) / 1_000n;
  },

  eventFd(): number {
    const { call, errno } = libc();
    const rc = call.eventfd(0, O_CLOEXEC | O_NONBLOCK);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  signalEventFd(fd: number): void {
    libc().call.eventfd_write(fd, 1n);
  },

  epollCreate(): number {
    const { call, errno } = libc();
    const rc = call.epoll_create1(O_CLOEXEC);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  epollControl(epfd: number, operation: number, fd: number, event: Bytes): number {
    const { call, errno } = libc();
    const rc = call.epoll_ctl(epfd, operation, fd, event);
    const error = errno[0] ?? 0;
    return rc < 0 ? -error : rc;
  },

  /** Waits without limit on a thread of the pool. The caller keeps `events` alive until the promise settles. */
  epollWait(epfd: number, events: Bytes, capacity: number): Promise<number> {
    return libc().call.epoll_wait(epfd, events, capacity, -1);
  },
};

function inodeAt(folder: number, name: Bytes, flags: number): number {
  const { call, errno } = libc();
  const rc = call.statx(folder, name, flags, STATX_INO, stat);
  const error = errno[0] ?? 0;
  return rc < 0 ? -error : Number(new DataView(stat.buffer).getBigUint64(STATX_INO_OFFSET, true));
}

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const EMPTY = cString("");
const STATX_SIZE = 256;
const STATX_INO = 0x100;
const STATX_INO_OFFSET = 32;
const STATX_TYPE = 1;
const STATX_MODE_OFFSET = 28;
const STATX_RDEV_OFFSET = 128;
const S_IFMT = 0o170000;
const S_IFBLK = 0o060000;
/** The caller reads the result at once. */
const stat = bytes(STATX_SIZE);
const IF_NAMESIZE = 16;
const SEEK_END = 2;
const CLOCK_MONOTONIC = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_TRUNC = 0x20;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SO_ERROR = 4;

export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const O_RDONLY = 0;
/** On a block device, without O_CREAT: fails with EBUSY where something has claimed it (open(2)). */
export const O_EXCL = 0o200;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
/** Differs between architectures. */
export const O_DIRECTORY = Deno.build.arch === "aarch64" ? 0o40000 : 0o200000;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOL_SOCKET = 1;
export const SO_RCVBUF = 8;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_RCVBUFFORCE = 33;
