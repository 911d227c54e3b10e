/** The tree's TypeScript files. */
const FOLDERS = ["src", "cockpit", "scripts", "demo", "tests"];

/** Paths of all TypeScript files below a folder; none when it does not exist. */
async function below(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) found.push(...await below(path));
      else if (entry.isFile && /\.tsx?$/.test(entry.name)) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

/** Of all folders with sources, in the order of their names; throws outside the repository. */
export async function typescriptFiles(): Promise<readonly string[]> {
  const paths = (await Promise.all(FOLDERS.map(below))).flat().sort();
  if (paths.length === 0) throw new Error("found no TypeScript file: run it from the repository's root");
  return paths;
}
