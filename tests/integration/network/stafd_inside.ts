/**
 * Runs in the near namespace: stafd whole but for the kernel, which is simulated. Its core, shell and bus interface, the
 * real Avahi and real reachability tests. A number on its input changes how many subsystems the controller lists.
 */
import { runStafd } from "../../../src/lib/daemon/stafd_program.ts";
import { busAt } from "../../../src/lib/dbus/reconnect.ts";
import { Avahi } from "../../../src/lib/linux/avahi.ts";
import { Reach } from "../../../src/lib/linux/reach.ts";
import { Reactor } from "../../../src/lib/linux/reactor.ts";
import { WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";
import { seconds } from "../../../src/lib/base/time.ts";
import type { Kernel } from "../../../src/lib/ports.ts";
import { Discovery, entryFor } from "../../../src/lib/sim/discovery.ts";
import { Target } from "../../../src/lib/sim/fabric.ts";
import { SimMachine } from "../../../src/lib/sim/machine.ts";
import { RealTime } from "../../../src/lib/sim/scheduler.ts";
import { World } from "../../../src/lib/sim/world.ts";

const [address = ""] = Deno.args;
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

const ID = "01234567-89ab-cdef-0123-456789abcdef";
world.files.set("/etc/nvme/hostnqn", `nqn.2014-08.org.nvmexpress:uuid:${ID}\n`);
world.files.set("/etc/nvme/hostid", `${ID}\n`);
world.logged = (_who, { level, message }) => console.log(JSON.stringify({ level, message }));

const reactor = new Reactor();
const reach = new Reach(reactor);
const machine = new SimMachine(world, "stafd", {
  bus: busAt(address),
  ready: () => console.log(JSON.stringify({ level: "info", message: "started" })),
});
const simulated = machine.kernel;
const kernel: Kernel = {
  watch: (sink) => simulated.watch(sink),
  scan: (done) => simulated.scan(done),
  states: (devices, done) => simulated.states(devices, done),
  reach: (tid, { timeout, asks }, done) => void reach.test(tid, timeout, asks).then(done),
  connect: (request, free, done) => simulated.connect(request, free, done),
  lookAtUse: (target, done) => simulated.lookAtUse(target, done),
  disconnect: (target, claims, done) => simulated.disconnect(target, claims, done),
  writeKeys: (target, keys, dry, done) => simulated.writeKeys(target, keys, dry, done),
  register: (target, tid, who, done) => simulated.register(target, tid, who, done),
  supportedLogs: (target, done) => simulated.supportedLogs(target, done),
  discoveryLog: (target, lsp, done) => simulated.discoveryLog(target, lsp, done),
  generation: (target, done) => simulated.generation(target, done),
  own: (device, owned) => simulated.own(device, owned),
};
const ended = runStafd({
  open: () => ({
    ...machine,
    mdns: new Avahi(seconds(60)),
    openKernel: () => ({ ...machine.openKernel(), kernel }),
  }),
  libraryVersion: () => "simulated",
}, []);

let rest = "";
for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) discovery.edit(listing(Number(line)), world.clock.now().mono);
}
machine.signal("SIGTERM");
await ended;
await reactor.close();
// Timers of the simulated world are nobody's business any more.
Deno.exit(0);
