/** Programs that the page runs on the host. */
import type { SpawnOptions } from "./host_types.ts";
import { type Outcome, problemOf } from "./outcome.ts";

export interface Ended {
  readonly status: number;
  readonly out: string;
}

/** Runs a program to its end. An exit status other than 0 is an answer; a program that could not be run is a problem. */
export function run(
  command: readonly string[],
  { input, ...options }: SpawnOptions & { readonly input?: string } = {},
): Promise<Outcome<Ended>> {
  return new Promise((resolve) => {
    let out = "";
    const child = globalThis.cockpit.spawn(command, {
      err: "message",
      environ: ["LC_ALL=C.UTF-8"],
      ...options,
    });
    child.stream((data) => {
      out += data;
    });
    child.then(
      (rest) => resolve({ ok: true, value: { status: 0, out: out + rest } }),
      (failure: unknown) => {
        const status = exitStatus(failure);
        // Cockpit reports a program that does not exist, and a refused permission, by a word of its own.
        if (status === undefined) resolve({ ok: false, problem: problemOf(failure) });
        else resolve({ ok: true, value: { status, out: out === "" ? problemOf(failure).text : out } });
      },
    );
    if (input !== undefined) child.input(input);
  });
}

function exitStatus(failure: unknown): number | undefined {
  if (typeof failure !== "object" || failure === null || !("exit_status" in failure)) return undefined;
  const { exit_status: status } = failure;
  return typeof status === "number" ? status : undefined;
}

/** Lines of a continuous program; the result ends it. */
export function follow(
  command: readonly string[],
  take: (line: string) => void,
  ended: (problem: ReturnType<typeof problemOf> | undefined) => void,
  options: SpawnOptions = {},
): () => void {
  let rest = "";
  let isOpen = true;
  const child = globalThis.cockpit.spawn(command, { err: "message", ...options });
  child.stream((data) => {
    const lines = (rest + data).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (isOpen) take(line);
  });
  child.then(
    () => {
      if (isOpen) ended(undefined);
    },
    (failure: unknown) => {
      if (isOpen) ended(problemOf(failure));
    },
  );
  return () => {
    isOpen = false;
    child.close("cancelled");
  };
}
