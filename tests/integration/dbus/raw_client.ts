/** A client of the bus that sends what it wants, also as another user: what no library would send. */
import assert from "node:assert/strict";
import { Framer, type Head } from "../../../src/lib/dbus/frame.ts";
import { decodeBody } from "../../../src/lib/dbus/wire.ts";
import { Bytes, message, type Parts } from "../../unit/dbus/messages.ts";

export interface Received {
  readonly head: Head;
  readonly body: readonly unknown[];
}

/** Root becomes `uid` for the moment of a connect, which is what the bus looks at. */
async function connectAs(path: string, uid: number | undefined): Promise<Deno.UnixConn> {
  if (uid === undefined) return await Deno.connect({ transport: "unix", path });
  const libc = Deno.dlopen("libc.so.6", { seteuid: { parameters: ["u32"], result: "i32" } });
  try {
    assert.equal(libc.symbols.seteuid(uid), 0, "becoming another user needs root");
    return await Deno.connect({ transport: "unix", path });
  } finally {
    assert.equal(libc.symbols.seteuid(Deno.uid() ?? 0), 0);
    libc.close();
  }
}

export class RawClient {
  readonly #socket: Deno.UnixConn;
  readonly #received: Received[] = [];
  #serial = 1;
  #waiting: (() => void) | undefined;
  #over = false;
  uniqueName = "";

  private constructor(socket: Deno.UnixConn) {
    this.#socket = socket;
  }

  /** Address as of a {@link privateBus}; as this process's user, or as another one (needs root). */
  static async connect(address: string, uid?: number): Promise<RawClient> {
    const path = /path=([^,;]+)/.exec(address)?.[1] ?? assert.fail(address);
    const socket = await connectAs(path, uid);
    const client = new RawClient(socket);
    const digits = [...String(uid ?? Deno.uid())].map((digit) => digit.charCodeAt(0).toString(16)).join("");
    await client.write(new TextEncoder().encode(`\0AUTH EXTERNAL ${digits}\r\n`));
    const line = new Uint8Array(200);
    const length = await socket.read(line) ?? 0;
    assert.match(new TextDecoder().decode(line.subarray(0, length)), /^OK /);
    await client.write(new TextEncoder().encode("BEGIN\r\n"));
    void client.#read();
    const { body: [name] } = await client.ask(toBus("Hello"));
    client.uniqueName = String(name);
    return client;
  }

  close(): void {
    if (!this.#over) this.#socket.close();
    this.#over = true;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
  }

  /** Sends a message; its serial. */
  async send(parts: Parts): Promise<number> {
    const serial = this.#serial++;
    await this.write(message({ ...parts, serial }));
    return serial;
  }

  /** Sends a call and waits for its answer. */
  async ask(parts: Parts): Promise<Received> {
    const serial = await this.send(parts);
    return await this.until(({ head }) => head.replySerial === serial);
  }

  /** The next message of this kind, which is taken out. */
  async until(wanted: (received: Received) => boolean): Promise<Received> {
    for (;;) {
      const at = this.#received.findIndex(wanted);
      const [found] = at < 0 ? [] : this.#received.splice(at, 1);
      if (found !== undefined) return found;
      assert.ok(!this.#over, "the bus closed the connection");
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }

  async #read(): Promise<void> {
    const framer = new Framer((head) => (body) => {
      this.#received.push({ head, body: decodeBody(head.signature, body, head.littleEndian) });
    });
    const chunk = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const length = await this.#socket.read(chunk);
        if (length === null) break;
        framer.feed(chunk.subarray(0, length));
        this.#waiting?.();
      }
    } catch (error) {
      // Closed by us while it was read.
      if (!this.#over) throw error;
    }
    this.#over = true;
    this.#waiting?.();
  }
}

/** A call of the bus itself with texts for arguments. */
export function toBus(member: string, ...args: readonly string[]): Parts {
  const body = new Bytes();
  for (const arg of args) body.string(arg);
  const dbus = "org.freedesktop.DBus";
  const call = { path: "/org/freedesktop/DBus", interface: dbus, member, destination: dbus };
  return args.length === 0 ? call : { ...call, signature: "s".repeat(args.length), body: body.done };
}
