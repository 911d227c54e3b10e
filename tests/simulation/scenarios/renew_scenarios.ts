/** Live connections get the options of the file: keys without losing a path, all else path after path (S1, S12, S13, S15). */
import assert from "node:assert/strict";
import type { Demand, Renewals } from "../../../src/lib/core/stacd/renew.ts";
import type { V1RenewAnswer } from "../../../src/lib/dbus/v1_types.ts";
import type { Target } from "../../../src/lib/sim/fabric.ts";
import { blind, doing, hurried, nothingInUse, stacd, stacdStepping, withDevices } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import { Person } from "../person.ts";
import type { Scenario } from "./scenario.ts";
import { HOST, SECOND, Stage } from "./stage.ts";

const [KEY, KEY2] = ["c2VjcmV0", "bmV3a2V5"].map((part) => `DHHC-1:00:${part.repeat(4)}:`);

/** The end of a renewal. */
async function renewed(stage: Stage, what: string, mode: "ask" | "do" = "do"): Promise<V1RenewAnswer> {
  const person = new Person(stage.world);
  for (let tries = 0; tries < 400; tries++) {
    const answer = person.renew(what, tries === 0 ? mode : "watch");
    // Past the bus's own time-out, if need be.
    let isAnswered = false;
    void answer.finally(() => isAnswered = true);
    for (let seconds = 0; seconds < 30 && !isAnswered; seconds++) await stage.run(1_000);
    const result = await answer;
    if (!result.ok) assert.fail(result.error.message);
    if (result.value.result !== "running") return result.value;
  }
  return assert.fail("it does not end");
}

const lines = (...options: readonly string[]): string =>
  `[Controllers]\n${
    options.map((more, n) =>
      `controller = transport=tcp;traddr=10.0.1.${n + 1};trsvcid=4420;nqn=nqn.sub${more}\n`
    ).join("")
  }`;

/** Paths to one subsystem, made with these options. */
async function paths(
  cores: Cores,
  ...options: readonly string[]
): Promise<{ stage: Stage; targets: readonly Target[] }> {
  const stage = new Stage(cores);
  const targets = options.map((_, n) => stage.subsystem("nqn.sub", `10.0.1.${n + 1}`));
  stage.stafdConf("");
  stage.stacdConf(lines(...options));
  await stage.start();
  assert.equal(stage.to("nqn.sub").length, options.length);
  return { stage, targets };
}

/** In the order in which they are renewed. */
const byAddress = (stage: Stage) => stage.to("nqn.sub").toSorted((a, b) => a.traddr < b.traddr ? -1 : 1);

/** From now on, the fewest paths that were live at once. */
function fewest(stage: Stage): () => number {
  const { devices } = stage.world.kernel;
  let least = stage.to("nqn.sub").length;
  const look = (): void => {
    least = Math.min(least, stage.to("nqn.sub").length);
  };
  const { deletes } = stage.world.kernel;
  stage.world.kernel.deletes = (who, device) => {
    deletes(who, device);
    least = Math.min(
      least,
      stage.to("nqn.sub").length - (devices.get(device.name)?.state === "live" ? 1 : 0),
    );
  };
  devices.witness = look;
  return () => least;
}

const mounted = (stage: Stage): void =>
  assert.ok(stage.world.kernel.devices.namespaces.mount("nqn.sub", "/srv"));

/** A renewal has begun, and the kernel deletes the first connection. */
async function disconnecting(stage: Stage, what: string): Promise<void> {
  stage.world.kernel.chaos.deleteMs = [500, 500];
  const begun = new Person(stage.world).renew(what, "do");
  await stage.run(300);
  assert.ok((await begun).ok);
}

/** A person has the connection made again, by this file. */
async function drainedAndBack(stage: Stage, conf: string): Promise<void> {
  const person = new Person(stage.world);
  const drained = person.drain("nqn.sub");
  await stage.run(60_000);
  assert.ok((await drained).ok);
  assert.deepEqual(stage.to("nqn.sub"), []);
  stage.stacdConf(conf);
  await stage.run(2_000);
  const back = person.undrain("nqn.sub");
  await stage.run(10_000);
  assert.ok((await back).ok);
}

const securityOf = (stage: Stage): readonly (readonly unknown[])[] =>
  stage.to("nqn.sub").map(({ hostIface, made }) => [hostIface, made?.tls]).toSorted();

/** stacd forgets, in part, what the connections had that renewals have ended. */
const withDemands = (change: (demands: Renewals["demands"]) => Renewals["demands"]): Cores =>
  stacdStepping((state, event, now) => {
    const next = realCores.stacd.step(state, event, now);
    const { renewals } = next.state;
    return {
      ...next,
      state: { ...next.state, renewals: { ...renewals, demands: change(renewals.demands) } },
    };
  });

const hasty = (): Cores =>
  stacdStepping((state, event, now) => realCores.stacd.step(hurried(state), event, now));

export const RENEW_SCENARIOS: readonly Scenario[] = [
  {
    from: "S12, ten tasks: keys are changed",
    name: "new keys are handed to the kernel, and no path is lost",
    play: async (cores) => {
      const { stage, targets: [target] } = await paths(cores, `;dhchap-secret=${KEY}`);
      assert.ok(target !== undefined);
      mounted(stage);
      const [before] = stage.to("nqn.sub");
      target.secret = KEY2;
      stage.stacdConf(lines(`;dhchap-secret=${KEY2}`));
      await stage.run(2_000);
      const asked = await renewed(stage, "nqn.sub", "ask");
      assert.deepEqual([asked.result, asked.controllers[0]?.means], ["possible", "keys"]);
      assert.equal(before?.secret, KEY, "only asked");
      const answer = await renewed(stage, "nqn.sub");
      assert.equal(answer.result, "renewed");
      assert.deepEqual(stage.to("nqn.sub"), [before], "the same connection");
      assert.equal(before?.secret, KEY2);
      assert.equal(before?.authenticated, 1);
      for (const text of stage.said) assert.ok(!text.includes("bmV3a2V5"), "no key in the log (S8)");
      assert.ok(
        stage.seen.some((text) => /Renewed: the keys of the file were handed to the kernel/.test(text)),
      );
      assert.ok(
        stage.seen.some((text) => /The connection was renewed by uid 0 at .*: nqn\.sub/.test(text)),
      );
    },
    original: () => ({
      ...realCores,
      stacd: doing(realCores.stacd, (effect) => effect.do === "write-keys" ? [] : [effect]),
    }),
  },
  {
    from: "S12 (seen in the virtual machine)",
    name: "a key that the array does not know takes one path, and the others keep theirs",
    play: async (cores) => {
      const { stage, targets } = await paths(cores, `;dhchap-secret=${KEY}`, `;dhchap-secret=${KEY}`);
      mounted(stage);
      for (const target of targets) target.secret = KEY;
      const [, second] = byAddress(stage);
      stage.stacdConf(lines(`;dhchap-secret=${KEY2}`, `;dhchap-secret=${KEY2}`));
      await stage.run(2_000);
      const answer = await renewed(stage, "nqn.sub");
      assert.equal(answer.result, "stopped");
      assert.match(answer.reasons.join(), /the connection was lost with the new key: the kernel's log/);
      assert.deepEqual(answer.controllers.map(({ is }) => is), ["failed", "left"]);
      assert.equal(second?.secret, KEY, "not handed on");
      await stage.run(60_000);
      assert.ok(second !== undefined && stage.to("nqn.sub").includes(second));
    },
    original: () =>
      stacdStepping((state, event, now) => {
        const { run } = state.renewals;
        if (run?.phase.is !== "settling") return realCores.stacd.step(state, event, now);
        const next = { ...run, index: run.index + 1, phase: { is: "begin" } as const };
        return realCores.stacd.step({ ...state, renewals: { ...state.renewals, run: next } }, event, now);
      }),
  },
  {
    from: "S12 (seen in the virtual machine)",
    name:
      "two new keys at once are not handed to the kernel: the path is connected again, or stays where it is the last",
    play: async (cores) => {
      const both = (one = "", ctrl = ""): string => `;dhchap-secret=${one};dhchap-ctrl-secret=${ctrl}`;
      const { stage } = await paths(cores, both(KEY, KEY), both(KEY, KEY));
      mounted(stage);
      const [first] = byAddress(stage);
      stage.stacdConf(lines(both(KEY2, KEY2), both(KEY2, KEY2)));
      await stage.run(2_000);
      const answer = await renewed(stage, "10.0.1.1");
      assert.equal(answer.result, "renewed", answer.reasons.join());
      assert.deepEqual(answer.controllers.map(({ means }) => means), ["reconnect"]);
      assert.match(
        answer.controllers[0]?.why ?? "",
        /both keys differ, .*change one, renew, and then the other/,
      );
      const [again, second] = byAddress(stage);
      assert.ok(again !== undefined && again !== first && again.secret === KEY2);
      if (second !== undefined) second.anaState = "inaccessible";
      stage.stacdConf(lines(both(KEY, KEY), both(KEY2, KEY2)));
      await stage.run(2_000);
      assert.equal((await renewed(stage, "10.0.1.1")).result, "refused", "mounted, and the last usable path");
      stage.stacdConf(lines(both(KEY, KEY2), both(KEY2, KEY2)));
      await stage.run(2_000);
      const one = await renewed(stage, "10.0.1.1");
      assert.deepEqual([one.result, one.controllers[0]?.means], ["renewed", "keys"], "one at a time");
      assert.deepEqual([again.secret, again.ctrlSecret], [KEY, KEY2]);
      assert.deepEqual(byAddress(stage)[0], again);
    },
    original: () =>
      stacd((event) =>
        event.type === "keys-written" && event.outcome.ok
          ? { ...event, outcome: { ok: true, value: "same" } }
          : event
      ),
  },
  {
    from: "S12",
    name: "other options take one path after the other, the next when the first serves what is mounted",
    play: async (cores) => {
      const { stage } = await paths(cores, ";kato=10", ";kato=10");
      mounted(stage);
      const before = stage.to("nqn.sub").map(({ incarnation }) => incarnation);
      stage.stacdConf(lines(";kato=20", ";kato=20"));
      await stage.run(2_000);
      const least = fewest(stage);
      const answer = await renewed(stage, "nqn.sub");
      assert.equal(answer.result, "renewed", answer.reasons.join());
      assert.deepEqual(answer.controllers.map(({ means, why }) => [means, why]), [
        ["reconnect", "kato is 10, not 20"],
        ["reconnect", "kato is 10, not 20"],
      ]);
      const after = stage.to("nqn.sub");
      assert.deepEqual(after.map(({ made }) => made?.kato), [20, 20]);
      assert.ok(after.every(({ incarnation }) => !before.includes(incarnation)));
      assert.equal(least(), 1, "never none");
      assert.equal((await renewed(stage, "nqn.sub")).controllers[0]?.means, "same", "nothing is left to do");
      assert.ok(
        stage.seen.some((text) => /No connection had to be renewed by uid 0 at .*: nqn\.sub/.test(text)),
        stage.seen.join("\n"),
      );
      assert.deepEqual(stage.to("nqn.sub"), after);
    },
    original: hasty,
  },
  {
    from: "S12",
    name: "the last usable path of what is mounted is not renewed, whatever disconnect-in-use says",
    play: async (cores) => {
      for (const more of ["", "[I/O controller connection management]\ndisconnect-in-use = always\n"]) {
        const { stage } = await paths(cores, ";kato=10", ";kato=10");
        mounted(stage);
        const [first, second] = stage.to("nqn.sub");
        assert.ok(first !== undefined && second !== undefined);
        second.anaState = "inaccessible";
        stage.stacdConf(more + lines(";kato=20", ";kato=20"));
        await stage.run(2_000);
        const answer = await renewed(stage, "nqn.sub");
        assert.equal(answer.result, "refused");
        assert.match(
          answer.reasons.join(),
          /is in use: mounted on \/srv, and no other usable path serves it/,
        );
        assert.deepEqual(stage.to("nqn.sub"), [first, second], "nothing has changed, not even the other one");
      }
    },
    original: () => stacd(nothingInUse),
  },
  {
    from: "S12",
    name: "a path that cannot be connected again stops it: the others stay as they are",
    play: async (cores) => {
      const { stage, targets } = await paths(cores, ";kato=10", ";kato=10", ";kato=10");
      mounted(stage);
      const [first, second, third] = byAddress(stage);
      for (const target of targets) target.secret = KEY;
      stage.stacdConf(lines(";kato=20", ";kato=20", ";kato=20"));
      await stage.run(2_000);
      const answer = await renewed(stage, "nqn.sub");
      assert.equal(answer.result, "stopped");
      assert.match(answer.reasons.join(), /it could not be connected again: /);
      assert.deepEqual(answer.controllers.map(({ is }) => is), ["failed", "left", "left"]);
      await stage.run(60_000);
      assert.deepEqual(byAddress(stage), [second, third]);
      assert.ok(first !== undefined && !stage.to("nqn.sub").includes(first));
      assert.ok(stage.seen.some((text) => /The renewal stopped, 0 done, 2 left as they were: /.test(text)));
    },
    original: hasty,
  },
  {
    from: "S12",
    name: "a renewed path that does not serve what is mounted stops it",
    play: async (cores) => {
      const { stage, targets } = await paths(cores, ";kato=10", ";kato=10");
      mounted(stage);
      const [, second] = byAddress(stage);
      for (const target of targets) target.anaState = "inaccessible";
      stage.stacdConf(lines(";kato=20", ";kato=20"));
      await stage.run(2_000);
      const answer = await renewed(stage, "nqn.sub");
      assert.equal(answer.result, "stopped");
      assert.match(
        answer.reasons.join(),
        /its new connection does not serve nvme\d+n1 \(listed, with usable ANA state\)/,
      );
      assert.equal(answer.controllers[1]?.is, "left");
      assert.ok(second !== undefined && stage.to("nqn.sub").includes(second));
    },
    original: hasty,
  },
  {
    from: "S15",
    name: "a connection with TLS or authentication is not replaced by one without",
    play: async (cores) => {
      for (
        const [made, lacks] of [[";tls=true", "TLS"], [`;dhchap-secret=${KEY}`, "authentication"]] as const
      ) {
        const { stage } = await paths(cores, made, made);
        const before = stage.to("nqn.sub");
        stage.stacdConf(lines(";kato=20", ";kato=20"));
        await stage.run(2_000);
        const answer = await renewed(stage, "nqn.sub");
        assert.equal(answer.result, "refused");
        assert.match(
          answer.reasons.join(),
          new RegExp(
            `the configuration asks for no ${lacks}.*which its connection had: set the option again`,
          ),
        );
        assert.deepEqual(stage.to("nqn.sub"), before);
      }
    },
    original: blind,
  },
  {
    from: "S15",
    name: "a reload between disconnect and connect takes no TLS away",
    play: async (cores) => {
      const { stage, targets: [target] } = await paths(cores, ";tls=true;kato=10", ";tls=true;kato=10");
      assert.ok(target !== undefined);
      stage.stacdConf(lines(";tls=true;kato=20", ";tls=true;kato=20"));
      await stage.run(2_000);
      await disconnecting(stage, "nqn.sub");
      stage.stacdConf(lines(";kato=20", ";kato=20"));
      await stage.run(120_000);
      assert.equal(stage.to("nqn.sub").filter(({ made }) => made?.tls !== "tls").length, 0);
      assert.equal(stage.to("nqn.sub").length, 1, "one waits for a person");
      assert.match(
        (await renewed(stage, "nqn.sub", "do")).reasons.join(),
        /the configuration asks for no TLS/,
      );
    },
    original: () => withDemands(() => new Map()),
  },
  {
    from: "S15 (seed 502445)",
    name: "a reload between disconnect and connect takes no TLS away by another interface either",
    play: async (cores) => {
      const { stage } = await paths(cores, ";tls=true;kato=10");
      stage.stacdConf(lines(";tls=true;kato=20"));
      await stage.run(2_000);
      await disconnecting(stage, "nqn.sub");
      stage.stacdConf(lines(";kato=20;host-iface=eth0"));
      await stage.run(120_000);
      // The controller of the line before is no longer known by then.
      assert.deepEqual(stage.world.kernel.devices.all, [], "it waits for a person");
      stage.stacdConf(lines(";kato=20;host-iface=eth0;tls=true"));
      await stage.run(10_000);
      assert.deepEqual(securityOf(stage), [["eth0", "tls"]]);
      // It is connected again: from now on the file decides.
      await drainedAndBack(stage, lines(";kato=20;host-iface=eth0"));
      assert.deepEqual(securityOf(stage), [["eth0", "none"]]);
    },
    original: () => withDemands(() => new Map()),
  },
  {
    from: "S15",
    name: "a renewal's path that does not come back does not keep others from what their own lines ask for",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.world.fabric.addInterface(SECOND);
      stage.subsystem("nqn.sub", "10.0.1.1");
      stage.stafdConf("");
      const line = (more: string): string => lines(`;host-iface=${more}`);
      const both = (kato: number): string =>
        `${line(`eth0;tls=true;kato=${kato}`)}${line("eth1").replace("[Controllers]\n", "")}`;
      stage.stacdConf(both(10));
      await stage.start();
      assert.deepEqual(securityOf(stage), [["eth0", "tls"], ["eth1", "none"]]);
      stage.stacdConf(both(20));
      await stage.run(2_000);
      const [first, second] = stage.to("nqn.sub").toSorted((a, b) => a.hostIface < b.hostIface ? -1 : 1);
      assert.ok(first !== undefined && second !== undefined);
      await disconnecting(stage, first.name);
      stage.stacdConf(line("eth1"));
      await stage.run(10_000);
      stage.world.kernel.deleteNow(second);
      await stage.run(30_000);
      assert.deepEqual(securityOf(stage), [["eth1", "none"]]);
    },
    original: () =>
      withDemands((demands) =>
        new Map([...demands].map(([key, demand]) => [key, { ...demand, besides: new Set() }]))
      ),
  },
  {
    from: "S15",
    name: "what waits for the TLS of a renewed connection is connected once another successor has it",
    play: async (cores) => {
      const { stage } = await paths(cores, ";tls=true;kato=10");
      stage.world.fabric.addInterface(SECOND);
      stage.stacdConf(lines(";tls=true;kato=20"));
      await stage.run(2_000);
      await disconnecting(stage, "nqn.sub");
      const by = (first: string): string =>
        `${lines(`;host-iface=eth0${first}`)}${lines(";host-iface=eth1").replace("[Controllers]\n", "")}`;
      stage.stacdConf(by(""));
      await stage.run(60_000);
      assert.deepEqual(securityOf(stage), []);
      stage.stacdConf(by(";tls=true"));
      await stage.run(10_000);
      assert.deepEqual(securityOf(stage), [["eth0", "tls"], ["eth1", "none"]]);
    },
    original: () => withDemands(() => new Map()),
  },
  {
    from: "S15",
    name:
      "a line that was gone when a renewal took a connection, and comes back without TLS, is connected by TLS or not",
    play: async (cores) => {
      const stage = new Stage(cores);
      stage.world.fabric.addInterface(SECOND);
      stage.subsystem("nqn.sub", "10.0.1.1");
      stage.stafdConf("");
      const first = (kato: number): string => lines(`;host-iface=eth0;tls=true;kato=${kato}`);
      const second = lines(";host-iface=eth1");
      const { chaos } = stage.world.kernel;
      stage.stacdConf(first(10) + second.replace("[Controllers]\n", ""));
      await stage.start();
      const [one, other] = stage.to("nqn.sub").toSorted((a, b) => a.hostIface < b.hostIface ? -1 : 1);
      assert.ok(one !== undefined && other !== undefined);
      chaos.deleteBusy = 1;
      stage.stacdConf(first(20));
      await stage.run(5_000);
      // Withdrawn, and known all the same: the kernel does not delete it.
      assert.equal(stage.to("nqn.sub").length, 2);
      chaos.deleteBusy = 0;
      await disconnecting(stage, one.name);
      stage.world.kernel.deleteNow(other);
      stage.stacdConf(second);
      await stage.run(60_000);
      assert.deepEqual(securityOf(stage), []);
    },
    original: () => withDemands(() => new Map()),
  },
  {
    from: "S15",
    name: "a connection that a renewal could not disconnect may have what the file asks for, later",
    play: async (cores) => {
      for (const by of ["kernel", "claim"] as const) {
        const { stage } = await paths(cores, ";tls=true;kato=10");
        stage.stacdConf(lines(";tls=true;kato=20"));
        await stage.run(2_000);
        const { chaos, devices: { namespaces } } = stage.world.kernel;
        const use = namespaces.use("nqn.sub");
        if (by === "kernel") chaos.deleteBusy = 1;
        else use.locked = true;
        const answer = await renewed(stage, "nqn.sub");
        assert.match(answer.reasons.join(), /it was not disconnected: /);
        assert.deepEqual(securityOf(stage), [["", "tls"]]);
        chaos.deleteBusy = 0;
        use.locked = false;
        await drainedAndBack(stage, lines(";kato=20"));
        assert.deepEqual(securityOf(stage), [["", "none"]], by);
      }
    },
    original: () => {
      const seen = new Map<string, Demand>();
      return withDemands((demands) => {
        for (const [key, demand] of demands) seen.set(key, demand);
        return new Map(seen);
      });
    },
  },
  {
    from: "S13",
    name: "with another host NQN alone, or another host ID alone, it is refused; with both it warns",
    play: async (cores) => {
      const other = {
        nqn: "nqn.2014-08.org.nvmexpress:uuid:aaaaaaaa-0000-0000-0000-000000000001",
        id: HOST.id,
      };
      for (
        const [host, result] of [
          [other, "refused"],
          [{ nqn: HOST.nqn, id: "aaaaaaaa-0000-0000-0000-000000000001" }, "refused"],
          [{ ...other, id: "aaaaaaaa-0000-0000-0000-000000000001" }, "renewed"],
        ] as const
      ) {
        const { stage } = await paths(cores, "", "");
        const before = stage.to("nqn.sub");
        stage.setHost(host);
        stage.stacd.kill();
        stage.startStacd();
        await stage.run(10_000);
        assert.deepEqual(stage.to("nqn.sub"), before, "who we are is no reason to disconnect anything");
        const answer = await renewed(stage, "nqn.sub");
        assert.equal(answer.result, result, answer.reasons.join());
        if (result === "refused") {
          assert.match(
            answer.reasons.join(),
            /refuses a second identity of this host.*restore the old value.*or reboot; or, /,
          );
          assert.deepEqual(stage.to("nqn.sub"), before);
        } else {
          assert.match(answer.warnings.join(), /the array sees another host, .*aaaaaaaa/);
          assert.deepEqual(stage.to("nqn.sub").map(({ hostNqn, hostId }) => [hostNqn, hostId]), [
            [host.nqn, host.id],
            [host.nqn, host.id],
          ]);
        }
      }
    },
    original: () => stacd(withDevices((ctrl) => ({ ...ctrl, hostId: "" }))),
  },
  {
    from: "S1",
    name:
      "what stacd may not disconnect is not renewed; what is not connected, and what nobody knows, needs nothing",
    play: async (cores) => {
      const stage = new Stage(cores);
      const target = stage.subsystem("nqn.sub", "10.0.1.1");
      stage.bootFrom(target);
      stage.stafdConf("");
      stage.stacdConf(lines(";kato=20", ";kato=20"));
      await stage.start(10_000);
      const [before] = stage.to("nqn.sub");
      const refused = await renewed(stage, "10.0.1.1");
      assert.match(
        refused.reasons.join(),
        /stacd may not change its connection: this machine was booted from it/,
      );
      assert.deepEqual(stage.to("nqn.sub"), [before]);
      const away = await renewed(stage, "10.0.1.2");
      assert.deepEqual([away.result, away.controllers[0]?.means], ["renewed", "not-connected"]);
      assert.equal((await renewed(stage, "10.0.1.3")).result, "unknown");
    },
    original: () =>
      stacd((event) => event.type === "nbft" ? { ...event, targets: { boot: [], discovery: [] } } : event),
  },
];
