/**
 * Programs of the simulated host, as Cockpit's bridge finds them in its PATH: each one is a few lines of shell that hand
 * its arguments to this process, which answers in its place.
 */

/** A program as it was called. */
export interface Call {
  readonly uid: number;
  readonly name: string;
  readonly args: readonly string[];
  /** Its standard input, where an argument says that it is read. */
  readonly input: string;
}

/** What it prints; a failure's text goes to standard error. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Lines that come later; it ends when its reader does. */
  readonly more?: (write: (line: string) => void) => () => void;
}

/** One line: user, name and arguments, each ended by a zero byte, the input in base64 last. The answer's first line is the exit status. */
const script = (port: number): string =>
  `#!/bin/bash
input=
case " $* " in *" /dev/stdin "* | *" - "*) input=$(base64 -w0) ;; esac
exec 3<>/dev/tcp/127.0.0.1/${port} || exit 1
printf '%s\\0' "$EUID" "\${0##*/}" "$@" "$input" >&3
printf '\\n' >&3
read -r status <&3
if [ "$status" -ge 100 ]; then cat <&3 >&2; exit $((status - 100)); fi
cat <&3
exit "$status"
`;

/** Added to the status of an answer that is for standard error. */
const FOR_ERR = 100;
const MAX_REQUEST = 4 << 20;

export interface Programs {
  close(): Promise<void>;
}

/** Puts the programs into `folder`. */
export async function servePrograms(
  folder: string,
  names: readonly string[],
  answer: (call: Call) => Promise<Answer>,
): Promise<Programs> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const name of names) {
    await Deno.writeTextFile(`${folder}/${name}`, script(listener.addr.port));
    await Deno.chmod(`${folder}/${name}`, 0o755);
  }
  const open = new Set<Deno.Conn>();
  const accepting = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      void serve(connection, answer).finally(() => {
        open.delete(connection);
        closed(connection);
      });
    }
  })();
  return {
    close: async () => {
      listener.close();
      for (const connection of open) closed(connection);
      await accepting;
    },
  };
}

/** Either side may have closed it before. */
function closed(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** The peer may end at any time: that ends the call, and is no failure of ours. */
async function serve(connection: Deno.Conn, answer: (call: Call) => Promise<Answer>): Promise<void> {
  const encoder = new TextEncoder();
  let last: Promise<unknown> = Promise.resolve();
  const write = (text: string): void => {
    const bytes = encoder.encode(text);
    last = last.then(async () => {
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    });
    last.catch(() => closed(connection));
  };
  try {
    const call = await readCall(connection);
    if (call === undefined) return;
    const { status, text, more } = await answer(call);
    write(
      `${status === 0 || text.startsWith("{") || text.startsWith("[") ? status : status + FOR_ERR}\n${text}`,
    );
    if (more !== undefined) {
      const stop = more(write);
      try {
        // Nothing more is read: this waits until the reader ends.
        await connection.read(new Uint8Array(1));
      } finally {
        stop();
      }
    }
    await last;
  } catch (error) {
    const { BadResource, BrokenPipe, ConnectionReset, Interrupted } = Deno.errors;
    if (![BadResource, BrokenPipe, ConnectionReset, Interrupted].some((kind) => error instanceof kind)) {
      throw error;
    }
  }
}

async function readCall(connection: Deno.Conn): Promise<Call | undefined> {
  const buffer = new Uint8Array(64 << 10);
  const decoder = new TextDecoder();
  let text = "";
  while (!text.endsWith("\0\n")) {
    const count = await connection.read(buffer);
    if (count === null || text.length > MAX_REQUEST) return undefined;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  const [uid = "", name = "", ...rest] = text.slice(0, -2).split("\0");
  const input = rest.pop() ?? "";
  return {
    uid: Number(uid),
    name,
    args: rest,
    input: new TextDecoder().decode(Uint8Array.fromBase64(input)),
  };
}
