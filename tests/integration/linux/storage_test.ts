/** What sysfs shows of subsystems, and what is judged of it: each problem from a tree of its own. */
import assert from "node:assert/strict";
import {
  type PathFacts,
  type REDUNDANCY_KINDS,
  redundancyProblems,
  redundancyText,
  type SubsystemFacts,
} from "../../../src/lib/core/advice/redundancy.ts";
import { LinuxStorage } from "../../../src/lib/linux/storage.ts";
import type { StorageLook } from "../../../src/lib/nvme/storage_look.ts";
import { type StorageTree, type TreePath, withTree } from "./storage_tree.ts";

const NQN = "nqn.2014-08.org.example:volume";

async function lookAt(tree: StorageTree): Promise<StorageLook> {
  let found: StorageLook | undefined;
  await withTree(tree, async (root) => {
    const looked = await new LinuxStorage({ sys: `${root}/sys`, proc: `${root}/proc` }).lookNow();
    assert.ok(looked.ok, JSON.stringify(looked));
    found = looked.value;
  });
  assert.ok(found !== undefined);
  return found;
}

const tree = (
  paths: Readonly<Record<string, TreePath>>,
  more: Partial<StorageTree> & { readonly model?: string; readonly ioPolicy?: string } = {},
): StorageTree => ({
  ...more,
  subsystems: {
    "3": { nqn: NQN, paths, model: more.model ?? "Linux", ioPolicy: more.ioPolicy },
  },
});

/** Two paths by two interfaces to two ports, all in order. */
const SOUND = { nvme3: {}, nvme4: {} };

const path = (device: string, over: Partial<PathFacts> = {}): PathFacts => ({
  device,
  transport: "tcp",
  traddr: `10.0.${device.slice(4)}.25`,
  from: `eth${device.slice(4)}`,
  is: "live",
  ctrlLossTmo: 600,
  ...over,
});

interface Case {
  readonly tree: StorageTree;
  readonly paths?: readonly PathFacts[];
  readonly withdrawn?: SubsystemFacts["withdrawn"];
}

async function problems({ tree, paths, withdrawn }: Case): Promise<readonly (readonly [string, string])[]> {
  const look = await lookAt(tree);
  const facts = { nqn: NQN, paths: paths ?? [path("nvme3"), path("nvme4")], withdrawn };
  const found = redundancyProblems([facts], look);
  assert.ok(found.every(({ remedy }) => remedy.length > 20));
  return found.map((one) => [one.kind, redundancyText(one)]);
}

const HELD_BY_MAP = (disk: string): Readonly<Record<string, string>> => ({
  [`sys/class/block/${disk}/holders/dm-0/`]: "",
  "sys/class/block/dm-0/dm/name": "mpatha\n",
  "sys/class/block/dm-0/dm/uuid": "mpath-eui.0123\n",
});

Deno.test("the look: policies, ANA per path, heads with what uses them, and counters of newer kernels", async () => {
  const look = await lookAt({
    subsystems: {
      "3": {
        nqn: NQN,
        ioPolicy: "round-robin",
        paths: {
          nvme3: { ana: { "1": "optimized", "2": "inaccessible" } },
          nvme4: { ana: { "1": "non-optimized" }, state: "connecting" },
        },
      },
      "5": { nqn: "nqn.other", paths: { nvme5: { ana: {} } } },
    },
    files: {
      "proc/self/mountinfo": "40 1 259:31 / /srv rw - xfs /dev/nvme3n1 rw\n",
      "sys/class/nvme/nvme3/diag/reconnect_count": "7\n",
      "sys/class/nvme/nvme3/nvme3c3n1/diag/multipath_failover_count": "2\n",
      "sys/class/block/nvme3n1/diag/io_requeue_no_usable_path_count": "5\n",
      "sys/class/block/nvme3n1/diag/io_fail_no_available_path_count": "1\n",
      "sys/class/nvme-subsystem/nvme-subsys3/power/": "",
    },
  });
  assert.equal(look.nativeMultipath, "on");
  assert.equal(look.kernel, "6.12.90");
  assert.deepEqual(look.subsystems[0], {
    device: "nvme-subsys3",
    nqn: NQN,
    model: "Linux",
    ioPolicy: "round-robin",
    controllers: [
      { device: "nvme3", counters: { reconnect_count: 7 } },
      { device: "nvme4", counters: {} },
    ],
    namespaces: [
      {
        device: "nvme3n1",
        isShared: true,
        holders: ["mounted on /srv"],
        unknown: undefined,
        dmMultipath: undefined,
        paths: [
          {
            controller: "nvme3",
            device: "nvme3c3n1",
            state: "live",
            anaState: "optimized",
            counters: { multipath_failover_count: 2 },
          },
          {
            controller: "nvme4",
            device: "nvme3c4n1",
            state: "connecting",
            anaState: "non-optimized",
            counters: {},
          },
        ],
        counters: { io_requeue_no_usable_path_count: 5, io_fail_no_available_path_count: 1 },
      },
      {
        device: "nvme3n2",
        isShared: true,
        holders: [],
        unknown: undefined,
        dmMultipath: undefined,
        paths: [
          { controller: "nvme3", device: "nvme3c3n2", state: "live", anaState: "inaccessible", counters: {} },
        ],
        counters: {},
      },
    ],
  });
  assert.deepEqual(look.subsystems[1]?.namespaces, []);
});

Deno.test("a host without NVMe, with an old kernel, and one whose sysfs cannot be read", async () => {
  assert.deepEqual((await lookAt({ subsystems: {}, multipath: null })).nativeMultipath, "absent");
  const empty = await Deno.makeTempDir();
  const nothing = await new LinuxStorage({ sys: `${empty}/sys`, proc: `${empty}/proc` }).lookNow();
  assert.ok(nothing.ok);
  assert.deepEqual([nothing.value.nativeMultipath, nothing.value.subsystems], ["unknown", []]);
  await Deno.mkdir(`${empty}/sys/class/nvme-subsystem/nvme-subsys0/subsysnqn`, { recursive: true });
  const broken = await new LinuxStorage({ sys: `${empty}/sys`, proc: `${empty}/proc` }).lookNow();
  assert.ok(!broken.ok);
  assert.match(broken.failure.message, /cannot read the subsystems in sysfs/);
  await Deno.remove(empty, { recursive: true });
});

Deno.test("storage that is redundant has no problem; nor has what is not connected yet, or has one path by intent", async () => {
  assert.deepEqual(await problems({ tree: tree(SOUND) }), []);
  assert.deepEqual(await problems({ tree: tree({}), paths: [path("nvme3", { is: "pending" })] }), []);
  assert.deepEqual(await problems({ tree: tree({ nvme3: {} }), paths: [path("nvme3")] }), []);
  const starting = [path("nvme3"), path("nvme4", { is: "pending", device: "" })];
  assert.deepEqual(await problems({ tree: tree({ nvme3: {} }), paths: starting }), []);
  // Half of the paths of an array with two controllers are not optimized, and that is in order.
  const alua = { nvme3: {}, nvme4: { ana: { "1": "non-optimized" } } };
  assert.deepEqual(await problems({ tree: tree(alua) }), []);
  const standby = { nvme3: {}, nvme4: { ana: { "1": "inaccessible" } } };
  assert.deepEqual(await problems({ tree: tree(standby) }), []);
});

Deno.test("with native multipath off, the disks of a namespace are judged together", async () => {
  const off = { multipath: "N", files: { ...HELD_BY_MAP("nvme3n1"), ...HELD_BY_MAP("nvme4n1") } };
  const ana = (first: string, second: string): StorageTree =>
    tree({ nvme3: { ana: { "1": first } }, nvme4: { ana: { "1": second } } }, off);
  assert.deepEqual(await problems({ tree: ana("optimized", "non-optimized") }), []);
  assert.deepEqual(
    (await problems({ tree: ana("non-optimized", "inaccessible") })).map(([kind]) => kind),
    ["no-optimized-path"],
  );
});

const CASES: Readonly<Record<keyof typeof REDUNDANCY_KINDS, readonly (readonly [Case, RegExp])[]>> = {
  "one-path": [
    [
      {
        tree: tree({ nvme3: {} }),
        paths: [path("nvme3"), path("", { is: "down", traddr: "10.0.4.25" })],
      },
      /^nqn.*: only one of its 2 paths is up \(nvme3\)$/,
    ],
    [
      { tree: tree({ nvme3: { ana: { "1": "", "2": "" } }, nvme4: { ana: { "2": "" } } }) },
      /only one of its controllers serves a namespace \(nvme3n1 by nvme3\)/,
    ],
  ],
  "no-usable-path": [[
    { tree: tree({ nvme3: { ana: { "1": "inaccessible" } }, nvme4: { ana: { "1": "persistent-loss" } } }) },
    /cannot be reached.*\(nvme3n1: nvme3 inaccessible, nvme4 persistent-loss\)/,
  ], [
    // The path that could serve it is down.
    {
      tree: tree({ nvme3: { ana: { "1": "change" } }, nvme4: { state: "connecting" } }),
      paths: [path("nvme3")],
    },
    /cannot be reached.*\(nvme3n1: nvme3 change\)/,
  ]],
  "no-optimized-path": [[
    { tree: tree({ nvme3: { ana: { "1": "non-optimized" } }, nvme4: { ana: { "1": "non-optimized" } } }) },
    /no optimized path.*\(nvme3n1: nvme3 non-optimized, nvme4 non-optimized\)/,
  ], [
    { tree: tree({ nvme3: { ana: { "1": "non-optimized" } }, nvme4: { ana: { "1": "inaccessible" } } }) },
    /no optimized path.*nvme3 non-optimized, nvme4 inaccessible/,
  ]],
  "native-multipath-off": [
    [
      { tree: tree(SOUND, { multipath: "N" }) },
      /native multipath is off \(nvme_core\.multipath=N\): .*\(nvme3n1, nvme4n1\)$/,
    ],
    [{ tree: tree(SOUND, { multipath: null }) }, /native multipath is not built into this kernel/],
  ],
  "dm-multipath": [[
    { tree: tree(SOUND, { files: HELD_BY_MAP("nvme3n1") }) },
    /dm-multipath is on top of native multipath.*\(nvme3n1 in mpatha\)/,
  ]],
  "fewer-paths": [[
    {
      tree: tree({ nvme3: {} }),
      paths: [path("nvme3")],
      withdrawn: { count: 1, when: "2026-11-29 21:57:52+00:00", why: "log page of nqn.dc, generation 5" },
    },
    /it has one path, and had 2; the last of the others was withdrawn at 2026-.*: log page of nqn\.dc/,
  ]],
  "one-interface": [[
    { tree: tree(SOUND), paths: [path("nvme3"), path("nvme4", { from: "eth3" })] },
    /all its paths use eth3.*\(nvme3, nvme4\)/,
  ]],
  "one-array-address": [[
    { tree: tree(SOUND), paths: [path("nvme3"), path("nvme4", { traddr: "10.0.3.25" })] },
    /all its paths go to one address of the array/,
  ]],
  "io-policy": [
    [
      { tree: tree(SOUND, { model: "NetApp E-Series" }) },
      /the I\/O policy is numa, and NetApp E-Series recommends round-robin \(nvme-subsys3\)/,
    ],
    [
      {
        tree: tree(SOUND, { model: "NetApp ONTAP Controller", ioPolicy: "round-robin" }),
        paths: [path("nvme3", { ctrlLossTmo: -1 }), path("nvme4", { ctrlLossTmo: -1 })],
      },
      /is round-robin, and NetApp ONTAP recommends queue-depth/,
    ],
    [
      // Before it was invented.
      {
        tree: tree(SOUND, { model: "NetApp ONTAP Controller", kernel: "6.10.3" }),
        paths: [path("nvme3", { ctrlLossTmo: -1 }), path("nvme4", { ctrlLossTmo: undefined })],
      },
      /is numa, and NetApp ONTAP recommends round-robin/,
    ],
  ],
  "ctrl-loss-tmo": [
    [
      { tree: tree(SOUND, { model: "HPE Alletra", ioPolicy: "round-robin" }) },
      /ctrl-loss-tmo is 600, and HPE Alletra recommends -1.*\(nvme3, nvme4\)/,
    ],
    [
      {
        tree: tree(SOUND, { model: "VASTData", ioPolicy: "round-robin" }),
        paths: [path("nvme3", { transport: "rdma" }), path("nvme4", { transport: "rdma", ctrlLossTmo: -1 })],
      },
      /VAST Data recommends -1.*\(nvme3\)/,
    ],
  ],
};

Deno.test("each problem of redundancy is found, alone, from what sysfs shows", async () => {
  for (const [kind, cases] of Object.entries(CASES)) {
    for (const [one, text] of cases) {
      const found = await problems(one);
      assert.deepEqual(found.map(([is]) => is), [kind], JSON.stringify(found));
      assert.match(found[0]?.[1] ?? "", text);
    }
  }
});

Deno.test("what looks alike and is no problem: bonds, VLANs on them, maps with native multipath off, vendors' own values", async () => {
  const bond = {
    "sys/class/net/bond0/lower_eth0/": "",
    "sys/class/net/bond0/lower_eth1/": "",
    "sys/class/net/bond0.7/lower_bond0/": "",
    "sys/class/net/eth0.7/lower_eth0/": "",
    "sys/class/net/bonding_masters": "bond0\n",
  };
  assert.deepEqual([...(await lookAt({ subsystems: {}, files: bond })).sturdyInterfaces], [
    "bond0",
    "bond0.7",
  ]);
  const over = (from: string): Case => ({
    tree: tree(SOUND, { files: bond }),
    paths: [path("nvme3", { from }), path("nvme4", { from })],
  });
  assert.deepEqual(await problems(over("bond0.7")), []);
  assert.deepEqual((await problems(over("eth0.7"))).map(([kind]) => kind), ["one-interface"]);
  // Where an interface is not known, nothing is said about it.
  assert.deepEqual(await problems(over("")), []);
  const mapped = tree(SOUND, {
    multipath: "N",
    files: { ...HELD_BY_MAP("nvme3n1"), ...HELD_BY_MAP("nvme4n1") },
  });
  assert.deepEqual(await problems({ tree: mapped }), []);
  const volume = { ...HELD_BY_MAP("nvme3n1"), "sys/class/block/dm-0/dm/uuid": "LVM-0123\n" };
  assert.deepEqual(await problems({ tree: tree(SOUND, { files: volume }) }), []);
  assert.deepEqual(
    await problems({
      tree: tree(SOUND, { model: "NetApp ONTAP Controller", ioPolicy: "queue-depth" }),
      paths: [path("nvme3", { transport: "fc" }), path("nvme4", { transport: "fc" })],
    }),
    [],
  );
});
