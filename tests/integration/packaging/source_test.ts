/** Source packages: built in a clean tree, without a network, from a given Deno and runtime. */
import assert from "node:assert/strict";
import { DENO_VERSION, hostTarget, provideDenort } from "../../../scripts/denort.ts";
import { differences, listTree, parseManifest } from "../../../scripts/package/manifest.ts";
import { SOURCE_NEEDS } from "../../../scripts/package/needs.ts";
import { capture, collect } from "../../../scripts/run.ts";
import { VERSION } from "../../../src/lib/base/version.ts";
import { lacks, networkNamespaces, packages } from "../../lacking.ts";

/** A machine with a distribution's tools, Deno and its runtime, and no way out. */
async function alone(runtime: string, words: readonly string[], cwd: string): Promise<void> {
  const environment = [
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/nonexistent",
    "LANG=C.UTF-8",
    `DENO=${Deno.execPath()}`,
    `DENORT_BIN=${runtime}`,
    "COMPRESSION=-Znone",
  ];
  const ended = await collect(["unshare", "--net", "env", "-i", ...environment, ...words], { cwd });
  assert.ok(ended.success, `${ended.stdout}${ended.stderr}`.split("\n").slice(-30).join("\n"));
}

async function checkTree(root: string, format: "deb" | "rpm"): Promise<void> {
  const listed = parseManifest(await Deno.readTextFile("packaging/files.txt"), format);
  assert.deepEqual(differences(listed, await listTree(root)), [], format);
}

async function theOnly(dir: string, name: RegExp): Promise<string> {
  const found = (await Array.fromAsync(Deno.readDir(dir))).filter((one) => name.test(one.name));
  assert.equal(found.length, 1, `${name} in ${dir}`);
  return `${dir}/${found[0]?.name ?? ""}`;
}

Deno.test({
  name: "source packages: dpkg-buildpackage and rpmbuild build them in a clean tree without a network",
  ignore: lacks(packages(SOURCE_NEEDS), networkNamespaces),
  fn: async () => {
    assert.equal(Deno.version.deno, DENO_VERSION);
    const dir = await Deno.makeTempDir({ dir: "/var/tmp" });
    try {
      const { env } = await provideDenort(hostTarget(), "fallback", dir);
      const runtime = env["DENORT_BIN"] ?? "";
      await capture([Deno.execPath(), "run", "-A", "scripts/source.ts", "--out", `${dir}/out`]);

      await Deno.mkdir(`${dir}/deb`);
      const dsc = `${dir}/out/nvme-stas_${VERSION}-1.dsc`;
      await capture(["dpkg-source", "--no-check", "-x", dsc, "tree"], { cwd: `${dir}/deb` });
      await alone(runtime, ["dpkg-buildpackage", "-us", "-uc", "-b", "-d"], `${dir}/deb/tree`);
      const deb = await theOnly(`${dir}/deb`, /\.deb$/);
      await capture(["dpkg-deb", "-x", deb, `${dir}/deb/files`]);
      await checkTree(`${dir}/deb/files`, "deb");
      const version = await capture([`${dir}/deb/files/usr/bin/stafctl`, "--version"]);
      assert.equal(version.split("\n")[0], `nvme-stas ${VERSION}`);

      const defines = {
        _topdir: `${dir}/rpm`,
        deno: Deno.execPath(),
        denort: runtime,
        selinux_make_flags: "NAME=default",
        _binary_payload: "w.ufdio",
      };
      const words = Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
      const srpm = `${dir}/out/nvme-stas-${VERSION}-1.src.rpm`;
      await alone(runtime, ["rpmbuild", "--rebuild", "--nodeps", ...words, srpm], dir);
      const rpm = await theOnly(`${dir}/rpm/RPMS/${Deno.build.arch}`, /\.rpm$/);
      await Deno.mkdir(`${dir}/rpm/files`);
      await capture(["sh", "-c", `rpm2cpio ${rpm} | cpio -id --quiet`], { cwd: `${dir}/rpm/files` });
      await checkTree(`${dir}/rpm/files`, "rpm");
      const selinux = await theOnly(`${dir}/rpm/RPMS/noarch`, /^nvme-stas-selinux-.*\.rpm$/);
      const listed = await capture(["rpm", "-qlp", selinux]);
      assert.equal(listed, "/usr/share/selinux/packages/targeted/nvme_stas_deno.pp\n");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
