/** The version of nvme-stas, as `package.json` has it (a test compares them). */
export const VERSION = "1.0.1";

/** Inserted by the build (scripts/build.ts); not defined when the source runs directly. */
declare const NVME_STAS_RUNTIME: string | undefined;

/** The last line of `--version`; `deno` is the version of the running Deno. */
export function runtimeLine(deno: string): string {
  return `runtime ${typeof NVME_STAS_RUNTIME === "string" ? NVME_STAS_RUNTIME : `Deno ${deno}, from source`}`;
}
