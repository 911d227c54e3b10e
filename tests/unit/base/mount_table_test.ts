import assert from "node:assert/strict";
import { parseMountinfo, parseSwaps } from "../../../src/lib/base/mount_table.ts";

Deno.test("mounts: device, mount point, type and source; the number of optional fields varies", () => {
  const text = `21 1 259:3 / / rw,relatime shared:1 master:2 - ext4 /dev/nvme0n1p3 rw
22 21 0:40 / /srv/a\\040b rw - btrfs /dev/nvme\\134x rw,space_cache
23 21 0:5 / /dev rw - tmpfs - rw
`;
  assert.deepEqual(parseMountinfo(text), [
    { dev: "259:3", mountPoint: "/", fsType: "ext4", source: "/dev/nvme0n1p3" },
    { dev: "0:40", mountPoint: "/srv/a b", fsType: "btrfs", source: "/dev/nvme\\x" },
    { dev: "0:5", mountPoint: "/dev", fsType: "tmpfs", source: "-" },
  ]);
});

Deno.test("mounts: a line that lacks a field is left out, the others stay", () => {
  const whole = "21 1 259:3 / /srv rw - ext4 /dev/nvme0n1 rw";
  for (
    const cut of ["", "21 1", "21 1 259:3 /", "21 1 259:3 / /srv rw - ext4", "21 1 259:3 / /srv rw shared:1"]
  ) {
    assert.deepEqual(parseMountinfo(`${cut}\n${whole}\n`).map(({ dev }) => dev), ["259:3"], cut);
  }
});

Deno.test("swap areas: one a line, after the heading", () => {
  const text = "Filename\t\t\t\tType\t\tSize\n/dev/nvme0n1p2 partition\t100\n/a\\040file\tfile\t1\n";
  assert.deepEqual(parseSwaps(text), ["/dev/nvme0n1p2", "/a file"]);
  assert.deepEqual(parseSwaps("Filename\n"), []);
});
