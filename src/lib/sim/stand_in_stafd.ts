/**
 * Plays stafd for a stacd that is alone in the world: relays the pages of discovery controllers, and starts and
 * stops.
 */
import { milliseconds } from "../base/time.ts";
import { type Tid, tidTexts } from "../nvme/tid.ts";
import { type Bus, BusErrors } from "../dbus/bus.ts";
import { STAF } from "../dbus/interfaces.ts";
import { publisher } from "../dbus/server.ts";
import { pagesInTexts } from "../dbus/v1_pages.ts";
import type { Publisher, ReportedDc, RetiredDc, StafdReport } from "../ports.ts";
import type { Target } from "./fabric.ts";
import type { World } from "./world.ts";

interface Followed {
  readonly tid: Tid;
  readonly target: Target;
  page: Pick<ReportedDc, "page" | "genctr" | "readAt" | "toldAt" | "entries">;
}

const NOTHING: Followed["page"] = { page: "none", genctr: "", readAt: 0, toldAt: null, entries: [] };

export class StandInStafd {
  readonly #world: World;
  readonly #followed: Followed[] = [];
  readonly #publisher: Publisher;
  #bus: Bus | undefined;
  #retired: RetiredDc[] = [];
  #running = false;
  #era = 0;
  /** Called for every page that is read. */
  wasRead: (tid: Tid, target: Target) => void = () => undefined;

  constructor(world: World) {
    this.#world = world;
    this.#publisher = publisher(STAF, () => this.#bus);
  }

  /** Manages a discovery controller from now on. */
  follow(tid: Tid, target: Target): void {
    if (this.#followed.some((one) => one.target === target)) return;
    const followed: Followed = { tid, target, page: NOTHING };
    this.#followed.push(followed);
    this.#retired = this.#retired.filter((one) => one.tid !== tid);
    target.discovery?.watch(() => this.#readSoon(followed, 20, this.#world.clock.now().wall));
    if (this.#running) this.#readSoon(followed, 200);
  }

  /** Drops a discovery controller for good. */
  retire(target: Target): void {
    const at = this.#followed.findIndex((one) => one.target === target);
    const [gone] = at < 0 ? [] : this.#followed.splice(at, 1);
    if (gone === undefined) return;
    this.#retired.push({ tid: gone.tid, why: "no longer asked for", at: this.#world.clock.now().wall });
    if (this.#running) this.#publisher.emit({ type: "dc-removed" });
  }

  get followed(): readonly Target[] {
    return this.#followed.map(({ target }) => target);
  }

  /** Starts with its state file, or without it: then it has no pages until it has read them. */
  start(remembers: boolean): void {
    if (this.#running) return;
    this.#running = true;
    for (const followed of this.#followed) {
      const { page } = followed;
      followed.page = remembers && page.page !== "none" ? { ...page, page: "cached" } : NOTHING;
      this.#readSoon(followed, this.#world.random.between(50, 4_000));
    }
    void this.#connect(this.#era);
  }

  /** Connects to the bus under stafd's name; again when the bus comes back. */
  async #connect(era: number): Promise<void> {
    const { bus, time } = this.#world;
    const isCurrent = (): boolean => era === this.#era && this.#running;
    const again = (): void => void time.in(milliseconds(200), () => void this.#connect(era));
    if (!isCurrent()) return;
    const connected = await bus.access(isCurrent, () => undefined).connect();
    if (!connected.ok) return again();
    this.#bus = connected.bus;
    connected.bus.exportObject(
      STAF.path,
      ({ member, body }) => {
        const text = this.#answer(member, body);
        return text !== undefined
          ? { ok: true, signature: "s", body: [text] }
          : { ok: false, error: { name: BusErrors.unknownMethod, message: `no ${member} here` } };
      },
    );
    await connected.bus.requestName(STAF.name);
    if (!isCurrent()) return connected.bus.close();
    await connected.bus.closed;
    if (isCurrent()) again();
  }

  stop(): void {
    this.#running = false;
    this.#era++;
    this.#bus?.close();
    this.#bus = undefined;
  }

  #readSoon(followed: Followed, ms: number, toldAt: number | null = null): void {
    const era = this.#era;
    this.#world.time.in(milliseconds(ms), () => {
      if (era !== this.#era || !this.#running || !this.#followed.includes(followed)) return;
      const { target, tid } = followed;
      if (target.manner !== "up" || target.discovery === undefined) {
        return this.#readSoon(followed, 3_000, toldAt);
      }
      const { genctr, entries } = target.discovery.page;
      const readAt = this.#world.clock.now().wall;
      followed.page = { page: "read", genctr: String(genctr), readAt, toldAt, entries };
      this.wasRead(tid, target);
      this.#publisher.emit({ type: "log-pages-changed", tid, device: "nvme0" });
    });
  }

  /** Answers like an older stafd: the index first, then single pages, the entries of which it gives as texts only. */
  #answer(member: string, body: readonly unknown[]): string | undefined {
    const { dcs, ...others } = pagesInTexts(this.report());
    if (member === "page_index") {
      const listed = dcs.map(({ entries, ...dc }) => ({
        ...dc,
        count: entries.length,
        bytes: JSON.stringify(entries).length,
      }));
      return JSON.stringify({ schema: 1, dcs: listed, ...others });
    }
    if (member !== "page") return undefined;
    const dc = dcs.find(({ tid }) => body.join() === tidTexts(tid).join());
    return JSON.stringify({ schema: 1, dc: dc ?? null });
  }

  report(): StafdReport {
    const dcs = this.#followed.map(({ tid, page }) => ({ tid, device: "nvme0", ...page }));
    return { dcs, retired: [...this.#retired], unknowns: [] };
  }
}
