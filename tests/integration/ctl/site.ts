/** The tools against both daemons as they ship, on the simulated host of a {@link Stage}: what they say is on a private bus. */
import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { stacdService, type StacdServiceParts } from "../../../src/lib/daemon/stacd_service.ts";
import type { DaemonFacts } from "../../../src/lib/daemon/daemon_facts.ts";
import { reportCalls } from "../../../src/lib/daemon/record/report_calls.ts";
import { stafdService } from "../../../src/lib/daemon/stafd_service.ts";
import type { Result } from "../../../src/lib/dbus/client.ts";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAC, STAF } from "../../../src/lib/dbus/interfaces.ts";
import {
  publisher,
  serveStac,
  serveStaf,
  type StacActs,
  type StacHandlers,
  type StafActs,
  type StafHandlers,
} from "../../../src/lib/dbus/server.ts";
import { Person } from "../../simulation/person.ts";
import { realCores } from "../../simulation/cores.ts";
import { STACD_CONF, STAFD_CONF } from "../../simulation/daemons.ts";
import { Stage } from "../../simulation/scenarios/stage.ts";
import { type FakeOptions, type FakeWorld, fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { FACTS } from "../../unit/daemon/facts.ts";

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface Site {
  readonly stage: Stage;
  /** Of the bus. */
  readonly address: string;
  /** What the daemons answer on the bus, before it is sent. */
  readonly staf: StafHandlers;
  readonly stac: StacHandlers;
  /** Runs a tool: `run("stacctl ls -o table")`. */
  run(command: string, options?: FakeOptions): Promise<Ran>;
  /** Starts one that waits for something. */
  start(command: string, options?: FakeOptions): Promise<number>;
  /** Has a daemon tell this event. */
  tell(event: object): void;
  /** Starts one that goes on until it is interrupted. */
  watch(command: string, interrupted: Promise<void>): FakeWorld & { readonly ended: Promise<number> };
}

/** Another kernel than the simulated one, for what stacd reads of it when it is asked. */
export type Eyes = (stage: Stage) => Pick<StacdServiceParts, "read" | "storage">;

const simulated: Eyes = (stage) => ({
  read: (device) => stage.stacd.machine.readDevice(device),
  storage: { look: (done) => stage.stacd.machine.storage.look(done) },
});

/** The daemons are started by the test. */
export async function withSite(
  test: (site: Site) => Promise<void>,
  eyes: Eyes = simulated,
): Promise<void> {
  await using bus = await privateBus();
  const stage = new Stage(realCores);
  const { world } = stage;
  const serving = await Bus.connect(bus.address);
  assert.ok(serving.ok);
  const facts = (file: string): DaemonFacts => ({
    ...FACTS,
    started: world.clock.now().wall,
    stateFile: "/run/state.json",
    conf: { file, loadedAt: world.clock.now().wall, valid: true, findings: [] },
  });
  const parts = { clock: world.clock, setTron: () => undefined };
  const lines = { lines: [{ at: world.clock.now().wall, level: "notice", message: "a line" }] } as const;
  // A person's acts are answered by the daemon itself, whose clock is the stage's.
  const person = new Person(stage.world);
  const after = async (act: Promise<Result<object>>): Promise<string> => {
    await stage.run(1_000);
    const answer = await act;
    return answer.ok ? JSON.stringify(answer.value) : answer.error.message;
  };
  const staf: StafHandlers & StafActs = {
    ...stafdService({
      ...parts,
      state: () => stage.stafd.state,
      read: (device) => stage.stafd.machine.readDevice(device),
      facts: facts(STAFD_CONF),
    }),
    ...reportCalls({
      daemon: "stafd",
      clock: world.clock,
      facts: facts(STAFD_CONF),
      lines,
      recorded: () => stage.stafd.recorded,
    }, serving),
    forget: ({ what }, mode) => after(person.forget(what, mode)),
  };
  const stac: StacHandlers & StacActs = {
    ...stacdService({
      ...parts,
      state: () => stage.stacd.state,
      ...eyes(stage),
      facts: facts(STACD_CONF),
    }),
    ...reportCalls({
      daemon: "stacd",
      clock: world.clock,
      facts: facts(STACD_CONF),
      lines,
      recorded: () => stage.stacd.recorded,
    }, serving),
    drain: ({ what }, termMs, mode) =>
      after(person.drain(what, termMs === 0 ? undefined : termMs / 1_000, mode)),
    undrain: ({ what }) => after(person.undrain(what)),
    renew: ({ what }, mode) => after(person.renew(what, mode)),
  };
  serveStaf(serving.bus, staf);
  serveStac(serving.bus, stac);
  assert.ok((await serving.bus.requestName(STAF.name)).ok);
  assert.ok((await serving.bus.requestName(STAC.name)).ok);
  const go = (command: string, around: ReturnType<typeof fakeWorld>): Promise<number> => {
    const [program, ...args] =
      command.match(/\([^)]*\)|"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', "")) ?? [];
    return (program === "stafctl" ? stafctl : stacctl)(args, around);
  };
  try {
    await test({
      stage,
      address: bus.address,
      staf,
      stac,
      run: async (command, options = {}) => {
        const around = fakeWorld({ bus: bus.address, ...options });
        const status = await go(command, around);
        return { status, out: around.out.text, err: around.err.text };
      },
      start: (command, options = {}) => go(command, fakeWorld({ bus: bus.address, ...options })),
      watch: (command, interrupted) => {
        const around = fakeWorld({ bus: bus.address, interrupted });
        return { ...around, ended: go(command, around) };
      },
      tell: (event) => publisher(STAC, () => serving.bus).emit({ type: "event", event: { ...event } }),
    });
  } finally {
    serving.bus.close();
  }
}

/** A line of `[Controllers]`. */
export const line = (...values: readonly string[]): string =>
  `[Controllers]\n${values.map((value) => `controller = transport=tcp;${value}\n`).join("")}`;
