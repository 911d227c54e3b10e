/**
 * `deno task test:fresh`: the README's two commands where newcomers are. In minimal trees of
 * Debian 12, 13 and sid with nothing but Node.js and git: as an ordinary user, who is told what to install; as the same user
 * after doing just that; and as root, for whom all is installed. What is committed is tried, not what lies in the work tree.
 */
import { type Ended, runScript } from "../../scripts/run.ts";
import { providePackages, TREE_NEEDS } from "../../scripts/system_packages.ts";
import { taskArguments, usageError } from "../../scripts/task_arguments.ts";
import { add, closingLine, type Counts, NOTHING } from "../../scripts/test_run.ts";
import { expectations, readmeCommands, type Situation } from "./expectations.ts";
import { called, isSuite, readyToMake, type Suite, suites, Tree } from "./tree.ts";

const FOLDER = "nvme-stas";
/** For one command; an emulated or busy machine is slow. */
const LIMIT_SECONDS = 1800;
/** Each has a tree of its own. */
const WHO = ["user", "root"] as const;
const LOGS = "build/fresh-logs";

interface Row {
  readonly suite: Suite;
  readonly who: Situation;
  readonly task: string;
  readonly ended: Ended;
  readonly seconds: number;
}

/** Runs one command, keeps what it said, and says whether that is what a person should see. */
async function tryOne(
  tree: Tree,
  suite: Suite,
  who: Situation,
  task: "demo" | "test",
  line: string,
): Promise<Row & { readonly counts: Counts }> {
  const begin = performance.now();
  const ended = await tree.run(who === "root" ? "root" : "user", FOLDER, line, LIMIT_SECONDS);
  const seconds = Math.round((performance.now() - begin) / 1000);
  const file = `${LOGS}/${suite}-${who.replaceAll(" ", "-")}-${task}.log`;
  await Deno.writeTextFile(file, ended.stdout + ended.stderr);
  const problems = expectations(who, task, ended);
  const closing = /^test: .*$/m.exec(ended.stdout)?.[0] ?? `exit status ${ended.code}`;
  const mark = problems.length === 0 ? "ok    " : "FAILED";
  console.log(`${mark}  ${called(suite)}, ${who}: task ${task}: ${closing} (${seconds} s)`);
  for (const problem of problems) console.log(`        ${problem}; see ${file}`);
  const counts = problems.length === 0 ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };
  return { suite, who, task, ended, seconds, counts };
}

/** The commands that a person is told to type, without sudo: minimal trees have none, and it is root who types them. */
function toldToInstall(said: string): string {
  const lines = [...said.matchAll(/^ {2}(sudo apt-get .*)$/gm)].map(([, line = ""]) => line);
  return (lines.at(-1) ?? "false").replaceAll("sudo ", "");
}

/** Both commands, one after the other; gives back what the second one said, too. */
async function tryBoth(
  tree: Tree,
  suite: Suite,
  who: Situation,
): Promise<{ readonly counts: Counts; readonly said: string }> {
  const [demo, test] = readmeCommands(await Deno.readTextFile("README.md"));
  const first = await tryOne(tree, suite, who, "demo", demo);
  const second = await tryOne(tree, suite, who, "test", test);
  return { counts: add(first.counts, second.counts), said: second.ended.stdout };
}

/** As an ordinary user: with nothing, and after what that one is told to install. */
async function tryUser(tree: Tree, suite: Suite): Promise<Counts> {
  const without = await tryBoth(tree, suite, "user");
  const told = toldToInstall(without.said);
  const installed = await tree.run(
    "root",
    "",
    `export DEBIAN_FRONTEND=noninteractive; ${told}`,
    LIMIT_SECONDS,
  );
  await Deno.writeTextFile(`${LOGS}/${suite}-install.log`, `${told}\n${installed.stdout}${installed.stderr}`);
  if (!installed.success) console.log(`        what the user is told to type fails: ${told}`);
  return add(without.counts, (await tryBoth(tree, suite, "user with packages")).counts);
}

async function tryAs(who: "user" | "root", suite: Suite, keep: boolean): Promise<Counts> {
  const tree = await Tree.copy(suite, who);
  await tree.clone(who, FOLDER);
  const counts = who === "user" ? await tryUser(tree, suite) : (await tryBoth(tree, suite, "root")).counts;
  if (!keep) await tree.remove();
  return counts;
}

const USAGE = `usage: deno task test:fresh [--only SUITE]... [--as user|root]... [--keep]

The README's two commands in minimal trees of Debian (${
  suites.join(", ")
}) with nothing but Node.js and git: as an
ordinary user, as the same user after installing what the commands name, and as root. What is committed is tried,
not the work tree. Needs root.

  --only SUITE  this suite only
  --as WHO      as user or root only
  --keep        keep the trees
`;

async function main(): Promise<boolean> {
  const { values } = taskArguments(USAGE, {
    options: {
      only: { type: "string", multiple: true, default: [] },
      as: { type: "string", multiple: true, default: [...WHO] },
      keep: { type: "boolean", default: false },
    },
  });
  const unknown = values.only.find((name) => !isSuite(name));
  if (unknown !== undefined) usageError(USAGE, `--only ${unknown}: must be one of ${suites.join(", ")}`);
  const stranger = values.as.find((name) => !WHO.some((who) => who === name));
  if (stranger !== undefined) usageError(USAGE, `--as ${stranger}: must be one of ${WHO.join(", ")}`);
  await readyToMake();
  await providePackages(TREE_NEEDS);
  await Deno.mkdir(LOGS, { recursive: true });
  let counts = NOTHING;
  for (const suite of suites) {
    if (values.only.length > 0 && !values.only.includes(suite)) continue;
    for (const who of WHO.filter((one) => values.as.includes(one))) {
      counts = add(counts, await tryAs(who, suite, values.keep));
    }
  }
  console.log(closingLine("fresh", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("test:fresh", main);
