/** A discovery controller's answers: its log page with all earlier versions, and its handling of other commands. */
import { parseIp } from "../nvme/address.ts";
import type { DiscoveryEntry } from "../nvme/discovery_entry.ts";
import type { Target } from "./fabric.ts";

export interface LogVersion {
  readonly genctr: bigint;
  readonly entries: readonly DiscoveryEntry[];
  /** Since when it was the current page, in monotonic milliseconds. */
  readonly since: number;
}

const SUBTYPE = { referral: 1, nvme: 2, self: 3 } as const;
export const NCC = 0x4;
const TREQ = { none: 0, required: 1, offered: 2 } as const;

/** The entry that names a controller. */
export function entryFor(
  target: Target,
  kind: keyof typeof SUBTYPE,
  details: { readonly eflags?: number; readonly traddr?: string; readonly subnqn?: string } = {},
): DiscoveryEntry {
  const { transport, trsvcid } = target.address;
  const traddr = details.traddr ?? target.address.traddr;
  return {
    trtype: { tcp: 3, rdma: 1, fc: 2, loop: 254 }[transport],
    adrfam: transport === "fc" ? 4 : parseIp(traddr)?.family === 6 ? 2 : 1,
    subtype: SUBTYPE[kind],
    treq: TREQ[target.listsTls],
    portid: 1,
    cntlid: 0xffff,
    asqsz: 32,
    eflags: details.eflags ?? 0,
    traddr,
    trsvcid,
    subnqn: details.subnqn ?? target.nqn,
    tsas: transport === "tcp"
      ? { kind: "tcp", sectype: target.listsTls === "none" ? "none" : "tls1.3" }
      : { kind: "none" },
  };
}

export class Discovery {
  readonly dctype: "ddc" | "cdc" | "none";
  readonly versions: LogVersion[];
  /** Refuses a DIM command. */
  refusesRegistration = false;
  /** The entry of the discovery log in the Supported Log Pages log; undefined: the command is refused. */
  supported: number | undefined = 1;
  /** Refuses to return less than the whole page. */
  refusesHeader = false;
  /** The next reads fail: the page never stays the same while it is read. */
  torn = 0;
  /** Milliseconds that a read takes. */
  readMs = 5;
  /** Hosts that registered. */
  readonly registered: string[] = [];
  #watchers: (() => void)[] = [];
  /** When it last restarted; undefined when it never did. */
  restartedAt: number | undefined;
  /** The entries that it will list again once it is complete. */
  #missing: readonly DiscoveryEntry[] = [];

  constructor(dctype: Discovery["dctype"], entries: readonly DiscoveryEntry[], genctr = 1n) {
    this.dctype = dctype;
    this.versions = [{ genctr, entries, since: -Infinity }];
  }

  get page(): LogVersion {
    const last = this.versions.at(-1);
    if (last === undefined) throw new Error("a discovery service without a page");
    return last;
  }

  /** Calls `changed` after each change of the page. */
  watch(changed: () => void): void {
    this.#watchers.push(changed);
  }

  /** Changes the page: its entries, or only its generation. */
  edit(entries: readonly DiscoveryEntry[], at: number): void {
    this.versions.push({ genctr: this.page.genctr + 1n, entries, since: at });
    for (const watcher of this.#watchers) watcher();
  }

  /** It restarts with this page, without an event: its connections are gone. The other entries come back later. */
  restart(genctr: bigint, entries: readonly DiscoveryEntry[], at: number): void {
    this.#missing = [...this.#missing, ...this.page.entries].filter((entry) => !has(entries, entry));
    this.restartedAt = at;
    this.versions.push({ genctr, entries, since: at });
  }

  /** It does not list yet all entries that it listed before its restart. */
  get isYoung(): boolean {
    return this.#missing.length > 0;
  }

  /** It lists all its entries again. */
  complete(at: number): void {
    const missing = this.#missing.filter((entry) => !has(this.page.entries, entry));
    this.#missing = [];
    if (missing.length > 0) this.edit([...this.page.entries, ...missing], at);
  }

  /** Adds one entry, in place of one for the same controller. */
  list(entry: DiscoveryEntry, at: number): void {
    this.edit([...this.#without(entry), entry], at);
  }

  unlist(entry: DiscoveryEntry, at: number): void {
    this.#missing = this.#missing.filter((other) => !isSame(entry, other));
    this.edit(this.#without(entry), at);
  }

  lists(target: Target): boolean {
    return this.page.entries.some((entry) =>
      entry.subnqn === target.nqn && entry.traddr === target.address.traddr &&
      entry.trsvcid === target.address.trsvcid
    );
  }

  #without(entry: DiscoveryEntry): DiscoveryEntry[] {
    return this.page.entries.filter((other) => !isSame(entry, other));
  }
}

const isSame = (a: DiscoveryEntry, b: DiscoveryEntry): boolean =>
  a.subnqn === b.subnqn && a.traddr === b.traddr && a.trsvcid === b.trsvcid;

const has = (entries: readonly DiscoveryEntry[], entry: DiscoveryEntry): boolean =>
  entries.some((other) => isSame(other, entry));
