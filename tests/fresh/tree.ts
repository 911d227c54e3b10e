/** A minimal Debian in a folder, with Node.js and git: what a newcomer has. */
import { capture, collect, type Ended, passThrough } from "../../scripts/run.ts";
import { HOST_PATHS, hostAptSettings, hostMirror, hostVariables } from "./host.ts";

const ENTER = "tests/fresh/enter";
const PACKAGES = ["nodejs", "npm", "git", "ca-certificates"];
/** README: the oldest Node.js, and what has it where the distribution's own is older. */
const OLDEST_NODE = 20;
const NEWER_NODE = ["npm", "install", "--global", `node@${OLDEST_NODE}`];
const PATHS = {
  root: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  user: "/usr/local/bin:/usr/bin:/bin",
};
export const USER = "newcomer";
const SUITES = { bookworm: "Debian 12", trixie: "Debian 13", sid: "Debian sid" } as const;
export type Suite = keyof typeof SUITES;

export const isSuite = (text: string): text is Suite => text in SUITES;
export const suites: readonly Suite[] = Object.keys(SUITES).filter(isSuite);
export const called = (suite: Suite): string => SUITES[suite];

const home = (who: "root" | "user"): string => who === "root" ? "/root" : `/home/${USER}`;

function cacheDir(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
  return `${cache}/nvme-stas/fresh`;
}

async function exists(path: string): Promise<boolean> {
  return (await collect(["test", "-e", path])).success;
}

export class Tree {
  readonly #path: string;
  readonly #variables: Readonly<Record<string, string>>;

  private constructor(path: string, variables: Readonly<Record<string, string>>) {
    this.#path = path;
    this.#variables = variables;
  }

  /** A tree of its own, copied from one that is made at the first use. */
  static async copy(suite: Suite, name: string): Promise<Tree> {
    const template = await made(suite);
    const path = `${cacheDir()}/run/${suite}-${name}`;
    await capture(["rm", "-rf", "--one-file-system", path]);
    await capture(["mkdir", "-p", path]);
    await capture(["cp", "-a", "--reflink=auto", `${template}/.`, path]);
    return new Tree(path, await hostVariables());
  }

  static template(path: string, variables: Readonly<Record<string, string>>): Tree {
    return new Tree(path, variables);
  }

  /** Runs a command line in a folder below the user's home, without a terminal and without this machine's environment. */
  run(who: "root" | "user", folder: string, line: string, limitSeconds: number): Promise<Ended> {
    const variables = {
      ...this.#variables,
      HOME: home(who),
      USER: who === "root" ? "root" : USER,
      PATH: PATHS[who],
      LANG: "C.UTF-8",
    };
    const words = ["env", "-i", ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)];
    const as = who === "root" ? [] : ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--init-groups", "--"];
    const inside = `cd "$HOME/${folder}" && { ${line}; } 2>&1`;
    return collect([ENTER, this.#path, ...as, ...words, "sh", "-c", inside], {
      timeoutMs: limitSeconds * 1000,
    });
  }

  /** This repository's last commit, cloned into the user's home. */
  async clone(who: "root" | "user", folder: string): Promise<void> {
    const at = `${this.#path}${home(who)}/${folder}`;
    await capture(["git", "clone", "--quiet", "--no-hardlinks", ".", at]);
    if (who === "user") await capture(["chown", "-R", "--reference", `${this.#path}${home(who)}`, at]);
  }

  async remove(): Promise<void> {
    await capture(["rm", "-rf", "--one-file-system", this.#path]);
  }
}

/** The tree that others are copied from; made when it is missing. */
async function made(suite: Suite): Promise<string> {
  const path = `${cacheDir()}/${suite}`;
  if (await exists(`${path}.done`)) return path;
  await capture(["rm", "-rf", "--one-file-system", path]);
  await capture(["mkdir", "-p", cacheDir()]);
  console.log(`${called(suite)}: mmdebstrap`);
  const settings = await hostAptSettings();
  const options = settings.trimEnd().split("\n").filter((line) => line !== "").map((line) =>
    `--aptopt=${line.replace(/;$/, "")}`
  );
  const mirror = await hostMirror();
  const sources = mirror === undefined ? [] : [`deb ${mirror} ${suite} main`];
  const bootstrap = await collect([
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    `--include=${PACKAGES.join(",")}`,
    ...options,
    suite,
    path,
    ...sources,
  ], { env: { TMPDIR: cacheDir() } });
  if (!bootstrap.success) throw new Error(`mmdebstrap ${suite}: ${bootstrap.stderr.slice(-2000)}`);
  await Deno.writeTextFile(`${path}/etc/apt/apt.conf.d/90host`, settings);
  // As in a container's image: a daemon's package starts nothing, and apt has no lists yet.
  await Deno.writeTextFile(`${path}/usr/sbin/policy-rc.d`, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  await capture(["sh", "-c", 'rm -rf "$0"/var/lib/apt/lists/*', path]);
  for (const file of HOST_PATHS) {
    if (!await exists(file)) continue;
    await capture(["mkdir", "-p", path + file.slice(0, file.lastIndexOf("/"))]);
    await capture(["cp", "-rL", "--remove-destination", "-T", file, path + file]);
  }
  const tree = Tree.template(path, await hostVariables());
  await must(tree, `useradd --create-home --shell /bin/bash ${USER}`);
  const version = await must(tree, "node --version");
  if (Number(/^v(\d+)/.exec(version)?.[1]) < OLDEST_NODE) {
    console.log(`${called(suite)}: its Node.js is ${version.trim()}; ${NEWER_NODE.join(" ")}`);
    await must(tree, NEWER_NODE.join(" "));
  }
  await Deno.writeTextFile(`${path}.done`, "");
  return path;
}

async function must(tree: Tree, line: string): Promise<string> {
  const { success, stdout, stderr } = await tree.run("root", "", line, 600);
  if (!success) throw new Error(`${line}: ${stdout}${stderr}`);
  return stdout;
}

/** What makes trees; needs root. */
export async function readyToMake(): Promise<void> {
  if (Deno.uid() !== 0) throw new Error("needs root: it makes whole Debian systems in folders");
  if (!await passThrough(["unshare", "--mount", "--pid", "--fork", "true"])) {
    throw new Error("needs mount and process namespaces of its own");
  }
}
