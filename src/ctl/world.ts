/** The environment of a control tool: its output, bus and files. Tests supply their own. */
import type { Duration } from "../lib/base/time.ts";
import type { HiddenFolder } from "./hidden_folders.ts";
import { wordsOf } from "./host_identity.ts";
import type { Pager } from "./pager.ts";

export interface Sink {
  /** False once the reader is gone; later output is lost quietly (CLI-19). */
  write(text: string): boolean;
  readonly isTerminal: boolean;
  /** Columns of the terminal; 120 when it is none. */
  readonly columns: number;
  /** The present size of the terminal; its user may have changed it. */
  size?(): { readonly columns: number; readonly rows: number };
  /** Why output could not be written, for instance on a full disk; a reader that is gone is not a failure. */
  readonly failure?: string | undefined;
}

export interface World {
  readonly out: Sink;
  readonly err: Sink;
  /** `"system"` or a D-Bus address. */
  readonly bus: string;
  /** Folder of stafd.conf, stacd.conf and sys.conf. */
  readonly confDir: string;
  /** Put before the paths of /etc, /proc, /sys and /dev; empty. */
  readonly root: string;
  /** Folders that the daemons cannot see, if other than those of the units. */
  readonly hiddenFolders?: readonly HiddenFolder[];
  /** Effective user id. */
  readonly uid: number;
  env(name: string): string | undefined;
  /** Runs a program and returns its output; undefined when it is not installed or does not end in time. */
  run(command: readonly string[], timeout: Duration): Promise<Ran | undefined>;
  /** Starts the first of these programs that is installed, to show a text; undefined when none is. */
  openPager?(
    commands: readonly (readonly string[])[],
    env: Readonly<Record<string, string>>,
  ): Pager | undefined;
  /** `plan` of a daemon that does not run, as JSON; absent if only the control tools are installed. */
  readonly planAlone?: (daemon: "stafd" | "stacd", text: string) => Promise<string>;
  /** What a recording takes from the spelling of its names; absent if only the control tools are installed. */
  readonly recordedNames?: (recording: unknown) => Promise<unknown>;
  /** Gives up all permissions for good. Open files and connections stay open. */
  dropPermissions(): void;
  /** Milliseconds since 1970. */
  now(): number;
  /** Settles when the user asks to end (SIGINT, SIGTERM). */
  interrupted(): Promise<void>;
}

export interface Ran {
  readonly success: boolean;
  readonly out: string;
  readonly err: string;
  /** The program wrote more than {@link MAX_OUTPUT}; the rest is not in `out`, and `success` says nothing. */
  readonly isCut?: boolean;
}

/** Bytes of a program's output that are read. */
export const MAX_OUTPUT = 16 * 1024 * 1024;
/** Bytes of its error messages. */
const MAX_ERRORS = 64 * 1024;

type File = typeof Deno.stdout;

class FileSink implements Sink {
  readonly #file: File;
  readonly isTerminal: boolean;
  readonly columns: number;
  #open = true;
  failure: string | undefined;

  constructor(file: File) {
    this.#file = file;
    this.isTerminal = file.isTerminal();
    this.columns = this.isTerminal ? terminalSize().columns : 120;
  }

  size(): { readonly columns: number; readonly rows: number } {
    return terminalSize();
  }

  write(text: string): boolean {
    let bytes = new TextEncoder().encode(text);
    while (this.#open && bytes.length > 0) {
      try {
        bytes = bytes.subarray(this.#file.writeSync(bytes));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        // A terminal or a disk that rejects the output: reported at the end, in one line.
        if (!(error instanceof Deno.errors.BrokenPipe)) {
          this.failure = wordsOf(error).replace(/ \(os error \d+\)$/, "");
        }
        this.#open = false;
      }
    }
    return this.#open;
  }
}

function terminalSize(): { readonly columns: number; readonly rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
  } catch {
    // A terminal without a size, as some emulators are.
    return { columns: 80, rows: 24 };
  }
}

function openPager(
  commands: readonly (readonly string[])[],
  env: Readonly<Record<string, string>>,
): Pager | undefined {
  for (const [program = "", ...args] of commands) {
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(program, { args, env, stdin: "piped" }).spawn();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) continue;
      throw error;
    }
    return { show: (text) => shownBy(child, text) };
  }
  return undefined;
}

async function shownBy(child: Deno.ChildProcess, text: string): Promise<void> {
  // Ctrl-C is for the pager.
  const leave = (): void => {};
  Deno.addSignalListener("SIGINT", leave);
  try {
    const writer = child.stdin.getWriter();
    try {
      await writer.write(new TextEncoder().encode(text));
      await writer.close();
    } catch (error) {
      // Its user has seen enough.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
    await child.status;
  } finally {
    Deno.removeSignalListener("SIGINT", leave);
  }
}

async function runProgram(
  [program = "", ...args]: readonly string[],
  timeout: Duration,
): Promise<Ran | undefined> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return undefined;
    }
    throw error;
  }
  // A process that hangs in the kernel cannot be killed; the tool does not wait for it.
  child.unref();
  const timer = Promise.withResolvers<undefined>();
  const late = setTimeout(() => timer.resolve(undefined), timeout.ms);
  const all = Promise.all([read(child.stdout, MAX_OUTPUT), read(child.stderr, MAX_ERRORS), child.status]);
  const ended = await Promise.race([all, timer.promise]);
  clearTimeout(late);
  if (ended === undefined) return undefined;
  const [out, err, { success }] = ended;
  return { success, out: out.text, err: err.text, isCut: out.isCut };
}

/** A stream up to a number of bytes; what writes more is told that nobody reads (EPIPE). */
async function read(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<{ readonly text: string; readonly isCut: boolean }> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let [text, size] = ["", 0];
  for (;;) {
    const { value } = await reader.read();
    if (value === undefined) return { text: text + decoder.decode(), isCut: false };
    const part = value.subarray(0, limit - size);
    text += decoder.decode(part, { stream: true });
    size += part.length;
    if (part.length < value.length) {
      await reader.cancel();
      return { text, isCut: true };
    }
  }
}

const PERMISSIONS = ["run", "read", "write", "net", "env", "sys", "ffi", "import"] as const;

/** The real world. */
export function realWorld(): World {
  return {
    out: new FileSink(Deno.stdout),
    err: new FileSink(Deno.stderr),
    bus: "system",
    confDir: "/etc/stas",
    root: "",
    uid: Deno.uid() ?? -1,
    env: (name) => Deno.env.get(name),
    run: runProgram,
    openPager,
    now: () => Date.now(),
    dropPermissions: () => {
      // Under `deno run` and in tests the process has other work, and keeps its permissions.
      if (!Deno.build.standalone) return;
      for (const name of PERMISSIONS) Deno.permissions.revokeSync({ name });
    },
    interrupted: () =>
      new Promise((resolve) => {
        const stop = (): void => {
          Deno.removeSignalListener("SIGINT", stop);
          Deno.removeSignalListener("SIGTERM", stop);
          resolve();
        };
        Deno.addSignalListener("SIGINT", stop);
        Deno.addSignalListener("SIGTERM", stop);
      }),
  };
}
