/** Where a value comes from. */
export type Origin =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly file: string; readonly line: number };

export interface Value<T> {
  readonly value: T;
  readonly origin: Origin;
}

export const DEFAULT_ORIGIN: Origin = { kind: "default" };

export const defaulted = <T>(value: T): Value<T> => ({ value, origin: DEFAULT_ORIGIN });

/** `default` or `file:line`. */
export function originText(origin: Origin): string {
  return origin.kind === "default" ? "default" : `${origin.file}:${origin.line}`;
}
