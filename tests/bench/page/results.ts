/** The numbers of benchmarks that the page in the documents is made of: one file for each benchmark. */

const FOLDER = new URL("../../../docs/benchmarks/", import.meta.url);

/** Where `bench vm` leaves its numbers. */
export const MACHINE_RESULT = "build/bench-vm.json";

/** What one benchmark measured. */
export interface Result<Data> {
  /** Date, in UTC: 2026-11-30. */
  readonly at: string;
  /** Short hash of the commit that was measured. */
  readonly commit: string;
  readonly data: Data;
}

const fileOf = (name: string): URL => new URL(`${name}.json`, FOLDER);

/** Undefined: never measured. */
export async function resultOf<Data>(name: string): Promise<Result<Data> | undefined> {
  try {
    const result: Result<Data> = JSON.parse(await Deno.readTextFile(fileOf(name)));
    return result;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export async function save(name: string, commit: string, data: unknown): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const result: Result<unknown> = { at: new Date().toISOString().slice(0, 10), commit, data };
  await Deno.writeTextFile(fileOf(name), `${JSON.stringify(result, undefined, 1)}\n`);
}
