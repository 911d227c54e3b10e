import assert from "node:assert/strict";
import { AdminCommands } from "../../../src/lib/linux/admin.ts";
import { sys } from "../../../src/lib/linux/ffi_libc.ts";
import { type Backend, libraryVersion, loadBackend } from "../../../src/lib/linux/libnvme.ts";
import { Sysfs } from "../../../src/lib/linux/sysfs.ts";
import { getLogCommand, identifyCommand } from "../../../src/lib/nvme/admin_command.ts";
import { LIBNVME_NEEDS } from "../../../scripts/system_packages.ts";
import { lacks, packages } from "../../lacking.ts";
import { DISCOVERY, FakeSysfs } from "./fake_sysfs.ts";

sys.monotonicUsec();
/** One that this process uses itself: every Linux has it at a place of its own. */
const LIBM = /^.*\s(\/\S*\/libm\.so\.6)$/m.exec(await Deno.readTextFile("/proc/self/maps"))?.[1] ?? "";
// Libraries stay open for the life of the process: not the leak of one test.
const installed = loadBackend();
const missing = loadBackend({ libnvme1: "libnone.so.1", libnvme3: "libnone3.so.1" });
// A library that exists and has none of the functions.
const wrong = loadBackend({ libnvme1: "libm.so.6", libnvme3: "libm.so.6" });
// Two existing files that cannot be loaded: one needs a library that is missing, one is no library.
const broken = await (async () => {
  const dir = await Deno.makeTempDir();
  const [needs, text] = [`${dir}/libneeds.so.1`, `${dir}/libtext.so.1`];
  const bytes = await Deno.readFile(LIBM);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("libc.so.6\0");
  bytes.set(new TextEncoder().encode("libq"), at);
  await Deno.writeFile(needs, bytes);
  await Deno.writeTextFile(text, "text, not a library, and longer than the header of one".repeat(4));
  const { problem } = loadBackend({ libnvme1: needs, libnvme3: text });
  await Deno.remove(dir, { recursive: true });
  return problem.replaceAll(`${dir}/`, "");
})();

Deno.test("an existing library that cannot be loaded is told with the reason: what it needs, or that it is none", () => {
  assert.match(
    broken,
    /^libneeds\.so\.1 cannot be loaded: it needs libq\.so\.6, which is not installed; libtext\.so\.1 cannot be loaded: invalid ELF header\. /,
  );
});

Deno.test("the installed libnvme is used, tells its version and its words for a status (DEC-3)", {
  ignore: lacks(packages(LIBNVME_NEEDS)),
}, () => {
  assert.equal(installed.name, "libnvme.so.1");
  assert.equal(installed.problem, "");
  assert.match(installed.version, /^1\.\d+/);
  assert.match(installed.statusText(0x4184) ?? "", /Connect Invalid Host/);
  assert.equal(installed.statusText(0x07e), undefined);
});

Deno.test("without libnvme commands still go out, and it is said once what is missing and what to install", () => {
  assert.equal(missing.name, "libc");
  assert.match(missing.problem, /^libnone\.so\.1 is not installed; libnone3\.so\.1 is not installed\./);
  assert.match(missing.problem, /install libnvme/);
  assert.equal(missing.statusText(2), undefined);
});

// Loaded here, where no test counts what it opens.
const said = [libraryVersion(), libraryVersion({ libnvme1: "libnone.so.1", libnvme3: "libm.so.6" })];

Deno.test("--version says which libnvme it is, or why there is none", {
  ignore: lacks(packages(LIBNVME_NEEDS)),
}, () => {
  assert.match(said[0] ?? "", /^1\.\d+/);
  assert.match(
    said[1] ?? "",
    /^none: libnone\.so\.1 is not installed; libm\.so\.6 has no function .*install libnvme/,
  );
});

Deno.test("a library without the functions that are needed is named with what it lacks", () => {
  assert.equal(wrong.name, "libc");
  assert.match(wrong.problem, /libm\.so\.6 has no function nvme_\w+: its version is not supported/);
});

async function withNode(
  target: string | undefined,
  work: (fake: FakeSysfs, dev: string, incarnation: number) => Promise<void>,
): Promise<void> {
  await using fake = await FakeSysfs.create();
  const incarnation = await fake.add("nvme0", DISCOVERY);
  const dev = `${fake.root}/dev`;
  await Deno.mkdir(dev);
  if (target !== undefined) await Deno.symlink(target, `${dev}/nvme0`);
  await work(fake, dev, incarnation);
}

for (const backend of [installed, missing]) {
  Deno.test(`${backend.name}: a command that the kernel refuses fails with words, also many at once`, async () => {
    // Not an NVMe device: the ioctl fails at once with ENOTTY.
    await withNode("/dev/null", async (fake, dev, incarnation) => {
      const admin = new AdminCommands(backend, new Sysfs(fake.places), dev);
      const command = getLogCommand({ lid: 0x70, lsp: 0, rae: true, offset: 0, length: 131072 });
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => admin.run({ device: "nvme0", incarnation }, command)),
      );
      for (const answer of answers) {
        assert.ok(answer.kind === "failed");
        assert.deepEqual([answer.gone, answer.errno], [false, "EINVAL"]);
        assert.match(answer.message, /refused a command to nvme0/);
      }
    });
  });
}

Deno.test("a controller that is not live broke the command", async () => {
  await withNode("/dev/null", async (fake, dev, incarnation) => {
    await Deno.writeTextFile(`${fake.folder("nvme0")}/state`, "connecting\n");
    const admin = new AdminCommands(installed, new Sysfs(fake.places), dev);
    const answer = await admin.run({ device: "nvme0", incarnation }, identifyCommand());
    assert.ok(answer.kind === "failed");
    assert.match(answer.message, /was lost during a command \(state: connecting\)/);
  });
});

Deno.test("another controller with the number gets no command, and its node is closed again", async () => {
  await withNode("/dev/null", async (fake, dev, incarnation) => {
    const seen = { opened: 0, submitted: 0, closed: 0 };
    const counting: Backend = {
      ...installed,
      open: () => {
        seen.opened++;
        return {
          submit: (_command, data) => {
            seen.submitted++;
            return Promise.resolve({ kind: "done", result: 0, transferred: data });
          },
          close: () => seen.closed++,
        };
      },
    };
    const admin = new AdminCommands(counting, new Sysfs(fake.places), dev);
    const answer = await admin.run({ device: "nvme0", incarnation: incarnation + 1 }, identifyCommand());
    assert.ok(answer.kind === "failed" && answer.gone);
    assert.deepEqual(seen, { opened: 1, submitted: 0, closed: 1 });
    assert.equal((await admin.run({ device: "nvme0", incarnation }, identifyCommand())).kind, "done");
    assert.deepEqual(seen, { opened: 2, submitted: 1, closed: 2 });
  });
});

Deno.test("without a node it depends on the controller whether it is gone", async () => {
  await withNode(undefined, async (fake, dev, incarnation) => {
    const admin = new AdminCommands(installed, new Sysfs(fake.places), dev);
    const target = { device: "nvme0", incarnation };
    const there = await admin.run(target, identifyCommand());
    assert.ok(there.kind === "failed" && !there.gone);
    assert.match(there.message, /cannot open .*nvme0 \(ENOENT\)/);
    await fake.remove("nvme0");
    const gone = await admin.run(target, identifyCommand());
    assert.ok(gone.kind === "failed" && gone.gone);
  });
});

Deno.test("a status has libnvme's words, or ours", async () => {
  await using fake = await FakeSysfs.create();
  const sysfs = new Sysfs(fake.places);
  assert.match(new AdminCommands(installed, sysfs).describe(0x4184), /^0x4184 \(Connect Invalid Host/);
  assert.equal(new AdminCommands(missing, sysfs).describe(0x4184), "0x4184 (Connect Invalid Host)");
});
