/** Namespaces in use keep their paths, and what is wanted elsewhere keeps its last one (S12). */
import assert from "node:assert/strict";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { nothingInUse, stacd } from "../altered.ts";
import { DC_LINE, line, listed } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { AUDIT, Stage } from "./stage.ts";

/** Nobody looks whether anything is in use. */
const unguarded = () => stacd(nothingInUse);
const LINE = "traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub";

/** How often the log says that a disconnect begins. */
const begun = (stage: Stage): number =>
  stage.seen.filter((text) => /Disconnect initiated: not in the log page/.test(text)).length;

export const IN_USE_SCENARIOS: readonly Scenario[] = [
  {
    from: "S12, findings: in use",
    name: "a page that withdraws a mounted subsystem takes no path, and the path goes when it is unmounted",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      await stage.age();
      const { namespaces } = stage.world.kernel.devices;
      assert.ok(namespaces.mount("nqn.sub", "/srv"));
      page.edit([], stage.mono);
      await stage.run(600_000);
      assert.equal(stage.to(subsystem).length, 1, "mounted: it stays");
      const told = stage.said.filter((text) => text.includes("withdrawn, held:"));
      assert.equal(told.length, 1, "said once, not at each look");
      assert.match(told[0] ?? "", /is in use: mounted on \/srv \(withdrawn because: not in the log page/);
      namespaces.unmount("nqn.sub", "/srv");
      await stage.run(180_000);
      assert.equal(stage.to(subsystem).length, 0, "unmounted, and quiet: it goes");
      assert.equal(begun(stage), 1, "that it goes is said, with the evidence, also after it was held");
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "neither a removed line nor an exclusion takes the path of what is mounted",
    play: async (cores) => {
      for (
        const next of [
          "[Controllers]\n",
          `[Controllers]\ncontroller = transport=tcp;${LINE}\nexclude = nqn=nqn.sub\n`,
        ]
      ) {
        const stage = new Stage(cores);
        const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
        stage.stacdConf(line(LINE));
        await stage.start();
        assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));
        stage.stacdConf(next);
        await stage.run(600_000);
        assert.equal(stage.to(subsystem).length, 1, next);
      }
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "a mount that only a claim sees holds the path, and so does a lock of another program",
    play: async (cores) => {
      for (const kind of ["hidden", "locked", "unreadable"] as const) {
        const stage = new Stage(cores);
        const { subsystem, page } = await listed(stage);
        await stage.age();
        const use = stage.world.kernel.devices.namespaces.use("nqn.sub");
        if (kind === "hidden") use.hiddenClaims = 1;
        if (kind === "locked") use.locked = true;
        if (kind === "unreadable") use.unreadable = "/proc/swaps cannot be read";
        page.edit([], stage.mono);
        await stage.run(300_000);
        assert.equal(stage.to(subsystem).length, 1, kind);
        assert.equal(stage.said.filter((text) => text.includes("withdrawn, held:")).length, 1, kind);
        use.hiddenClaims = 0;
        use.locked = false;
        use.unreadable = undefined;
        await stage.run(120_000);
        assert.equal(stage.to(subsystem).length, 0, kind);
        assert.equal(begun(stage), 1, `${kind}: said once, also where a claim was refused again and again`);
      }
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "a program that writes to the device itself keeps the path until it has been quiet for the window",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      await stage.age();
      const { namespaces } = stage.world.kernel.devices;
      namespaces.write("nqn.sub", 8);
      page.edit([], stage.mono);
      for (let i = 0; i < 30; i++) {
        await stage.run(10_000);
        namespaces.write("nqn.sub", 8);
        assert.equal(stage.to(subsystem).length, 1, "it is written to");
      }
      await stage.run(59_000);
      assert.equal(stage.to(subsystem).length, 1, "quiet for less than the window");
      await stage.run(120_000);
      assert.equal(stage.to(subsystem).length, 0, "quiet");
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "a path goes at once when a wanted one serves the mounted namespace, and not when that one cannot",
    play: async (cores) => {
      for (const other of ["serves", "is inaccessible", "is down"] as const) {
        const stage = new Stage(cores);
        const first = stage.subsystem("nqn.sub", "10.0.1.1");
        const second = stage.subsystem("nqn.sub", "10.0.1.2");
        const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(first, "nvme"), entryFor(second, "nvme")]);
        stage.stafdConf(DC_LINE);
        await stage.start();
        await stage.age();
        const { devices } = stage.world.kernel;
        assert.ok(devices.namespaces.mount("nqn.sub", "/srv"));
        for (const device of stage.to(second)) {
          if (other === "is inaccessible") device.anaState = "inaccessible";
        }
        if (other === "is down") stage.world.setManner(second, "silent");
        await stage.run(5_000);
        page.edit([entryFor(second, "nvme")], stage.mono);
        await stage.run(60_000);
        assert.equal(stage.to(first).length, other === "serves" ? 0 : 1, other);
      }
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "when nothing wants a mounted subsystem any more, all its paths are held, not one",
    play: async (cores) => {
      const stage = new Stage(cores);
      const first = stage.subsystem("nqn.sub", "10.0.1.1");
      const second = stage.subsystem("nqn.sub", "10.0.1.2");
      const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(first, "nvme"), entryFor(second, "nvme")]);
      stage.stafdConf(DC_LINE);
      await stage.start();
      await stage.age();
      assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));
      page.edit([], stage.mono);
      await stage.age();
      await stage.run(120_000);
      assert.deepEqual([stage.to(first).length, stage.to(second).length], [1, 1]);
    },
    original: unguarded,
  },
  {
    from: "S12, S9 (seed 110366)",
    name:
      "a path that the audit may take is no path that stays, also before the audit has everything to judge it",
    play: async (cores) => {
      for (const scope of [AUDIT, ""]) {
        const stage = new Stage(cores);
        const first = stage.subsystem("nqn.sub", "10.0.1.1");
        const second = stage.subsystem("nqn.sub", "10.0.1.2");
        // Its page is never read: the audit waits for it.
        stage.dc("nqn.dc", "10.0.0.100", []);
        stage.world.setManner(stage.target("nqn.dc"), "silent");
        stage.stafdConf(DC_LINE);
        stage.stacdConf(`${scope}${line(LINE)}`);
        await stage.start();
        stage.connectedByOthers(second);
        assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));
        stage.stacdConf(`${scope}[Controllers]\n`);
        await stage.run(120_000);
        const there = [stage.to(first).length, stage.to(second).length];
        assert.deepEqual(there, scope === "" ? [0, 1] : [1, 1], scope);
      }
    },
    original: unguarded,
  },
  {
    from: "S12, S14 (found by reading the change)",
    name: "a path that a young page has withdrawn is no path that stays",
    play: async (cores) => {
      const stage = new Stage(cores);
      const first = stage.subsystem("nqn.sub", "10.0.1.1");
      const second = stage.subsystem("nqn.sub", "10.0.1.2");
      const others = ["nqn.x", "nqn.y"].map((nqn, n) => stage.subsystem(nqn, `10.0.1.${n + 8}`));
      const old = stage.dc("nqn.dc1", "10.0.0.100", [entryFor(first, "nvme")]);
      const young = stage.dc(
        "nqn.dc2",
        "10.0.0.101",
        [second, ...others].map((target) => entryFor(target, "nvme")),
      );
      stage.stafdConf(`${DC_LINE}controller = transport=tcp;traddr=10.0.0.101\n`);
      await stage.start();
      assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));
      await stage.age();
      // All at once: this page is young again, and takes nothing away for a while.
      young.edit([], stage.mono);
      await stage.run(5_000);
      old.edit([], stage.mono);
      await stage.run(120_000);
      assert.deepEqual(
        [stage.to(first).length, stage.to(second).length],
        [1, 1],
        "both are on their way out",
      );
    },
    original: unguarded,
  },
  {
    from: "S12",
    name: "a held connection that the kernel gives up is not made again",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      await stage.age();
      assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));
      page.edit([], stage.mono);
      await stage.run(60_000);
      const [held] = stage.to(subsystem);
      assert.ok(held !== undefined, "held");
      stage.world.kernel.deleteNow(held);
      await stage.run(120_000);
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: unguarded,
  },
  {
    from: "S12, DEC-14",
    name: "disconnect-in-use = always takes what is mounted",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      const always = "[I/O controller connection management]\ndisconnect-in-use = always\n";
      stage.stacdConf(`${always}${line(LINE)}`);
      await stage.start();
      assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));
      stage.stacdConf("[Controllers]\n");
      await stage.run(60_000);
      assert.equal(stage.to(subsystem).length, 1, "never, the default, holds it");
      stage.stacdConf(always);
      await stage.run(60_000);
      assert.equal(stage.to(subsystem).length, 0, "reloaded, always lets it go");
    },
    original: unguarded,
  },
  {
    from: "findings: last path moves",
    name: "the last path of what is wanted elsewhere goes only after the other one serves it",
    play: async (cores) => {
      const stage = new Stage(cores);
      const first = stage.subsystem("nqn.sub", "10.0.1.1");
      const second = stage.subsystem("nqn.sub", "10.0.1.2");
      stage.world.setManner(second, "silent");
      const page = stage.dc("nqn.dc", "10.0.0.100", [entryFor(first, "nvme")]);
      stage.stafdConf(DC_LINE);
      await stage.start();
      await stage.age();
      page.edit([entryFor(second, "nvme")], stage.mono);
      await stage.run(300_000);
      assert.equal(stage.to(first).length, 1, "the new address does not answer yet");
      stage.world.setManner(second, "up");
      await stage.run(120_000);
      assert.deepEqual([stage.to(first).length, stage.to(second).length], [0, 1]);
    },
    original: unguarded,
  },
];
