/** `stasadm migrate --to 3`: a plan without keys; files in a folder of their own, with keys for root only. */
import assert from "node:assert/strict";
import { main as stasadm } from "../../../src/ctl/stasadm.ts";
import { fakeWorld } from "./fake_world.ts";

const KEY = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
const FILES = {
  "stafd.conf": "[Global]\nkato = 20\n[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.1\n",
  "stacd.conf": "[I/O controller connection management]\nin-use-window = 5\n[Controllers]\n" +
    `controller = transport=tcp;traddr=192.0.2.2;nqn=nqn.2014-08.com.example:a;dhchap-secret=${KEY}\n`,
  "sys.conf": "[Host]\nnqn = file:///etc/nvme/hostnqn\nsymname = Rack 7\n",
};

type Run = (...args: string[]) => Promise<readonly [status: number, out: string, err: string]>;

async function onHost(
  files: Readonly<Record<string, string>>,
  test: (run: Run, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/stas`);
    // The host NQN of the system does not matter to the files.
    const own = {
      ...files,
      "sys.conf": files["sys.conf"]?.replace("/etc/nvme/hostnqn", `${dir}/hostnqn`) ?? "",
    };
    await Deno.writeTextFile(`${dir}/hostnqn`, "nqn.2014-08.org.example:h\n");
    for (const [name, text] of Object.entries(own)) await Deno.writeTextFile(`${dir}/stas/${name}`, text);
    await test(async (...args) => {
      const world = fakeWorld({ confDir: `${dir}/stas` });
      const status = await stasadm(args, world);
      return [status, world.out.text, world.err.text];
    }, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const mode = async (path: string): Promise<string> =>
  (((await Deno.stat(path)).mode ?? 0) & 0o777).toString(8);

Deno.test("migrate: the plan shows every file and every change, and no key", () =>
  onHost(FILES, async (run, dir) => {
    const [status, out, err] = await run("migrate", "--to", "3");
    assert.deepEqual([status, err], [0, ""]);
    assert.match(out, /^DROPPED {2}\S+\/stacd\.conf:2: in-use-window: /m);
    assert.match(out, /^DIFFERS {2}a connection whose namespaces are in use /m);
    assert.match(
      out,
      /^renamed {2}\S+\/stafd\.conf:2: kato is keep-alive-tmo in \[Discovery Controller Defaults\]/m,
    );
    assert.match(out, /^\/etc\/nvme\/nvme-stas\.conf:$/m);
    assert.match(out, /^ {2}controller = transport=tcp;traddr=192\.0\.2\.2;trsvcid=8009$/m);
    assert.match(out, /^ {2}kxchap-secret = \*+$/m);
    assert.match(out, /^ {2}hostsymname = Rack 7$/m);
    assert.ok(!out.includes(KEY));
    assert.ok(out.indexOf("DROPPED") < out.indexOf("DIFFERS"), "what gets lost comes first");
    assert.deepEqual((await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort(), [
      "hostnqn",
      "stas",
    ]);
  }));

Deno.test("migrate --write: files with keys are 0600, those in force stay, nothing is written over", () =>
  onHost(FILES, async (run, dir) => {
    const before = await Promise.all(
      ["stafd.conf", "stacd.conf", "sys.conf"].map((name) => Deno.readTextFile(`${dir}/stas/${name}`)),
    );
    const umask = Deno.umask(0o022);
    try {
      const [status, out, err] = await run("migrate", "--to", "3", "--write", `${dir}/new`);
      assert.deepEqual([status, err], [0, ""]);
      assert.match(out, /^written: \S+\/new\/nvme-stas\.conf$/m);
      assert.ok(!out.includes(KEY));
    } finally {
      Deno.umask(umask);
    }
    assert.match(
      await Deno.readTextFile(`${dir}/new/nvme-stas.conf`),
      new RegExp(`^kxchap-secret = ${KEY}$`, "m"),
    );
    assert.equal(await mode(`${dir}/new/nvme-stas.conf`), "600");
    const again = await run("migrate", "--to", "3", "--write", `${dir}/new`);
    assert.equal(again[0], 1);
    assert.match(again[2], /new\/nvme-stas\.conf exists already; name an empty folder/);
    for (const inside of [`${dir}/stas`, `${dir}/stas/three`]) {
      const [status, , said] = await run("migrate", "--to", "3", "--write", inside);
      assert.equal(status, 1);
      assert.match(said, /is the folder of the files in force/);
    }
    const after = await Promise.all(
      ["stafd.conf", "stacd.conf", "sys.conf"].map((name) => Deno.readTextFile(`${dir}/stas/${name}`)),
    );
    assert.deepEqual(after, before);
    assert.equal((await Array.fromAsync(Deno.readDir(`${dir}/stas`))).length, 3);
  }));

Deno.test("migrate: a file that is malformed is named, and nothing is written", () =>
  onHost({ ...FILES, "stacd.conf": "kato = 3\n" }, async (run, dir) => {
    const [status, out, err] = await run("migrate", "--to", "3", "--write", `${dir}/new`);
    assert.deepEqual([status, out], [1, ""]);
    assert.match(err, /stacd\.conf:1:1: /);
    await assert.rejects(Deno.stat(`${dir}/new`), Deno.errors.NotFound);
  }));

Deno.test("migrate: the version is asked for", () =>
  onHost(FILES, async (run) => {
    assert.equal((await run("migrate"))[0], 2);
    assert.equal((await run("migrate", "--to", "4"))[0], 2);
  }));
