import assert from "node:assert/strict";
import { differences, listTree, parseManifest } from "../../../scripts/package/manifest.ts";
import { manualPages } from "../../../scripts/package/man.ts";
import { debianChangelog, rpmChangelog } from "../../../scripts/package/release.ts";

const LIST = `# comment

0755 /usr/lib/x
link /usr/bin/y ../lib/x
config /etc/z
deb: 0644 /d
rpm: 0644 /r
`;

Deno.test("the list: modes, links, configuration, and lines for one format", () => {
  assert.deepEqual(parseManifest(LIST, "deb").map(({ path }) => path), [
    "/d",
    "/etc/z",
    "/usr/bin/y",
    "/usr/lib/x",
  ]);
  assert.deepEqual(parseManifest(LIST, "rpm")[2], {
    path: "/usr/bin/y",
    kind: "link",
    mode: 0,
    target: "../lib/x",
  });
  for (const bad of ["0644 relative", "link /a", "0644 /a /b", "644 /a", "0644 /a b c"]) {
    assert.throws(() => parseManifest(bad, "deb"), /packaging\/files\.txt:1: /, bad);
  }
});

Deno.test("a tree is compared with the list: paths, modes and links", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/usr/lib`, { recursive: true });
    await Deno.mkdir(`${root}/usr/bin`);
    await Deno.mkdir(`${root}/etc`);
    await Deno.writeTextFile(`${root}/usr/lib/x`, "");
    await Deno.chmod(`${root}/usr/lib/x`, 0o755);
    await Deno.symlink("../lib/x", `${root}/usr/bin/y`);
    await Deno.writeTextFile(`${root}/etc/z`, "");
    await Deno.chmod(`${root}/etc/z`, 0o644);
    await Deno.writeTextFile(`${root}/d`, "");
    await Deno.chmod(`${root}/d`, 0o644);
    const compare = async () => differences(parseManifest(LIST, "deb"), await listTree(root));
    assert.deepEqual(await compare(), []);
    await Deno.chmod(`${root}/d`, 0o600);
    assert.deepEqual(await compare(), ["+ /d 600", "- /d 644"]);
    await Deno.remove(`${root}/d`);
    await Deno.writeTextFile(`${root}/etc/more`, "");
    await Deno.chmod(`${root}/etc/more`, 0o644);
    assert.deepEqual(await compare(), ["+ /etc/more 644", "- /d 644"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("every manual page is in both packages, and no other", () => {
  const text = Deno.readTextFileSync("packaging/files.txt");
  const pages = manualPages().map(({ name, section }) =>
    `/usr/share/man/man${section}/${name}.${section}.gz`
  );
  for (const format of ["deb", "rpm"] as const) {
    const listed = parseManifest(text, format).map(({ path }) => path).filter((path) =>
      path.includes("/man/")
    );
    assert.deepEqual(listed, pages.toSorted(), format);
  }
});

Deno.test("the packages' changelogs have the day of the source, in their own ways to write it", () => {
  const release = { version: "1.2.3", epoch: 1_795_383_292 };
  assert.match(debianChangelog(release), /^nvme-stas \(1:1\.2\.3-1\) unstable; urgency=medium\n/);
  assert.match(debianChangelog(release), /\n -- .+> {2}Sun, 22 Nov 2026 21:34:52 \+0000\n$/);
  assert.match(rpmChangelog(release), /^\* Sun Nov 22 2026 .+ - 1:1\.2\.3-1\n/);
});

Deno.test("maintainer scripts and the metrics writer are right for a POSIX shell", () => {
  const files = ["deb/postinst", "deb/prerm", "deb/postrm", "metrics/write-metrics"];
  for (const file of files) {
    const { success, stderr } = new Deno.Command("sh", { args: ["-n", `packaging/${file}`] }).outputSync();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
});
