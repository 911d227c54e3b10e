/** Values of the connect options that a person can set, and their precedence (CFG-25 to CFG-36, CFG-56, CFG-62). */
import type { ConnectOptions } from "../nvme/connect_options.ts";
import { CONNECT_OPTIONS, type ConnectOption, isPassed } from "../nvme/option_table.ts";
import { looksLikeSecret } from "./redact.ts";
import { integerBetween, parseBoolean, type Parsed } from "./scalar.ts";

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
      return parsed.value === 0 || isPassed(option, parsed.value) ? { ok: true } : {
        ok: true,
        warning: `less than ${Math.min(option.least, 0)}; it is left out, and the kernel decides`,
      };
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
      expected: "a description or serial number (the key itself belongs in the keyring)",
    };
  }
  return { ok: true, value: text };
}

/**
 * CFG-62: merges both sets of options; overrides take precedence. Zero for an option where zero means "not
 * passed" (CFG-28) removes the option, even if `global` sets it; so does a number below the allowed range
 * (CFG-22).
 */
export function mergedOptions(global: ConnectOptions, overrides: ConnectOptions): ConnectOptions {
  const merged: ConnectOptionsDraft = { ...global, ...overrides };
  for (const option of CONNECT_OPTIONS) {
    const value = option.kind === "integer" ? merged[option.key] : undefined;
    if (option.kind === "integer" && value !== undefined && !isPassed(option, value)) {
      delete merged[option.key];
    }
  }
  return merged;
}

/** Contradictions in the security options of a connection. */
export function securityConflict(options: ConnectOptions): string | undefined {
  const hasKey = options.keyring !== undefined || options.tlsKey !== undefined;
  if (options.concat === true && (options.tls === true || options.tlsKey !== undefined)) {
    return "concat cannot be combined with tls or tls-key, because it makes a key of its own";
  }
  if (hasKey && options.tls !== true && options.concat !== true) {
    return "a keyring or tls-key is given, but tls is not true";
  }
  return undefined;
}

/** The value of an option in the notation of a file; undefined when the option is not set. */
export function connectOptionText(options: ConnectOptions, option: ConnectOption): string | undefined {
  const value = options[option.key];
  return value === undefined ? undefined : String(value);
}
