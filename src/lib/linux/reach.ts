/**
 * Can an address be reached, from the interface and source address of a transport id (STAF-39)? Tested in
 * user space and in parallel, because in the kernel one unreachable target holds up all other connects for
 * seconds. TCP is tried; for RDMA and FC the test may find what speaks against it, and nothing that speaks
 * for it.
 *
 * Simultaneous requests for one address share a test: a target with hundreds of subsystems has one address,
 * and hundreds of connections at the same moment would burden it.
 *
 * On success the connection is closed in the ordinary way (FIN, not RST): the target sees an orderly client,
 * not a broken one. The price is one TIME_WAIT entry on this host.
 */
import { type Ip, isLinkLocal, parseIp } from "../nvme/address.ts";
import { connectErrorText, connectRemedy, errnoName } from "../nvme/errno.ts";
import type { Failure, Outcome } from "../base/failure.ts";
import { impliedIface, scoped, type Tid } from "../nvme/tid.ts";
import type { Duration } from "../base/time.ts";
import {
  AF_INET,
  AF_INET6,
  bytes,
  cString,
  SO_BINDTODEVICE,
  SOCK_STREAM,
  SOL_SOCKET,
  sys,
} from "./ffi_libc.ts";
import { decodeIcResp, encodeIcReq, IC_PDU } from "../nvme/tcp_pdu.ts";
import { NO_NVME_TCP, type Probe, type Reached } from "../ports.ts";
import { fcProblem } from "./fc_ports.ts";
import { EAGAIN, ENODEV } from "./os_error.ts";
import { askNeighbour, type NoNeighbour } from "./rdma_reach.ts";
import { Limiter } from "./limiter.ts";
import { type Reactor, READABLE, WRITABLE } from "./reactor.ts";

/** 0 if the address can be reached; otherwise an errno, or a description of the wrong answer. */
type Found = number | string;

const AT_ONCE = 64;
/** A target with many subsystems is tested once, not once for each of them. */
const ANSWERED_FOR = 10_000;
const MAX_ANSWERED = 1024;
const MAX_WAITING = 8192;
const ETIMEDOUT = 110;
const EALREADY = 114;
const EINPROGRESS = 115;

export class Reach {
  readonly #reactor: Reactor;
  readonly #limiter = new Limiter(AT_ONCE, MAX_WAITING);
  /** Tests under way: 0, the errno, or undefined when there was no room for one. */
  readonly #running = new Map<string, Promise<Found | undefined>>();
  readonly #asking = new Map<string, Promise<NoNeighbour | "none" | undefined>>();
  /** Addresses that have answered recently, and until when they are not tested again. */
  readonly #answered = new Map<string, number>();

  readonly #sysfs: string;

  constructor(reactor: Reactor, sysfs = "/sys") {
    this.#reactor = reactor;
    this.#sysfs = sysfs;
  }

  /** The time-out starts when the test does. */
  async test(tid: Tid, timeout: Duration, asks = false): Promise<Outcome<Reached>> {
    switch (tid.transport) {
      case "tcp":
        return await this.#tcp(tid, timeout, asks);
      case "rdma":
        return await this.#rdma(tid, timeout);
      case "fc": {
        const problem = fcProblem(tid, this.#sysfs);
        return problem === undefined ? untested : { ok: false, failure: absent(tid, problem) };
      }
      case "loop":
        // The target is this host: no connect waits for the network.
        return { ok: true, value: undefined };
    }
  }

  async #tcp(tid: Tid, timeout: Duration, asks: boolean): Promise<Outcome<Reached>> {
    const ends = endsOf(tid);
    if (ends === undefined) return { ok: false, failure: nonsense(tid) };
    const key = `${target(tid)} ${timeout.ms} ${asks}`;
    const found = await this.#shared(this.#running, key, () => this.#connect(key, ends, { timeout, asks }));
    if (found === 0) return { ok: true, value: undefined };
    if (typeof found === "string") return { ok: false, failure: mute(tid, found) };
    return { ok: false, failure: found === undefined ? busy(tid) : failure(tid, found) };
  }

  /** The kernel takes no interface for RDMA, other than the scope of an address. */
  async #rdma(line: Tid, timeout: Duration): Promise<Outcome<Reached>> {
    const tid = { ...scoped(line), hostIface: "" };
    const ends = endsOf(tid);
    if (ends === undefined) return { ok: false, failure: nonsense(tid) };
    const found = await this.#shared(this.#asking, `${target(tid)} ${timeout.ms}`, async () => {
      const { ip, source } = ends;
      const way = { ip, source, ifindex: indexOf(ends.iface), start: (fd: number) => start(fd, ends) };
      const family = ip.family === 4 ? AF_INET : AF_INET6;
      return await askNeighbour(this.#reactor, way, family, timeout) ?? "none";
    });
    if (found === "none") return untested;
    if (found === undefined) return { ok: false, failure: busy(tid) };
    return {
      ok: false,
      failure: found.isNeighbour === true ? deserted(tid, found) : failure(tid, found.errno),
    };
  }

  #shared<T>(running: Map<string, Promise<T | undefined>>, key: string, begin: () => Promise<T>) {
    const same = running.get(key);
    if (same !== undefined) return same;
    const test = this.#limiter.run(begin).finally(() => running.delete(key));
    running.set(key, test);
    return test;
  }

  async #connect(key: string, ends: Ends, { timeout, asks }: Probe): Promise<Found> {
    const { ip } = ends;
    const fd = sys.socket(ip.family === 4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    if (fd < 0) return -fd;
    try {
      const started = start(fd, ends);
      const errno = started === EINPROGRESS ? await this.#finish(fd, ends, timeout) : started;
      if (errno !== 0 || !asks || (this.#answered.get(key) ?? 0) > performance.now()) return errno;
      const problem = await this.#ask(fd, timeout);
      if (problem !== undefined) return problem;
      if (this.#answered.size >= MAX_ANSWERED) this.#answered.clear();
      this.#answered.set(key, performance.now() + ANSWERED_FOR);
      return 0;
    } finally {
      sys.close(fd);
    }
  }

  /** Asks for NVMe/TCP. The result describes the wrong answer; undefined: the address is a target. */
  #ask(fd: number, timeout: Duration): Promise<string | undefined> {
    const sent = sys.send(fd, encodeIcReq(), null);
    if (sent < 0) return Promise.resolve(`the connection broke (${errnoName(-sent)})`);
    const answer = bytes(IC_PDU);
    let filled = 0;
    return new Promise((resolve) => {
      const end = (problem: string | undefined): void => {
        clearTimeout(timer);
        this.#reactor.unwatch(fd);
        resolve(problem);
      };
      // Everything that came is read, so that the connection ends with a FIN, not an RST.
      const take = (): void => {
        const part = bytes(IC_PDU);
        const length = sys.receiveStream(fd, part);
        if (length === -EAGAIN) return;
        if (length < 0) return end(`the connection broke (${errnoName(-length)})`);
        if (length === 0) return end(`the connection was closed after ${filled} bytes`);
        answer.set(part.subarray(0, Math.min(length, IC_PDU - filled)), filled);
        filled += Math.min(length, IC_PDU - filled);
        if (filled < IC_PDU) return;
        const read = decodeIcResp(answer);
        end(read.ok ? undefined : read.problem);
      };
      const timer = setTimeout(() => {
        take();
        if (this.#reactor.isWatched(fd)) end(`no answer within ${timeout.ms / 1000} s`);
      }, timeout.ms);
      this.#reactor.watch(fd, READABLE, take);
    });
  }

  #finish(fd: number, { ip, port, iface }: Ends, timeout: Duration): Promise<number> {
    return new Promise((resolve) => {
      const end = (errno: number): void => {
        clearTimeout(timer);
        this.#reactor.unwatch(fd);
        resolve(errno);
      };
      const late = (): number => {
        // The answer may have arrived while this process was too busy to notice: then the target is not late.
        // A query to the kernel shows that.
        const errno = -sys.connect(fd, socketAddress(ip, port, indexOf(iface)));
        return errno === EALREADY ? ETIMEDOUT : errno;
      };
      const timer = setTimeout(() => end(late()), timeout.ms);
      this.#reactor.watch(fd, WRITABLE, () => end(sys.socketError(fd)));
    });
  }
}

interface Ends {
  readonly ip: Ip;
  readonly port: number;
  readonly source: Ip | undefined;
  /** Name or number; empty for any. */
  readonly iface: string;
}

/** Undefined unless these are addresses of one family and a port: otherwise they can never be reached. */
function endsOf(tid: Tid): Ends | undefined {
  const ip = parseIp(tid.traddr);
  const port = /^\d{1,5}$/.test(tid.trsvcid) ? Number(tid.trsvcid) : 0;
  const source = parseIp(tid.hostTraddr);
  if (ip === undefined || port < 1 || port > 65535) return undefined;
  if (tid.hostTraddr !== "" && source?.family !== ip.family) return undefined;
  return { ip, port, source, iface: impliedIface(tid) };
}

/** Begins to connect; 0 if already connected (loopback), otherwise the errno. */
function start(fd: number, { ip, port, source, iface }: Ends): number {
  const index = indexOf(iface);
  // A numeric scope (`fe80::1%2`) is not a name to bind to; it goes into the address.
  if (iface !== "" && index === 0) return ENODEV;
  if (iface !== "" && iface !== String(index)) {
    const bound = sys.setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, cString(iface));
    if (bound < 0) return -bound;
  }
  if (source !== undefined) {
    const bound = sys.bind(fd, socketAddress(source, 0, index));
    if (bound < 0) return -bound;
  }
  return -sys.connect(fd, socketAddress(ip, port, index));
}

/** 0 when there is none of that name. */
/** The kernel is not asked for the empty name: it would start modprobe to look for it, which takes longer than the test. */
function indexOf(iface: string): number {
  if (iface === "") return 0;
  return /^\d+$/.test(iface) ? Number(iface) : sys.interfaceIndex(iface);
}

function socketAddress(ip: Ip, port: number, index: number): Uint8Array<ArrayBuffer> {
  const address = bytes(ip.family === 4 ? 16 : 28);
  const view = new DataView(address.buffer);
  view.setUint16(0, ip.family === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  address.set(ip.bytes, ip.family === 4 ? 4 : 8);
  if (isLinkLocal(ip.text)) view.setUint32(24, index, true);
  return address;
}

function target(tid: Tid): string {
  const address = tid.traddr.includes(":") ? `[${tid.traddr}]` : tid.traddr;
  const source = [impliedIface(tid), tid.hostTraddr].filter((part) => part !== "").join(", ");
  return `${address}:${tid.trsvcid}${source === "" ? "" : ` from ${source}`}`;
}

function failure(tid: Tid, errno: number): Failure {
  const name = errnoName(errno);
  const remedy = errno === ENODEV
    ? "check the name in host-iface; the interface may come up later"
    : connectRemedy(name);
  return {
    phase: "reach",
    kind: "transient",
    errno: name,
    message: errno === ETIMEDOUT
      ? `no answer from ${target(tid)}`
      : `cannot reach ${target(tid)}: ${connectErrorText(name)} (${name})`,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function mute(tid: Tid, problem: string): Failure {
  return {
    phase: "reach",
    kind: "transient",
    errno: NO_NVME_TCP,
    message: `${target(tid)} accepts connections but does not answer as an NVMe/TCP target: ${problem}`,
    remedy:
      "check which program listens there, and whether it takes TLS connections only (tls = true); the kernel still " +
      "tries it, rarely and after the others",
  };
}

function nonsense(tid: Tid): Failure {
  return {
    phase: "reach",
    kind: "permanent",
    errno: "EINVAL",
    message: `${target(tid)} cannot be tried: the addresses and the port are invalid, or do not fit together`,
    remedy: "traddr and host-traddr must be IP addresses of one family, trsvcid a number from 1 to 65535",
  };
}

const untested = { ok: true, value: "untested" } as const;

function deserted(tid: Tid, { gateway }: NoNeighbour): Failure {
  return {
    phase: "reach",
    kind: "transient",
    errno: "EHOSTUNREACH",
    message: gateway === undefined
      ? `cannot reach ${target(tid)}: no host on its link has that address (EHOSTUNREACH)`
      : `cannot reach ${target(tid)}: its gateway ${gateway} does not answer (EHOSTUNREACH)`,
    remedy: "check the address, the cables and the VLAN; RDMA needs its own interface, with an address there",
  };
}

function absent({ traddr }: Tid, problem: string): Failure {
  return {
    phase: "reach",
    kind: "transient",
    message: `${traddr} is not logged in: ${problem}`,
    remedy: "check the zoning and the state of the ports: /sys/class/fc_remote_ports",
  };
}

function busy(tid: Tid): Failure {
  return {
    phase: "reach",
    kind: "transient",
    message: `${target(tid)} was not tested: ${MAX_WAITING} other addresses are waiting to be tested`,
  };
}
