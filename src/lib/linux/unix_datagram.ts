/** Datagrams to sockets in the file system, or in the abstract namespace (`@name`): systemd's and journald's. */
import { AF_UNIX, bytes, SOCK_DGRAM, sys } from "./ffi_libc.ts";

/** `sun_path` with room for its NUL. */
const MAX_PATH = 107;

export class UnixDatagram {
  #fd: number | undefined;
  /** The last destination, which is usually the next one, too. */
  #last: { readonly path: string; readonly address: Uint8Array<ArrayBuffer> } | undefined;

  /** 0, or the errno; it never waits: a full queue is EAGAIN. */
  send(path: string, data: Uint8Array): number {
    const fd = this.#fd ??= sys.socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0) {
      this.#fd = undefined;
      return -fd;
    }
    if (this.#last?.path !== path) this.#last = { path, address: socketAddress(path) };
    const copy = bytes(data.length);
    copy.set(data);
    const sent = sys.send(fd, copy, this.#last.address);
    return sent < 0 ? -sent : 0;
  }

  close(): void {
    if (this.#fd !== undefined) sys.close(this.#fd);
    this.#fd = undefined;
  }
}

function socketAddress(path: string): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(path);
  if (name.length === 0 || name.length > MAX_PATH) {
    throw new Error(`${JSON.stringify(path)} is not a path of a socket`);
  }
  const abstract = path.startsWith("@");
  // An abstract name has no NUL at its end: its length says where it ends.
  const address = bytes(2 + name.length + (abstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  if (abstract) address[2] = 0;
  return address;
}
