import assert from "node:assert/strict";
import { differences, type Format, listTree, parseManifest } from "../../../scripts/package/manifest.ts";
import { manualPages } from "../../../scripts/package/man.ts";
import { troff } from "../../../scripts/package/man_troff.ts";
import { PACKAGE_NEEDS, UNPACK_NEEDS } from "../../../scripts/package/needs.ts";
import { capture, collect } from "../../../scripts/run.ts";
import type { Runtime } from "../../../scripts/runtime.ts";
import { cutAppendix, DENO_VERSION, hostTarget } from "../../../scripts/denort.ts";
import { currentRelease } from "../../../scripts/package/release.ts";
import { makeRpm } from "../../../scripts/package/rpm.ts";
import { lacks, mountNamespaces, packages, skipAllWithout } from "../../lacking.ts";
import { NAMES } from "../../../scripts/build.ts";
import { VERSION } from "../../../src/lib/base/version.ts";
import { checkDebKeepsOthers, checkRpmKeepsOthers } from "./others_files.ts";
import { RpmSystem } from "./rpm_system.ts";

skipAllWithout(packages([...PACKAGE_NEEDS, ...UNPACK_NEEDS]));

async function sha256(file: string): Promise<string> {
  return (await capture(["sha256sum", file])).slice(0, 64);
}

async function findPackage(dir: string, suffix: string): Promise<string> {
  for await (const { name } of Deno.readDir(dir)) {
    if (name.startsWith("nvme-stas") && name.endsWith(suffix)) return `${dir}/${name}`;
  }
  throw new Error(`no ${suffix} in ${dir}`);
}

async function checkContent(root: string, format: Format): Promise<void> {
  const listed = parseManifest(await Deno.readTextFile("packaging/files.txt"), format);
  assert.deepEqual(differences(listed, await listTree(root)), [], format);
  const same: readonly (readonly [string, string])[] = [
    ["systemd/stafd.service", "/usr/lib/systemd/system/stafd.service"],
    ["systemd/org.nvmexpress.stac.conf", "/usr/share/dbus-1/system.d/org.nvmexpress.stac.conf"],
    ["etc/stas/stacd.conf", format === "deb" ? "/usr/share/nvme-stas/stacd.conf" : "/etc/stas/stacd.conf"],
    ["packaging/metrics/alerts.yml", "/usr/share/doc/nvme-stas/examples/alerts.yml"],
  ];
  const unit = await Deno.readTextFile(`${root}/usr/lib/systemd/system/nvme-stas-metrics.service`);
  const [, started = ""] = /^ExecStart=(\S+)/m.exec(unit) ?? [];
  assert.ok(listed.some(({ path }) => path === started), `${started} is not in the package`);
  for (const [source, path] of same) {
    assert.equal(await Deno.readTextFile(source), await Deno.readTextFile(`${root}${path}`), path);
  }
}

/** The runtime in the program, by its own bytes. */
async function runtimeIn(program: string): Promise<string> {
  const denort = cutAppendix(await Deno.readFile(program));
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", denort)).toHex();
  const [, source = ""] =
    RUNTIME.exec(await capture([program.replace(/[^/]*$/, "../../bin/stafctl"), "--version"])) ?? [];
  return `Deno ${DENO_VERSION} (denort, ${source}), sha256 ${sum}`;
}

const RUNTIME = /^runtime Deno [\d.]+ \(denort, ([^()]+)\), sha256 [0-9a-f]{64}$/m;

/** Each name of the program, run by its link in the unpacked package, says the packed version, and its runtime last. */
async function checkVersions(root: string, runtime: string): Promise<void> {
  for (const name of NAMES) {
    const dir = name === "stafd" || name === "stacd" ? "sbin" : "bin";
    const said = await capture([`${root}/usr/${dir}/${name}`, "--version"]);
    const lines = said.trimEnd().split("\n");
    assert.equal(lines[0], `nvme-stas ${VERSION}`, name);
    assert.equal(lines.at(-1), `runtime ${runtime}`, name);
    if (dir === "sbin") assert.match(lines[1] ?? "", /^libnvme \S/, name);
    assert.equal(lines.length, dir === "sbin" ? 3 : 2, said);
  }
  const doc = `${root}/usr/share/doc/nvme-stas`;
  assert.ok((await Deno.readTextFile(`${doc}/THIRD-PARTY-NOTICES`)).includes(`\nRuntime: ${runtime}\n`));
  const bill: { components: { name: string; hashes?: unknown; components?: unknown[] }[] } = JSON.parse(
    await Deno.readTextFile(`${doc}/sbom.cdx.json`),
  );
  const deno = bill.components.find(({ name }) => name === "deno");
  assert.deepEqual(deno?.hashes, [{ alg: "SHA-256", content: runtime.slice(-64) }]);
  assert.ok((deno?.components ?? []).length > 100, "crates of the runtime");
}

async function rpmSystem(dir: string, unpacked: string): Promise<RpmSystem> {
  await Deno.mkdir(dir);
  return RpmSystem.make(dir, `${unpacked}/usr/libexec/nvme-stas/nvme-stas`);
}

const NEWER_RUNTIME: Runtime = {
  version: DENO_VERSION,
  from: "given",
  source: "given to the build",
  sha256: "0".repeat(64),
};

/** The package of the next version, with another default of stacd.conf and of stafd.conf. */
async function newerRpm(dir: string): Promise<string> {
  await capture(["cp", "-a", `${dir}/rpm`, `${dir}/newer`]);
  for (const name of ["stafd", "stacd"]) {
    await Deno.writeTextFile(`${dir}/newer/etc/stas/${name}.conf`, "# new\n", { append: true });
  }
  const listed = parseManifest(await Deno.readTextFile("packaging/files.txt"), "rpm");
  const release = { ...await currentRelease(), version: `${VERSION}.1` };
  return makeRpm(`${dir}/newer`, listed, release, hostTarget(), `${dir}/newer-rpm`, "none", NEWER_RUNTIME);
}

const IDENTITY = ["/etc/nvme/hostid", "/etc/nvme/hostnqn"];

async function checkFreshRpm(system: RpmSystem, file: string, newer: string): Promise<void> {
  const files = async () => (await Promise.all(["/etc", "/usr"].map((path) => system.files(path)))).flat();
  const others = await files();
  await system.rpm("-i", file);
  // Nothing is started or enabled but what the distribution's preset says.
  assert.deepEqual(await system.calls(), [
    "busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig",
    "modprobe nvme-tcp",
    "systemctl --no-reload preset stafd.service stacd.service",
  ]);
  assert.deepEqual(await system.files("/etc/nvme"), IDENTITY);
  const nqn = await system.read("/etc/nvme/hostnqn");
  assert.match(nqn, /^nqn\.2014-08\.org\.nvmexpress:uuid:[0-9a-f-]{36}\n$/);
  await system.rpm("-V", "nvme-stas");

  const mine = `${await system.read("/etc/stas/stafd.conf")}[Global]\nkato = 21\n`;
  await system.write("/etc/stas/stafd.conf", mine);
  assert.match(
    (await system.attempt("-U", newer)).stderr,
    /^warning: \/etc\/stas\/stafd\.conf created as .*rpmnew\n$/,
  );
  assert.equal(await system.read("/etc/stas/stafd.conf"), mine);
  assert.match(await system.read("/etc/stas/stafd.conf.rpmnew"), /# new\n$/);
  assert.match(await system.read("/etc/stas/stacd.conf"), /# new\n$/);
  assert.equal(await system.read("/etc/nvme/hostnqn"), nqn);
  const restart = "systemctl try-restart stafd.service stacd.service";
  const reload = "systemctl daemon-reload";
  assert.deepEqual((await system.calls()).slice(2), [reload, reload, restart]);

  await system.attempt("-e", "nvme-stas");
  assert.deepEqual(await system.calls(), [
    "systemctl --no-reload disable --now nvme-stas-metrics.timer stacd.service stafd.service",
    reload,
  ]);
  assert.equal(await system.read("/etc/stas/stafd.conf.rpmsave"), mine);
  assert.deepEqual((await files()).filter((path) => !others.includes(path)), [
    ...IDENTITY,
    "/etc/stas/stafd.conf.rpmnew",
    "/etc/stas/stafd.conf.rpmsave",
    "/etc/stas/sys.conf",
  ]);

  // Into an image, not on a machine that runs: an identity would be that of all machines made from it.
  for (const path of ["/etc/nvme", "/run/systemd"]) {
    await Deno.remove(system.root + path, { recursive: true });
  }
  await system.rpm("-i", file);
  assert.deepEqual(await system.files("/etc/nvme"), []);
  assert.deepEqual(await system.calls(), ["systemctl --no-reload preset stafd.service stacd.service"]);
}

async function checkRpmOverOriginal(system: RpmSystem, file: string): Promise<void> {
  await system.rpm("-i", system.original);
  const mine = "[Global]\nkato = 21\n";
  await system.write("/etc/stas/stafd.conf", mine);
  await system.calls();
  await system.attempt("-U", file);
  assert.equal(await system.read("/etc/stas/stafd.conf"), mine);
  const calls = await system.calls();
  assert.ok(!calls.some((call) => /stop|disable|--now/.test(call)), calls.join("\n"));
  const at = (call: RegExp): number => calls.findIndex((one) => call.test(one));
  assert.ok(at(/daemon-reload/) >= 0 && at(/daemon-reload/) < at(/try-restart/), calls.join("\n"));
  assert.match(await capture([`${system.root}/usr/sbin/stafd`, "--version"]), /^nvme-stas /);
  // Back: the version must be named as older, and the configuration stays.
  assert.match((await system.attempt("-U", system.original)).stderr, /is already installed|newer than/);
  await system.attempt("-U", "--oldpackage", system.original);
  assert.equal(await system.read("/etc/stas/stafd.conf"), mine);
  assert.ok(!(await system.calls()).some((call) => /stop|disable|--now/.test(call)));
}

Deno.test("packages: built twice with the same bytes, unpacked they hold what is listed", async (t) => {
  const dir = await Deno.makeTempDir({ prefix: "nvme-stas-packages-" });
  try {
    await t.step("two builds", async () => {
      await capture([
        Deno.execPath(),
        "run",
        "-A",
        "scripts/package.ts",
        "--uncompressed",
        "--allow-fallback",
        "--twice",
        "--out",
        dir,
      ]);
    });
    await t.step(".deb", async () => {
      const file = await findPackage(dir, ".deb");
      await capture(["dpkg-deb", "-x", file, `${dir}/deb`]);
      await checkContent(`${dir}/deb`, "deb");
      const runtime = await runtimeIn(`${dir}/deb/usr/lib/nvme-stas/nvme-stas`);
      await checkVersions(`${dir}/deb`, runtime);
      assert.equal((await capture(["dpkg-deb", "-f", file, "Runtime"])).trimEnd(), runtime);
      const copyright = await Deno.readTextFile(`${dir}/deb/usr/share/doc/nvme-stas/copyright`);
      assert.ok(copyright.includes(`\n Runtime: ${runtime}\n`));
      const fields = await capture(["dpkg-deb", "-f", file, "Package", "Version", "Depends"]);
      assert.match(
        fields,
        new RegExp(`^Package: nvme-stas\nVersion: 1:${VERSION.replaceAll(".", "\\.")}-1\n`),
      );
      assert.match(fields, /libnvme1t64 \| libnvme1/);
      // It comes after everything that the original will ever be called.
      await capture(["dpkg", "--compare-versions", `1:${VERSION}-1`, "gt", "99.0-1"]);
      await capture(["dpkg-deb", "-e", file, `${dir}/control`]);
      assert.equal(
        await Deno.readTextFile(`${dir}/control/conffiles`),
        "/etc/apparmor.d/nvme-stas-daemon\n/etc/stas/sys.conf.doc\n",
      );
      const sums = await collect(["md5sum", "--quiet", "-c", `${dir}/control/md5sums`], {
        cwd: `${dir}/deb`,
      });
      assert.ok(sums.success, sums.stdout);
      const owners = await capture(["dpkg-deb", "-c", file]);
      for (const line of owners.trim().split("\n")) assert.match(line, /^\S+ root\/root /);
    });
    await t.step("the page of Cockpit, as .deb and .rpm", async () => {
      const deb = `${dir}/cockpit-nvme-stas_${VERSION}-1_all.deb`;
      const rpm = `${dir}/cockpit-nvme-stas-${VERSION}-1.noarch.rpm`;
      await capture(["dpkg-deb", "-x", deb, `${dir}/page`]);
      const page = `${dir}/page/usr/share/cockpit/nvme-stas`;
      const manifest: unknown = JSON.parse(await Deno.readTextFile(`${page}/manifest.json`));
      assert.deepEqual(Object(manifest).requires, { cockpit: "287" });
      const listed = await capture(["rpm", "-qpl", rpm]);
      for (const name of ["index.html", "index.js", "index.css", "manifest.json"]) {
        await Deno.stat(`${page}/${name}`);
        assert.match(listed, new RegExp(`^/usr/share/cockpit/nvme-stas/${name}$`, "m"));
      }
      const html = await Deno.readTextFile(`${page}/index.html`);
      assert.doesNotMatch(html, /https?:|<script>|style=/, "what Cockpit's policy refuses");
      // Cockpit's own library comes from the host.
      assert.doesNotMatch(await Deno.readTextFile(`${page}/index.js`), /cockpit1:/);
      assert.match(await capture(["dpkg-deb", "-f", deb, "Depends"]), /cockpit-bridge \(>= 287\)/);
      // Each license has its text, and names whose work it is.
      const doc = `${dir}/page/usr/share/doc/cockpit-nvme-stas`;
      const notices = await Deno.readTextFile(`${doc}/THIRD-PARTY-NOTICES`);
      for (
        const part of [
          /^ {2}react \d/m,
          /Copyright \(c\) Meta Platforms/,
          /SIL OPEN FONT LICENSE/,
          /CC-BY-4\.0/,
        ]
      ) assert.match(notices, part);
      const copyright = await Deno.readTextFile(`${doc}/copyright`);
      assert.match(
        copyright,
        /^License: OFL-1\.1\n Red Hat Text[^]+\n \.\n[^]+OTHER DEALINGS IN THE FONT SOFTWARE/m,
      );
    });
    await t.step(".rpm", async () => {
      const file = await findPackage(dir, ".rpm");
      await Deno.mkdir(`${dir}/rpm`);
      await capture(["sh", "-c", `cd '${dir}/rpm' && rpm2cpio '${file}' | cpio -idm --quiet`]);
      await checkContent(`${dir}/rpm`, "rpm");
      const runtime = await runtimeIn(`${dir}/rpm/usr/libexec/nvme-stas/nvme-stas`);
      await checkVersions(`${dir}/rpm`, runtime);
      const query = (...words: readonly string[]) => capture(["rpm", "-qp", ...words, file]);
      const described = await query("--queryformat", "%{DESCRIPTION}");
      assert.ok(
        described.replaceAll("\n", " ").endsWith(`Runtime: ${runtime.replace(" (", ", (")}`),
        described,
      );
      assert.match(
        await query("--provides"),
        new RegExp(`^bundled\\(deno\\) = ${DENO_VERSION.replaceAll(".", "\\.")}$`, "m"),
      );
      assert.equal(await query("--queryformat", "%{EPOCH}:%{VERSION}"), `1:${VERSION}`);
      assert.equal(
        await query("-c"),
        "/etc/stas/stacd.conf\n/etc/stas/stafd.conf\n/etc/stas/sys.conf.doc\n",
      );
      assert.match(
        await query("--requires"),
        /^\(libnvme\.so\.1\(\)\(64bit\) or libnvme3\.so\.1\(\)\(64bit\)\)$/m,
      );
      const owners = await query("--queryformat", "[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]");
      assert.deepEqual(new Set(owners.trim().split("\n")), new Set(["root:root"]));
    });
    await t.step({
      name: ".rpm on an RPM system: installed, updated, removed, and in the place of the original",
      ignore: lacks(mountNamespaces),
      fn: async () => {
        const file = await findPackage(dir, ".rpm");
        await checkFreshRpm(await rpmSystem(`${dir}/fresh`, `${dir}/rpm`), file, await newerRpm(dir));
        await checkRpmOverOriginal(await rpmSystem(`${dir}/over`, `${dir}/rpm`), file);
        const newer = await findPackage(`${dir}/newer-rpm`, ".rpm");
        await checkRpmKeepsOthers(await rpmSystem(`${dir}/others`, `${dir}/rpm`), file, newer);
      },
    });
    await t.step({
      name: ".deb on a Debian: the installer's link and Ansible's blocks stay what they are",
      ignore: lacks(mountNamespaces),
      fn: async () => {
        const program = `${dir}/deb/usr/lib/nvme-stas/nvme-stas`;
        await checkDebKeepsOthers(dir, await findPackage(dir, ".deb"), program);
      },
    });
    await t.step("both have the same program", async () => {
      const [deb, rpm] = ["deb/usr/lib", "rpm/usr/libexec"].map((at) =>
        sha256(`${dir}/${at}/nvme-stas/nvme-stas`)
      );
      assert.equal(await deb, await rpm);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** Bold and underlined, as a line printer makes them. */
const OVERSTRUCK = new RegExp(".\x08", "g");

Deno.test("manual pages fit a terminal of 80 columns; only lines of files are not broken", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (const page of manualPages()) {
      const file = `${dir}/${page.name}.${page.section}`;
      await Deno.writeTextFile(file, troff(page, VERSION, "2026-01-01"));
      const { stdout } = await collect(["mandoc", "-Tutf8", "-Owidth=78", file]);
      const shown = stdout.replaceAll(OVERSTRUCK, "").split("\n");
      assert.ok(shown.length > 10, page.name);
      const wide = shown.filter((line) =>
        [...line].length > 80 && !/^ +(?:controller|exclude|ExecStart) ?=/.test(line)
      );
      assert.deepEqual(wide, [], page.name);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("manual pages are good troff", async () => {
  const dir = await Deno.makeTempDir();
  try {
    for (const page of manualPages()) {
      const file = `${dir}/${page.name}.${page.section}`;
      await Deno.writeTextFile(file, troff(page, VERSION, "2026-01-01"));
      const { success, stdout, stderr } = await collect(["mandoc", "-Tlint", "-Wwarning", file]);
      assert.ok(success, stdout + stderr);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
