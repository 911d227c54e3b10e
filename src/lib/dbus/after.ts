import type { Duration } from "../nvme/time.ts";

/** Calls `run` when so much time has gone by; the result cancels it. */
export type After = (span: Duration, run: () => void) => () => void;

/** By this machine's clock. */
export function afterwards(span: Duration, run: () => void): () => void {
  const timer = setTimeout(run, span.ms);
  return () => clearTimeout(timer);
}
