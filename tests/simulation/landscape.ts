/** The world of one seed: fabric, host, configuration files, and what was connected before the daemons started. */
import type { NbftTargets } from "../../src/lib/core/request/host.ts";
import { decodeNbft } from "../../src/lib/nvme/nbft.ts";
import { nbftTargets } from "../../src/lib/nvme/nbft_targets.ts";
import { normaliseTid, WELL_KNOWN_DISC_NQN } from "../../src/lib/nvme/tid.ts";
import type { DiscoveryEntry } from "../../src/lib/nvme/discovery_entry.ts";
import type { Announcement } from "../../src/lib/sim/avahi.ts";
import type { Device, DeviceSpec } from "../../src/lib/sim/devices.ts";
import { Discovery, entryFor } from "../../src/lib/sim/discovery.ts";
import type { Address, Target } from "../../src/lib/sim/fabric.ts";
import { Random } from "../../src/lib/sim/random.ts";
import { NEWEST, Release, RELEASES } from "../../src/lib/sim/release.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { ConfPlan } from "./conf_plan.ts";
import { addChain, addPaths, longPage, mixOf, type Sizes, sizesOf } from "./sizes.ts";
import { SECRET_MARK } from "./oracle/limits.ts";
import { buildNbft, type TableParts } from "../unit/nvme/nbft_builder.ts";
import { STACD_CONF, STAFD_CONF } from "./daemons.ts";

const SECRET = `DHHC-1:00:${SECRET_MARK}SECRETSECRETSECRETSECRETSECR=:`;
export const HOST_ID = "46ba5037-7ce5-41fa-9452-48477bf00080";
export const HOST_NQN = `nqn.2014-08.org.nvmexpress:uuid:${HOST_ID}`;
const NBFT = "/sys/firmware/acpi/tables/NBFT";

export interface Landscape {
  readonly subsystems: readonly Target[];
  readonly dcs: readonly Target[];
  /** Never works, also not when the faults are over: the others must not suffer from it. */
  readonly dead: Set<Target>;
  readonly boot: Target | undefined;
  /** What the boot firmware's table means. */
  readonly nbft: NbftTargets;
  readonly stafd: ConfPlan;
  readonly stacd: ConfPlan;
  /** What a reader of many seeds wants counted: sizes and kernel. */
  readonly mix: readonly string[];
}

/**
 * `early`: the dice of the number of controllers fell again with each of them, which made almost all worlds small, and none was
 * large. For seeds that found something in such a world.
 */
export type Dice = "early" | undefined;

export const IFACES = [
  {
    name: "eth0",
    index: 2,
    mac: "02:00:00:00:00:01",
    v4: ["10.0.0.1"],
    v6: ["fd01::1"],
    nets: ["10.0.", "fd01:"],
  },
  {
    name: "eth1",
    index: 3,
    mac: "02:00:00:00:00:02",
    v4: ["10.1.0.1", "10.1.0.2"],
    v6: ["fd02::1"],
    nets: ["10.1.", "fd02:"],
  },
];

function address(random: Random, n: number, port: string): Address {
  const net = random.between(0, 1);
  if (random.chance(0.2)) return { transport: "tcp", traddr: `fd0${net + 1}::${n}`, trsvcid: port };
  return { transport: random.chance(0.1) ? "rdma" : "tcp", traddr: `10.${net}.1.${n}`, trsvcid: port };
}

/** Where the kernel cannot, a secret means that there is no connection. */
const canAuthenticate = (world: World): boolean => world.kernel.support.has("dhchap_secret");

/** How a person may write an address. */
function spelt(random: Random, traddr: string): string {
  if (traddr.includes(":")) return random.chance(0.5) ? traddr.toUpperCase() : traddr;
  return traddr.startsWith("10.") && random.chance(0.1) ? `::ffff:${traddr}` : traddr;
}

export function controllerLine(world: World, random: Random, target: Target, withNqn: boolean): string {
  const { transport, traddr, trsvcid } = target.address;
  const parts = [`transport=${transport}`, `traddr=${spelt(random, traddr)}`, `trsvcid=${trsvcid}`];
  if (withNqn) parts.push(`nqn=${target.nqn}`);
  if (random.chance(0.2) && canAuthenticate(world)) parts.push(`dhchap-secret=${SECRET}`);
  if (random.chance(0.2) && transport === "tcp") parts.push(`host-iface=${ifaceOf(target)}`);
  return parts.join(";");
}

export const ifaceOf = (target: Target): string =>
  /^(10\.0|fd01)/.test(target.address.traddr) ? "eth0" : "eth1";

/** Entries as a discovery service may list them. */
export function someEntries(
  random: Random,
  self: Target,
  subsystems: readonly Target[],
  dcs: readonly Target[],
  refers = 0.3,
): DiscoveryEntry[] {
  const entries: DiscoveryEntry[] = [];
  for (const target of subsystems) {
    if (random.chance(0.6)) entries.push(entryFor(target, "nvme", { eflags: random.chance(0.1) ? 4 : 0 }));
  }
  for (const target of dcs) {
    if (target !== self && random.chance(refers)) entries.push(referral(target));
  }
  if (random.chance(0.3)) entries.push(entryFor(self, "self"));
  if (random.chance(0.1)) entries.push(entryFor(self, "nvme", { traddr: "0.0.0.0", subnqn: "nqn.nowhere" }));
  return entries;
}

export const referral = (target: Target): DiscoveryEntry =>
  entryFor(target, "referral", { subnqn: WELL_KNOWN_DISC_NQN });

/** Somebody else that this machine is to the fabric. */
export const OTHER_HOST = {
  hostNqn: "nqn.2014-08.org.nvmexpress:uuid:99999999-8888-4777-8666-555555555555",
  hostId: "99999999-8888-4777-8666-555555555555",
} as const;

/** A connection that somebody else makes. */
export function connectAs(
  world: World,
  target: Target,
  maker: string,
  owner: string,
  how: Partial<Pick<DeviceSpec, "hostNqn" | "hostId" | "hostIface">> = {},
): Device {
  const device = world.kernel.devices.make({
    transport: target.address.transport,
    traddr: target.address.traddr,
    trsvcid: target.address.trsvcid,
    hostTraddr: "",
    hostIface: "",
    hostNqn: HOST_NQN,
    hostId: HOST_ID,
    ...how,
    target,
    maker,
    owner,
    ctrlLossTmoMs: world.kernel.connecting.ctrlLossTmo * 1_000,
  });
  world.kernel.devices.live(device);
  return device;
}

/** Likewise by the kernel's way of doing it: under its lock, for as long as the target takes. */
export function connectSlowly(world: World, target: Target, maker: string): void {
  const tid = normaliseTid({ ...target.address, subsysnqn: target.nqn }, {
    hostNqn: HOST_NQN,
    ignoreIface: false,
  });
  const request = {
    tid,
    hostId: HOST_ID,
    discovery: target.discovery !== undefined,
    options: {},
    keys: {},
  };
  world.kernel.connecting.begin(request, maker, () => undefined);
}

/** Each of the older ones in 13 worlds of a hundred: of a thousand seeds, one of ten has it for all that chance does. */
function releaseOf(dice: Random, early?: Dice): Release {
  const at = early === undefined ? Math.floor(dice.between(0, 99) / 13) : dice.between(0, 9);
  return new Release(RELEASES[at] ?? NEWEST);
}

export function buildLandscape(world: World, seed: number, early?: Dice): Landscape {
  const random = new Random(seed, "landscape");
  const sizes: Sizes | undefined = early === undefined ? sizesOf(seed) : undefined;
  for (const iface of IFACES) world.fabric.addInterface(iface);
  world.kernel.connecting.ctrlLossTmo = random.pick([15, 40, 600]) ?? 600;
  const hasAna = random.chance(0.1);
  const dice = new Random(seed, "kernel release");
  world.kernel.devices.release = releaseOf(dice, early);
  const subsystems: Target[] = [];
  for (let n = 1; n <= (sizes?.subsystems ?? random.between(1, 8)); n++) {
    const at = address(random, n, "4420");
    subsystems.push(world.addSubsystem(at, `nqn.sub${n}`));
    if (random.chance(0.2)) subsystems.push(world.addSubsystem(at, `nqn.sub${n}b`));
  }
  for (const target of hasAna ? subsystems : []) {
    target.anaState = dice.pick(["optimized", "non-optimized", "inaccessible"]) ?? "";
  }
  const dcs: Target[] = [];
  for (let n = 1; n <= (sizes?.dcs ?? random.between(1, 4)); n++) {
    // A kernel target serves its discovery controller and its subsystems at one address.
    const shared = random.chance(0.2) ? random.pick(subsystems)?.address : undefined;
    const taken = shared !== undefined && dcs.some(({ address: other }) => other.traddr === shared.traddr);
    const at = shared === undefined || taken ? address(random, 100 + n, "8009") : shared;
    const discovery = new Discovery(random.pick(["ddc", "cdc", "none"] as const) ?? "ddc", []);
    const unique = random.chance(0.6);
    dcs.push(world.addDiscovery(at, unique ? `nqn.dc${n}` : WELL_KNOWN_DISC_NQN, discovery));
  }
  listTls(new Random(seed, "tls"), world, [...subsystems, ...dcs]);
  for (const dc of dcs) {
    dc.discovery?.edit(someEntries(random, dc, subsystems, dcs, sizes?.referral), 0);
    if (dc.discovery !== undefined && random.chance(0.3)) dc.discovery.supported = 1 | 1 << 17;
  }
  const dead = new Set([...subsystems, ...dcs].filter(() => random.chance(0.08)));
  for (const target of dead) {
    world.setManner(target, random.pick(["silent", "closed", "mute", "forbidding"]) ?? "silent");
  }

  const large = sizes === undefined ? { subsystems: [], dcs: [] } : enlarge(world, sizes, dcs);
  const paths = new Random(seed, "paths");
  const more = sizes === undefined ? [] : addPaths(world, paths, subsystems, hasAna);
  for (const path of more) {
    // On the page that lists the first path, or on another one: paths come and go together, or do not.
    const pages = dcs.map(({ discovery }) => discovery).filter((page) => page !== undefined);
    if (paths.chance(0.8)) paths.pick(pages)?.list(entryFor(path, "nvme"), 0);
  }
  const stafd = new ConfPlan();
  const stacd = new ConfPlan();
  plan(random, world, stafd, stacd, subsystems, dcs);
  if (sizes !== undefined && paths.chance(0.08)) {
    stacd.set("I/O controller connection management", "disconnect-in-use", "always");
  }
  youngPages(new Random(seed, "young pages"), stafd, stacd);
  world.files.set(STAFD_CONF, stafd.text);
  world.files.set(STACD_CONF, stacd.text);
  const tcp = ({ address: { transport } }: Target): boolean => transport === "tcp";
  const boot = random.chance(0.4) ? random.pick(subsystems.filter(tcp)) : undefined;
  const nbftDc = random.chance(0.15) ? random.pick(dcs.filter(tcp)) : undefined;
  hostFiles(world, {
    symname: "sim",
    ...(random.chance(0.3) && canAuthenticate(world) ? { key: SECRET } : {}),
  });
  const firmware = new Random(seed, "boot table");
  const booter = sizes !== undefined && firmware.chance(0.3)
    ? OTHER_HOST
    : { hostNqn: HOST_NQN, hostId: HOST_ID };
  const nbft = bootTable(world, boot, nbftDc, booter);
  existing(random, world, subsystems, dcs, boot, booter);
  return {
    subsystems: [...subsystems, ...large.subsystems, ...more],
    dcs: [...dcs, ...large.dcs],
    dead,
    boot,
    nbft,
    stafd,
    stacd,
    mix: [`kernel ${world.kernel.devices.release.text}`, ...(sizes === undefined ? [] : mixOf(sizes))],
  };
}

/** A chain of referrals from one discovery controller, and a long page of the last one. Nothing else asks for them. */
function enlarge(
  world: World,
  sizes: Sizes,
  dcs: readonly Target[],
): { subsystems: Target[]; dcs: Target[] } {
  const { dcs: chain, subsystems } = addChain(world, sizes.chain);
  for (const [n, next] of chain.entries()) {
    const before = n === 0 ? dcs[0] : chain[n - 1];
    before?.discovery?.list(referral(next), 0);
    const behind = subsystems[n - (chain.length - subsystems.length)];
    if (behind !== undefined) next.discovery?.list(entryFor(behind, "nvme"), 0);
  }
  const last = dcs.at(-1)?.discovery;
  if (sizes.page > 0 && last !== undefined) {
    const long = longPage(world, sizes.page);
    subsystems.push(...long.subsystems);
    last.edit([...last.page.entries, ...long.entries].slice(0, sizes.page), 0);
  }
  return { subsystems, dcs: chain };
}

/** In one world of six, what pages say of TLS; required is only what can be had. */
function listTls(random: Random, world: World, targets: readonly Target[]): void {
  if (!random.chance(1 / 6)) return;
  const canHave = world.kernel.support.has("tls");
  for (const target of targets) {
    if (target.address.transport !== "tcp") continue;
    const said = random.pick(["none", "offered", "offered", "required"] as const) ?? "none";
    target.listsTls = said === "required" && !canHave ? "offered" : said;
    target.hasOtherKey = said === "offered" && random.chance(0.3);
  }
}

/** Shorter than by default, so that what a page took away is gone before a run ends. Two daemons may disagree. */
function youngPages(random: Random, stafd: ConfPlan, stacd: ConfPlan): void {
  const spans = ["0", "5", "20 s", "1 minute"];
  const option = "young-page-soak";
  stafd.set("Discovery controller connection management", option, random.pick(spans) ?? "0");
  stacd.set("I/O controller connection management", option, random.pick(spans) ?? "0");
}

/** Who the host is, in its own files. */
export function hostFiles(
  world: World,
  { symname = "", key }: { symname?: string; key?: string } = {},
): void {
  world.files.set("/etc/nvme/hostnqn", `${HOST_NQN}\n`);
  world.files.set("/etc/nvme/hostid", `${HOST_ID}\n`);
  const lines = [symname === "" ? "" : `symname = ${symname}`, key === undefined ? "" : `key = ${key}`];
  world.files.set("/etc/stas/sys.conf", ["[Host]", ...lines.filter((line) => line !== ""), ""].join("\n"));
}

/** Who the machine was when it booted. */
type Booter = Pick<DeviceSpec, "hostNqn" | "hostId">;

/** The firmware's table; the host has none when there is nothing to say. */
export function bootTable(
  world: World,
  boot: Target | undefined,
  dc: Target | undefined,
  who: Booter = { hostNqn: HOST_NQN, hostId: HOST_ID },
): NbftTargets {
  if (boot === undefined && dc === undefined) return { discovery: [], boot: [] };
  const parts: TableParts = {
    ...who,
    hfis: IFACES.map(({ mac, v4: [ip = ""] }, i) => ({
      index: i + 1,
      mac: mac.split(":").map((byte) => parseInt(byte, 16)),
      ip,
    })),
    subsystems: boot === undefined
      ? []
      : [{ index: 1, ...boot.address, nqn: boot.nqn, hfi: ifaceOf(boot) === "eth0" ? 1 : 2 }],
    discovery: dc === undefined
      ? []
      : [{ index: 1, hfi: ifaceOf(dc) === "eth0" ? 1 : 2, uri: uriOf(dc), nqn: WELL_KNOWN_DISC_NQN }],
  };
  const bytes = buildNbft(parts);
  world.nbft.set(NBFT, bytes);
  const decoded = decodeNbft(bytes);
  if (!decoded.ok) throw new Error(`the boot table is not right: ${decoded.problem}`);
  const { discovery, boot: booted } = nbftTargets(decoded.value, world.fabric.interfaces, HOST_NQN);
  const named = (targets: typeof discovery) =>
    targets.map(({ tid, hostId }) => ({ tid, hostId, file: NBFT }));
  return { discovery: named(discovery), boot: named(booted) };
}

function uriOf({ address: { traddr, trsvcid } }: Target): string {
  return `nvme+tcp://${traddr.includes(":") ? `[${traddr}]` : traddr}:${trsvcid}/`;
}

function plan(
  random: Random,
  world: World,
  stafd: ConfPlan,
  stacd: ConfPlan,
  subsystems: readonly Target[],
  dcs: readonly Target[],
): void {
  if (random.chance(0.2)) stafd.set("Service Discovery", "zeroconf", "disabled");
  if (random.chance(0.2)) {
    stafd.set("Discovery controller connection management", "persistent-connections", "false");
  }
  const persistence = random.pick(["", "-1", "0", "20 s", "72 hours"]) ?? "";
  const dcSection = "Discovery controller connection management";
  if (persistence !== "") stafd.set(dcSection, "zeroconf-connections-persistence", persistence);
  for (const [n, dc] of dcs.entries()) {
    switch (random.between(0, 3)) {
      case 0:
        stafd.controllers.push(controllerLine(world, random, dc, false));
        break;
      case 1: {
        const host = `dc${n}.example.com`;
        world.resolver.names.set(host, [dc.address.traddr]);
        stafd.controllers.push(
          `transport=${dc.address.transport};traddr=${host};trsvcid=${dc.address.trsvcid}`,
        );
        break;
      }
      case 2:
        world.avahi.announce(announcement(random, dc, n));
        break;
    }
  }
  const iocSection = "I/O controller connection management";
  const scope = random.pick([
    "only-stas-connections",
    "only-stas-connections",
    "all-connections-matching-disconnect-trtypes",
    "no-disconnect",
  ]);
  stacd.set(iocSection, "disconnect-scope", scope ?? "");
  if (random.chance(0.3)) {
    stacd.set(iocSection, "disconnect-trtypes", random.pick(["tcp", "rdma", "tcp+rdma"]) ?? "tcp");
  }
  if (random.chance(0.3)) stacd.set(iocSection, "connect-attempts-on-ncc", "2");
  for (const target of subsystems) {
    if (random.chance(0.2)) stacd.controllers.push(controllerLine(world, random, target, true));
    if (random.chance(0.1)) stacd.excludes.push(`nqn=${target.nqn}`);
  }
  if (random.chance(0.15)) {
    const target = random.pick(subsystems);
    if (target !== undefined) {
      world.resolver.names.set("ioc.example.com", [target.address.traddr]);
      const { transport, trsvcid } = target.address;
      stacd.controllers.push(
        `transport=${transport};traddr=ioc.example.com;trsvcid=${trsvcid};nqn=${target.nqn}`,
      );
    }
  }
}

export function announcement(random: Random, dc: Target, n: number): Announcement {
  const { transport, traddr, trsvcid } = dc.address;
  const nqn = random.chance(0.5) ? [`NQN=${dc.nqn}`] : [];
  return {
    hostIface: ifaceOf(dc),
    name: `dc${n}`,
    traddr,
    port: Number(trsvcid),
    txt: [transport === "tcp" ? "p=tcp" : "p=roce", ...nqn],
  };
}

/** Connections from before: the boot volume, a local disk, and what others made. */
function existing(
  random: Random,
  world: World,
  subsystems: readonly Target[],
  dcs: readonly Target[],
  boot: Target | undefined,
  booter: Booter,
): void {
  const { devices } = world.kernel;
  if (random.chance(0.5)) {
    const local = devices.make({
      transport: "pcie",
      traddr: "0000:00:04.0",
      trsvcid: "",
      hostTraddr: "",
      hostIface: "",
      hostNqn: "",
      hostId: "",
      target: undefined,
      maker: "pci",
      owner: "",
      ctrlLossTmoMs: 0,
    });
    devices.live(local);
  }
  if (boot !== undefined && boot.manner === "up") connectAs(world, boot, "boot", "", booter);
  for (const target of subsystems) {
    if (target !== boot && target.manner === "up" && random.chance(0.15)) {
      connectAs(world, target, "nvme-cli", random.pick(["", "", "udisks", "nvme-cli"]) ?? "");
    }
  }
  const dc = random.chance(0.1) ? random.pick(dcs) : undefined;
  if (dc?.manner === "up") connectAs(world, dc, "nvme-cli", "");
}
