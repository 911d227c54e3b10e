/** This host's interfaces and addresses, and changes of them (requirements 20). */
import type { InterfaceTable } from "../nvme/kernel_ctrl.ts";
import { bytes, sys } from "./ffi_libc.ts";
import { drainNetlink, NETLINK_ROUTE, netlinkAddress, openNetlink } from "./netlink.ts";
import { type Reactor, READABLE } from "./reactor.ts";
import { type Duration, milliseconds } from "../base/time.ts";
import {
  type AddressInfo,
  dumpRequest,
  type LinkInfo,
  parseRtnetlink,
  RTM_DELROUTE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_NEWROUTE,
} from "./rtnetlink.ts";

const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV4_ROUTE = 0x40;
const RTMGRP_IPV6_IFADDR = 0x100;
const RTMGRP_IPV6_ROUTE = 0x400;
const GROUPS = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE;

const DUMP_BUFFER = 32 * 1024;
const MONITOR_RECEIVE_BUFFER = 1024 * 1024;
/**
 * How often a dump is repeated when the interfaces change while it is read; after that the last dump counts.
 */
const MAX_DUMPS = 5;
/**
 * The time from the first change to the event, so that related changes (link, address, route) make one event.
 */
export const COALESCE: Duration = milliseconds(50);

/** Asks the kernel for all links and addresses. Takes well under a millisecond per hundred interfaces. */
export function readInterfaces(): InterfaceTable {
  const fd = openNetlink(NETLINK_ROUTE, 0, MONITOR_RECEIVE_BUFFER);
  try {
    for (let attempt = 1;; attempt++) {
      const links = dump(fd, RTM_GETLINK);
      const addresses = dump(fd, RTM_GETADDR);
      if ((links.whole && addresses.whole) || attempt === MAX_DUMPS) {
        return table([...links.found, ...addresses.found]);
      }
    }
  } finally {
    sys.close(fd);
  }
}

function dump(
  fd: number,
  type: typeof RTM_GETLINK | typeof RTM_GETADDR,
): { readonly whole: boolean; readonly found: readonly (LinkInfo | AddressInfo)[] } {
  const sent = sys.send(fd, dumpRequest(type), netlinkAddress(0));
  if (sent < 0) throw new Error(`cannot ask the kernel for its interfaces: errno ${-sent}`);
  const found: (LinkInfo | AddressInfo)[] = [];
  let whole = true;
  let done = false;
  // The kernel writes a dump while it is being read, so all of it has arrived without waiting.
  const complete = drainNetlink(fd, bytes(DUMP_BUFFER), (datagram) => {
    for (const message of parseRtnetlink(datagram)) {
      if (message.type === "done") done = true;
      else if (message.type === "interrupted") whole = false;
      else if (message.type === "error") {
        throw new Error(`cannot list the interfaces: errno ${message.errno}`);
      } else if (message.body !== undefined) found.push(message.body);
    }
  });
  return { whole: whole && done && complete, found };
}

function table(found: readonly (LinkInfo | AddressInfo)[]): InterfaceTable {
  const byIndex = new Map<
    number,
    { readonly link: LinkInfo; readonly v4: string[]; readonly v6: string[] }
  >();
  for (const item of found) {
    if (item.kind === "link") byIndex.set(item.index, { link: item, v4: [], v6: [] });
  }
  for (const item of found) {
    if (item.kind !== "address") continue;
    const owner = byIndex.get(item.index);
    (item.family === 4 ? owner?.v4 : owner?.v6)?.push(item.address);
  }
  return new Map(
    [...byIndex.values()].map(({ link: { name, index, mac, up, vlan }, v4, v6 }) => [
      name,
      { index, mac, up, ...(vlan === undefined ? {} : { vlan }), v4, v6 },
    ]),
  );
}

/**
 * Reports each change of links, addresses and routes. Repetitions (router advertisements) do not count as
 * changes.
 */
export class InterfaceMonitor {
  readonly #reactor: Reactor;
  readonly #fd: number;
  readonly #changed: (interfaces: InterfaceTable) => void;
  readonly #buffer = bytes(DUMP_BUFFER);
  #known: string;
  #routes = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(reactor: Reactor, changed: (interfaces: InterfaceTable) => void) {
    this.#reactor = reactor;
    this.#changed = changed;
    this.#fd = openNetlink(NETLINK_ROUTE, GROUPS, MONITOR_RECEIVE_BUFFER);
    this.first = readInterfaces();
    this.#known = fingerprint(this.first);
    reactor.watch(this.#fd, READABLE, () => this.#heard());
  }

  /** The interfaces at the moment when listening began. */
  readonly first: InterfaceTable;

  close(): void {
    clearTimeout(this.#timer);
    this.#reactor.unwatch(this.#fd);
    sys.close(this.#fd);
  }

  #heard(): void {
    const complete = drainNetlink(this.#fd, this.#buffer, (datagram) => {
      for (const { type } of parseRtnetlink(datagram)) {
        if (type === RTM_NEWROUTE || type === RTM_DELROUTE) this.#routes = true;
      }
    });
    // A dropped message may have been about a route.
    if (!complete) this.#routes = true;
    this.#timer ??= setTimeout(() => this.#tell(), COALESCE.ms);
  }

  #tell(): void {
    this.#timer = undefined;
    const interfaces = readInterfaces();
    const now = fingerprint(interfaces);
    if (now === this.#known && !this.#routes) return;
    this.#known = now;
    this.#routes = false;
    this.#changed(interfaces);
  }
}

const fingerprint = (interfaces: InterfaceTable): string => JSON.stringify([...interfaces]);
