/** The connect options that a person can set: names, types, ranges, precedence (CFG-25 to CFG-36, CFG-56, CFG-62). */
import type { ConnectOptions } from "../nvme/connect_options.ts";
import { looksLikeSecret } from "./redact.ts";
import { INT_MAX, INT_MIN, integerBetween, parseBoolean, type Parsed } from "./scalar.ts";

/** Keys of an object type whose values are of type T. */
type KeysOf<T, V> = { [K in keyof T]-?: Required<T>[K] extends V ? K : never }[keyof T];
export type BooleanKey = KeysOf<ConnectOptions, boolean>;
export type IntegerKey = KeysOf<ConnectOptions, number>;
export type TextKey = KeysOf<ConnectOptions, string>;

interface Common {
  /** Name in the files. */
  readonly name: string;
  /** Section 3 lists it for stacd only; stafd honours it nevertheless (CFG-20). */
  readonly stacdOnly?: true;
  /** Without it a connection would be less secure than its owner wants: a bad value must never be left out. */
  readonly security?: true;
}

export type ConnectOption =
  | Common & { readonly kind: "boolean"; readonly key: BooleanKey }
  | Common & {
    readonly kind: "integer";
    readonly key: IntegerKey;
    readonly min: number;
    readonly max: number;
    /** What makes sense to the kernel; outside of it there is a warning, and the value is used (CFG-22). */
    readonly sensibleMin: number;
    /** For findings: `seconds`, or empty. */
    readonly unit: string;
    /** Zero means: do not pass it. */
    readonly zeroIsUnset: boolean;
  }
  | Common & { readonly kind: "text"; readonly key: TextKey };

const integer = (
  name: string,
  key: IntegerKey,
  more: { sensibleMin: number; unit?: string; zeroIsUnset?: boolean; stacdOnly?: true },
): ConnectOption => ({
  kind: "integer",
  name,
  key,
  min: INT_MIN,
  max: INT_MAX,
  sensibleMin: more.sensibleMin,
  unit: more.unit ?? "",
  zeroIsUnset: more.zeroIsUnset ?? false,
  ...(more.stacdOnly === undefined ? {} : { stacdOnly: more.stacdOnly }),
});

export const CONNECT_OPTIONS: readonly ConnectOption[] = [
  { kind: "boolean", name: "hdr-digest", key: "hdrDigest" },
  { kind: "boolean", name: "data-digest", key: "dataDigest" },
  integer("kato", "kato", { sensibleMin: 0, unit: "seconds", zeroIsUnset: true }),
  {
    kind: "integer",
    name: "queue-size",
    key: "queueSize",
    min: 16,
    max: 1024,
    sensibleMin: 16,
    unit: "",
    zeroIsUnset: false,
  },
  integer("reconnect-delay", "reconnectDelay", { sensibleMin: 0, unit: "seconds", zeroIsUnset: true }),
  integer("ctrl-loss-tmo", "ctrlLossTmo", { sensibleMin: -1, unit: "seconds" }),
  { kind: "boolean", name: "disable-sqflow", key: "disableSqflow" },
  integer("nr-io-queues", "nrIoQueues", { sensibleMin: 0, zeroIsUnset: true, stacdOnly: true }),
  integer("nr-write-queues", "nrWriteQueues", { sensibleMin: 0, zeroIsUnset: true, stacdOnly: true }),
  integer("nr-poll-queues", "nrPollQueues", { sensibleMin: 0, zeroIsUnset: true, stacdOnly: true }),
  { kind: "boolean", name: "tls", key: "tls", security: true },
  { kind: "boolean", name: "concat", key: "concat", security: true },
  { kind: "text", name: "keyring", key: "keyring", security: true },
  { kind: "text", name: "tls-key", key: "tlsKey", security: true },
];

/** Connect options while they are being collected. */
export type ConnectOptionsDraft = { -readonly [K in keyof ConnectOptions]: ConnectOptions[K] };

/** Parses the text and sets the option in the draft; `warning` completes the sentence "... is". */
export function setConnectOption(
  draft: ConnectOptionsDraft,
  option: ConnectOption,
  text: string,
): { readonly ok: true; readonly warning?: string } | { readonly ok: false; readonly expected: string } {
  switch (option.kind) {
    case "boolean": {
      const parsed = parseBoolean(text);
      if (parsed.ok) draft[option.key] = parsed.value;
      return parsed.ok ? { ok: true } : parsed;
    }
    case "integer": {
      const parsed = integerBetween(option.min, option.max)(text);
      if (!parsed.ok) return parsed;
      draft[option.key] = parsed.value;
      return parsed.value < option.sensibleMin
        ? { ok: true, warning: `less than ${option.sensibleMin}; it is used, but the kernel refuses it` }
        : { ok: true };
    }
    case "text": {
      if (text === "") return { ok: true, warning: "empty; it is not set" };
      const parsed = parseReference(text);
      if (parsed.ok) draft[option.key] = parsed.value;
      return parsed.ok ? { ok: true } : parsed;
    }
  }
}

/** Name or serial number of a key or keyring, never the key itself (S8). */
function parseReference(text: string): Parsed<string> {
  if (looksLikeSecret(text)) {
    return {
      ok: false,
      expected: "a description or serial number (the key itself belongs into the keyring)",
    };
  }
  return { ok: true, value: text };
}

/**
 * CFG-62: what is to be passed when both are given; the overrides win. Zero for an option where zero means "not
 * passed" (CFG-28) takes it out, also against a value in `global`.
 */
export function mergedOptions(global: ConnectOptions, overrides: ConnectOptions): ConnectOptions {
  const merged: ConnectOptionsDraft = { ...global, ...overrides };
  for (const option of CONNECT_OPTIONS) {
    if (option.kind === "integer" && option.zeroIsUnset && merged[option.key] === 0) {
      delete merged[option.key];
    }
  }
  return merged;
}

/** What is contradictory in the security options of a connection, if anything. */
export function securityConflict(options: ConnectOptions): string | undefined {
  const hasKey = options.keyring !== undefined || options.tlsKey !== undefined;
  if (options.concat === true && (options.tls === true || options.tlsKey !== undefined)) {
    return "concat excludes tls and tls-key, for it makes a key of its own";
  }
  if (hasKey && options.tls !== true && options.concat !== true) {
    return "a keyring or tls-key is given, but tls is not true";
  }
  return undefined;
}

/** The value of an option as a file would have it; undefined when it is not set. */
export function connectOptionText(options: ConnectOptions, option: ConnectOption): string | undefined {
  const value = options[option.key];
  return value === undefined ? undefined : String(value);
}
