import assert from "node:assert/strict";
import { SystemClock } from "../../../src/lib/linux/clock.ts";
import { ExclusionsFiles } from "../../../src/lib/linux/exclusions_files.ts";
import { nvmeLine } from "../../../src/lib/linux/kernel_log.ts";
import { Limiter } from "../../../src/lib/linux/limiter.ts";
import { parseOsRelease, thisEntity } from "../../../src/lib/linux/entity.ts";
import { readNbftFiles } from "../../../src/lib/linux/nbft_files.ts";
import { startProblem } from "../../../src/lib/linux/process_checks.ts";
import { SystemResolver } from "../../../src/lib/linux/resolver.ts";
import { overrideText, UdevRule } from "../../../src/lib/linux/udev_rule.ts";
import { findSystemctl, systemdEscape, SystemdUnits, unitName } from "../../../src/lib/linux/units.ts";
import type { Exclusion } from "../../../src/lib/nvme/exclusions.ts";
import type { Outcome } from "../../../src/lib/base/failure.ts";
import { namesIn, outcome, RememberingLog } from "./waiting.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "stas-system-" });
  await work(folder);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("no more run at once than allowed, in order, and no more wait than allowed", async () => {
  const limiter = new Limiter(2, 3);
  const order: number[] = [];
  const ends: (() => void)[] = [];
  let running = 0;
  const start = (n: number) =>
    limiter.run(async () => {
      order.push(n);
      assert.ok(++running <= 2);
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
      return n;
    });
  const all = [0, 1, 2, 3, 4].map(start);
  assert.equal(await start(5), undefined);
  while (order.length < 5 || ends.length > 0) {
    ends.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.deepEqual(await Promise.all(all), [0, 1, 2, 3, 4]);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
  // A place is free again also after a bug.
  await assert.rejects(Promise.resolve(limiter.run(() => Promise.reject(new Error("bug")))), /bug/);
  await assert.rejects(Promise.resolve(limiter.run(() => Promise.reject(new Error("bug")))), /bug/);
  assert.equal(await limiter.run(() => Promise.resolve("free")), "free");
});

Deno.test("the clock wakes at the deadline and not before, never for ever, and can be stopped", async () => {
  const clock = new SystemClock();
  const start = clock.now();
  const woken = await new Promise<number>((resolve) =>
    clock.wakeAt({ mono: start.mono + 20 }, () => resolve(clock.now().mono))
  );
  assert.ok(woken >= start.mono + 20);
  const stop = clock.wakeAt({ mono: clock.now().mono + 1 }, () => assert.fail("stopped, and woke"));
  stop();
  clock.wakeAt({ mono: Infinity }, () => assert.fail("woke at the end of time"));
  const far = clock.wakeAt(
    { mono: clock.now().mono + 2 ** 40 },
    () => assert.fail("woke in the wrong century"),
  );
  await new Promise<void>((resolve) => clock.wakeAt({ mono: 0 }, resolve));
  await new Promise<void>((resolve) => clock.wakeAt({ mono: clock.now().mono + 30 }, resolve));
  far();
});

Deno.test("names of units", () => {
  assert.equal(
    systemdEscape("--device=nvme0\t--host-iface=eth0.5:1_a"),
    "--device\\x3dnvme0\\x09--host-iface\\x3deth0.5:1_a",
  );
  assert.equal(systemdEscape("fe80::1%eth0 /\\@\u00e9"), "fe80::1\\x25eth0\\x20\\x2f\\x5c\\x40\\xc3\\xa9");
  assert.equal(
    unitName("nvmf-connect", ["--device=nvme3", "--host-traddr=192.0.2.1"]),
    "nvmf-connect@--device\\x3dnvme3\\x09--host-traddr\\x3d192.0.2.1.service",
  );
});

Deno.test("systemctl is looked for in PATH and run without waiting", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/a/systemctl`, { recursive: true });
    await Deno.mkdir(`${folder}/b`);
    await Deno.writeTextFile(`${folder}/b/systemctl`, "", { mode: 0o644 });
    await Deno.mkdir(`${folder}/c`);
    const program = `${folder}/c/systemctl`;
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/called\nexit 3\n`,
      { mode: 0o755 },
    );
    assert.equal(findSystemctl(`relative:${folder}/a:${folder}/b:${folder}/none:${folder}/c`), program);
    assert.equal(findSystemctl(""), undefined);
    const log = new RememberingLog();
    new SystemdUnits(log, () => program).restart("nvmf-connect", ["--device=nvme0"]);
    for (let i = 0; i < 500 && log.entries.length === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.match(log.entries[0]?.message ?? "", /exit status 3$/);
    assert.equal(
      await Deno.readTextFile(`${folder}/called`),
      "--quiet\n--no-block\nrestart\nnvmf-connect@--device\\x3dnvme0.service\n",
    );
    new SystemdUnits(log, () => undefined).restart("x", []);
    assert.match(log.entries.at(-1)?.message ?? "", /no systemctl/);
  });
});

Deno.test("the rule keeps FC's kick-start and nothing else, or nothing without systemctl (STAF-111)", () => {
  const rules = (text: string): string[] =>
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.deepEqual(rules(overrideText("/usr/bin/systemctl")), [
    'ACTION=="change", SUBSYSTEM=="fc", ENV{FC_EVENT}=="nvmediscovery", ENV{NVMEFC_HOST_TRADDR}=="?*", ENV{NVMEFC_TRADDR}=="?*", ' +
    'RUN+="/usr/bin/systemctl --no-block restart nvmf-connect@--device\\x3dnone\\x09--transport\\x3dfc\\x09' +
    '--traddr\\x3d$env{NVMEFC_TRADDR}\\x09--trsvcid\\x3dnone\\x09--host-traddr\\x3d$env{NVMEFC_HOST_TRADDR}.service"',
  ]);
  assert.deepEqual(rules(overrideText(undefined)), []);
});

Deno.test("the rule is written once, kept when it exists, and removed (STAF-110)", async () => {
  await inFolder(async (folder) => {
    const log = new RememberingLog();
    const rules = `${folder}/udev/rules.d`;
    const path = `${rules}/70-nvmf-autoconnect.rules`;
    const rule = new UdevRule(log, rules);
    await rule.install(() => "/bin/systemctl");
    assert.equal(await Deno.readTextFile(path), overrideText("/bin/systemctl"));
    await Deno.writeTextFile(path, "# of somebody else\n");
    await rule.install(() => "/bin/systemctl");
    assert.equal(await Deno.readTextFile(path), "# of somebody else\n");
    await rule.remove();
    assert.equal(await Deno.readTextFile(path), "# of somebody else\n", "an administrator's file stays");
    await Deno.remove(path);
    await Deno.symlink("/dev/null", path);
    await rule.remove();
    assert.equal(await Deno.readLink(path), "/dev/null", "and so does a link");
    await Deno.writeTextFile(`${folder}/ours`, overrideText("/bin/systemctl"));
    await Deno.remove(path);
    await Deno.symlink(`${folder}/ours`, path);
    await rule.remove();
    assert.equal(await Deno.readLink(path), `${folder}/ours`, "wherever it leads");
    await Deno.remove(path);
    // Left by a crash, perhaps of another version: ours.
    await Deno.writeTextFile(path, overrideText(undefined));
    await rule.remove();
    await rule.remove();
    assert.deepEqual(await namesIn(rules), []);
    assert.equal(log.entries.length, 0);
    await Deno.writeTextFile(`${folder}/file`, "");
    await new UdevRule(log, `${folder}/file/rules.d`).install(() => "/bin/systemctl");
    assert.equal(log.entries[0]?.level, "warning");
  });
});

Deno.test("a rule that a killed stafd left is written afresh, or removed where the registry settles ownership (STAF-110)", async () => {
  await inFolder(async (folder) => {
    const log = new RememberingLog();
    const path = `${folder}/70-nvmf-autoconnect.rules`;
    const files = new Map([
      ["/usr/lib/udev/rules.d/70-nvmf-registry.rules", ""],
      [
        "/lib/systemd/system/nvmf-connect@.service",
        "[Service]\nExecStart=nvme connect-all --owner=autoconnect\n",
      ],
    ]);
    const left = overrideText(undefined);
    await Deno.writeTextFile(path, left);
    const alone = new UdevRule(log, folder, () => undefined);
    assert.equal(alone.isSettled, false);
    await alone.install(() => "/bin/systemctl");
    assert.equal(await Deno.readTextFile(path), overrideText("/bin/systemctl"));
    const settled = new UdevRule(log, folder, (file) => files.get(file));
    assert.equal(settled.isSettled, true);
    await settled.install(() => "/bin/systemctl");
    assert.deepEqual(await namesIn(folder), []);
    await Deno.writeTextFile(path, "# of somebody else\n");
    await settled.install(() => "/bin/systemctl");
    assert.equal(await Deno.readTextFile(path), "# of somebody else\n");
    for (const missing of files.keys()) {
      const rule = new UdevRule(log, folder, (file) => file === missing ? undefined : files.get(file));
      assert.equal(rule.isSettled, false, missing);
    }
    assert.equal(log.entries.length, 0);
    new SystemdUnits(log, () => "/bin/false", settled.isSettled).restart("nvmf-connect", ["--device=nvme0"]);
    assert.match(log.entries[0]?.message ?? "", /is not restarted: nvme-cli's udev rule does that$/);
  });
});

Deno.test("others may read the rule and its folder, whatever the umask", async () => {
  await inFolder(async (folder) => {
    const before = Deno.umask(0o077);
    try {
      await new UdevRule(new RememberingLog(), `${folder}/udev/rules.d`).install(() => "/bin/systemctl");
    } finally {
      Deno.umask(before);
    }
    const modes = ["udev", "udev/rules.d", "udev/rules.d/70-nvmf-autoconnect.rules"].map((path) =>
      ((Deno.statSync(`${folder}/${path}`).mode ?? 0) & 0o777).toString(8)
    );
    assert.deepEqual(modes, ["755", "755", "644"]);
  });
});

Deno.test("names are resolved with /etc/hosts; one that does not exist says so", async () => {
  const resolver = new SystemResolver();
  const resolve = (host: string) =>
    outcome<Outcome<readonly string[]>>((done) => resolver.resolve(host, done));
  const local = await resolve("localhost");
  assert.ok(local.ok && local.value.length > 0);
  assert.ok(local.value.every((address) => address === "127.0.0.1" || address === "::1"));
  const none = await resolve("does-not-exist.invalid");
  assert.ok(!none.ok);
  assert.deepEqual([none.failure.phase, none.failure.kind], ["resolve", "transient"]);
  assert.match(none.failure.message, /does-not-exist\.invalid/);
});

Deno.test("exclusions are read from all files, problems are told once", async () => {
  await inFolder(async (folder) => {
    const log = new RememberingLog();
    const files = new ExclusionsFiles(log, folder);
    const read = () => outcome<readonly Exclusion[]>((done) => files.read(done));
    assert.deepEqual(await read(), []);
    await Deno.mkdir(`${folder}/exclusions.conf.d`);
    await Deno.writeTextFile(
      `${folder}/exclusions.conf`,
      "[exclusions]\nexclusion = traddr=192.0.2.1\nexclusion = colour=red\n",
    );
    await Deno.writeTextFile(`${folder}/exclusions.conf.d/20.conf`, "[exclusions]\nexclusion = nqn=nqn.b\n");
    await Deno.writeTextFile(`${folder}/exclusions.conf.d/10.conf`, "[exclusions]\nexclusion = nqn=nqn.a\n");
    await Deno.writeTextFile(`${folder}/exclusions.conf.d/30.conf~`, "[exclusions]\nexclusion = nqn=nqn.c\n");
    const list = await read();
    assert.deepEqual(list.map(({ fields }) => [...fields]), [
      [["traddr", "192.0.2.1"]],
      [["nqn", "nqn.a"]],
      [["nqn", "nqn.b"]],
    ]);
    assert.equal((await read()).length, 3);
    assert.equal(log.entries.length, 1);
    assert.match(log.entries[0]?.message ?? "", /exclusions\.conf:3:1: .*colour=red/);
  });
});

Deno.test("boot tables: those that can be read count, the others are told", async () => {
  await inFolder(async (folder) => {
    const log = new RememberingLog();
    assert.deepEqual(readNbftFiles(log, `${folder}/none`), []);
    assert.equal(log.entries.length, 0);
    await Deno.writeTextFile(`${folder}/NBFT1`, "not a table");
    await Deno.writeTextFile(`${folder}/NBFTX`, "something else");
    assert.deepEqual(readNbftFiles(log, folder), []);
    assert.equal(log.entries.length, 1);
    assert.match(log.entries[0]?.message ?? "", /NBFT1 is not used: /);
  });
});

Deno.test("a daemon says what it lacks, and the remedy (STAF-1)", () => {
  assert.match(
    startProblem("stafd", { uid: 1000, fabricsDevice: "/dev/null" }) ?? "",
    /stafd .* run it as root/,
  );
  assert.match(
    startProblem("stafd", { uid: 0, fabricsDevice: "/dev/none" }) ?? "",
    /\/dev\/none .* modprobe nvme-tcp/,
  );
  assert.equal(startProblem("stafd", { uid: 0, fabricsDevice: "/dev/null" }), undefined);
});

Deno.test("os-release is read as a shell would", () => {
  const fields = parseOsRelease(
    '# comment\nNAME="Debian GNU/Linux"\nVERSION_ID=\'13\'\nPRETTY="a \\"b\\" \\$c"\nID=debian\nbad line\nEMPTY=\n',
  );
  assert.deepEqual([...fields], [
    ["NAME", "Debian GNU/Linux"],
    ["VERSION_ID", "13"],
    ["PRETTY", 'a "b" $c'],
    ["ID", "debian"],
    ["EMPTY", ""],
  ]);
  const machine = thisEntity(["/nonexistent"]);
  assert.equal(machine.hostName, Deno.hostname());
  assert.match(machine.version, /^Linux \d/);
});

Deno.test("of the kernel's log only what NVMe says, and no secret", () => {
  assert.equal(
    nvmeLine("6,1234,5678,-;nvme nvme0: failed to connect socket: -111\n SUBSYSTEM=nvme\n"),
    "nvme nvme0: failed to connect socket: -111",
  );
  assert.equal(nvmeLine("6,1,2,-;nvme_fabrics: Invalid queue_size 1"), "nvme_fabrics: Invalid queue_size 1");
  assert.equal(nvmeLine("6,1,2,-;eth0: link up"), undefined);
  assert.equal(nvmeLine("6,1,2,-;nvme_fabrics: Invalid DH-CHAP secret DHHC-1:00:abc:"), undefined);
});
