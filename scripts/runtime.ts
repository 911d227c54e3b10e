/** The runtime that a built program holds, as `--version`, the bill of materials and the packages state it. */

/** `given`: named by DENORT_BIN. */
const ORIGINS = ["download", "fallback", "given"] as const;

export interface Runtime {
  readonly version: string;
  readonly from: typeof ORIGINS[number];
  /** Its origin in words. */
  readonly source: string;
  /** Of denort, which is the beginning of the program. */
  readonly sha256: string;
}

/** One line: `Deno VERSION (denort, SOURCE), sha256 ...`. */
export function runtimeText({ version, source, sha256 }: Runtime): string {
  return `Deno ${version} (denort, ${source}), sha256 ${sha256}`;
}

/** A built program's record: its runtime, and the packages of npm of which it holds code. */
export interface BuildRecord {
  readonly runtime: Runtime;
  readonly packages: readonly string[];
}

const isString = (value: unknown): value is string => typeof value === "string";

/** Undefined: no record, or one of another version of this file. */
export function parseRecord(text: string): BuildRecord | undefined {
  if (!text.startsWith("{")) return undefined;
  const { runtime, packages }: { runtime?: unknown; packages?: unknown } = JSON.parse(text);
  const { version, from, source, sha256 } = Object(runtime);
  const origin = ORIGINS.find((one) => one === from);
  if (origin === undefined || ![version, source, sha256].every(isString)) return undefined;
  if (!Array.isArray(packages) || !packages.every(isString)) return undefined;
  return { runtime: { version, from: origin, source, sha256 }, packages };
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

export interface Crate {
  readonly name: string;
  readonly version: string;
}

/** Where the compiler of Rust finds a crate's source; messages of a program name these paths. */
const CRATE_PATH = /registry\/src\/[^/\0]{1,100}\/([A-Za-z0-9_-]+)-(\d+\.\d+\.\d+(?:[-+][A-Za-z0-9.]+)?)\//g;

/** Crates that the texts of a program name: not all that it holds, and none that it does not. */
export function cratesIn(program: Uint8Array<ArrayBuffer>): readonly Crate[] {
  const found = new Map<string, Crate>();
  const text = new TextDecoder("latin1").decode(program);
  for (const [, name = "", version = ""] of text.matchAll(CRATE_PATH)) {
    found.set(`${name} ${version}`, { name, version });
  }
  return [...found].toSorted(([a], [b]) => a < b ? -1 : 1).map(([, crate]) => crate);
}
