/** Keeps secrets out of everything that is shown (S8). */

export const MASK = "*****";

/** Words that suggest a secret nearby, or that begin one (NVMe base, DH-HMAC-CHAP and TLS PSK formats). */
const SENSITIVE = /secret|dhchap|dhhc-|nvmetlskey|psk|passw|\bkey\b/i;
const SECRET_FORM = /(?:dhhc-|nvmetlskey-)[^\s;]*/gi;
const SECRET_OPTION = /((?:secret|psk|passw(?:or)?d)[^\s;:=]*\s*[:=]\s*|dhchap[^\s;:=]*\s*[:=]\s*)[^;]*/gi;
/** The most of a text that a message repeats. */
const MAX_SHOWN = 120;

/** May the text be a secret, or contain one? */
export function isSensitive(text: string): boolean {
  return SENSITIVE.test(text);
}

/** Does the text look like a key itself, in one of the interchange formats? */
export function looksLikeSecret(text: string): boolean {
  return /dhhc-|nvmetlskey-/i.test(text);
}

/** Is this the name of a secret? True for misspelt names as well: rather mask too much. */
export function namesSecret(key: string): boolean {
  return /secret|dhchap|dhhc|psk|passw/i.test(key);
}

/** The text with everything that looks like a secret masked. */
export function redacted(text: string): string {
  return text.replace(SECRET_OPTION, (_, name: string) => name + MASK).replace(SECRET_FORM, MASK);
}

/** The text with invisible characters, and those that affect a terminal, as `\u{...}`. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** A text from a file in the form for a message: in quotes, redacted, short, on one line. */
export function shown(text: string): string {
  // Cut first, so that the work is bounded; the beginning of a secret remains in front of it.
  const safe = visible(redacted(text.slice(0, 4 * MAX_SHOWN)));
  return `"${safe.length > MAX_SHOWN ? `${safe.slice(0, MAX_SHOWN)}...` : safe}"`;
}
