/** All fuzzers of this folder, and their corpora. */
import type { Fuzzer } from "./fuzzer.ts";

const HERE = new URL("./", import.meta.url);
/** Modules with fuzzers, by the room whose parsers they feed. */
const MODULE = /^(?:config|ctl|core|dbus|linux|nvme)_[a-z0-9_]+\.ts$/;

function isFuzzer(value: unknown): value is Fuzzer {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string" &&
    "seeds" in value && Array.isArray(value.seeds) && "run" in value && typeof value.run === "function";
}

/** In the order of their names. */
export async function allFuzzers(): Promise<readonly Fuzzer[]> {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(HERE)) files.push(name);
  const found: Fuzzer[] = [];
  for (const file of files.filter((name) => MODULE.test(name) && !name.endsWith("_test.ts"))) {
    const module: unknown = await import(new URL(file, HERE).href);
    const exported = typeof module === "object" && module !== null && "fuzzers" in module
      ? module.fuzzers
      : [];
    if (!Array.isArray(exported) || exported.length === 0 || !exported.every(isFuzzer)) {
      throw new TypeError(`${file} does not export a list "fuzzers"`);
    }
    found.push(...exported.filter(isFuzzer));
  }
  found.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const [i, { name }] of found.entries()) {
    if (!/^[a-z0-9-]+$/.test(name) || name === found[i + 1]?.name) throw new TypeError(`fuzzer name ${name}`);
  }
  return found;
}

export function corpusFolder(name: string): URL {
  return new URL(`corpus/${name}/`, HERE);
}

/** The committed inputs by file name; none when there is no folder. */
export function readCorpus(name: string): ReadonlyMap<string, Uint8Array> {
  const folder = corpusFolder(name);
  const inputs = new Map<string, Uint8Array>();
  try {
    for (const { name: file } of Deno.readDirSync(folder)) {
      inputs.set(file, Deno.readFileSync(new URL(file, folder)));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return inputs;
}

/** Writes an input under the beginning of its SHA-256; the same input is written once. */
export async function keep(name: string, prefix: string, input: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", input.slice().buffer));
  const file = prefix + [...hash.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  await Deno.mkdir(corpusFolder(name), { recursive: true });
  await Deno.writeFile(new URL(file, corpusFolder(name)), input);
  return file;
}
