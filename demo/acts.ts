/** What the demo shows, act by act. Each one says what it does, waits for it with a bound, and shows the tools' answers. */
import { tableText } from "../src/ctl/table.ts";
import type { V1Controller, V1State } from "../src/lib/dbus/v1_types.ts";
import { type Duration, seconds } from "../src/lib/base/time.ts";
import { entryFor } from "../src/lib/sim/discovery.ts";
import type { Target } from "../src/lib/sim/fabric.ts";
import { type RunningDaemon, startStacd, startStafd } from "./daemons.ts";
import { DemoFailure, within } from "./failure.ts";
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

const sourcesOf = (state: V1State, target: Target): V1Controller["sources"] =>
  those(state, target).flatMap(({ sources }) => sources);

/** How it was found. */
const waysOf = (state: V1State, target: Target): string =>
  sourcesOf(state, target).map(({ kind, text }) =>
    kind === "mdns" ? "mDNS" : /^\S+:\d+/.exec(text)?.[0] ?? text
  ).join(", ");

/** Connections in the host's kernel by what tells one from the next under the same name. */
const connections = ({ world }: Site): readonly string[] =>
  world.kernel.devices.all.map(({ name, incarnation, state }) => `${name} ${incarnation} ${state}`);

const blockDevices = ({ world: { kernel } }: Site, target: Target): readonly string[] =>
  kernel.devices.all.filter((device) => device.target === target)
    .flatMap((device) => kernel.devices.view(device).namespaces);

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

export async function startDaemons({ site, screen, bound }: Stage): Promise<Daemons> {
  screen.print("");
  const [stafd, stacd] = await screen.progress(
    "starting stafd and stacd",
    within(bound, "stafd and stacd start", Promise.all([startStafd(site.world), startStacd(site.world)])),
    () => "stafd and stacd run",
  );
  return { stafd, stacd };
}

/** stafd has done what it can for these discovery controllers. */
const areRead = (state: V1State, dcs: readonly Target[]): boolean =>
  dcs.every((dc) =>
    inPhase(state, dc, "connected") && those(state, dc).every(({ logPage }) => logPage !== null)
  );

async function discovery({ site, screen, tools, observer, bound }: Stage): Promise<void> {
  const dcs = [site.alpha.dc, site.beta.dc];
  screen.heading("Discovery");
  const found = observer.until(
    "stafd",
    "both discovery controllers are connected and read",
    (state) => areRead(state, dcs),
    bound,
  );
  const state = await screen.progress(
    "looking for discovery controllers",
    found,
    () => "both discovery controllers are connected and read",
  );
  screen.say(
    `${site.alpha.name} was found by ${waysOf(state, site.alpha.dc)}, ${site.beta.name} by ${
      waysOf(state, site.beta.dc)
    }`,
  );
  await tools.show("stafctl ls");
}

async function connection({ site, screen, tools, observer, bound }: Stage): Promise<void> {
  const wanted = [...site.orders, site.archive];
  screen.heading("Connection");
  const connected = async (): Promise<void> => {
    await observer.until(
      "stacd",
      "all reachable I/O controllers are connected",
      (state) => wanted.every((target) => inPhase(state, target, "connected")),
      bound,
    );
    expect(wanted.every((target) => isConnected(site, target)), "the kernel has these connections");
  };
  await screen.progress(
    "connecting what the log pages list",
    connected(),
    () => "three of the four I/O controllers in the log pages are connected",
  );
  await tools.show("stacctl ls");
}

async function addition({ site, screen, tools, bound }: Stage): Promise<void> {
  const { alpha, payroll, world } = site;
  screen.heading("A subsystem is added");
  screen.say(
    `${alpha.name} now lists ${nameOf(payroll)}, too, and tells its hosts so. Nobody types anything here.`,
  );
  const before = connections(site);
  const wait = `stacctl wait ${payroll.nqn} --for connected`;
  screen.command(wait);
  const done = async (): Promise<string> => {
    alpha.discovery.list(entryFor(payroll, "nvme"), world.time.now.mono);
    await tools.run(`${wait} --timeout ${bound.ms / 1000}`);
    expect(isConnected(site, payroll), `the kernel is connected to ${nameOf(payroll)}`);
    expect(before.every((one) => connections(site).includes(one)), "the other connections stay as they are");
    return blockDevices(site, payroll).join(" ");
  };
  await screen.progress("waiting", done(), (devices) => `${nameOf(payroll)} is connected: ${devices}`);
  await tools.show("stacctl ls");
}

async function removal({ site, screen, tools, bound }: Stage): Promise<void> {
  const { alpha, archive, world } = site;
  screen.heading("A subsystem is taken away");
  screen.say(
    `${alpha.name} no longer lists ${nameOf(archive)}. To disconnect is not hurried, and it needs evidence.`,
  );
  const before = connections(site);
  const wait = `stacctl wait ${archive.nqn} --for gone`;
  screen.command(wait);
  const done = async (): Promise<void> => {
    alpha.discovery.unlist(entryFor(archive, "nvme"), world.time.now.mono);
    await tools.run(`${wait} --timeout ${bound.ms / 1000}`);
    const now = connections(site);
    expect(!isConnected(site, archive), `the kernel has no connection to ${nameOf(archive)} any more`);
    expect(
      now.length === before.length - 1 && now.every((one) => before.includes(one)),
      "only that one is gone",
    );
  };
  await screen.progress("waiting", done(), () => `${nameOf(archive)} is gone`);
  await tools.show(`stacctl explain ${archive.nqn}`);
}

async function unreachable({ site, screen, tools, observer, bound }: Stage): Promise<void> {
  const { backup } = site;
  screen.heading("A controller that cannot be reached, explained");
  await screen.progress(
    `waiting for an attempt to reach ${nameOf(backup)}`,
    observer.until(
      "stacd",
      `an attempt to reach ${nameOf(backup)} fails`,
      (state) => inPhase(state, backup, "failing"),
      bound,
    ),
    () => `${nameOf(backup)} does not answer`,
  );
  await tools.show(`stacctl explain ${backup.nqn}`);
}

/** Longer than stacd holds a removal back: if it took the silence for a reason, that would show. */
const SILENCE = seconds(2);

/** S2: the absence of information is no reason to disconnect. */
async function absence({ site, screen, observer, bound }: Stage, daemons: Daemons): Promise<void> {
  screen.heading("stafd goes away for a while");
  const before = connections(site);
  const dcs = [site.alpha.dc, site.beta.dc];
  const ways = (state: V1State): string => dcs.map((dc) => waysOf(state, dc)).join();
  const known = ways(await observer.until("stafd", "stafd tells its state", () => true, bound));
  const gone = async (): Promise<number> => {
    daemons.stafd.stop();
    await within(bound, "stafd stops", daemons.stafd.ended);
    const { stafd } = await observer.until(
      "stacd",
      "stacd misses stafd",
      (state) => state.stafd?.present === false,
      bound,
    );
    await new Promise((resolve) => setTimeout(resolve, SILENCE.ms));
    expect(isSame(connections(site), before), "every connection stays up without stafd");
    return stafd?.reportedAt ?? 0;
  };
  const lastReport = await screen.progress(
    "stopping stafd",
    gone(),
    () => "stafd is stopped: stacd knows nothing new, so it disconnects nothing",
  );
  const back = async (): Promise<void> => {
    daemons.stafd = await within(bound, "stafd starts again", startStafd(site.world));
    await observer.until(
      "stafd",
      "stafd knows its discovery controllers again",
      (state) => areRead(state, dcs) && ways(state) === known,
      bound,
    );
    await observer.until(
      "stacd",
      "stafd reports to stacd again",
      ({ stafd }) => stafd?.present === true && (stafd.reportedAt ?? 0) > lastReport,
      bound,
    );
    expect(isSame(connections(site), before), "every connection is the same as before stafd went away");
  };
  await screen.progress(
    "starting stafd",
    back(),
    () => "stafd is back: every connection is the same as before",
  );
}

async function overview({ screen, tools }: Stage): Promise<void> {
  screen.heading("All of it");
  await tools.show("stafctl tree");
  await tools.show("stacctl tree");
}

/** Ends both daemons, as systemd would: that is no reason to disconnect anything either. */
export async function stopDaemons({ site, screen, bound }: Stage, { stafd, stacd }: Daemons): Promise<void> {
  screen.heading("The daemons stop");
  const before = connections(site);
  const stopped = async (): Promise<void> => {
    stacd.stop();
    stafd.stop();
    await within(bound, "stacd and stafd stop", Promise.all([stafd.ended, stacd.ended]));
    expect(isSame(connections(site), before), "every connection stays up without the daemons");
  };
  await screen.progress(
    "stopping stacd and stafd",
    stopped(),
    () => "stacd and stafd are stopped: the connections stay",
  );
}

export async function play(stage: Stage, daemons: Daemons): Promise<void> {
  for (const act of [discovery, connection, addition, removal, unreachable, absence, overview]) {
    await act(stage, daemons);
    await stage.screen.pause();
  }
}
