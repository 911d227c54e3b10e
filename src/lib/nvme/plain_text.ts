/** Texts from outside: what may be in them, and how they are shown when they are wrong. */

const CONTROL = /\p{Cc}/u;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** True when a text holds a control character (line ends included). */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** UTF-8 text, or undefined when the bytes are not that. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Characters that do not show, or that change how others show: controls, formats, lone surrogates, line separators. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text from outside for a message or a terminal: what does not show is written as `\u{...}`. */
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
