/** What a newcomer should see of the README's two commands. */

/** An ordinary user of a machine with nothing but Node.js and git, then with what the command said; and root. */
export type Situation = "user" | "user with packages" | "root";

export interface Said {
  readonly code: number;
  readonly stdout: string;
}

/** The two commands, word for word as the README has them. */
export function readmeCommands(readme: string): readonly [demo: string, test: string] {
  const line = (task: string): string => {
    const found = new RegExp(`^ {4}(npx -y deno@\\S+ task ${task})\\b`, "m").exec(readme)?.[1];
    if (found === undefined) throw new Error(`README.md has no line with "task ${task}"`);
    return found;
  };
  return [line("demo"), line("test")];
}

/** Words of ours and of JavaScript's, Deno's and Python's when a program breaks. */
const TRACE = /^ {4}at |Stack backtrace|^Traceback|panicked at|Uncaught/m;
const INSTALL = /^ {2}sudo apt-get update && sudo apt-get install /m;

/** What is not as it should be, in words; empty when all is well. */
export function expectations(
  who: Situation,
  task: "demo" | "test",
  { code, stdout }: Said,
): readonly string[] {
  const problems: string[] = [];
  const should = (holds: boolean, what: string): void => {
    if (!holds) problems.push(what);
  };
  should(!TRACE.test(stdout), "a stack trace");
  if (task === "demo" && who === "user") {
    should(code === 1, `exit status ${code}, not 1`);
    should(
      /^demo: missing: dbus-daemon\b/m.test(stdout) && INSTALL.test(stdout),
      "does not say what to install",
    );
    return problems;
  }
  should(code === 0, `exit status ${code}`);
  if (task === "demo") {
    should(/Done in \d+ s/.test(stdout), "did not come to its end");
    return problems;
  }
  const [, passed = "0", failed = "", skipped = "0"] =
    /^test: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m.exec(stdout) ?? [];
  should(failed === "0" && Number(passed) > 0, "no closing line, or failed tests");
  const reasons = [...stdout.matchAll(/^skipped (\d+): (.*)$/gm)];
  const counted = reasons.reduce((sum, [, count]) => sum + Number(count), 0);
  should(counted === Number(skipped), `${skipped} skipped, reasons for ${counted}`);
  if (who === "root") should(skipped === "0", "something was skipped");
  if (who === "user") should(INSTALL.test(stdout), "does not say what to install");
  if (who === "user with packages") {
    should(reasons.every(([, , reason = ""]) => reason.startsWith("needs root")), "skipped without need");
    should(
      skipped === "0" || /^ {2}sudo npx .* task test$/m.test(stdout),
      "does not say how to run the rest",
    );
  }
  return problems;
}
