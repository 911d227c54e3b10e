/** The container image: what it holds, that it runs without its builder's system, and that its recipes agree. */
import assert from "node:assert/strict";
import { IMAGE_NEEDS } from "../../../scripts/package/needs.ts";
import { capture, collect } from "../../../scripts/run.ts";
import { LIBNVME_NEEDS } from "../../../scripts/system_packages.ts";
import { VERSION } from "../../../src/lib/base/version.ts";
import { lacks, mountNamespaces, packages } from "../../lacking.ts";

const CONTEXT = "build/image";
const RECIPES = "packaging/container";

async function task(...args: readonly string[]): Promise<void> {
  await capture([Deno.execPath(), "run", "-A", "scripts/image.ts", ...args]);
}

Deno.test({
  name: "image: the programs, their libraries, and nothing that names a host",
  ignore: lacks(
    packages([...LIBNVME_NEEDS, { program: "dbus-daemon", apt: ["dbus"], dnf: ["dbus-daemon"] }]),
  ),
  fn: async () => {
    await task();
    const listed = await capture(["tar", "-tf", `${CONTEXT}/rootfs.tar`]);
    const files = listed.split("\n").map((name) => name.replace(/^\./, ""));
    for (const name of ["/usr/sbin/stafd", "/usr/sbin/stacd", "/usr/bin/stasadm", "/usr/bin/dbus-daemon"]) {
      assert.ok(files.includes(name), name);
    }
    const naming = files.filter((name) =>
      /^\/etc\/(?:nvme\/.|machine-id|hostname|hosts)|hostnqn|hostid/.test(name)
    );
    assert.deepEqual(naming, []);
    assert.deepEqual(files.filter((name) => name.startsWith("/usr/lib/systemd")), []);
  },
});

/** Runs a program in the image, with the runtime's own mounts and no network of its own. */
Deno.test({
  name:
    "image: built by buildah; both daemons and doctor run in it, and doctor says what the container lacks",
  ignore: lacks(packages([...LIBNVME_NEEDS, ...IMAGE_NEEDS]), mountNamespaces),
  fn: async () => {
    const store = await Deno.makeTempDir({ dir: "/var/tmp" });
    const buildah = [
      "buildah",
      "--storage-driver",
      "vfs",
      "--root",
      `${store}/root`,
      "--runroot",
      `${store}/run`,
    ];
    try {
      await task();
      const tag = "localhost/nvme-stas:test";
      await capture([
        ...buildah,
        "bud",
        "--isolation",
        "chroot",
        "-t",
        tag,
        "-f",
        `${CONTEXT}/Containerfile`,
        CONTEXT,
      ]);
      const container = (await capture([...buildah, "from", tag])).trim();
      const run = (...words: readonly string[]) =>
        collect([...buildah, "run", "--isolation", "chroot", container, "--", ...words]);
      const version = await run("/usr/sbin/stacd", "--version");
      assert.match(
        version.stdout,
        new RegExp(`^nvme-stas ${VERSION.replaceAll(".", "\\.")}\nlibnvme \\d`),
        version.stderr,
      );
      const doctor = await run("/usr/bin/stafctl", "doctor", "-o", "json");
      const found: { area: string; text: string }[] = JSON.parse(doctor.stdout);
      const texts = found.filter(({ area }) => area === "container").map(({ text }) => text);
      assert.equal(texts[0], "this is a container of podman");
      assert.ok(texts.some((text) => text.startsWith("/etc/nvme is not the host's")), texts.join("\n"));
      const start = await run("/usr/sbin/stafd");
      assert.match(start.stdout + start.stderr, /stafd: \/dev\/nvme-fabrics is missing/);
    } finally {
      await Deno.remove(store, { recursive: true });
    }
  },
});

Deno.test("recipes: one image, and the same of the host in compose.yaml and in both Quadlets", async () => {
  const read = (name: string): Promise<string> => Deno.readTextFile(`${RECIPES}/${name}`);
  const compose = await read("compose.yaml");
  const wanted = [...compose.matchAll(/^ {6}- (\/\S+)$/gm)].map(([, mount = ""]) => mount);
  assert.equal(wanted.length, 9);
  for (const name of ["stafd", "stacd"]) {
    const quadlet = await read(`${name}.container`);
    const mounts = [...quadlet.matchAll(/^Volume=(\S+)$/gm)].map(([, mount = ""]) => mount);
    assert.deepEqual(mounts, wanted, name);
    assert.match(quadlet, new RegExp(`^Exec=/usr/sbin/${name}$`, "m"));
    // As the unit of the package: what systemd does with exit statuses and at shutdown is the same.
    const unit = await Deno.readTextFile(`systemd/${name}.service`);
    for (
      const line of ["RestartPreventExitStatus=78", "StartLimitIntervalSec=0", "Before=remote-fs-pre.target"]
    ) {
      assert.ok(unit.includes(`\n${line}\n`) && quadlet.includes(`\n${line}\n`), `${name}: ${line}`);
    }
  }
  for (const name of ["compose.yaml", "compose.own-bus.yaml", "stafd.container", "stacd.container"]) {
    const tags = [...(await read(name)).matchAll(/localhost\/nvme-stas:(\S+)/g)].map(([, tag]) => tag);
    assert.deepEqual([...new Set(tags)], [VERSION], name);
  }
});
