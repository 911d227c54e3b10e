import assert from "node:assert/strict";
import { claimDevice, type Claimed } from "../../../src/lib/linux/block_claim.ts";
import { sys } from "../../../src/lib/linux/ffi_libc.ts";
import { collect } from "../../../scripts/run.ts";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, loopDevices, packages } from "../../lacking.ts";

// The C library is opened once and stays: it is no leak of the first test.
sys.interfaceIndex("lo");

const PLACES = { sys: "/sys", dev: "/dev" };

/** A loop device on a file of its own. */
async function withLoop(work: (name: string) => Promise<void>): Promise<void> {
  const file = await Deno.makeTempFile();
  await Deno.truncate(file, 8 << 20);
  const made = await collect(["losetup", "--find", "--show", file]);
  assert.ok(made.success, made.stderr);
  const path = made.stdout.trim();
  try {
    await work(path.slice("/dev/".length));
  } finally {
    assert.ok((await collect(["losetup", "--detach", path])).success);
    await Deno.remove(file);
  }
}

function why(claimed: Claimed): string {
  if (!claimed.ok) return claimed.why;
  claimed.claim[Symbol.dispose]();
  return "claimed";
}

Deno.test("a claim is refused while another one holds, and works again afterwards", {
  ignore: lacks(loopDevices),
}, async () => {
  await withLoop(async (name) => {
    const first = await claimDevice(name, PLACES);
    assert.ok(first.ok);
    // Each claim locks first, as udev and partitioning tools do.
    assert.equal(why(await claimDevice(name, PLACES)), `${name} is locked by another program`);
    first.claim[Symbol.dispose]();
    assert.equal(why(await claimDevice(name, PLACES)), "claimed");
  });
});

Deno.test(
  "a mounted file system has claimed the device, and none can be mounted during a claim",
  { ignore: lacks(packages([OTHERS.mkfs]), loopDevices) },
  async () => {
    await withLoop(async (name) => {
      assert.ok((await collect(["mkfs.ext4", "-q", `/dev/${name}`])).success);
      const where = await Deno.makeTempDir();
      const mount = () => collect(["mount", `/dev/${name}`, where]);
      try {
        assert.ok((await mount()).success);
        assert.equal(why(await claimDevice(name, PLACES)), `/dev/${name} is claimed (EBUSY)`);
        assert.ok((await collect(["umount", where])).success);
        const held = await claimDevice(name, PLACES);
        assert.ok(held.ok);
        assert.ok(!(await mount()).success);
        held.claim[Symbol.dispose]();
        assert.ok((await mount()).success);
        assert.ok((await collect(["umount", where])).success);
      } finally {
        await Deno.remove(where);
      }
    });
  },
);

Deno.test("what is not the block device that the kernel means is refused, and nothing is made", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/class/block/nvme0n1`, { recursive: true });
    await Deno.writeTextFile(`${root}/class/block/nvme0n1/dev`, "259:3\n");
    await Deno.writeTextFile(`${root}/nvme0n1`, "");
    assert.equal(
      why(await claimDevice("nvme0n1", { sys: root, dev: root })),
      `${root}/nvme0n1 is not the block device that the kernel calls nvme0n1`,
    );
    assert.equal(
      why(await claimDevice("nvme9n9", { sys: root, dev: root })),
      `${root}/nvme9n9 cannot be opened (ENOENT)`,
    );
    await assert.rejects(Deno.stat(`${root}/nvme9n9`), Deno.errors.NotFound);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
