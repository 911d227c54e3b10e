/**
 * NVMe admin commands and status texts by libnvme, opened at run time (DEC-3: no worker, a
 * nonblocking call; its errno is lost, so a failure is classified by what sysfs says afterwards).
 *
 * Backends, in this order: libnvme 1.0 and later, libnvme 3.0 and later, the kernel's ioctl through libc. The first two
 * carry the same 72- and 80-byte structures of the kernel's interface, which never change.
 */
import type { AdminCommand } from "../nvme/admin_command.ts";
import { encodePassthru, encodePassthru64, PASSTHRU_IOCTL, passthruResult } from "../nvme/passthru.ts";
import { bytes, cString } from "./ffi_libc.ts";
import { ENODEV } from "./os_error.ts";

const LIBNVME1 = {
  nvme_submit_admin_passthru: {
    parameters: ["i32", "buffer", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  nvme_status_to_string: { parameters: ["i32", "bool"], result: "pointer" },
  nvme_get_version: { parameters: ["i32"], result: "pointer", optional: true },
} as const;

const LIBNVME3 = {
  libnvme_create_global_ctx: { parameters: [], result: "pointer" },
  libnvme_set_logging_level: { parameters: ["pointer", "i32", "bool", "bool"], result: "void" },
  libnvme_open: { parameters: ["pointer", "buffer", "i32", "buffer"], result: "i32" },
  libnvme_close: { parameters: ["pointer"], result: "void" },
  libnvme_exec_admin_passthru: { parameters: ["pointer", "buffer"], result: "i32", nonblocking: true },
  libnvme_status_to_string: { parameters: ["i32", "bool"], result: "pointer" },
  libnvme_get_version: { parameters: ["i32"], result: "pointer" },
} as const;

const LIBC = {
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32", nonblocking: true },
} as const;

const SILENT = -1;

type Bytes = Uint8Array<ArrayBuffer>;

/** The result of a command. Positive statuses are the controller's; `errno` is known with libnvme 3 only. */
export type Completion =
  | { readonly kind: "done"; readonly result: number; readonly transferred: Bytes }
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "failed"; readonly errno?: number };

/** An open controller: one command at a time. */
export interface Handle {
  /** Sends the command; `data` is the buffer to send or to fill, and determines the length. */
  submit(command: AdminCommand, data: Bytes): Promise<Completion>;
  close(): void;
}

export interface Backend {
  readonly name: "libnvme.so.1" | "libnvme3.so.1" | "libc";
  /** Version of libnvme, empty when it does not say (1.0) or is missing. */
  readonly version: string;
  /** Why a better backend is not used; empty when the best one is. For the log, once. */
  readonly problem: string;
  /** `open` gives a handle on the open file descriptor `fd` of `/dev/<device>`, which it takes over, or `-errno`. */
  open(device: string, openNode: () => number, closeNode: (fd: number) => void): Handle | number;
  /** The meaning of an NVMe status; undefined when the library has no text for it. */
  statusText(status: number): string | undefined;
}

/** The libraries to try; tests use other names. */
export interface LibraryNames {
  readonly libnvme1: string;
  readonly libnvme3: string;
}

const SONAMES: LibraryNames = { libnvme1: "libnvme.so.1", libnvme3: "libnvme3.so.1" };

/** The best backend of this system. Never fails: the last one needs only libc. */
export function loadBackend(names: LibraryNames = SONAMES): Backend {
  const problems: string[] = [];
  for (const load of [() => libnvme1(names.libnvme1), () => libnvme3(names.libnvme3)]) {
    const loaded = load();
    if (typeof loaded !== "string") return loaded;
    problems.push(loaded);
  }
  return plainIoctl(
    `${problems.join("; ")}. NVMe commands are sent without it; install libnvme ` +
      "(Debian: libnvme1 or libnvme1t64, Fedora and SUSE: libnvme or libnvme1) for its help with errors",
  );
}

/** For `--version`: the version, or `none` and why. */
export function libraryVersion(names: LibraryNames = SONAMES): string {
  const { name, version, problem } = loadBackend(names);
  if (name === "libc") return `none: ${problem}`;
  return version === "" ? "1 (it does not tell which)" : version;
}

function libnvme1(name: string): Backend | string {
  const opened = open(name, () => Deno.dlopen(name, LIBNVME1).symbols);
  if (typeof opened === "string") return opened;
  return {
    name: "libnvme.so.1",
    version: opened.nvme_get_version === null ? "" : staticText(opened.nvme_get_version(0)),
    problem: "",
    open: (_device, openNode, closeNode) => {
      const fd = openNode();
      return fd < 0 ? fd : {
        submit: (command, data) =>
          call(
            encodePassthru(command, addressOf(data)),
            data,
            (struct) => opened.nvme_submit_admin_passthru(fd, struct, null),
          ),
        close: () => closeNode(fd),
      };
    },
    statusText: (status) => meaningful(staticText(opened.nvme_status_to_string(status, true))),
  };
}

function libnvme3(name: string): Backend | string {
  const opened = open(name, () => Deno.dlopen(name, LIBNVME3).symbols);
  if (typeof opened === "string") return opened;
  const version = staticText(opened.libnvme_get_version(0));
  // Pre-releases have the same name but another libnvme_open.
  if (!/^[3-9]\.\d+(\.\d+)?$/.test(version)) {
    return `${name} is version ${version === "" ? "unknown" : version}: need 3.0 or later, no pre-release`;
  }
  const context = opened.libnvme_create_global_ctx();
  if (context === null) return `${name} cannot be initialised`;
  opened.libnvme_set_logging_level(context, SILENT, false, false);
  return {
    name: "libnvme3.so.1",
    version,
    problem: "",
    open: (device) => {
      const out = new BigUint64Array(new ArrayBuffer(8));
      const rc = opened.libnvme_open(context, cString(device), 0, out);
      const handle = Deno.UnsafePointer.create(out[0] ?? 0n);
      if (rc < 0 || handle === null) return rc < 0 ? rc : -ENODEV;
      return {
        submit: (command, data) =>
          call(
            encodePassthru64(command, addressOf(data)),
            data,
            (struct) => opened.libnvme_exec_admin_passthru(handle, struct),
          ),
        close: () => opened.libnvme_close(handle),
      };
    },
    statusText: (status) => meaningful(staticText(opened.libnvme_status_to_string(status, true))),
  };
}

function plainIoctl(problem: string): Backend {
  const { ioctl } = Deno.dlopen("libc.so.6", LIBC).symbols;
  return {
    name: "libc",
    version: "",
    problem,
    open: (_device, openNode, closeNode) => {
      const fd = openNode();
      return fd < 0 ? fd : {
        submit: (command, data) =>
          call(
            encodePassthru(command, addressOf(data)),
            data,
            (struct) => ioctl(fd, BigInt(PASSTHRU_IOCTL), struct),
          ),
        close: () => closeNode(fd),
      };
    },
    statusText: () => undefined,
  };
}

/** Runs one call, and keeps the structure and the data alive until it has ended, which Deno does not do. */
async function call(
  encoded: Uint8Array,
  data: Bytes,
  submit: (struct: Bytes) => Promise<number>,
): Promise<Completion> {
  const struct = bytes(encoded.length);
  struct.set(encoded);
  const held = { struct, data };
  const rc = await submit(held.struct);
  // libnvme 1 and ioctl fail with a bare -1; libnvme 3 with -errno.
  if (rc < 0) return rc === -1 ? { kind: "failed" } : { kind: "failed", errno: -rc };
  if (rc > 0) return { kind: "status", status: rc };
  return { kind: "done", result: passthruResult(held.struct), transferred: held.data };
}

const addressOf = (data: Bytes): bigint =>
  data.length === 0 ? 0n : Deno.UnsafePointer.value(Deno.UnsafePointer.of(data));

/**
 * The library's functions, or the reason for which there are none: it is not installed, or lacks a function.
 */
function open<T>(name: string, load: () => T): T | string {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return whyNot(name, error.message);
  }
}

/** The loader's words for a library that cannot be used; one that it needs may be the one that is missing. */
function whyNot(name: string, said: string): string {
  const symbol = /symbol (\w+):/.exec(said)?.[1];
  if (symbol !== undefined) return `${name} has no function ${symbol}: its version is not supported`;
  const absent = /([^\s:]+): cannot open shared object file: No such file/.exec(said)?.[1];
  if (absent === name) return `${name} is not installed`;
  if (absent !== undefined) return `${name} cannot be loaded: it needs ${absent}, which is not installed`;
  return `${name} cannot be loaded: ${
    said.replace(/^(Could not open library: )+/, "").replace(`${name}: `, "")
  }`;
}

function staticText(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}

/** libnvme's text for statuses that it does not know is not worth showing. */
function meaningful(text: string): string | undefined {
  return /^(|unrecognized|unknown.*)$/i.test(text) ? undefined : text;
}
