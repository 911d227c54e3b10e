/** The units hide folders from the daemons: nothing that they need may be put there, and what is there is said. */
import assert from "node:assert/strict";
import { namesIn } from "../../../src/ctl/doctor_finding.ts";
import { HIDDEN_FOLDERS, whyHidden } from "../../../src/ctl/hidden_folders.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { main as stasadm } from "../../../src/ctl/stasadm.ts";
import { type FakeWorld, fakeWorld } from "./fake_world.ts";

const NQN = "nqn.2014-08.org.nvmexpress:uuid:1b4e28ba-2fa1-41d2-883f-0016d3cca427";
const ID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

interface Host {
  readonly dir: string;
  readonly world: () => FakeWorld;
}

/** A machine with `DIR/etc`, which the daemons see, and `DIR/tmp`, which they do not. */
async function onHost(test: (host: Host) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const name of ["etc", "tmp", "tmpfiles"]) await Deno.mkdir(`${dir}/${name}`);
    await test({
      dir,
      world: () =>
        fakeWorld({
          confDir: `${dir}/etc`,
          hiddenFolders: [{ path: `${dir}/tmp`, directive: "PrivateTmp=yes" }],
        }),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function adm({ dir, world }: Host, ...args: readonly string[]): Promise<readonly [number, string]> {
  const at = world();
  const machine = {
    machineId: `${dir}/none`,
    productUuid: `${dir}/none`,
    partitionUuid: `${dir}/none`,
    root: true,
  };
  const status = await stasadm(args, at, machine);
  return [status, at.err.text];
}

Deno.test("the hidden folders are those that both units hide", () => {
  const paths: Readonly<Record<string, readonly string[]>> = {
    "PrivateTmp=yes": ["/tmp", "/var/tmp"],
    "ProtectHome=yes": ["/home", "/root", "/run/user"],
  };
  for (const name of ["stafd", "stacd"]) {
    const unit = Deno.readTextFileSync(`systemd/${name}.service`);
    assert.doesNotMatch(
      unit,
      /^(InaccessiblePaths|TemporaryFileSystem|PrivateDevices|RootDirectory)=/m,
      name,
    );
    const hidden = Object.entries(paths).flatMap(([directive, folders]) =>
      new RegExp(`^${directive}$`, "m").test(unit) ? folders.map((path) => ({ path, directive })) : []
    );
    assert.deepEqual(hidden, HIDDEN_FOLDERS, name);
  }
});

Deno.test("a folder is recognised by its path and by where links lead, and its neighbours are not it", () => {
  const world = fakeWorld();
  const hidden = (path: string): boolean => whyHidden(world, "/etc/stas/sys.conf", path) !== undefined;
  for (
    const path of ["/tmp/hn", "/var/tmp/a/b", "/root/key", "/home/x/hn", "/run/user/0/hn", "/etc/../tmp/hn"]
  ) {
    assert.ok(hidden(path), path);
  }
  assert.ok(hidden("/var/run/user/1000/hn") === (Deno.realPathSync("/var/run") === "/run"));
  for (
    const path of ["/etc/nvme/hostnqn", "/tmpfs/hn", "/tmp/../etc/hn", "/srv/root/hn", "/run/users", "/"]
  ) {
    assert.ok(!hidden(path), path);
  }
});

Deno.test("stasadm refuses a file that the daemons cannot see, and writes nothing: host NQN, host ID, symbolic name", () =>
  onHost(async (host) => {
    const { dir } = host;
    await Deno.symlink(`${dir}/tmp`, `${dir}/etc/link`);
    await Deno.writeTextFile(`${dir}/tmp/old`, "old\n");
    await Deno.symlink(`${dir}/tmp/old`, `${dir}/etc/old`);
    const files = [`${dir}/tmp/hn`, `${dir}/tmp/none/hn`, `${dir}/etc/link/hn`, `${dir}/etc/old`];
    for (const file of files) {
      for (const command of [["hostnqn"], ["hostid"], ["set-symname", "Luke"]]) {
        const [status, said] = await adm(host, ...command, "-f", file);
        assert.equal(status, 1, file);
        assert.match(said, /^stasadm: stafd and stacd cannot see .*PrivateTmp=yes.*\/etc\/nvme\n$/);
      }
    }
    assert.deepEqual(namesIn(`${dir}/etc`), ["link", "old"]);
    assert.equal(await Deno.readTextFile(`${dir}/tmp/old`), "old\n");
    assert.deepEqual(namesIn(`${dir}/tmp`), ["old"]);
    assert.deepEqual(await adm(host, "hostid", "-f", `${dir}/etc/hostid`), [0, ""]);
    assert.deepEqual(await adm(host, "hostid", "-f", `${dir}/tmpfiles/hostid`), [0, ""]);
    // A draft of sys.conf that the daemons do not see either.
    assert.deepEqual(await adm(host, "-c", `${dir}/tmp/sys.conf`, "hostid", "-f", `${dir}/tmp/id`), [0, ""]);
  }));

Deno.test("check says which files of sys.conf the daemons cannot see, and that sys.conf itself is one", () =>
  onHost(async ({ dir, world }) => {
    const check = async (text: string): Promise<readonly [number, string]> => {
      const at = world();
      await Deno.writeTextFile(`${dir}/etc/sys.conf`, `[Host]\n${text}`);
      return [await stafctl(["check"], at), at.out.text + at.err.text];
    };
    await Deno.writeTextFile(`${dir}/tmp/word`, `${NQN}\n`);
    await Deno.writeTextFile(`${dir}/tmp/id`, `${ID}\n`);
    await Deno.symlink(`${dir}/tmp/word`, `${dir}/etc/word`);
    const inline = `nqn=${NQN}\nid=${ID}\nkey=DHHC-1:00:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyYnki0dbq:\n`;
    const why = "stafd and stacd cannot see .*PrivateTmp=yes";
    assert.equal((await check(inline))[0], 0);
    for (const bad of [`nqn=file://${dir}/tmp/word\nid=${ID}\n`, `nqn=file://${dir}/etc/word\nid=${ID}\n`]) {
      const [status, said] = await check(bad);
      assert.equal(status, 1, bad);
      assert.match(said, new RegExp(`sys.conf:2:5: error: the host has no NQN: .*${why}`));
    }
    const [status, said] = await check(`nqn=${NQN}\nid=file://${dir}/tmp/id\n`);
    assert.equal(status, 1);
    assert.match(said, new RegExp(`error: the host has no ID: .*${why}`));
    for (const [option, severity] of [["key", "error"], ["symname", "error"]]) {
      assert.match(
        (await check(`${inline}${option}=file://${dir}/tmp/word\n`))[1],
        new RegExp(`${severity}: .*${why}`),
      );
    }
    await Deno.writeTextFile(`${dir}/tmp/sys.conf`, `[Host]\n${inline}`);
    await Deno.remove(`${dir}/etc/sys.conf`);
    await Deno.symlink(`${dir}/tmp/sys.conf`, `${dir}/etc/sys.conf`);
    const at = world();
    assert.equal(await stafctl(["check"], at), 1);
    assert.match(at.err.text, new RegExp(why));
  }));
