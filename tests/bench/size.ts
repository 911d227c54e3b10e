/**
 * Of what the size of the installed program consists: the runtime, and what is ours; and the sizes of the packages that
 * `deno task package` has built. `deno run -A tests/bench/size.ts [--json]`; needs `deno task build`.
 */
const [PROGRAM, BUNDLE, PACKAGES] = ["build/nvme-stas", "build/bundle", "build/packages"] as const;

export interface Size {
  readonly what: string;
  readonly bytes: number;
}

function filesIn(folder: string): readonly string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map(({ name }) => name).toSorted();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const bytesOf = (path: string): number => Deno.statSync(path).size;

function sizes(): readonly Size[] {
  const program = bytesOf(PROGRAM);
  const ours = filesIn(BUNDLE).filter((name) => name.endsWith(".mjs"))
    .reduce((sum, name) => sum + bytesOf(`${BUNDLE}/${name}`), 0);
  return [
    { what: "the program", bytes: program },
    { what: "of it the runtime", bytes: program - ours },
    { what: "of it the code of nvme-stas and its libraries", bytes: ours },
    ...filesIn(PACKAGES).filter((name) => /\.(deb|rpm)$/.test(name))
      .map((name) => ({ what: name, bytes: bytesOf(`${PACKAGES}/${name}`) })),
  ];
}

if (import.meta.main) {
  const found = sizes();
  if (Deno.args.includes("--json")) console.log(JSON.stringify(found));
  else {for (const { what, bytes } of found) {
      console.log(`${(bytes / 1e6).toFixed(1).padStart(7)} MB  ${what}`);
    }}
}
