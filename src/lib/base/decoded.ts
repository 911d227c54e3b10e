/** The result of reading bytes or text from outside: the value, or the error and its place. Nothing is thrown. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | {
    readonly ok: false;
    /** Where: byte offset, or line number for a text of lines. */
    readonly at: number;
    /** The error with its place, for people. */
    readonly problem: string;
  };

export const decoded = <T>(value: T): Decoded<T> => ({ ok: true, value });
export const malformed = (at: number, problem: string): { ok: false; at: number; problem: string } => ({
  ok: false,
  at,
  problem,
});
