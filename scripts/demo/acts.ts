/** What the demo shows, act by act. Each one says what it does, waits for it with a bound, and shows the tools' answers. */
import { tableText } from "../../src/ctl/table.ts";
import type { V1Controller, V1State } from "../../src/lib/dbus/v1_types.ts";
import type { Duration } from "../../src/lib/nvme/time.ts";
import { entryFor } from "../../src/lib/sim/discovery.ts";
import type { Target } from "../../src/lib/sim/fabric.ts";
import { type RunningDaemon, startStacd, startStafd } from "./daemons.ts";
import { DemoFailure } from "./failure.ts";
import type { Observer } from "./observer.ts";
import type { Screen } from "./screen.ts";
import type { Site } from "./site.ts";
import type { Tools } from "./tools.ts";

export interface Stage {
  readonly site: Site;
  readonly screen: Screen;
  readonly tools: Tools;
  readonly observer: Observer;
  /** The longest that any one thing may take. */
  readonly bound: Duration;
}

export interface Daemons {
  stafd: RunningDaemon;
  readonly stacd: RunningDaemon;
}

const nameOf = ({ nqn }: Target): string => nqn.slice(nqn.lastIndexOf(":") + 1);
const portOf = ({ address }: Target): string => `${address.traddr}:${address.trsvcid}`;

/** The controllers of a daemon that stand for a target. */
const those = ({ controllers }: V1State, target: Target): readonly V1Controller[] =>
  controllers.filter(({ tid }) =>
    tid.traddr === target.address.traddr && tid.trsvcid === target.address.trsvcid
  );

const inPhase = (state: V1State, target: Target, phase: V1Controller["phase"]): boolean =>
  those(state, target).some((controller) => controller.phase === phase);

const sourcesOf = (state: V1State, target: Target): string =>
  those(state, target).flatMap(({ sources }) => sources.map(({ text }) => text)).join(", ");

/** Connections in the host's kernel by what tells one from the next under the same name. */
const connections = ({ world }: Site): readonly string[] =>
  world.kernel.devices.all.map(({ name, incarnation, state }) => `${name} ${incarnation} ${state}`);

const isConnected = ({ world }: Site, target: Target): boolean =>
  world.kernel.devices.all.some((device) => device.target === target && device.state === "live");

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one));

function expect(fact: boolean, what: string): void {
  if (!fact) throw new DemoFailure(`it is not so that ${what}`);
}

/** The simulated storage, before anything is started. */
export function showSite(site: Site, screen: Screen): void {
  const row = (cells: readonly string[]) => cells.map((text) => ({ text }));
  const { alpha, beta } = site;
  const table = tableText(
    [
      { title: "ARRAY", shrink: "never" },
      { title: "DISCOVERY CONTROLLER", shrink: "never" },
      { title: "KNOWN BY", shrink: "end" },
      { title: "SUBSYSTEMS", shrink: "end" },
    ],
    [
      row([alpha.name, portOf(alpha.dc), "mDNS on eth0", "orders, archive"]),
      row([beta.name, portOf(beta.dc), "stafd.conf", "orders, backup (switched off)"]),
    ],
    screen.columns,
    screen.style,
  );
  screen.print("");
  for (const line of table.trimEnd().split("\n")) screen.print(line);
}

export async function startDaemons({ site, screen }: Stage): Promise<Daemons> {
  const [stafd, stacd] = await screen.progress(
    "starting stafd and stacd",
    Promise.all([startStafd(site.world), startStacd(site.world)]),
    () => "stafd and stacd run",
  );
  return { stafd, stacd };
}

async function discovery({ site, screen, tools, observer, bound }: Stage): Promise<void> {
  const dcs = [site.alpha.dc, site.beta.dc];
  screen.heading("Discovery");
  const found = observer.until(
    "stafd",
    "both discovery controllers are connected and read",
    (state) =>
      dcs.every((dc) =>
        inPhase(state, dc, "connected") && those(state, dc).every(({ logPage }) => logPage !== null)
      ),
    bound,
  );
  const state = await screen.progress(
    "looking for discovery controllers",
    found,
    () => "two discovery controllers are found, connected, and their log pages read",
  );
  for (const { name, dc } of [site.alpha, site.beta]) {
    screen.print(`  ${name} ${portOf(dc)} by ${sourcesOf(state, dc)}`);
  }
  await tools.show("stafctl ls");
}

async function connection({ site, screen, tools, observer, bound }: Stage): Promise<void> {
  const wanted = [...site.orders, site.archive];
  screen.heading("Connection");
  await screen.progress(
    "connecting what the log pages list",
    observer.until(
      "stacd",
      "all reachable I/O controllers are connected",
      (state) => wanted.every((target) => inPhase(state, target, "connected")),
      bound,
    ),
    () => "three I/O controllers are connected; the one that is switched off did not hold them up",
  );
  expect(wanted.every((target) => isConnected(site, target)), "the kernel has these connections");
  await tools.show("stacctl ls");
}

async function addition({ site, screen, tools, bound }: Stage): Promise<void> {
  const { alpha, payroll, world } = site;
  screen.heading("A subsystem is added");
  screen.say(
    `The array ${alpha.name} now lists ${
      nameOf(payroll)
    }, too. It tells its hosts; nobody types anything here.`,
  );
  const before = connections(site);
  alpha.discovery.list(entryFor(payroll, "nvme"), world.time.now.mono);
  await waitFor(tools, screen, payroll, "connected", bound);
  expect(isConnected(site, payroll), `the kernel is connected to ${nameOf(payroll)}`);
  expect(before.every((one) => connections(site).includes(one)), "the other connections stay as they are");
  await tools.show("stacctl ls");
}

async function removal({ site, screen, tools, bound }: Stage): Promise<void> {
  const { alpha, archive, world } = site;
  screen.heading("A subsystem is taken away");
  screen.say(
    `${alpha.name} no longer lists ${nameOf(archive)}. A removal is not hurried, and it needs evidence.`,
  );
  const before = connections(site);
  alpha.discovery.unlist(entryFor(archive, "nvme"), world.time.now.mono);
  await waitFor(tools, screen, archive, "gone", bound);
  expect(!isConnected(site, archive), `the kernel is no longer connected to ${nameOf(archive)}`);
  expect(connections(site).length === before.length - 1, "only that one is disconnected");
  await tools.show(`stacctl explain ${archive.nqn}`);
}

async function waitFor(
  tools: Tools,
  screen: Screen,
  target: Target,
  goal: "connected" | "gone",
  bound: Duration,
): Promise<void> {
  const line = `stacctl wait ${target.nqn} --for ${goal}`;
  screen.command(line);
  await screen.progress(
    "waiting",
    tools.run(`${line} --timeout ${bound.ms / 1000}`),
    () => `${nameOf(target)} is ${goal}`,
  );
}

async function unreachable({ site, screen, tools, observer, bound }: Stage): Promise<void> {
  const { backup } = site;
  screen.heading("A controller that cannot be reached, explained");
  await screen.progress(
    `waiting for an attempt to reach ${nameOf(backup)}`,
    observer.until(
      "stacd",
      `${nameOf(backup)} is failing`,
      (state) => inPhase(state, backup, "failing"),
      bound,
    ),
    () => `${nameOf(backup)} does not answer`,
  );
  await tools.show(`stacctl explain ${backup.nqn}`);
}

/** S2: the absence of information is no reason to disconnect. */
async function absence({ site, screen, observer, bound }: Stage, daemons: Daemons): Promise<void> {
  screen.heading("stafd goes away for a while");
  const before = connections(site);
  daemons.stafd.stop();
  const gone = async (): Promise<void> => {
    await daemons.stafd.ended;
    await observer.until("stacd", "stacd misses stafd", ({ stafd }) => stafd?.present === false, bound);
    // Longer than a removal would be held back.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  };
  await screen.progress(
    "stafd is stopped",
    gone(),
    () => "stafd is stopped, and stacd keeps every connection",
  );
  expect(isSame(connections(site), before), "every connection is still there without stafd");
  const back = async (): Promise<void> => {
    const since = Date.now();
    daemons.stafd = await startStafd(site.world);
    await observer.until(
      "stacd",
      "stafd reports to stacd again",
      ({ stafd }) => stafd?.present === true && (stafd.reportedAt ?? 0) >= since,
      bound,
    );
  };
  await screen.progress("stafd is started", back(), () => "stafd is back, and nothing was connected anew");
  expect(isSame(connections(site), before), "every connection is still the same with stafd back");
}

async function overview({ screen, tools }: Stage): Promise<void> {
  screen.heading("All of it");
  await tools.show("stafctl tree");
  await tools.show("stacctl tree");
}

/** Ends both daemons, as systemd would: that is no reason to disconnect anything either. */
export async function stopDaemons({ site, screen }: Stage, { stafd, stacd }: Daemons): Promise<void> {
  const before = connections(site);
  stacd.stop();
  stafd.stop();
  await screen.progress(
    "stopping",
    Promise.all([stafd.ended, stacd.ended]),
    () => "stacd and stafd are stopped; the connections stay, and so does the host's storage",
  );
  expect(isSame(connections(site), before), "every connection is still there without the daemons");
}

export async function play(stage: Stage, daemons: Daemons): Promise<void> {
  for (const act of [discovery, connection, addition, removal, unreachable, absence, overview]) {
    await act(stage, daemons);
    await stage.screen.pause();
  }
}
