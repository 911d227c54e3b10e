import assert from "node:assert/strict";
import { differences, type Format, listTree, parseManifest } from "../../../scripts/package/manifest.ts";
import { manualPages } from "../../../scripts/package/man.ts";
import { troff } from "../../../scripts/package/man_troff.ts";
import { PACKAGE_NEEDS, UNPACK_NEEDS } from "../../../scripts/package/needs.ts";
import { capture, collect } from "../../../scripts/run.ts";
import { providePackages } from "../../../scripts/system_packages.ts";
import { NAMES } from "../../../scripts/build.ts";
import { VERSION } from "../../../src/lib/nvme/version.ts";

async function sha256(file: string): Promise<string> {
  return (await capture(["sha256sum", file])).slice(0, 64);
}

async function findPackage(dir: string, suffix: string): Promise<string> {
  for await (const { name } of Deno.readDir(dir)) {
    if (name.endsWith(suffix)) return `${dir}/${name}`;
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

/** Each name of the program, run by its link in the unpacked package, says the packed version. */
async function checkVersions(root: string): Promise<void> {
  for (const name of NAMES) {
    const dir = name === "stafd" || name === "stacd" ? "sbin" : "bin";
    const said = await capture([`${root}/usr/${dir}/${name}`, "--version"]);
    assert.equal(said.split("\n")[0], `nvme-stas ${VERSION}`, name);
  }
}

Deno.test("packages: built twice with the same bytes, unpacked they hold what is listed", async (t) => {
  await providePackages([...PACKAGE_NEEDS, ...UNPACK_NEEDS]);
  const dir = await Deno.makeTempDir({ prefix: "nvme-stas-packages-" });
  try {
    await t.step("two builds", async () => {
      await capture([
        Deno.execPath(),
        "run",
        "-A",
        "scripts/package.ts",
        "--uncompressed",
        "--twice",
        "--out",
        dir,
      ]);
    });
    await t.step(".deb", async () => {
      const file = await findPackage(dir, ".deb");
      await capture(["dpkg-deb", "-x", file, `${dir}/deb`]);
      await checkContent(`${dir}/deb`, "deb");
      await checkVersions(`${dir}/deb`);
      const fields = await capture(["dpkg-deb", "-f", file, "Package", "Version", "Depends"]);
      assert.match(
        fields,
        new RegExp(`^Package: nvme-stas\nVersion: 1:${VERSION.replaceAll(".", "\\.")}-1\n`),
      );
      assert.match(fields, /libnvme1t64 \| libnvme1/);
      // It comes after everything that the original will ever be called.
      await capture(["dpkg", "--compare-versions", `1:${VERSION}-1`, "gt", "99.0-1"]);
      await capture(["dpkg-deb", "-e", file, `${dir}/control`]);
      assert.equal(await Deno.readTextFile(`${dir}/control/conffiles`), "/etc/stas/sys.conf.doc\n");
      const sums = await collect(["md5sum", "--quiet", "-c", `${dir}/control/md5sums`], {
        cwd: `${dir}/deb`,
      });
      assert.ok(sums.success, sums.stdout);
      const owners = await capture(["dpkg-deb", "-c", file]);
      for (const line of owners.trim().split("\n")) assert.match(line, /^\S+ root\/root /);
    });
    await t.step(".rpm", async () => {
      const file = await findPackage(dir, ".rpm");
      await Deno.mkdir(`${dir}/rpm`);
      await capture(["sh", "-c", `cd '${dir}/rpm' && rpm2cpio '${file}' | cpio -idm --quiet`]);
      await checkContent(`${dir}/rpm`, "rpm");
      await checkVersions(`${dir}/rpm`);
      const query = (...words: readonly string[]) => capture(["rpm", "-qp", ...words, file]);
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

Deno.test("manual pages are good troff", async () => {
  await providePackages(UNPACK_NEEDS);
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
