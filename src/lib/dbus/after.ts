import type { Duration } from "../base/time.ts";

/** Calls `run` after this span of time; the result cancels the call. */
export type After = (span: Duration, run: () => void) => () => void;

/** {@link After} by this machine's clock. */
export function afterwards(span: Duration, run: () => void): () => void {
  const timer = setTimeout(run, span.ms);
  return () => clearTimeout(timer);
}
