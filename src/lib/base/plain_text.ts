/** Texts from outside: their permitted characters, and how wrong ones are shown. */

const CONTROL = /\p{Cc}/u;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** True when a text holds a control character (line ends included). */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** UTF-8 text, or undefined when the bytes are not valid UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * Characters that are invisible, or that change the display of others: controls, formats, lone surrogates, line
 * separators.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text from outside for a message or a terminal: invisible characters are written as `\u{...}`. */
export function printable(text: string): string {
  return text.replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The same for a text of several lines. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n");

/** {@link printable} in quotes, cut at 60 characters. */
export function quoted(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return `"${printable(cut.replace(/["\\]/g, "\\$&"))}"`;
}
