/** Signals of this process, and its end. */
export const processSignals = {
  on: (signal: "SIGHUP" | "SIGTERM" | "SIGINT", handler: () => void): void =>
    Deno.addSignalListener(signal, handler),
  exit: (status: number): void => Deno.exit(status),
} as const;
