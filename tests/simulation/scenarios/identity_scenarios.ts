/** Defects of telling whose a connection is: ours, another spelling of ours, or somebody else's. */
import assert from "node:assert/strict";
import type { StacdEffect, StacdEvent } from "../../../src/lib/core/effects.ts";
import { noNbft } from "../../../src/lib/core/request/host.ts";
import { Table } from "../../../src/lib/base/table.ts";
import { entryFor } from "../../../src/lib/sim/discovery.ts";
import { doing, nothingInUse, stacd, stacdStepping, withDevices } from "../altered.ts";
import { noIncarnations } from "../canaries.ts";
import { realCores } from "../cores.ts";
import { mappedIsIpv6, stacdAfter } from "./original.ts";
import { DC_LINE, line, listed } from "./listed.ts";
import type { Scenario } from "./scenario.ts";
import { AUDIT, HOST, Stage } from "./stage.ts";

export const IDENTITY_SCENARIOS: readonly Scenario[] = [
  {
    from: "ISS-2, STAC-47, example 13",
    name: "the volume that the machine was booted from stays, whoever is asked",
    play: async (cores) => {
      const stage = new Stage(cores);
      const boot = stage.subsystem("nqn.boot", "10.0.1.9");
      stage.bootFrom(boot);
      stage.stacdConf(AUDIT);
      await listed(stage);
      await stage.run(30_000);
      assert.equal(stage.to(boot).length, 1);
    },
    original: () => stacd((event) => event.type === "nbft" ? { ...event, targets: noNbft } : event),
  },
  {
    from: "ISS-16, STAC-31",
    name: "the audit does not disconnect a wanted connection that is spelt differently",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "fd01::1:1");
      const before = stage.connectedByOthers(subsystem, { traddr: "FD01:0:0:0:0:0:1:1" });
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      stage.stafdConf(DC_LINE);
      stage.stacdConf(AUDIT);
      // Long enough for Avahi to have had its say: before that the audit takes nothing away.
      await stage.start(45_000);
      assert.deepEqual(stage.to(subsystem).map(({ incarnation }) => incarnation), [before.incarnation]);
    },
    original: () =>
      stacd((event) =>
        withDevices<StacdEvent>((ctrl) =>
          ctrl.traddr.startsWith("FD01") ? { ...ctrl, trsvcid: "04420" } : ctrl
        )(nothingInUse(event))
      ),
  },
  {
    from: "ISS-18, STAF-47",
    name: "a connection that serves two lines stays when one of them goes",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      const one = "controller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub\n";
      const other = "controller = transport=tcp;traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub;host-iface=eth0\n";
      stage.stacdConf(`[Controllers]\n${one}${other}`);
      await stage.start();
      const [before] = stage.to(subsystem);
      assert.ok(before !== undefined && stage.to(subsystem).length === 1, "one connection for both");
      stage.stacdConf(`[Controllers]\n${one}`);
      await stage.run(2_500);
      assert.deepEqual(stage.to(subsystem), [before]);
    },
    // Each object for itself: the index by which the other user of a device is found has nothing in it.
    original: () =>
      stacdStepping((state, event, now) => {
        const alone = state.fleet.ctls.size === 2
          ? { ...state.fleet, ctlsAt: Table.empty<readonly string[]>() }
          : state.fleet;
        return realCores.stacd.step({ ...state, fleet: alone }, nothingInUse(event), now);
      }),
  },
  {
    from: "TID-16 overruled, DEC-13",
    name: "an IPv4-mapped address is IPv4 for ip-family, and is asked for as that where IPv6 is disabled",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      const mapped = line("traddr=::ffff:10.0.1.1;trsvcid=4420;nqn=nqn.sub");
      stage.stacdConf(mapped);
      await stage.start();
      const [before] = stage.to(subsystem);
      assert.equal(before?.traddr, "::ffff:10.0.1.1", "connected as the line says");
      stage.stacdConf(`[Global]\nip-family = ipv4\n${mapped}`);
      await stage.run(10_000);
      assert.deepEqual(stage.to(subsystem), [before]);
      stage.world.kernel.deleteNow(before);
      await stage.run(10_000);
      assert.deepEqual(stage.to(subsystem).map(({ traddr }) => traddr), ["10.0.1.1"]);
      stage.stacdConf(`[Global]\nip-family = ipv6\n${mapped}`);
      await stage.run(10_000);
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: () => mappedIsIpv6,
  },
  {
    from: "TID-16, S2",
    name: "ip-family is no reason to disconnect what somebody may ask for in another spelling",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      const before = stage.connectedByOthers(subsystem, { traddr: "::ffff:10.0.1.1" });
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      stage.stafdConf(DC_LINE);
      stage.stacdConf(`[Global]\nip-family = ipv4\n${AUDIT}`);
      stage.startStacd();
      await stage.run(10_000);
      stage.startStafd();
      await stage.run(45_000);
      assert.deepEqual(stage.to(subsystem), [before]);
    },
    // Excluded, whoever may ask for it.
    original: () =>
      stacdAfter((next, event) => {
        if (event.type !== "scanned") return next;
        const effects: StacdEffect[] = [...next.effects];
        for (const { key, tid, link } of next.state.fleet.ctls.values()) {
          if (link.phase !== "up" || !tid.traddr.startsWith("::ffff:")) continue;
          const evidence = [{ kind: "config", file: "stacd.conf", line: 2, what: "ip-family" }] as const;
          effects.push({ do: "disconnect", op: 0, key, target: link.ref, tid, evidence, devicesToClaim: [] });
        }
        return { ...next, effects };
      }),
  },
  {
    from: "L1, STAC-31 (found by the simulation)",
    name:
      "a name that has no address of a family in ip-family asks for nothing, and the audit need not wait for it",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.connectedByOthers(subsystem);
      stage.world.resolver.names.set("array.example.com", ["fd01::1:1"]);
      const named = "[Controllers]\ncontroller = transport=tcp;traddr=array.example.com;nqn=nqn.sub\n";
      stage.stacdConf(`[Global]\nip-family = ipv4\n${AUDIT}${named}`);
      await stage.start(45_000);
      assert.equal(stage.to(subsystem).length, 0);
    },
    original: () =>
      stacd((event) => {
        if (event.type !== "resolved") return event;
        const failure = { phase: "resolve", kind: "transient", message: "no usable address" } as const;
        return { ...event, outcome: { ok: false, failure } };
      }),
  },
  {
    from: "ISS-12, TID-8",
    name: "the host NQN of a line is the one that is connected with",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.stacdConf(line("traddr=10.0.1.1;trsvcid=4420;nqn=nqn.sub;host-nqn=nqn.other-host"));
      await stage.start();
      assert.deepEqual(stage.to(subsystem).map(({ hostNqn }) => hostNqn), ["nqn.other-host"]);
    },
    original: () => ({
      ...realCores,
      stacd: doing(
        realCores.stacd,
        (effect) =>
          effect.do === "connect"
            ? [{
              ...effect,
              request: { ...effect.request, tid: { ...effect.request.tid, hostNqn: HOST.nqn } },
            }]
            : [effect],
      ),
    }),
  },
  {
    from: "nvme-stas#176, #180, 1.1.4",
    name: "the audit leaves a local disk alone",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { devices } = stage.world.kernel;
      const none = { trsvcid: "", hostTraddr: "", hostIface: "", hostNqn: HOST.nqn, hostId: "", owner: "" };
      const disk = devices.make({
        ...none,
        transport: "pcie",
        traddr: "0000:00:04.0",
        target: undefined,
        maker: "pci",
        ctrlLossTmoMs: 0,
      });
      devices.live(disk);
      stage.stacdConf(AUDIT);
      await listed(stage);
      await stage.run(45_000);
      assert.ok(devices.all.includes(disk));
    },
    original: () =>
      stacd(withDevices((ctrl) => ctrl.transport === "pcie" ? { ...ctrl, transport: "tcp" } : ctrl)),
  },
  {
    from: "nvme-stas 2.3, KRN",
    name: "a connection of another host NQN is not taken for ours",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.connectedByOthers(subsystem, { hostNqn: "nqn.firmware" });
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      stage.stafdConf(DC_LINE);
      await stage.start();
      assert.ok(stage.to(subsystem).some(({ hostNqn }) => hostNqn === HOST.nqn));
    },
    original: () => stacd(withDevices((ctrl) => ({ ...ctrl, hostNqn: HOST.nqn }))),
  },
  {
    from: "nvme-stas 2.1, trailing spaces",
    name: "spaces after the texts of an entry are no part of them",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      const padded = {
        ...entryFor(subsystem, "nvme"),
        traddr: "10.0.1.1   ",
        subnqn: "nqn.sub  ",
        trsvcid: "4420 ",
      };
      stage.dc("nqn.dc", "10.0.0.100", [padded]);
      stage.stafdConf(DC_LINE);
      await stage.start();
      assert.equal(stage.to(subsystem).length, 1);
    },
    original: () =>
      stacd((event) => {
        if (event.type !== "fetched" || !event.outcome.ok) return event;
        const { dcs, retired, unknowns } = event.outcome.value;
        const raw = dcs.map((dc) => ({
          ...dc,
          entries: dc.entries.filter(({ traddr = "" }) => !traddr.endsWith(" ")),
        }));
        return { ...event, outcome: { ok: true, value: { dcs: raw, retired, unknowns } } };
      }),
  },
  {
    from: "REGISTRY.md, instance recycling",
    name: "a number that changed hands unseen does not cost the new owner its connection",
    play: async (cores) => {
      const stage = new Stage(cores);
      const { subsystem, page } = await listed(stage);
      await stage.age();
      const other = stage.subsystem("nqn.other", "10.0.1.5");
      stage.world.kernel.devices.loseEvents(50);
      for (const device of stage.to(subsystem)) stage.world.kernel.deleteNow(device);
      stage.world.setManner(subsystem, "silent");
      stage.connectedByOthers(other);
      await stage.run(200);
      page.edit([], stage.mono);
      await stage.run(10_000);
      assert.equal(stage.to(other).length, 1);
    },
    original: noIncarnations,
  },
  {
    from: "S9, example 4 (found by the simulation)",
    name: "an excluded connection of others is not taken for ours after a restart",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.dc("nqn.dc", "10.0.0.100", [entryFor(subsystem, "nvme")]);
      stage.stafdConf(DC_LINE);
      stage.stacdConf("[Controllers]\nexclude = nqn=nqn.sub\n");
      const device = stage.connectedByOthers(subsystem);
      await stage.start();
      stage.stacd.kill();
      stage.startStacd();
      await stage.run(10_000);
      assert.deepEqual(stage.to(subsystem), [device]);
    },
    // All that is in the state file is ours.
    original: () =>
      stacdStepping((state, event, now) => {
        let { fleet } = state;
        if (event.type === "config" && !event.reload) {
          for (const ctl of fleet.ctls.values()) {
            fleet = {
              ...fleet,
              ctls: fleet.ctls.with(ctl.key, { ...ctl, leftToOthers: false, restored: true }),
            };
          }
        }
        return realCores.stacd.step({ ...state, fleet }, event, now);
      }),
  },
  {
    from: "S2, STAC-31 (found by the simulation's author)",
    name: "the audit waits for a name of stacd.conf that is not resolved yet",
    play: async (cores) => {
      const stage = new Stage(cores);
      const subsystem = stage.subsystem("nqn.sub", "10.0.1.1");
      const device = stage.connectedByOthers(subsystem);
      stage.stacdConf(`${AUDIT}${line("traddr=array.example.com;trsvcid=4420;nqn=nqn.sub")}`);
      await stage.start(45_000);
      assert.deepEqual(stage.to(subsystem), [device], "the name may mean this one");
      stage.subsystem("nqn.sub", "10.0.1.7");
      stage.world.resolver.names.set("array.example.com", ["10.0.1.7"]);
      await stage.run(120_000);
      assert.equal(stage.to(subsystem).length, 0, "it means another one, which serves the namespace now");
    },
    original: () =>
      stacd((event) =>
        event.type === "config" ? { ...event, conf: { ...event.conf, controllers: [] } } : event
      ),
  },
];
