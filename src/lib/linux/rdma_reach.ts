/**
 * Can the host or the gateway of an RDMA address be reached? Only the connect shows whether it speaks RDMA; before
 * that, one can check that a route exists, and that the neighbour on the link answers. One empty datagram makes the
 * kernel look for the neighbour. A known neighbour costs no time.
 */
import type { Ip } from "../nvme/address.ts";
import type { Duration } from "../base/time.ts";
import { bytes, SOCK_DGRAM, sys } from "./ffi_libc.ts";
import { type Neighbour, neighbourOf } from "./neighbours.ts";
import { EACCES, EHOSTUNREACH, EPERM } from "./os_error.ts";
import { type Reactor, READABLE } from "./reactor.ts";

const SOL_IP = 0;
const IP_RECVERR = 11;
const SOL_IPV6 = 41;
const IPV6_RECVERR = 25;
/** The pause before the first check of the neighbour; each further pause is twice as long, up to the longest. */
const FIRST_LOOK_MS = 2;
const LONGEST_PAUSE_MS = 200;

export interface RdmaEnds {
  readonly ip: Ip;
  readonly source: Ip | undefined;
  /** 0 for any. */
  readonly ifindex: number;
  /** A socket of this type, bound and connected; 0, or the errno. */
  readonly start: (fd: number) => number;
}

/** Why the address cannot be reached. `gateway`: the neighbour that does not answer is this gateway. */
export interface NoNeighbour {
  readonly errno: number;
  readonly gateway?: string | undefined;
  readonly isNeighbour?: true;
}

/** Undefined if nothing suggests that it is unreachable. */
export async function askNeighbour(
  reactor: Reactor,
  ends: RdmaEnds,
  family: number,
  timeout: Duration,
): Promise<NoNeighbour | undefined> {
  const fd = sys.socket(family, SOCK_DGRAM, 0);
  // A missing permission of this process says nothing about the address.
  if (fd < 0) return undefined;
  try {
    // Without this option a datagram socket does not report an unreachable host as an error.
    const isV4 = ends.ip.family === 4;
    const on = bytes(4);
    on[0] = 1;
    sys.setOption(fd, isV4 ? SOL_IP : SOL_IPV6, isV4 ? IP_RECVERR : IPV6_RECVERR, on);
    const errno = ends.start(fd);
    if (errno === EACCES || errno === EPERM) return undefined;
    if (errno !== 0) return { errno };
    // A firewall, for example, may refuse this datagram but not RDMA.
    if (sys.send(fd, bytes(0), null) < 0) return undefined;
    return await new Watch(reactor, fd, ends, timeout).result;
  } finally {
    sys.close(fd);
  }
}

class Watch {
  readonly result: Promise<NoNeighbour | undefined>;
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #ends: RdmaEnds;
  readonly #end: number;
  #resolve: (found: NoNeighbour | undefined) => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(reactor: Reactor, fd: number, ends: RdmaEnds, timeout: Duration) {
    this.#reactor = reactor;
    this.#fd = fd;
    this.#ends = ends;
    this.#end = performance.now() + timeout.ms;
    this.result = new Promise((resolve) => this.#resolve = resolve);
    reactor.watch(fd, READABLE, () => this.#heard());
    this.#look(FIRST_LOOK_MS);
  }

  /** "Port unreachable" comes from the host itself, and so does any other answer. */
  #heard(): void {
    this.#done(sys.socketError(this.#fd) === EHOSTUNREACH ? this.#missing(this.#neighbour()) : undefined);
  }

  #look(pause: number): void {
    const found = this.#neighbour();
    if (found.state === "missing") return this.#done(this.#missing(found));
    if (found.state !== "asked") return this.#done(undefined);
    const left = this.#end - performance.now();
    // The kernel has asked three times, once a second, without an answer.
    if (left <= 0) return this.#done(this.#missing(found));
    this.#timer = setTimeout(
      () => this.#look(Math.min(2 * pause, LONGEST_PAUSE_MS)),
      Math.max(1, Math.min(pause, left)),
    );
  }

  #neighbour(): Neighbour {
    return neighbourOf(this.#ends.ip, this.#ends.source, this.#ends.ifindex);
  }

  #missing({ gateway }: Neighbour): NoNeighbour {
    return { errno: EHOSTUNREACH, gateway, isNeighbour: true };
  }

  #done(found: NoNeighbour | undefined): void {
    clearTimeout(this.#timer);
    this.#reactor.unwatch(this.#fd);
    this.#resolve(found);
  }
}
