/** The page of Cockpit as its package holds it: one script, one style sheet, the fonts, and whose work is in them. */
import * as esbuild from "esbuild";

/** Files that are taken as they are. */
const STATIC = ["index.html", "manifest.json"] as const;
const ENTRY = "cockpit/src/main.tsx";

export interface Bundle {
  /** npm packages whose code is in it. */
  readonly packages: readonly string[];
  /** Names of the files in the folder. */
  readonly files: readonly string[];
}

/** The package that a file below node_modules belongs to. */
function packageOf(path: string): string | undefined {
  const [, inside] = path.split(/(?:^|\/)node_modules\//);
  return inside?.split("/").slice(0, inside.startsWith("@") ? 2 : 1).join("/");
}

/** Of react-core every style sheet is imported somewhere: only those of components that the page has are kept. */
function stylesOf(used: ReadonlySet<string>): esbuild.Plugin {
  return {
    name: "styles-of-used-components",
    setup(build) {
      build.onResolve({ filter: /^\.\/[\w-]+\.css$/ }, ({ importer }) => {
        const isUnused = importer.includes("/@patternfly/react-styles/") &&
          ![...used].some((path) => importer.endsWith(path));
        return isUnused ? { path: importer, namespace: "unused" } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: "", loader: "css" }));
    },
  };
}

const options = {
  entryPoints: { index: ENTRY },
  bundle: true,
  format: "iife",
  jsx: "automatic",
  // Firefox ESR and Chromium of Debian 12's time.
  target: "es2022",
  minify: true,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  assetNames: "[name]",
  loader: { ".woff2": "file", ".ttf": "empty", ".eot": "empty", ".svg": "dataurl" },
  define: { "process.env.NODE_ENV": '"production"' },
} as const satisfies esbuild.BuildOptions;

/** Writes the page into `folder`, which is made afresh. */
export async function bundlePage(folder: string): Promise<Bundle> {
  await Deno.remove(folder, { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(folder, { recursive: true });
  try {
    const first = await esbuild.build({ ...options, outdir: folder, write: false });
    const used = new Set(
      Object.values(first.metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
        .filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && path.endsWith(".mjs"))
        .map(([path]) => path),
    );
    const { metafile } = await esbuild.build({ ...options, outdir: folder, plugins: [stylesOf(used)] });
    const packages = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => packageOf(path))
      .filter((name) => name !== undefined);
    for (const name of STATIC) await Deno.copyFile(`cockpit/${name}`, `${folder}/${name}`);
    const files: string[] = [];
    for await (const { name } of Deno.readDir(folder)) files.push(name);
    return { packages: [...new Set(packages)].toSorted(), files: files.toSorted() };
  } finally {
    await esbuild.stop();
  }
}
