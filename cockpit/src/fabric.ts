/** The page's data of the fabric: both daemons and the newest events, as a store for React. */
import type { DaemonName, V1Event } from "../../src/lib/dbus/v1_types.ts";
import { DaemonLink, type Seen } from "./daemon_link.ts";

export interface Fabric {
  readonly stafd: Seen;
  readonly stacd: Seen;
  /** Newest first. */
  readonly events: readonly V1Event[];
}

const MAX_EVENTS = 100;

class FabricStore {
  readonly links: Readonly<Record<DaemonName, DaemonLink>>;
  #fabric: Fabric = { stafd: { is: "loading" }, stacd: { is: "loading" }, events: [] };
  readonly #listeners = new Set<() => void>();

  constructor() {
    const link = (daemon: DaemonName): DaemonLink =>
      new DaemonLink(
        daemon,
        (seen) => this.#set({ ...this.#fabric, [daemon]: seen }),
        (event) =>
          this.#set({ ...this.#fabric, events: [event, ...this.#fabric.events].slice(0, MAX_EVENTS) }),
      );
    this.links = { stafd: link("stafd"), stacd: link("stacd") };
  }

  open(): void {
    this.links.stafd.open();
    this.links.stacd.open();
  }

  refresh(): void {
    this.links.stafd.refresh();
    this.links.stacd.refresh();
  }

  readonly subscribe = (listener: () => void): () => void => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): Fabric => this.#fabric;

  #set(fabric: Fabric): void {
    this.#fabric = fabric;
    for (const listener of this.#listeners) listener();
  }
}

export const fabric: FabricStore = new FabricStore();
