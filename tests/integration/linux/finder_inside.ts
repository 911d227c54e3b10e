/**
 * Runs in the near namespace: stafd whole but for the kernel, which is simulated. Its core, shell and bus interface, the
 * real Avahi and real reachability tests. A number on its input changes how many subsystems the controller lists.
 */
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import type { FinderEffect, FinderEvent } from "../../../src/lib/core/effects.ts";
import { emptyFinder, type FinderState } from "../../../src/lib/core/finder_state.ts";
import { finderCore, finderService } from "../../../src/lib/daemon/finder_service.ts";
import { performFinder } from "../../../src/lib/daemon/performer.ts";
import { Shell } from "../../../src/lib/daemon/shell.ts";
import { STAF } from "../../../src/lib/dbus/interfaces.ts";
import { BusKeeper } from "../../../src/lib/dbus/reconnect.ts";
import { publisher, serveStaf } from "../../../src/lib/dbus/server.ts";
import { Avahi } from "../../../src/lib/linux/avahi.ts";
import { Reach } from "../../../src/lib/linux/reach.ts";
import { Reactor } from "../../../src/lib/linux/reactor.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import { seconds } from "../../../src/lib/nvme/time.ts";
import type { Kernel } from "../../../src/lib/ports.ts";
import { DiskPort } from "../../../src/lib/sim/disk.ts";
import { Discovery, entryFor } from "../../../src/lib/sim/discovery.ts";
import { Target } from "../../../src/lib/sim/fabric.ts";
import { KernelPort } from "../../../src/lib/sim/kernel.ts";
import { ResolverPort } from "../../../src/lib/sim/resolver.ts";
import { RealTime } from "../../../src/lib/sim/scheduler.ts";
import { World } from "../../../src/lib/sim/world.ts";

const [address = ""] = Deno.args;
const parsed = parseStafdConf(undefined, "stafd.conf");
if (!parsed.ok) throw new Error("the defaults are valid");
const host = { nqn: "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef", symname: "" };
const identity = { ...host, id: "01234567-89ab-cdef-0123-456789abcdef", key: undefined };

const world = new World(new RealTime(), 1, Date.now());
const dc = { transport: "tcp", traddr: "10.77.0.2", trsvcid: "8009" } as const;
const listing = (count: number) =>
  Array.from(
    { length: count },
    (_, i) => entryFor(new Target({ ...dc, trsvcid: "4420" }, `nqn.2024-01.example:sub-${i}`), "nvme"),
  );
const discovery = new Discovery("ddc", listing(1));
world.addDiscovery(dc, WELL_KNOWN_DISC_NQN, discovery);
const near = { name: "near0", index: 2, mac: "02:00:00:00:00:01", v4: ["10.77.0.1"], v6: ["fd77::1"] };
world.fabric.addInterface({ ...near, nets: ["10.77.0.", "fd77::"] });

const reactor = new Reactor();
const reach = new Reach(reactor);
const simulated = new KernelPort(world.kernel, "stafd");
const kernel: Kernel = {
  watch: (sink) => simulated.watch(sink),
  scan: (done) => simulated.scan(done),
  states: (devices, done) => simulated.states(devices, done),
  reach: (tid, timeout, done) => void reach.test(tid, timeout).then(done),
  connect: (request, free, done) => simulated.connect(request, free, done),
  disconnect: (target, done) => simulated.disconnect(target, done),
  register: (target, tid, who, done) => simulated.register(target, tid, who, done),
  supportedLogs: (target, done) => simulated.supportedLogs(target, done),
  discoveryLog: (target, lsp, done) => simulated.discoveryLog(target, lsp, done),
  own: (device, owned) => simulated.own(device, owned),
};
const disk = new DiskPort(world.disk, "stafd");
const resolver = new ResolverPort(world.resolver, "stafd");
const avahi = new Avahi(seconds(60));
const keeper = new BusKeeper(address, STAF.name, () => {});
const shell: Shell<FinderState, FinderEvent, FinderEffect> = new Shell(
  finderCore,
  emptyFinder,
  world.clock,
  (effect) =>
    performFinder(effect, {
      kernel,
      resolver,
      stateFile: disk,
      exclusions: world.exclusionsPort(() => true),
      publisher: publisher(STAF, () => keeper.bus),
      log: { write: ({ level, message }) => console.log(JSON.stringify({ level, message })) },
      exit: () => {},
      mdns: avahi,
      units: world.units,
      host: () => identity,
    }, (event) => shell.post(event)),
);
const facts = {
  version: "test",
  started: world.clock.now().wall,
  stateFile: "",
  supportsDiscovery: true,
  supportsHostIface: true,
  tron: false,
  conf: { file: "stafd.conf", loadedAt: world.clock.now().wall, valid: true, findings: [] },
};
const gone = { ok: false, failure: { phase: "scan", kind: "gone", message: "not looked at" } } as const;
const handlers = finderService({
  state: () => shell.state,
  clock: world.clock,
  read: () => Promise.resolve(gone),
  facts,
  setTron: () => {},
});
keeper.onBus((bus) => {
  serveStaf(bus, handlers);
  return Promise.resolve(undefined);
});
keeper.onBus((bus) => avahi.attach(bus), () => avahi.lost());
const started = await keeper.start();
if (!started.ok) throw new Error(started.error.message);
shell.post({ type: "host", host: identity });
shell.post({ type: "exclusions", exclusions: [] });
avahi.watch((event) => shell.post(event));
kernel.watch((event) => shell.post(event));
shell.post({ type: "config", conf: parsed.conf, reload: false });
console.log(JSON.stringify({ level: "info", message: "started" }));

let rest = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) discovery.edit(listing(Number(line)), world.clock.now().mono);
}
shell.stop();
avahi.browse(false);
keeper.stop();
simulated.close();
await reactor.close();
// Timers of the simulated world are nobody's business any more.
Deno.exit(0);
