/**
 * TLS keys and keyrings by name: the kernel's connect options want serial numbers.
 * Looking them up is libnvme's work (1.4 and later, and 3); it is quick and does not block.
 */
import type { ConnectOptions } from "../nvme/connect_options.ts";
import { INSERT_TLS_KEY } from "../nvme/nvme_cli.ts";
import type { Failure, Outcome } from "../base/failure.ts";
import { cString } from "./ffi_libc.ts";
import type { LibraryNames } from "./libnvme.ts";

const LIBNVME1 = {
  nvme_lookup_keyring: { parameters: ["buffer"], result: "i64" },
  nvme_set_keyring: { parameters: ["i64"], result: "i32" },
  nvme_lookup_key: { parameters: ["buffer", "buffer"], result: "i64" },
} as const;

const LIBNVME3 = {
  libnvme_create_global_ctx: { parameters: [], result: "pointer" },
  libnvmf_lookup_keyring: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  libnvmf_set_keyring: { parameters: ["pointer", "i64"], result: "i32" },
  libnvmf_lookup_key: { parameters: ["pointer", "buffer", "buffer", "buffer"], result: "i32" },
} as const;

/** The keyring of NVMe keys unless another one is named. */
const DEFAULT_KEYRING = ".nvme";
const KEY_TYPE = "psk";

/** Serial numbers, 0 if there is no such key or keyring. */
interface Lookup {
  keyring(description: string): bigint;
  /** Searches the keyring, and makes it accessible to this process. */
  key(keyring: bigint, identity: string): bigint;
}

const isSerial = (text: string): boolean => /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(text);

export class TlsKeys {
  readonly #names: LibraryNames;
  #lookup: Lookup | undefined;

  constructor(names: LibraryNames = { libnvme1: "libnvme.so.1", libnvme3: "libnvme3.so.1" }) {
    this.#names = names;
  }

  /** The options with serial numbers in place of names. */
  resolve(options: ConnectOptions): Outcome<ConnectOptions> {
    const { keyring, tlsKey } = options;
    const named = [keyring, tlsKey].some((text) => text !== undefined && !isSerial(text));
    if (!named) return { ok: true, value: options };
    const lookup = this.#lookup ??= load(this.#names);
    if (lookup === undefined) {
      return fail(
        "this libnvme cannot look up TLS keys",
        "give keyring and TLS key by serial number (keyctl show), or install libnvme 1.4 or later",
      );
    }
    const ring = keyring !== undefined && isSerial(keyring)
      ? BigInt(keyring)
      : lookup.keyring(keyring ?? DEFAULT_KEYRING);
    if (ring <= 0n) {
      return fail(
        `there is no keyring ${keyring ?? DEFAULT_KEYRING}`,
        "load the kernel module nvme-keyring, or name another keyring",
      );
    }
    const key = tlsKey === undefined || isSerial(tlsKey) ? tlsKey : lookup.key(ring, tlsKey);
    if (typeof key === "bigint" && key <= 0n) {
      return fail(
        `the keyring has no TLS key with the identity ${JSON.stringify(tlsKey)}`,
        `insert it with: ${INSERT_TLS_KEY}`,
      );
    }
    return {
      ok: true,
      value: {
        ...options,
        ...(keyring === undefined ? {} : { keyring: String(ring) }),
        ...(key === undefined ? {} : { tlsKey: String(key) }),
      },
    };
  }
}

function load(names: LibraryNames): Lookup | undefined {
  return attempt(() => {
    const { symbols } = Deno.dlopen(names.libnvme1, LIBNVME1);
    return {
      keyring: (description) => symbols.nvme_lookup_keyring(cString(description)),
      key: (keyring, identity) =>
        symbols.nvme_set_keyring(keyring) < 0
          ? 0n
          : symbols.nvme_lookup_key(cString(KEY_TYPE), cString(identity)),
    };
  }) ?? attempt(() => {
    const { symbols } = Deno.dlopen(names.libnvme3, LIBNVME3);
    const context = symbols.libnvme_create_global_ctx();
    const serial = (call: (out: BigInt64Array<ArrayBuffer>) => number): bigint => {
      const out = new BigInt64Array(new ArrayBuffer(8));
      return call(out) < 0 ? 0n : out[0] ?? 0n;
    };
    return {
      keyring: (description) =>
        serial((out) => symbols.libnvmf_lookup_keyring(context, cString(description), out)),
      key: (keyring, identity) =>
        symbols.libnvmf_set_keyring(context, keyring) < 0
          ? 0n
          : serial((out) => symbols.libnvmf_lookup_key(context, cString(KEY_TYPE), cString(identity), out)),
    };
  });
}

/** Undefined when the library or one of its functions is missing. */
function attempt(open: () => Lookup): Lookup | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof Error && /Could not open library|Failed to register symbol/.test(error.message)) {
      return undefined;
    }
    throw error;
  }
}

function fail(message: string, remedy: string): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: { phase: "connect", kind: "permanent", message, remedy } };
}
