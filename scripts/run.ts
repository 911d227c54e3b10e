/** Runs programs for the scripts: output passed through or collected, failures as errors that name the command. */

export interface RunOptions {
  readonly cwd?: string;
  /** Added to the inherited environment. */
  readonly env?: Record<string, string>;
  /** Ended with SIGKILL after this many milliseconds, and reported as failed. */
  readonly timeoutMs?: number;
}

export interface Ended {
  readonly success: boolean;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a person would type it. */
export function commandLine(command: readonly string[]): string {
  return command.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
}

async function output(
  command: readonly string[],
  stdio: "inherit" | "piped",
  options: RunOptions,
): Promise<Ended> {
  const [program, ...args] = command;
  if (program === undefined) throw new Error("an empty command");
  const decoder = new TextDecoder();
  try {
    const ended = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: stdio,
      stderr: stdio,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(options.timeoutMs) }),
    }).output();
    return {
      success: ended.success,
      code: ended.code,
      stdout: stdio === "piped" ? decoder.decode(ended.stdout) : "",
      stderr: stdio === "piped" ? decoder.decode(ended.stderr) : "",
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { success: false, code: 127, stdout: "", stderr: `${program} is not installed` };
  }
}

/** Runs a command and gives back how it ended and what it printed; never throws for a failing command. */
export function collect(command: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return output(command, "piped", options);
}

/** Runs a command with its output passed through; true when it succeeded. */
export async function passThrough(command: readonly string[], options: RunOptions = {}): Promise<boolean> {
  const ended = await output(command, "inherit", options);
  if (ended.code === 127) console.error(ended.stderr || `${commandLine(command)}: exit status 127`);
  return ended.success;
}

/** Runs a command and hands each line of its standard output to `take`; true when it succeeded. */
export async function passLines(
  command: readonly string[],
  take: (line: string) => void,
  env: Record<string, string> = {},
): Promise<boolean> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
  if (rest !== "") take(rest);
  return (await child.status).success;
}

/** Runs a command and gives back its standard output; throws with what it said when it fails. */
export async function capture(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const ended = await collect(command, options);
  if (!ended.success) {
    const said = (ended.stderr || ended.stdout).trim().split("\n").slice(-20).join("\n");
    throw new Error(`${commandLine(command)}: exit status ${ended.code}\n${said}`);
  }
  return ended.stdout;
}

/** Ends a script with a plain message and exit status 1 when its main function fails. */
export async function runScript(name: string, main: () => Promise<boolean>): Promise<never> {
  try {
    Deno.exit(await main() ? 0 : 1);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
