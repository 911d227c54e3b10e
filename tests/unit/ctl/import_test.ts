import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { main as stasadm } from "../../../src/ctl/stasadm.ts";
import { importFile } from "../../../src/lib/config/import_file.ts";
import { fakeWorld } from "./fake_world.ts";

const KEY = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";

Deno.test("discovery.conf: long and short options; what has no counterpart is said", () => {
  const found = importFile(
    "# comment\n--transport=tcp --traddr=192.0.2.1 --trsvcid=8009 --keep-alive-tmo=30\n\n" +
      "-t rdma -a 192.0.2.2 -w 192.0.2.9 -f none --persistent -g\n--transport=tcp --traddr=192.0.2.1 --trsvcid=8009 --tos=3 -l -1\n",
  );
  assert.deepEqual(found?.stafd, [
    "transport=tcp;traddr=192.0.2.1;trsvcid=8009;kato=30",
    "transport=rdma;traddr=192.0.2.2;host-traddr=192.0.2.9;hdr-digest=true",
    "transport=tcp;traddr=192.0.2.1;trsvcid=8009;ctrl-loss-tmo=-1",
  ]);
  assert.deepEqual(found?.lost, ['line 5: "tos" has no counterpart']);
});

Deno.test("config.json: subsystems for stacd, discovery controllers for stafd, each with its host", () => {
  const json = [{
    hostnqn: "nqn.2014-08.org.example:h",
    hostid: "1b4e28ba-2fa1-41d2-883f-0016d3cca427",
    dhchap_key: KEY,
    subsystems: [
      {
        nqn: "nqn.s",
        ports: [{ transport: "tcp", traddr: "192.0.2.3", trsvcid: "4420", keep_alive_tmo: 5, tls: false }],
      },
      {
        nqn: "nqn.2014-08.org.nvmexpress.discovery",
        ports: [{ transport: "tcp", traddr: "192.0.2.4", persistent: true }],
      },
    ],
  }];
  const found = importFile(JSON.stringify(json, null, 2));
  const host =
    `host-nqn=nqn.2014-08.org.example:h;host-id=1b4e28ba-2fa1-41d2-883f-0016d3cca427;dhchap-secret=${KEY}`;
  assert.deepEqual(found?.stacd, [
    `transport=tcp;traddr=192.0.2.3;trsvcid=4420;nqn=nqn.s;${host};kato=5;tls=false`,
  ]);
  assert.deepEqual(found?.stafd, [`transport=tcp;traddr=192.0.2.4;${host}`]);
});

const NEXT = `[Host]
hostnqn = nqn.2014-08.org.example:h
[Discovery Controller Defaults]
keep-alive-tmo = 20
persistent = auto
[Discovery Controller]
controller = transport=tcp;traddr=192.0.2.5;hdr-digest=true
controller = transport=tcp;traddr=192.0.2.6
[Subsystem]
nqn = nqn.2014-08.com.example:a
kxchap-secret = ${KEY}
controller = transport=tcp;traddr=192.0.2.7;trsvcid=4420
[Subsystem]
nqn = nqn.2014-08.com.example:b
controller = transport=tcp;traddr=192.0.2.8;trsvcid=4420;tos=1
`;

async function onHost(
  files: Readonly<Record<string, string>>,
  test: (
    run: (...args: string[]) => Promise<readonly [number, string, string]>,
    read: (name: string) => string,
    dir: string,
  ) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${dir}/${name}`, text);
    await test(
      async (...args) => {
        const world = fakeWorld({ confDir: dir });
        const status = await stasadm(args, world);
        return [status, world.out.text, world.err.text];
      },
      (name) => Deno.readTextFileSync(`${dir}/${name}`),
      dir,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("nvme-stas 3: shown without keys, written with them, and written once", () =>
  onHost({ "next.conf": NEXT, "stafd.conf": "# mine\n[Global]\nkato = 30\n" }, async (run, read, dir) => {
    const [status, out, err] = await run("import", `${dir}/next.conf`);
    assert.deepEqual([status, err], [0, ""]);
    assert.match(out, /controller = transport=tcp;traddr=192.0.2.5;hdr-digest=true\n/);
    assert.match(out, /nqn=nqn.2014-08.com.example:a;dhchap-secret=\*\*\*\*\*/);
    assert.match(out, /not carried over: line 15: "tos" has no counterpart/);
    assert.match(out, /not carried over: kato = 20 \(line 3 says otherwise\)/);
    assert.equal(read("stafd.conf"), "# mine\n[Global]\nkato = 30\n", "nothing is written");
    assert.equal((await run("import", "--write", `${dir}/next.conf`))[0], 0);
    const stafd = read("stafd.conf");
    assert.equal(
      stafd,
      "# mine\n[Global]\nkato = 30\n[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.5;hdr-digest=true\n" +
        "controller = transport=tcp;traddr=192.0.2.6\n",
    );
    assert.equal(((await Deno.stat(`${dir}/stacd.conf`)).mode ?? 0) & 0o777, 0o600, "there is a key in it");
    assert.ok(read("stacd.conf").includes(`nqn=nqn.2014-08.com.example:a;dhchap-secret=${KEY}\n`));
    assert.equal(read("sys.conf"), "[Host]\nnqn = nqn.2014-08.org.example:h\n");
    await run("import", "--write", `${dir}/next.conf`);
    assert.equal(read("stafd.conf"), stafd);
  }));

const PERSONA = `[Host]
hostnqn = nqn.2014-08.org.example:other
hostid = 2b4e28ba-2fa1-41d2-883f-0016d3cca427
kxchap-secret = ${KEY}
[I/O Controller Defaults]
ctrl-loss-tmo = 0x10
[Subsystem]
nqn = nqn.2014-08.com.example:c
hdr-digest = y
keep-alive-tmo =
controller = transport=tcp;traddr=192.0.2.10
`;

Deno.test("drop-ins come with the file, each with its identity and its defaults; one of them is imported alone, too", () =>
  onHost({ "next.conf": NEXT }, async (run, _read, dir) => {
    await Deno.mkdir(`${dir}/next.conf.d`);
    await Deno.writeTextFile(`${dir}/next.conf.d/b.conf`, PERSONA);
    await Deno.writeTextFile(`${dir}/next.conf.d/b.conf~`, "not read");
    const line = "controller = transport=tcp;traddr=192.0.2.10;nqn=nqn.2014-08.com.example:c;" +
      "host-nqn=nqn.2014-08.org.example:other;host-id=2b4e28ba-2fa1-41d2-883f-0016d3cca427;ctrl-loss-tmo=16;" +
      "dhchap-secret=*****;hdr-digest=true;kato=0\n";
    for (const file of ["next.conf", "next.conf.d/b.conf"]) {
      const [status, out, err] = await run("import", `${dir}/${file}`);
      assert.deepEqual([status, err], [0, ""]);
      assert.ok(out.includes(line), out);
      assert.doesNotMatch(out, /not carried over.*ctrl-loss-tmo/);
    }
    assert.doesNotMatch((await run("import", `${dir}/next.conf.d/b.conf`))[1], /sys\.conf/);
  }));

Deno.test("what nvme-stas 3 would reject is named, and the rest is carried over", () => {
  const found = importFile(
    "[Host]\nhostnqn = nqn.1111\u2026-A\n[Discovery Controller]\npersistent = no # why\ncontroller = transport=tcp;traddr=192.0.2.1\n" +
      "controller = transport=tcp;traddr=192.0.2.2;bogus=1\n",
  );
  assert.deepEqual(found?.stafd, ["transport=tcp;traddr=192.0.2.1"]);
  assert.deepEqual(found.lost, [
    'line 2: hostnqn "nqn.1111\u2026-A" is not an NQN (nqn.YYYY-MM.DOMAIN...)',
    'line 6: "bogus" does not belong on a controller line',
    "line 5: persistent = no has no counterpart: discovery controllers stay connected",
  ]);
});

Deno.test("check --conn-conf-file: what the daemon takes of the file, and what is wrong with it", () =>
  onHost({ "next.conf": NEXT, "stafd.conf": "[Global]\nkato = 30\n" }, async (_run, _read, dir) => {
    const checked = async (ctl: typeof stafctl, ...args: string[]): Promise<readonly [number, string]> => {
      const world = fakeWorld({ confDir: dir });
      const status = await ctl(["check", "-c", `${dir}/next.conf`, ...args], world);
      return [status, world.out.text + world.err.text];
    };
    const [, stafd] = await checked(stafctl, `${dir}/stafd.conf`);
    assert.match(
      stafd,
      /next\.conf:4:1: warning: keep-alive-tmo is given in .*stafd\.conf:2, too: this one counts/,
    );
    assert.match(stafd, /\[Global\] +kato +20 +.*next\.conf:4\n/);
    assert.match(stafd, /controller +transport=tcp;traddr=192\.0\.2\.5.* .*next\.conf:7\n/);
    assert.doesNotMatch(stafd, /192\.0\.2\.7/, "stacd's");
    const [status, stacd] = await checked(stacctl, `${dir}/stacd.conf.none`);
    assert.equal(status, 1, stacd);
    await Deno.writeTextFile(`${dir}/stacd.conf`, "");
    const [bad, said] = await checked(stacctl, `${dir}/stacd.conf`);
    assert.equal(bad, 1);
    assert.match(said, /next\.conf:15:\d+: error: tos has no effect/);
    assert.match(said, /controller +transport=tcp;traddr=192\.0\.2\.7.*dhchap-secret=\*\*\*\*\*/);
  }));

Deno.test("check names a foreign file with the way; import refuses one of ours", () =>
  onHost({ "next.conf": NEXT, "mine.conf": "[Global]\n" }, async (run, _read, dir) => {
    const world = fakeWorld({ confDir: dir });
    assert.equal(await stafctl(["check", `${dir}/next.conf`], world), 1);
    assert.match(world.out.text, /this is a file of nvme-stas 3, .*stasadm import .*next\.conf/);
    const [status, , err] = await run("import", `${dir}/mine.conf`);
    assert.equal(status, 1);
    assert.match(err, /is neither nvme-cli's discovery\.conf or config\.json nor a file of nvme-stas 3/);
  }));

Deno.test("item 8: a link to the installer's file stays one, and a managed block stays as it is", () =>
  onHost({ "next.conf": NEXT }, async (run, _read, dir) => {
    const installer = `${dir}/curtin-stafd.conf`;
    const block =
      "# BEGIN ANSIBLE MANAGED BLOCK\n[Controllers]\ncontroller = transport=tcp;traddr=192.0.2.99\n# END ANSIBLE MANAGED BLOCK\n";
    await Deno.writeTextFile(installer, block);
    await Deno.symlink(installer, `${dir}/stafd.conf`);
    assert.equal((await run("import", "--write", `${dir}/next.conf`))[0], 0);
    assert.equal(await Deno.readLink(`${dir}/stafd.conf`), installer);
    const text = await Deno.readTextFile(installer);
    assert.ok(text.startsWith(block), text);
    const sys = `${dir}/installer-sys.conf`;
    await Deno.writeTextFile(
      sys,
      "# BEGIN ANSIBLE MANAGED BLOCK\n[Host]\nsymname = a\n# END ANSIBLE MANAGED BLOCK\n",
    );
    await Deno.remove(`${dir}/sys.conf`);
    await Deno.symlink(sys, `${dir}/sys.conf`);
    assert.equal((await run("hostid"))[0], 0);
    assert.equal(await Deno.readLink(`${dir}/sys.conf`), sys);
    const after = await Deno.readTextFile(sys);
    assert.match(after, /^# BEGIN ANSIBLE MANAGED BLOCK\n\[Host\]\nsymname = a\n/);
    assert.match(after, /# END ANSIBLE MANAGED BLOCK\n/);
  }));

Deno.test("item 8: a link whose file does not exist yet stays one", () =>
  onHost({ "next.conf": NEXT }, async (run, _read, dir) => {
    await Deno.mkdir(`${dir}/installer`);
    await Deno.symlink("installer/own.conf", `${dir}/stafd.conf`);
    const [status, , err] = await run("import", "--write", `${dir}/next.conf`);
    assert.deepEqual([status, err], [0, ""]);
    assert.equal(await Deno.readLink(`${dir}/stafd.conf`), "installer/own.conf");
    assert.match(await Deno.readTextFile(`${dir}/installer/own.conf`), /traddr=192\.0\.2\.5/);
  }));
