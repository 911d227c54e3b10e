/** What a person may have stafd forget (S2): a controller that mDNS announced, announces no longer, and that is silent. */
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { identity } from "./identity.ts";

/** The same controller, whoever we are. */
const name = (tid: Tid): string => identity({ ...tid, hostNqn: "" });

export interface AskedToForget {
  readonly what: string;
  readonly uid: number;
  readonly mode: "ask" | "do";
}

export class Forgetting {
  /** What each service announces, as stafd has been told; `stale`: before Avahi was started again. */
  #services = new Map<string, { readonly name: string; readonly stale: boolean }>();
  /** What was forgotten, and by which words of whom. */
  readonly #forgotten = new Map<string, Set<string>>();

  heard(service: string, tid: Tid | undefined): void {
    if (tid === undefined) this.#services.delete(service);
    else this.#services.set(service, { name: name(tid), stale: false });
  }

  gone(service: string): void {
    this.#services.delete(service);
  }

  /** Avahi has come: what it does not announce again is announced no longer. */
  avahiCame(): void {
    this.#services = new Map([...this.#services].map(([key, one]) => [key, { ...one, stale: true }]));
  }

  /** mDNS is switched off, or another process knows of nothing yet. */
  nothingHeard(): void {
    this.#services.clear();
  }

  isAnnounced(tid: Tid): boolean {
    return [...this.#services.values()].some((one) => !one.stale && one.name === name(tid));
  }

  forgotten({ what, uid }: AskedToForget, tid: Tid): void {
    const words = this.#forgotten.get(name(tid)) ?? new Set();
    this.#forgotten.set(name(tid), words.add(`${uid} ${what}`));
  }

  says({ what, uid }: Pick<AskedToForget, "what" | "uid">, tid: Tid): boolean {
    return this.#forgotten.get(name(tid))?.has(`${uid} ${what}`) === true;
  }
}
