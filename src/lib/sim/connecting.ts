/** Connects in the simulated kernel: one at a time for the whole host, and as slow as the other end. */
import { connectFailure } from "../nvme/errno.ts";
import { encodeConnect } from "../nvme/fabrics_options.ts";
import type { Outcome } from "../base/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { isTransport, WELL_KNOWN_DISC_NQN } from "../nvme/tid.ts";
import { milliseconds } from "../base/time.ts";
import { type TlsHost, tlsPair } from "../nvme/tls_host.ts";
import type { ConnectRequest } from "../ports.ts";
import type { Device, Devices } from "./devices.ts";
import { type Address, type Fabric, Target } from "./fabric.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

interface Job {
  readonly request: ConnectRequest;
  /** The text written to the device: `nqn=...,transport=...`. */
  readonly text: string;
  readonly who: string;
  readonly done: (outcome: Outcome<KernelCtrl>) => void;
}

/** How long the kernel blocks, and the error that it then returns. */
const MISERY: ReadonlyMap<Target["manner"], { readonly ms: number; readonly errno: string }> = new Map([
  ["silent", { ms: 3_100, errno: "ETIMEDOUT" }],
  ["closed", { ms: 1, errno: "ECONNREFUSED" }],
  ["mute", { ms: 10_200, errno: "EAGAIN" }],
  ["stuck", { ms: 61_000, errno: "EIO" }],
  ["forbidding", { ms: 20, errno: "EIO" }],
]);
/** Status of a refused host, with DNR. */
const REFUSED = 0x4184;

export class Connecting {
  /** The kernel's default of ctrl-loss-tmo, in seconds. */
  ctrlLossTmo = 600;
  /** The number of connects that will fail for lack of memory or of file descriptors. */
  shortage = 0;
  /** Called for each connect that really begins, with the existing connections. */
  witness: (who: string, request: ConnectRequest) => void = () => undefined;
  /** The host's means for TLS: all of them, unless a story says otherwise. */
  tls: TlsHost = { daemon: true, pairs: undefined };
  readonly #time: Scheduler;
  readonly #random: Random;
  readonly #fabric: Fabric;
  readonly #devices: Devices;
  readonly #queue: Job[] = [];
  #running: Job | undefined;
  #afterRunning: (() => void)[] = [];

  constructor(time: Scheduler, random: Random, fabric: Fabric, devices: Devices) {
    this.#time = time;
    this.#random = random;
    this.#fabric = fabric;
    this.#devices = devices;
  }

  holds(who: string): boolean {
    return this.#running?.who === who || this.#queue.some((job) => job.who === who);
  }

  /** Begins a connect; an invalid request is refused before it reaches the kernel. */
  begin(request: ConnectRequest, who: string, done: (outcome: Outcome<KernelCtrl>) => void): void {
    const encoded = encodeConnect(request, this.#devices.release.support);
    if (!encoded.ok) return done(encoded);
    this.#queue.push({ request, text: encoded.text, who, done });
    this.#next();
  }

  /** Calls `then` when the present connect has ended; at once when there is none. */
  afterRunning(then: () => void): void {
    if (this.#running === undefined) then();
    else this.#afterRunning.push(then);
  }

  #next(): void {
    if (this.#running !== undefined) return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    this.#running = job;
    this.#run(job);
  }

  #end(job: Job, outcome: Outcome<KernelCtrl>): void {
    this.#running = undefined;
    const waiting = this.#afterRunning;
    this.#afterRunning = [];
    job.done(outcome);
    for (const then of waiting) then();
    this.#next();
  }

  #fail(job: Job, ms: number, errno: string, status?: number): void {
    const lines = status === undefined ? [] : [`nvme nvme9: Connect command failed, ret=${status}`];
    this.#time.in(
      milliseconds(ms),
      () => this.#end(job, { ok: false, failure: connectFailure(errno, lines, job.request.options.tls) }),
    );
  }

  #run(job: Job): void {
    this.witness(job.who, job.request);
    if (this.#random.maybe(this.shortage)) {
      return this.#fail(job, 1, this.#random.chance(0.5) ? "ENOMEM" : "EMFILE");
    }
    const options = parseOptions(job.text);
    const of = (name: string): string => options.get(name) ?? "";
    const [nqn, traddr, trsvcid] = [of("nqn"), of("traddr"), of("trsvcid")];
    const discovery = options.has("discovery") || nqn === WELL_KNOWN_DISC_NQN;
    if (this.#devices.release.has("oneIdentity") && this.#devices.all.some(isOtherIdentity(of))) {
      return this.#fail(job, 1, "EINVAL");
    }
    const route = this.#fabric.route(traddr, of("host_iface"), of("host_traddr"));
    if (!route.ok) return this.#fail(job, 1, route.errno);
    // The kernel refuses a second connection to an I/O controller; it makes any number to a discovery controller.
    if (!discovery && this.#devices.all.some((device) => this.#same(device, of))) {
      return this.#fail(job, 1, "EALREADY");
    }
    const there = this.#fabric.at(of("transport"), traddr, trsvcid);
    const target = there.find((one) =>
      one.nqn === nqn || (nqn === WELL_KNOWN_DISC_NQN && one.discovery !== undefined)
    );
    const manner = target?.manner ?? there[0]?.manner ?? "silent";
    const misery = MISERY.get(target === undefined && manner === "up" ? "forbidding" : manner);
    if (of("transport") === "fc") return this.#goOn(job, options, target ?? nobody(options));
    if (target === undefined) {
      // The device exists before the kernel knows who answers.
      const device = this.#make(job, options, nobody(options));
      const { ms, errno } = misery ?? { ms: 3_100, errno: "ETIMEDOUT" };
      this.#time.in(milliseconds(ms), () => this.#devices.remove(device));
      return this.#fail(job, ms, errno, manner === "up" ? 0x4182 : undefined);
    }
    if (target.secret !== undefined && target.secret !== options.get("dhchap_secret")) {
      return this.#fail(job, 20, "EACCES");
    }
    const insecure = this.#tlsProblem(options, target);
    if (insecure !== undefined) return this.#fail(job, insecure.ms, insecure.errno);
    // Connected as a discovery controller, it turns out to be an I/O controller; or the other way round.
    const wrongKind = manner === "up" && discovery !== (target.discovery !== undefined);
    const device = this.#make(job, options, target);
    const ms = misery?.ms ?? this.#random.between(10, 120);
    this.#time.in(
      milliseconds(ms),
      () => this.#arrive(job, device, misery?.errno ?? (wrongKind ? "EINVAL" : undefined)),
    );
  }

  #make(job: Job, options: ReadonlyMap<string, string>, target: Target): Device {
    const of = (name: string): string => options.get(name) ?? "";
    const ctrlLossTmo = Number(options.get("ctrl_loss_tmo") ?? this.ctrlLossTmo);
    const device = this.#devices.make({
      transport: of("transport"),
      traddr: of("traddr"),
      trsvcid: of("trsvcid"),
      hostTraddr: of("host_traddr"),
      hostIface: of("host_iface"),
      hostNqn: of("hostnqn"),
      hostId: of("hostid"),
      ...(of("nqn") === target.nqn ? {} : { asked: of("nqn") }),
      target,
      maker: job.who,
      owner: "",
      ctrlLossTmoMs: lossMs(ctrlLossTmo),
      made: {
        tls: options.has("concat") ? "concat" : options.has("tls") ? "tls" : "none",
        dhchap: options.has("dhchap_secret"),
        dhchapCtrl: options.has("dhchap_ctrl_secret"),
        kato: options.has("keep_alive_tmo") ? Number(of("keep_alive_tmo")) : undefined,
        ctrlLossTmo,
      },
    });
    device.secret = options.get("dhchap_secret");
    device.ctrlSecret = options.get("dhchap_ctrl_secret");
    device.state = "connecting";
    return device;
  }

  /** FC: the first attempt ends the call, whatever its result, and the kernel continues by itself. */
  #goOn(job: Job, options: ReadonlyMap<string, string>, target: Target): void {
    const device = this.#make(job, options, target);
    this.#time.in(milliseconds(20), () => {
      if (this.#devices.linked(device)) this.#devices.live(device);
      else this.#devices.reset(device);
      this.#end(job, { ok: true, value: this.#devices.view(device) });
    });
  }

  /** The obstacle to completing a handshake, or to a connection without TLS. */
  #tlsProblem(
    options: ReadonlyMap<string, string>,
    target: Target,
  ): { readonly ms: number; readonly errno: string } | undefined {
    if (options.has("concat")) return undefined;
    if (!options.has("tls")) return target.refusesClear ? { ms: 5, errno: "ECONNRESET" } : undefined;
    const pair = tlsPair(options.get("hostnqn") ?? "", options.get("nqn") ?? "");
    if (this.tls.pairs?.has(pair) === false) return { ms: 1, errno: "ENOKEY" };
    if (this.tls.daemon === false) return { ms: 1, errno: "ESRCH" };
    // tlshd gets no answer to its handshake.
    if (!target.offersTls) return { ms: 200, errno: "ETIMEDOUT" };
    return target.hasOtherKey ? { ms: 50, errno: "EACCES" } : undefined;
  }

  #arrive(job: Job, device: Device, errno: string | undefined): void {
    const there = this.#devices.get(device.name) === device && device.state !== "deleting";
    if (errno !== undefined || !there || device.target?.manner !== "up") {
      this.#devices.remove(device);
      const status = device.target?.manner === "forbidding" ? [`Connect command failed, ret=${REFUSED}`] : [];
      return this.#end(job, { ok: false, failure: connectFailure(errno ?? "EIO", status) });
    }
    this.#devices.live(device);
    this.#end(job, { ok: true, value: this.#devices.view(device) });
  }

  /**
   * The kernel's own test for a second connection to one I/O controller (`nvmf_ip_options_match`): it compares texts,
   * and an option given on one side only makes another connection.
   */
  #same(device: Device, of: (name: string) => string): boolean {
    return device.target !== undefined && device.state !== "deleting" &&
      (device.asked ?? device.target.nqn) === of("nqn") && device.transport === of("transport") &&
      device.traddr === of("traddr") && device.trsvcid === of("trsvcid") &&
      device.hostNqn === of("hostnqn") && device.hostId === of("hostid") &&
      device.hostTraddr === of("host_traddr") &&
      (device.hostIface === of("host_iface") || !this.#devices.release.has("comparesIface"));
  }
}

/** `name=value` and flags, as the kernel splits them. */
function parseOptions(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(",").map((item) => {
      const equals = item.indexOf("=");
      return equals < 0 ? [item, ""] : [item.slice(0, equals), item.slice(equals + 1)];
    }),
  );
}

/** A target for an address at which nothing answers, or nothing of that name. */
function nobody(options: ReadonlyMap<string, string>): Target {
  const of = (name: string): string => options.get(name) ?? "";
  const transport = of("transport");
  const address: Address = {
    transport: isTransport(transport) ? transport : "tcp",
    traddr: of("traddr"),
    trsvcid: of("trsvcid"),
  };
  const target = new Target(address, options.get("nqn") ?? "");
  target.manner = "silent";
  return target;
}

/** Below zero it never gives up. */
const lossMs = (seconds: number): number => seconds < 0 ? Infinity : seconds * 1_000;

/** A host NQN with another host ID, or the other way round. */
const isOtherIdentity = (of: (name: string) => string) => (device: Device): boolean =>
  device.target !== undefined && (device.hostNqn === of("hostnqn")) !== (device.hostId === of("hostid"));
