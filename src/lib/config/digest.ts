/** FNV-1a, twice: it distinguishes an edited file from the previous one, and need not resist an attacker. */
export function digestOf(text: string): string {
  let [a, b] = [0x811c9dc5, text.length];
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b);
  }
  return `${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}`;
}
