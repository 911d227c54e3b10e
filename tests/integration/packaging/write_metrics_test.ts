import assert from "node:assert/strict";
import { collect, type Ended } from "../../../scripts/run.ts";
import { lacks, otherUser } from "../../lacking.ts";

const SCRIPT = new URL("../../../packaging/metrics/write-metrics", import.meta.url).pathname;
/** The ordinary user that owns the folder in the tests that need root. */
const USER = 65534;

interface Place {
  /** Of root's; everybody may enter it. */
  readonly base: string;
  readonly dir: string;
  /** Makes stafctl and stacctl end so. */
  tools(text: string, status: number): Promise<void>;
  /** Makes stafctl and stacctl run this shell script. */
  script(text: string): Promise<void>;
  /** Runs write-metrics on the folder, or on another one. */
  write(on?: string): Promise<Ended>;
}

async function withPlace(test: (place: Place) => Promise<void>): Promise<void> {
  const base = await Deno.realPath(await Deno.makeTempDir());
  // The checkout may lie where only root gets: the script goes on as the folder's owner, and is read again then.
  const copy = `${base}/write-metrics`;
  await Deno.copyFile(SCRIPT, copy);
  await Deno.chmod(copy, 0o755);
  const bin = `${base}/bin`;
  const dir = `${base}/parent/out`;
  const script = async (text: string): Promise<void> => {
    for (const tool of ["stafctl", "stacctl"]) {
      await Deno.writeTextFile(`${bin}/${tool}`, `#!/bin/sh\n${text}\n`);
      await Deno.chmod(`${bin}/${tool}`, 0o755);
    }
  };
  try {
    await Deno.chmod(base, 0o755);
    await Deno.mkdir(bin);
    await Deno.mkdir(dir, { recursive: true });
    await test({
      base,
      dir,
      script,
      tools: (text, status) => script(`echo "${text} \${0##*/} $1"\nexit ${status}`),
      write: (on = dir) =>
        collect(["sh", copy, on], { env: { PATH: `${bin}:${Deno.env.get("PATH") ?? ""}` } }),
    });
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

const names = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test("metrics are written whole for everybody to read, also of a daemon that is down", async () => {
  await withPlace(async ({ dir, tools, write }) => {
    for (const status of [0, 4]) {
      await tools(`status${status}`, status);
      assert.equal((await write()).code, 0);
      assert.deepEqual(names(dir), ["stacd.prom", "stafd.prom"]);
      assert.equal(await Deno.readTextFile(`${dir}/stafd.prom`), `status${status} stafctl metrics\n`);
      assert.equal(await Deno.readTextFile(`${dir}/stacd.prom`), `status${status} stacctl metrics\n`);
      assert.equal(((await Deno.stat(`${dir}/stafd.prom`)).mode ?? 0) & 0o777, 0o644);
    }
  });
});

Deno.test("a tool that fails leaves the file before, and nothing else", async () => {
  await withPlace(async ({ dir, tools, write }) => {
    await tools("good", 0);
    await write();
    await tools("bad", 1);
    assert.equal((await write()).code, 1);
    assert.deepEqual(names(dir), ["stacd.prom", "stafd.prom"]);
    assert.equal(await Deno.readTextFile(`${dir}/stafd.prom`), "good stafctl metrics\n");
  });
});

Deno.test("without a folder there is a message", async () => {
  const { code, stderr } = await collect(["sh", "packaging/metrics/write-metrics"]);
  assert.notEqual(code, 0);
  assert.match(stderr, /usage: write-metrics DIR/);
});

/** Root's folder with root's secret in it, which nobody else may read. */
async function secretIn(base: string): Promise<string> {
  await Deno.mkdir(`${base}/roots`);
  await Deno.writeTextFile(`${base}/roots/shadow`, "secret");
  await Deno.chmod(`${base}/roots/shadow`, 0o600);
  return `${base}/roots/shadow`;
}

const modeOf = async (file: string): Promise<string> =>
  ((await Deno.lstat(file)).mode ?? 0).toString(8).slice(-3);

Deno.test({
  name:
    "the owner of the folder above puts another folder in its place while the metrics are written: nothing of root's changes",
  ignore: lacks(otherUser),
  fn: () =>
    withPlace(async ({ base, dir, script, write }) => {
      const secret = await secretIn(base);
      await Deno.chown(`${base}/parent`, USER, USER);
      await Deno.chown(dir, USER, USER);
      // The attacker, as himself, at the worst moment: between the creation of a file and what is done to it then.
      await Deno.writeTextFile(
        `${base}/attack`,
        `set -e
cd ${base}/parent
new=$(ls -A out | grep '^\\.sta[fc]d\\.')
mv out "old.$$"
mkdir out
ln -s ${secret} "out/$new"
`,
      );
      await Deno.chmod(`${base}/attack`, 0o755);
      await script(
        `if [ "$(id -u)" = 0 ]; then setpriv --reuid=${USER} --clear-groups sh ${base}/attack
else sh ${base}/attack; fi
echo metrics`,
      );
      const { code, stderr } = await write();
      assert.equal(await modeOf(secret), "600", "write-metrics made root's secret readable");
      assert.equal(await Deno.readTextFile(secret), "secret");
      assert.deepEqual(names(`${base}/roots`), ["shadow"]);
      assert.equal(code, 0, stderr);
      // Both files are in the folder of the start, wherever it is now.
      const moved = names(`${base}/parent`).filter((name) => name.startsWith("old."));
      assert.ok(moved.some((name) => names(`${base}/parent/${name}`).join() === "stacd.prom,stafd.prom"));
    }),
});

Deno.test({
  name: "the files are the folder's owner's, and the tools run as that user without any capability",
  ignore: lacks(otherUser),
  fn: () =>
    withPlace(async ({ dir, script, write }) => {
      await script(
        `echo "$(id -u) $(id -G) $(grep -E '^(CapPrm|CapBnd|NoNewPrivs)' /proc/self/status | cut -f2 | tr '\\n' ' ')"`,
      );
      for (const uid of [USER, 0]) {
        await Deno.chown(dir, uid, uid);
        for (const name of names(dir)) await Deno.remove(`${dir}/${name}`);
        const { code, stderr } = await write();
        assert.equal(code, 0, stderr);
        for (const daemon of ["stafd", "stacd"]) {
          const none = "0".repeat(16);
          assert.equal(
            await Deno.readTextFile(`${dir}/${daemon}.prom`),
            `${uid} ${uid} ${none} ${none} 1 \n`,
          );
          assert.equal((await Deno.stat(`${dir}/${daemon}.prom`)).uid, uid);
        }
      }
    }),
});

Deno.test("a link, and a folder that others may write to, are refused, and nothing is written anywhere", async () => {
  await withPlace(async ({ base, dir, tools, write }) => {
    await tools("never", 0);
    await Deno.mkdir(`${base}/other`);
    await Deno.symlink(`${base}/other`, `${base}/link`);
    await Deno.mkdir(`${base}/other/below`);
    for (const [path, real] of [["link", "other"], ["link/below", "other/below"]]) {
      const { code, stderr } = await write(`${base}/${path}`);
      assert.equal(code, 1);
      assert.match(stderr, /a part of this path is a link; give the path without links: /);
      assert.ok(stderr.trimEnd().endsWith(`${base}/${real}`), stderr);
    }
    for (const mode of [0o775, 0o757, 0o1777]) {
      await Deno.chmod(dir, mode);
      const { code, stderr } = await write();
      assert.equal(code, 1);
      assert.match(stderr, /group or everybody may write to this folder: chmod go-w /);
    }
    assert.deepEqual([names(dir), names(`${base}/other`), names(`${base}/other/below`)], [[], ["below"], []]);
  });
});

Deno.test({
  name: "files in the way are replaced, not followed",
  ignore: lacks(otherUser),
  fn: () =>
    withPlace(async ({ base, dir, tools, write }) => {
      const secret = await secretIn(base);
      await Deno.chown(dir, USER, USER);
      await Deno.symlink(secret, `${dir}/stafd.prom`);
      await Deno.symlink(`${base}/roots`, `${dir}/stacd.prom`);
      await tools("new", 0);
      assert.equal((await write()).code, 0);
      assert.equal(await Deno.readTextFile(`${dir}/stafd.prom`), "new stafctl metrics\n");
      assert.equal(await Deno.readTextFile(`${dir}/stacd.prom`), "new stacctl metrics\n");
      assert.deepEqual([names(`${base}/roots`), await modeOf(secret)], [["shadow"], "600"]);
    }),
});
