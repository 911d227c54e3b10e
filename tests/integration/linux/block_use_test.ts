import assert from "node:assert/strict";
import { devText } from "../../../src/lib/linux/block_holders.ts";
import { BlockUse } from "../../../src/lib/linux/block_use.ts";
import { parseMountinfo, parseSwaps } from "../../../src/lib/base/mount_table.ts";

/** A tree of files; what ends in `/` is an empty folder. */
async function tree(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = `${root}/${name}`;
    await Deno.mkdir(name.endsWith("/") ? path : path.slice(0, path.lastIndexOf("/")), { recursive: true });
    if (!name.endsWith("/")) await Deno.writeTextFile(path, text);
  }
}

const STAT = "10 0 80 1 5 0 40 1 0 2 2 3 0 24 0 7 0\n";
/** Two paths to nvme0n1, and what any host has. */
const SITE: Readonly<Record<string, string>> = {
  "sys/class/nvme/nvme1/nvme0c1n1/stat": STAT,
  "sys/class/nvme/nvme1/nvme0c1n1/ana_state": "optimized\n",
  "sys/class/nvme/nvme1/state": "live\n",
  "sys/class/nvme/nvme2/nvme0c2n1/stat": STAT,
  "sys/class/nvme/nvme2/nvme0c2n1/ana_state": "inaccessible\n",
  "sys/class/nvme/nvme2/state": "connecting\n",
  "sys/class/nvme/nvme9/": "",
  "sys/class/nvme-subsystem/nvme-subsys0/nvme1/": "",
  "sys/class/nvme-subsystem/nvme-subsys0/nvme2/": "",
  "sys/class/nvme-subsystem/nvme-subsys0/nvme0n1/": "",
  "sys/class/block/nvme0n1/dev": "259:3\n",
  "sys/class/block/nvme0n1/stat": STAT,
  "sys/class/block/nvme0n1/nvme0n1p1/partition": "1\n",
  "sys/class/block/nvme0n1p1/dev": "259:4\n",
  "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
  "proc/swaps": "Filename Type Size Used Priority\n",
};

async function look(more: Readonly<Record<string, string>>, controller = "nvme1") {
  const root = await Deno.makeTempDir();
  try {
    await tree(root, { ...SITE, ...more });
    const found = await new BlockUse({ sys: `${root}/sys`, proc: `${root}/proc` }).look(controller);
    assert.ok(found.ok);
    return found.value;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function holders(more: Readonly<Record<string, string>>): Promise<readonly string[] | undefined> {
  return (await look(more))[0]?.holders;
}

Deno.test("a namespace that nothing holds, with its paths and counters", async () => {
  const io = { readSectors: 80, writtenSectors: 40, discardedSectors: 24, flushes: 7, inFlight: 0 };
  assert.deepEqual(await look({}), [{
    device: "nvme0n1",
    holders: [],
    unknown: undefined,
    paths: [
      { device: "nvme1", state: "live", anaState: "optimized", io },
      { device: "nvme2", state: "connecting", anaState: "inaccessible", io },
    ],
    io,
  }]);
  assert.deepEqual(await look({}, "nvme9"), []);
  assert.deepEqual(await look({}, "nvme10"), []);
});

Deno.test("mounts of the disk and of a partition are seen by device number", async () => {
  const mount = (dev: string, where: string) =>
    `22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 ${dev} / ${where} rw,noatime shared:1 - xfs /dev/x rw\n`;
  assert.deepEqual(await holders({ "proc/self/mountinfo": mount("259:3", "/srv/a\\040b") }), [
    "mounted on /srv/a b",
  ]);
  assert.deepEqual(await holders({ "proc/self/mountinfo": mount("259:4", "/srv") }), ["mounted on /srv"]);
  assert.deepEqual(await holders({ "proc/self/mountinfo": mount("259:5", "/srv") }), []);
});

Deno.test("a stack of LVM on md on a partition is told with what is mounted on top", async () => {
  const stack = {
    "sys/class/block/nvme0n1p1/holders/md127/": "",
    "sys/class/block/md127/dev": "9:127\n",
    "sys/class/block/md127/holders/dm-0/": "",
    "sys/class/block/dm-0/dev": "253:0\n",
    "sys/class/block/dm-0/dm/name": "vg-data\n",
    "proc/self/mountinfo": "30 22 253:0 / /srv rw - ext4 /dev/mapper/vg-data rw\n",
  };
  assert.deepEqual(await holders(stack), ["held by md127: held by dm-0 (vg-data): mounted on /srv"]);
  // Only the slave's side exists.
  assert.deepEqual(await holders({ "sys/class/block/dm-3/slaves/nvme0n1/": "" }), ["held by dm-3"]);
});

Deno.test("btrfs and loop devices are seen; real device files by their number", async () => {
  assert.deepEqual(await holders({ "sys/fs/btrfs/f00/devices/nvme0n1p1/": "" }), [
    "used by a mounted btrfs file system",
  ]);
  const { rdev } = await Deno.stat("/dev/loop0");
  assert.equal(devText(rdev ?? 0), "7:0");
  const number = { "sys/class/block/nvme0n1/dev": "7:0\n" };
  assert.deepEqual(
    await holders({ ...number, "sys/class/block/loop3/loop/backing_file": "/dev/loop0\n" }),
    ["used by loop device loop3"],
  );
  const swaps = "Filename Type Size Used Priority\n/dev/loop0 partition 8 0 -2\n";
  assert.deepEqual(await holders({ ...number, "proc/swaps": swaps }), ["used as swap"]);
  const several = "30 22 0:44 / /srv rw - btrfs /dev/loop0 rw\n";
  assert.deepEqual(await holders({ ...number, "proc/self/mountinfo": several }), ["mounted on /srv"]);
});

Deno.test("a source that cannot be read makes the use unknown", async () => {
  const root = await Deno.makeTempDir();
  try {
    await tree(root, SITE);
    await Deno.remove(`${root}/proc/swaps`);
    const found = await new BlockUse({ sys: `${root}/sys`, proc: `${root}/proc` }).look("nvme1");
    assert.ok(found.ok);
    assert.equal(found.value[0]?.unknown, `${root}/proc/swaps cannot be read`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("with native multipath off the device belongs to its controller alone", async () => {
  const single = {
    "sys/class/nvme/nvme4/nvme4n1/stat": STAT,
    "sys/class/nvme/nvme4/state": "live\n",
    "sys/class/block/nvme4n1/dev": "259:9\n",
    "sys/class/block/nvme4n1/stat": STAT,
  };
  const [found] = await look(single, "nvme4");
  assert.equal(found?.device, "nvme4n1");
  assert.deepEqual(found?.paths, [{ device: "nvme4", state: "live", anaState: "", io: undefined }]);
});

Deno.test("mountinfo and swaps are read as proc(5) writes them", () => {
  assert.deepEqual(
    parseMountinfo(
      "36 35 98:0 /mnt1 /mnt\\0112 rw,noatime master:1 shared:3 - ext3 /dev/root\\134x rw,errors=continue\nbroken\n",
    ),
    [{ dev: "98:0", mountPoint: "/mnt\t2", fsType: "ext3", source: "/dev/root\\x" }],
  );
  assert.deepEqual(
    parseSwaps("Filename\tType\tSize\n/dev/zram0   partition\t8\t0\t100\n/swap\\040file file 1 0 -2\n"),
    [
      "/dev/zram0",
      "/swap file",
    ],
  );
});
