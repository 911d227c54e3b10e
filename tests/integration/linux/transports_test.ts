import assert from "node:assert/strict";
import { usableTransports } from "../../../src/lib/linux/transports.ts";

Deno.test("V8: a transport is usable when its module is loaded or its hardware is present", async () => {
  const root = await Deno.makeTempDir();
  const usable = (): string => [...usableTransports(root)].sort().join();
  try {
    assert.equal(usable(), "tcp");
    await Deno.mkdir(`${root}/sys/class/infiniband`, { recursive: true });
    assert.equal(usable(), "tcp", "an empty class is no hardware");
    await Deno.mkdir(`${root}/sys/class/infiniband/mlx5_0`);
    assert.equal(usable(), "rdma,tcp");
    await Deno.mkdir(`${root}/sys/module/nvme_fc`, { recursive: true });
    assert.equal(usable(), "fc,rdma,tcp");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
