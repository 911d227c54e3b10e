/**
 * `deno task test:fresh [--only SUITE]... [--keep]`: the README's two commands where newcomers are. In minimal trees of
 * Debian 12, 13 and sid with nothing but Node.js and git: as an ordinary user, who is told what to install; as the same user
 * after doing just that; and as root, for whom all is installed. What is committed is tried, not what lies in the work tree.
 */
import { parseArgs } from "node:util";
import { type Ended, runScript } from "../../scripts/run.ts";
import { providePackages, TREE_NEEDS } from "../../scripts/system_packages.ts";
import { add, closingLine, type Counts, NOTHING } from "../../scripts/test_run.ts";
import { expectations, readmeCommands, type Situation } from "./expectations.ts";
import { called, isSuite, readyToMake, type Suite, suites, Tree } from "./tree.ts";

const FOLDER = "nvme-stas";
/** For one command; an emulated or busy machine is slow. */
const LIMIT_SECONDS = 1800;
const LOGS = "build/fresh-logs";

interface Row {
  readonly suite: Suite;
  readonly who: Situation;
  readonly task: string;
  readonly ended: Ended;
  readonly seconds: number;
}

/** Runs one command, keeps what it said, and tells whether that is what a person should see. */
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

async function trySuite(suite: Suite, keep: boolean): Promise<Counts> {
  const [demo, test] = readmeCommands(await Deno.readTextFile("README.md"));
  let counts = NOTHING;
  const ordinary = await Tree.copy(suite, "user");
  await ordinary.clone("user", FOLDER);
  const one = async (tree: Tree, who: Situation): Promise<string> => {
    const first = await tryOne(tree, suite, who, "demo", demo);
    const second = await tryOne(tree, suite, who, "test", test);
    counts = add(counts, add(first.counts, second.counts));
    return second.ended.stdout;
  };
  const told = toldToInstall(await one(ordinary, "user"));
  const installed = await ordinary.run(
    "root",
    "",
    `export DEBIAN_FRONTEND=noninteractive; ${told}`,
    LIMIT_SECONDS,
  );
  await Deno.writeTextFile(`${LOGS}/${suite}-install.log`, `${told}\n${installed.stdout}${installed.stderr}`);
  if (!installed.success) console.log(`        what the user is told to type fails: ${told}`);
  await one(ordinary, "user with packages");
  if (!keep) await ordinary.remove();
  const root = await Tree.copy(suite, "root");
  await root.clone("root", FOLDER);
  await one(root, "root");
  if (!keep) await root.remove();
  return counts;
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      only: { type: "string", multiple: true, default: [] },
      keep: { type: "boolean", default: false },
    },
  });
  const unknown = values.only.find((name) => !isSuite(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: must be one of ${suites.join(", ")}`);
  await readyToMake();
  await providePackages(TREE_NEEDS);
  await Deno.mkdir(LOGS, { recursive: true });
  let counts = NOTHING;
  for (const suite of suites) {
    if (values.only.length === 0 || values.only.includes(suite)) {
      counts = add(counts, await trySuite(suite, values.keep));
    }
  }
  console.log(closingLine("fresh", counts));
  return counts.failed === 0;
}

if (import.meta.main) await runScript("test:fresh", main);
