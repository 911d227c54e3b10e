/**
 * A map from thousands of names that a peer chooses, in the order in which they came, for the time of one step. In a map of
 * the runtime's, names that were chosen for it are found one after the other only (places.ts).
 */
import { Table } from "./table.ts";

export class Names<V> {
  #at = Table.empty<number>();
  readonly #entries: [string, V][] = [];

  has(name: string): boolean {
    return this.#at.has(name);
  }

  /** A name that has come before keeps its turn. */
  set(name: string, value: V): void {
    const at = this.#at.get(name);
    if (at === undefined) this.#at = this.#at.with(name, this.#entries.length);
    this.#entries[at ?? this.#entries.length] = [name, value];
  }

  [Symbol.iterator](): Iterator<readonly [string, V]> {
    return this.#entries[Symbol.iterator]();
  }
}
