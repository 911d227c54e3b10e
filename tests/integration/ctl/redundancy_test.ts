/** "Is my storage redundant?" The tools and stacd as they ship, on a simulated fabric; what stacd sees of the kernel is a sysfs of files. */
import assert from "node:assert/strict";
import { sys } from "../../../src/lib/linux/ffi_libc.ts";
import { LinuxStorage } from "../../../src/lib/linux/storage.ts";
import { Sysfs } from "../../../src/lib/linux/sysfs.ts";
import type { V1Controller, V1Health, V1State } from "../../../src/lib/dbus/v1_types.ts";
import { type StorageTree, withTree } from "../linux/storage_tree.ts";
import { type Eyes, line, type Site, withSite } from "./site.ts";

// libc is opened at the first use and stays open.
sys.monotonicUsec();

const NQN = "nqn.2014-08.org.example:volume";

/** Two paths over two interfaces to two ports; the array prefers the first. */
const TREE: StorageTree = {
  subsystems: {
    "0": {
      nqn: NQN,
      ioPolicy: "round-robin",
      paths: {
        nvme0: { traddr: "10.0.0.25", srcAddr: "10.0.0.1" },
        nvme1: { traddr: "10.1.0.25", srcAddr: "10.1.0.1", ana: { "1": "non-optimized" } },
      },
    },
  },
  files: {
    "proc/self/mountinfo": "40 1 259:1 / /srv/mail rw - xfs /dev/nvme0n1 rw\n",
    "sys/class/block/nvme0n1/dev": "259:1\n",
    "sys/class/nvme/nvme0/diag/reconnect_count": "3\n",
  },
};

async function withPaths(tree: StorageTree, test: (site: Site) => Promise<void>): Promise<void> {
  await withTree(tree, async (root) => {
    const sysfs = new Sysfs({ sys: `${root}/sys`, registry: `${root}/registry` });
    const eyes: Eyes = (stage) => ({
      read: async (device) => {
        const read = await sysfs.read(device);
        const known = await stage.stacd.machine.readDevice(device);
        if (!read.ok || !known.ok) return read.ok ? known : read;
        // What made it is the simulated kernel.
        const { incarnation, hostNqn } = known.value;
        return { ok: true, value: { ...read.value, incarnation, hostNqn } };
      },
      storage: new LinuxStorage({ sys: `${root}/sys`, proc: `${root}/proc` }),
    });
    await withSite(async (site) => {
      const { stage } = site;
      stage.world.fabric.addInterface({
        name: "eth1",
        index: 3,
        mac: "02:00:00:00:00:02",
        v4: ["10.1.0.1"],
        v6: [],
        nets: ["10.1."],
      });
      for (const traddr of ["10.0.0.25", "10.1.0.25"]) stage.subsystem(NQN, traddr);
      stage.stafdConf("");
      stage.stacdConf(
        line(...["10.0.0.25", "10.1.0.25"].map((at) => `traddr=${at};trsvcid=4420;nqn=${NQN}`)),
      );
      await stage.start(20_000);
      assert.deepEqual(stage.to(NQN).map(({ name }) => name), ["nvme0", "nvme1"]);
      await test(site);
    }, eyes);
  });
}

const terminal = (columns: number) => ({ terminal: true, columns, env: { NO_COLOR: "1" } });

Deno.test("tree, ls, status, JSON and metrics tell ANA states, policy, ways, namespaces and their use", () =>
  withPaths(TREE, async (site) => {
    for (const columns of [80, 120]) {
      assert.equal(
        (await site.run("stacctl tree", terminal(columns))).out,
        `${NQN}  2 of 2 paths, round-robin
|- nvme0 tcp 10.0.0.25:4420 on eth0 from 10.0.0.1 connected optimized
|- nvme1 tcp 10.1.0.25:4420 on eth1 from 10.1.0.1 connected non-optimized
\`- nvme0n1: mounted on /srv/mail
`,
      );
    }
    assert.equal(
      (await site.run("stacctl ls", terminal(120))).out,
      `DEVICE  STATE       FOR  ADDRESS             INTERFACE  ANA            SUBSYSTEM                       NAMESPACES
nvme0   connected  19 s  tcp 10.0.0.25:4420  eth0       optimized      ${NQN}  nvme0n1
nvme1   connected  19 s  tcp 10.1.0.25:4420  eth1       non-optimized  ${NQN}  nvme0n1
`,
    );
    const narrow = (await site.run("stacctl ls", terminal(80))).out;
    assert.ok(narrow.split("\n").every((row) => row.length <= 80), narrow);
    assert.match((await site.run("stacctl ls -o wide")).out, / eth1 +10\.1\.0\.1 +non-optimized /);
    assert.deepEqual((await site.run("stacctl ls -o name --iface eth1")).out, "nvme1\n");
    const status = await site.run("stacctl status", terminal(80));
    assert.equal(status.status, 0, status.out);
    assert.match(status.out, /subsystems +1: 1 with all paths/);
    assert.match(status.out, /I\/O +policy round-robin; 1 namespace, 1 in use\n/);
    const state: V1State = JSON.parse((await site.run("stacctl status -o json")).out);
    const [subsystem] = state.subsystems ?? [];
    assert.deepEqual(
      [state.nativeMultipath, subsystem?.nqn, subsystem?.ioPolicy, subsystem?.live, subsystem?.wanted],
      ["on", NQN, "round-robin", 2, 2],
    );
    assert.deepEqual(subsystem?.counters, { nvme0: { reconnect_count: 3 } });
    assert.deepEqual(subsystem?.namespaces.map(({ device, holders }) => [device, holders]), [
      ["nvme0n1", ["mounted on /srv/mail"]],
    ]);
    const paths: V1Controller[] = JSON.parse((await site.run("stacctl ls -o json")).out);
    assert.deepEqual(
      paths.map(({ device, iface, srcAddr, anaState }) => [device, iface, srcAddr, anaState]),
      [
        ["nvme0", "eth0", "10.0.0.1", "optimized"],
        ["nvme1", "eth1", "10.1.0.1", "non-optimized"],
      ],
    );
    const metrics = (await site.run("stacctl metrics")).out;
    for (
      const sample of [
        `nvme_stas_subsystem_paths{daemon="stacd",subsysnqn="${NQN}",is="live"} 2`,
        `nvme_stas_subsystem_paths{daemon="stacd",subsysnqn="${NQN}",is="wanted"} 2`,
        `nvme_stas_subsystem_info{daemon="stacd",subsysnqn="${NQN}",subsystem="nvme-subsys0",model="Linux",iopolicy="round-robin"} 1`,
        `nvme_stas_path_ana_state{daemon="stacd",subsysnqn="${NQN}",namespace="nvme0n1",device="nvme1",state="non-optimized"} 1`,
        `nvme_stas_namespace_in_use{daemon="stacd",subsysnqn="${NQN}",namespace="nvme0n1"} 1`,
        `nvme_stas_controller_diag_total{daemon="stacd",subsysnqn="${NQN}",device="nvme0",counter="reconnect_count"} 3`,
      ]
    ) assert.ok(metrics.includes(`${sample}\n`), `${sample}\n${metrics}`);
  }));

/** What health and doctor say of the same two paths in another state. */
const TROUBLE: readonly (readonly [string, "degraded" | "good", StorageTree])[] = [
  ["native-multipath-off", "degraded", { ...TREE, multipath: "N", files: {} }],
  ["no-usable-path", "degraded", ana("inaccessible", "inaccessible")],
  ["no-optimized-path", "degraded", ana("non-optimized", "non-optimized")],
  ["dm-multipath", "degraded", {
    ...TREE,
    files: {
      "sys/class/block/nvme0n1/holders/dm-3/": "",
      "sys/class/block/dm-3/dm/name": "mpathb\n",
      "sys/class/block/dm-3/dm/uuid": "mpath-x\n",
    },
  }],
  ["one-path", "degraded", paths({}, { state: "connecting", srcAddr: "" })],
  ["one-interface", "good", paths({}, { srcAddr: "10.0.0.1" })],
  ["io-policy", "good", vendor("VASTData", "numa", "-1")],
  ["ctrl-loss-tmo", "good", vendor("HPE Alletra", "round-robin", "600")],
];

function paths(
  first: StorageTree["subsystems"][string]["paths"][string],
  second: StorageTree["subsystems"][string]["paths"][string],
): StorageTree {
  return {
    subsystems: {
      "0": {
        nqn: NQN,
        paths: {
          nvme0: { traddr: "10.0.0.25", srcAddr: "10.0.0.1", ...first },
          nvme1: { traddr: "10.1.0.25", srcAddr: "10.1.0.1", ...second },
        },
      },
    },
  };
}

function ana(first: string, second: string): StorageTree {
  return paths({ ana: { "1": first } }, { ana: { "1": second } });
}

function vendor(model: string, ioPolicy: string, ctrlLossTmo: string): StorageTree {
  const { subsystems } = paths({ ctrlLossTmo }, { ctrlLossTmo });
  return {
    subsystems: Object.fromEntries(
      Object.entries(subsystems).map(([number, one]) => [number, { ...one, model, ioPolicy }]),
    ),
  };
}

Deno.test("health, status and doctor name what would cost the storage; advice does not degrade", async () => {
  for (const [id, verdict, tree] of TROUBLE) {
    await withPaths(tree, async (site) => {
      const health = await site.run("stacctl health -o json");
      const told: V1Health = JSON.parse(health.out);
      const problem = told.problems.find((one) => one.id === id);
      assert.ok(problem !== undefined, `${id}: ${health.out}`);
      assert.equal(told.problems.filter((one) => one.id !== "controller-failing").length, 1, health.out);
      assert.deepEqual([problem.subsystem, told.status, health.status], [
        NQN,
        verdict,
        verdict === "good" ? 0 : 3,
      ]);
      const cause = problem.text.replace(`${NQN}: `, "");
      const status = await site.run("stacctl status -o table");
      assert.ok(
        status.out.includes(`  ${verdict === "good" ? "advice:" : "!"} ${problem.text}\n`),
        status.out,
      );
      assert.ok(status.out.includes(`remedy: ${problem.remedy ?? ""}`), status.out);
      assert.match(
        (await site.run("stacctl doctor")).out.replaceAll(/\s+/g, " "),
        new RegExp(RegExp.escape(cause)),
      );
      // Advice is a note: it fails no script.
      assert.match(
        (await site.run("stacctl doctor -o json")).out.replaceAll(/\s+/g, " "),
        new RegExp(
          `"verdict": "${verdict === "good" ? "notice" : "warning"}", "text": "[^"]*${RegExp.escape(cause)}`,
        ),
      );
      if (verdict === "good") {
        assert.match((await site.run("stacctl health")).out, /^stacd: good: 2 of 2 connected; advice: /);
      }
    });
  }
});

Deno.test("a path that is lost is told with the interface that it took, bound to it or not", () =>
  withPaths(paths({}, { state: "connecting", srcAddr: "" }), async (site) => {
    const out = (await site.run("stacctl ls -o wide")).out;
    assert.match(out, /nvme1 +reconnecting .* eth1 +10\.1\.0\.1 /);
    assert.match(
      (await site.run("stacctl tree")).out,
      /nvme1 tcp 10\.1\.0\.25:4420 on eth1 from 10\.1\.0\.1 reconnecting/,
    );
  }));

Deno.test("the interface of a lost path is told for as long as it is lost, though the kernel shows it no more", () =>
  withSite(async ({ stage, run }) => {
    const target = stage.subsystem(NQN, "10.0.0.25");
    stage.stafdConf("");
    stage.stacdConf(line(`traddr=10.0.0.25;trsvcid=4420;nqn=${NQN};ctrl-loss-tmo=-1`));
    await stage.start(20_000);
    stage.world.setManner(target, "silent");
    // All that the kernel has is read again meanwhile, more than once.
    await stage.run(20 * 60_000);
    const [path]: V1Controller[] = JSON.parse((await run("stacctl ls -o json")).out);
    assert.deepEqual([path?.phase, path?.iface, path?.srcAddr], ["reconnecting", "eth0", "10.0.0.1"]);
  }));
