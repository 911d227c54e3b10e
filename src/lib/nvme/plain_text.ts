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

/** A text from outside as it can be put in a message: in quotes, escaped, cut at 60 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
