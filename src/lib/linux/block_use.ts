/** The holders of a controller's namespaces, and the controllers that serve them (S12). */
import type { Failure, Outcome } from "../base/failure.ts";
import { type NamespaceLook, type NamespacePath, parseIoCounters } from "../nvme/namespace_look.ts";
import { names, text } from "./attribute_files.ts";
import { BlockHolders, type Tables, USE_PLACES, type UsePlaces } from "./block_holders.ts";
import { Limiter } from "./limiter.ts";
import { errnoOf } from "./os_error.ts";
import { THREADS } from "./thread_shares.ts";

const MAX_WAITING = 8192;

export class BlockUse {
  readonly #looks = new Limiter(THREADS.looks, MAX_WAITING);
  readonly #places: UsePlaces;
  readonly #holders: BlockHolders;

  constructor(places: UsePlaces = USE_PLACES) {
    this.#places = places;
    this.#holders = new BlockHolders(places);
  }

  /** All namespaces of the controller. A controller that no longer exists has none. */
  async look(controller: string): Promise<Outcome<readonly NamespaceLook[]>> {
    const outcome = await this.#looks.run(() => this.#look(controller));
    const message = `${controller} was not examined: ${MAX_WAITING} other requests are waiting`;
    return outcome ?? { ok: false, failure: { phase: "disconnect", kind: "transient", message } };
  }

  async #look(controller: string): Promise<Outcome<readonly NamespaceLook[]>> {
    try {
      const children = await names(`${this.#places.sys}/class/nvme/${controller}`);
      const own = children.flatMap((child) => {
        const found = /^(nvme\d+)(c\d+)?(n\d+)$/.exec(child);
        return found === null ? [] : [{ head: `${found[1]}${found[3]}`, shared: found[2] !== undefined }];
      });
      if (own.length === 0) return { ok: true, value: [] };
      const tables = await this.#holders.tables();
      const looks: NamespaceLook[] = [];
      for (const { head, shared } of own) looks.push(await this.#lookAt(controller, head, shared, tables));
      return { ok: true, value: looks };
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return { ok: false, failure: unreadable(controller, error) };
    }
  }

  async #lookAt(controller: string, head: string, shared: boolean, tables: Tables): Promise<NamespaceLook> {
    const paths = shared ? await this.#pathsOf(head) : [await this.#path(controller, undefined)];
    const io = await this.#counters(`${this.#places.sys}/class/block/${head}`);
    try {
      const holders = await this.#holders.of(head, tables);
      return { device: head, holders, unknown: tables.problem, paths, io };
    } catch (error) {
      if (errnoOf(error) === 0) throw error;
      return { device: head, holders: [], unknown: describe(error), paths, io };
    }
  }

  /** Every controller of the subsystem that has a path to this head. */
  async #pathsOf(head: string): Promise<readonly NamespacePath[]> {
    const [, subsystem = "", namespace = ""] = /^nvme(\d+)n(\d+)$/.exec(head) ?? [];
    const members = await names(`${this.#places.sys}/class/nvme-subsystem/nvme-subsys${subsystem}`);
    const paths: NamespacePath[] = [];
    for (const member of members.filter((name) => /^nvme\d+$/.test(name))) {
      const path = `nvme${subsystem}c${member.slice("nvme".length)}n${namespace}`;
      const folder = `${this.#places.sys}/class/nvme/${member}/${path}`;
      if (await text(`${folder}/stat`) !== undefined) paths.push(await this.#path(member, folder));
    }
    return paths;
  }

  async #path(controller: string, folder: string | undefined): Promise<NamespacePath> {
    return {
      device: controller,
      state: await text(`${this.#places.sys}/class/nvme/${controller}/state`) ?? "",
      anaState: folder === undefined ? "" : await text(`${folder}/ana_state`) ?? "",
      io: folder === undefined ? undefined : await this.#counters(folder),
    };
  }

  async #counters(folder: string): Promise<NamespaceLook["io"]> {
    return parseIoCounters(await text(`${folder}/stat`) ?? "");
  }
}

const describe = (error: unknown): string => error instanceof Error ? error.message : String(error);

const unreadable = (controller: string, error: unknown): Failure => ({
  phase: "scan",
  kind: "transient",
  message: `cannot find out what uses the namespaces of ${controller}: ${describe(error)}`,
});
