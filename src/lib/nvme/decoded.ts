/** What comes of reading bytes or text from outside: the value, or what is wrong and where. Nothing is thrown. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | {
    readonly ok: false;
    /** Where: byte offset, or line number for a text of lines. */
    readonly at: number;
    /** What is wrong, place included, for people. */
    readonly problem: string;
  };

export const decoded = <T>(value: T): Decoded<T> => ({ ok: true, value });
export const malformed = (at: number, problem: string): { ok: false; at: number; problem: string } => ({
  ok: false,
  at,
  problem,
});
