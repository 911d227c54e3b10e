/** Connects in the simulated kernel: one at a time for the whole host, and slow when the other end is. */
import { sameAddress } from "../nvme/address.ts";
import { connectFailure } from "../nvme/errno.ts";
import type { Outcome } from "../nvme/failure.ts";
import type { KernelCtrl } from "../nvme/kernel_ctrl.ts";
import { WELL_KNOWN_DISC_NQN } from "../nvme/tid.ts";
import { milliseconds } from "../nvme/time.ts";
import type { ConnectRequest } from "../ports.ts";
import type { Device, Devices } from "./devices.ts";
import type { Fabric, Target } from "./fabric.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

interface Job {
  readonly request: ConnectRequest;
  readonly who: string;
  readonly done: (outcome: Outcome<KernelCtrl>) => void;
}

/** How long the kernel is held up, and what it says then. */
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
  /** What the kernel does when no ctrl-loss-tmo is given, in seconds. */
  ctrlLossTmo = 600;
  /** A kernel of 6.5 or newer: one host NQN for one host ID, and the other way round. */
  oneIdentity = false;
  /** Is told of each connect that really begins, with what is there already. */
  witness: (who: string, request: ConnectRequest) => void = () => undefined;
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

  begin(request: ConnectRequest, who: string, done: (outcome: Outcome<KernelCtrl>) => void): void {
    this.#queue.push({ request, who, done });
    this.#next();
  }

  /** When what the kernel is connecting has ended; at once when it connects nothing. */
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
      () => this.#end(job, { ok: false, failure: connectFailure(errno, lines) }),
    );
  }

  #run(job: Job): void {
    const { tid, hostId, discovery, options, keys } = job.request;
    this.witness(job.who, job.request);
    const texts = [tid.traddr, tid.trsvcid, tid.subsysnqn, tid.hostTraddr, tid.hostIface, tid.hostNqn];
    if (texts.some((text) => /[,\n]/.test(text))) return this.#fail(job, 1, "EINVAL");
    const isOther = (device: Device): boolean =>
      device.target !== undefined && (device.hostNqn === tid.hostNqn) !== (device.hostId === hostId);
    if (this.oneIdentity && this.#devices.all.some(isOther)) return this.#fail(job, 1, "EINVAL");
    const route = this.#fabric.route(tid.traddr, tid.hostIface, tid.hostTraddr);
    if (!route.ok) return this.#fail(job, 1, route.errno);
    const there = this.#fabric.at(tid.traddr, tid.trsvcid);
    const target = there.find(({ nqn, discovery: service }) =>
      nqn === tid.subsysnqn || (tid.subsysnqn === WELL_KNOWN_DISC_NQN && service !== undefined)
    );
    // The kernel knows its I/O controllers; of discovery controllers it makes as many as it is asked for.
    if (
      !discovery && target !== undefined &&
      this.#devices.all.some((device) => this.#same(device, job.request))
    ) {
      return this.#fail(job, 1, "EALREADY");
    }
    const manner = target?.manner ?? there[0]?.manner ?? "silent";
    const misery = MISERY.get(target === undefined && manner === "up" ? "forbidding" : manner);
    if (target === undefined) {
      return this.#fail(
        job,
        misery?.ms ?? 3_100,
        misery?.errno ?? "ETIMEDOUT",
        manner === "up" ? 0x4182 : undefined,
      );
    }
    // tlshd gets no answer to its handshake.
    if (options.tls === true && !target.offersTls) return this.#fail(job, 200, "ETIMEDOUT");
    const device = this.#devices.make({
      transport: tid.transport,
      traddr: tid.traddr,
      trsvcid: tid.trsvcid,
      hostTraddr: tid.hostTraddr,
      hostIface: tid.hostIface,
      hostNqn: tid.hostNqn,
      hostId,
      target,
      maker: job.who,
      owner: "",
      ctrlLossTmoMs: (options.ctrlLossTmo ?? this.ctrlLossTmo) * 1_000,
      made: {
        tls: options.concat === true ? "concat" : options.tls === true ? "tls" : "none",
        dhchap: keys.hostKey !== undefined,
        dhchapCtrl: keys.ctrlKey !== undefined,
        kato: options.kato,
      },
    });
    device.state = "connecting";
    const ms = misery?.ms ?? this.#random.between(10, 120);
    this.#time.in(milliseconds(ms), () => this.#arrive(job, device, misery?.errno));
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

  /** The kernel's own test for a second connection to one I/O controller. */
  #same(device: Device, { tid }: ConnectRequest): boolean {
    const same = (a: string, b: string): boolean => a === "" || b === "" || a === b;
    return device.target?.nqn === tid.subsysnqn && device.state !== "deleting" &&
      device.transport === tid.transport && device.trsvcid === tid.trsvcid &&
      device.hostNqn === tid.hostNqn &&
      (sameAddress(device.traddr, tid.traddr) || device.traddr === tid.traddr) &&
      same(device.hostIface, tid.hostIface) && same(device.hostTraddr, tid.hostTraddr);
  }
}
