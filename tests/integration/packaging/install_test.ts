/** `deno task install`, `uninstall` and `dist`, as somebody who builds from source uses them. */
import assert from "node:assert/strict";
import { listTree } from "../../../scripts/package/manifest.ts";
import { capture, collect } from "../../../scripts/run.ts";
import { NAMES } from "../../../scripts/build.ts";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { VERSION } from "../../../src/lib/base/version.ts";
import { lacks, packages } from "../../lacking.ts";

const PREFIX = "/opt/storage";

async function task(name: string, env: Record<string, string>): Promise<string> {
  const { success, stderr } = await collect([Deno.execPath(), "run", "-A", `scripts/${name}.ts`], { env });
  assert.ok(success, stderr);
  return stderr;
}

async function inFolder(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Commands of units name programs that were installed, and nothing names those of a package. */
async function checkUnits(root: string): Promise<void> {
  const units = `${root}${PREFIX}/lib/systemd/system`;
  const started: string[] = [];
  for await (const { name } of Deno.readDir(units)) {
    const text = await Deno.readTextFile(`${units}/${name}`);
    for (const [, program = ""] of text.matchAll(/^ExecStart=(\S+)/gm)) {
      started.push(program.slice(program.lastIndexOf("/") + 1));
      assert.ok((await Deno.stat(root + program)).isFile, `${name}: ${program}`);
    }
    assert.doesNotMatch(text, /\/usr\/(s?bin\/sta|lib\/nvme|libexec)/, name);
  }
  assert.deepEqual(started.sort(), ["stacd", "stafd", "stasadm", "write-metrics"]);
  const metrics = await Deno.readTextFile(`${units}/nvme-stas-metrics.service`);
  assert.match(metrics, /^Environment=PATH=\/opt\/storage\/bin:/m);
}

async function checkPrograms(root: string): Promise<void> {
  for (const name of NAMES) {
    const dir = name === "stafd" || name === "stacd" ? "sbin" : "bin";
    const said = await capture([`${root}${PREFIX}/${dir}/${name}`, "--version"]);
    assert.equal(said.split("\n")[0], `nvme-stas ${VERSION}`);
  }
  const { code, stdout } = await collect([
    `${root}${PREFIX}/bin/stacctl`,
    "check",
    `${root}/etc/stas/stacd.conf`,
  ]);
  assert.equal(code, 0, stdout);
}

Deno.test("install below DESTDIR: the tools run from it, a changed file stays, and uninstall leaves nothing", async () => {
  await inFolder(async (root) => {
    const env = { PREFIX, DESTDIR: root };
    await task("install", env);
    await checkUnits(root);
    await checkPrograms(root);
    const files = await listTree(root);
    const places = new Set(files.map(({ path }) => path.split("/").slice(0, 3).join("/")));
    assert.deepEqual([...places].sort(), ["/etc/dbus-1", "/etc/stas", PREFIX]);

    const conf = `${root}/etc/stas/stafd.conf`;
    const shipped = await Deno.readTextFile(conf);
    await Deno.writeTextFile(conf, `${shipped}[Global]\nkato = 21\n`);
    assert.match(await task("install", env), /stafd\.conf differs from the shipped file, and stays/);
    assert.match(await Deno.readTextFile(conf), /kato = 21/);
    assert.deepEqual(await listTree(root), files);

    assert.match(await task("uninstall", env), /stafd\.conf was changed, and stays/);
    assert.deepEqual((await listTree(root)).map(({ path }) => path), ["/etc/stas/stafd.conf"]);
    await Deno.writeTextFile(conf, shipped);
    await task("uninstall", env);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(root)), []);
  });
});

Deno.test("install: a folder that a unit's command line could not hold is refused", async () => {
  for (const env of [{ PREFIX: "/opt/my storage" }, { PREFIX: "opt" }, { DESTDIR: "../pkg", PREFIX }]) {
    const { code, stderr } = await collect([Deno.execPath(), "run", "-A", "scripts/install.ts"], { env });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^install: (PREFIX=(\/opt\/my storage|opt)|DESTDIR=\.\.\/pkg): must be an absolute path/,
    );
  }
});

Deno.test("Makefile: every target is a task, with PREFIX and DESTDIR", {
  ignore: lacks(packages([OTHERS.make])),
}, async () => {
  const { tasks }: { tasks: Record<string, unknown> } = JSON.parse(await Deno.readTextFile("deno.json"));
  const lines = (await Deno.readTextFile("Makefile")).matchAll(/^\t\$\(DENO\) task (\S+)/gm);
  const called = [...lines].map(([, name = ""]) => name);
  assert.deepEqual(called.filter((name) => tasks[name] === undefined), []);
  assert.ok(called.includes("install") && called.includes("uninstall") && called.includes("dist"));
  await inFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/deno`, '#!/bin/sh\necho "$* $PREFIX $DESTDIR"\n', { mode: 0o755 });
    const words = ["make", "-s", "install", `DENO=${dir}/deno`, "PREFIX=/opt", "DESTDIR=/pkg"];
    assert.equal(await capture(words), "task install /opt /pkg\n");
  });
});

async function sha256(file: string): Promise<string> {
  return (await capture(["sha256sum", file])).slice(0, 64);
}

Deno.test("dist: the same bytes again, also from the unpacked source", async () => {
  await inFolder(async (dir) => {
    const tarball = `nvme-stas-${VERSION}.tar.gz`;
    const pack = async (out: string, cwd = "."): Promise<string> => {
      await capture([Deno.execPath(), "run", "-A", "scripts/dist.ts", "--out", `${dir}/${out}`], { cwd });
      return sha256(`${dir}/${out}/${tarball}`);
    };
    const first = await pack("one");
    assert.equal(await pack("two"), first);
    await capture(["tar", "-xzf", `${dir}/one/${tarball}`, "-C", dir]);
    const source = `${dir}/nvme-stas-${VERSION}`;
    await Deno.symlink(`${Deno.cwd()}/node_modules`, `${source}/node_modules`);
    assert.equal(await pack("three", source), first);
  });
});
