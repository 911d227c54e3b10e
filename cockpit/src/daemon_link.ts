/** One daemon on the system bus: its state, its health and its events, kept up to date. */
import { parseEvent, parseExplanation, parseHealth, parseState } from "../../src/lib/dbus/v1_parse.ts";
import { parsePage } from "../../src/lib/dbus/v1_pages.ts";
import { STAC, STAF } from "../../src/lib/dbus/interfaces.ts";
import type { JsonResult } from "../../src/lib/dbus/json_reader.ts";
import type { DaemonName, V1Event, V1Explanation, V1Health, V1State } from "../../src/lib/dbus/v1_types.ts";
import type { Tid } from "../../src/lib/nvme/tid.ts";
import type { ReportedDc } from "../../src/lib/ports.ts";
import type { HostBusClient } from "./host_types.ts";
import { isDenied, type Outcome, type Problem, settled } from "./outcome.ts";

export type Seen =
  | { readonly is: "loading" }
  | { readonly is: "absent" }
  | { readonly is: "refused"; readonly problem: Problem }
  | {
    readonly is: "running";
    readonly state: V1State;
    readonly health: V1Health;
    /** Why the shown state is out of date. */
    readonly stale: Problem | undefined;
  };

/** The pause after an event, so that a burst of events leads to one query. */
const GATHER_MS = 100;
/** The interval of queries without events; longer if answers are slow. */
const POLL_MS = 5_000;
const POLL_FACTOR = 20;
const CALL_MS = 30_000;
const BUS = "org.freedesktop.DBus";
const BUS_PATH = "/org/freedesktop/DBus";

export class DaemonLink {
  readonly daemon: DaemonName;
  readonly #service: typeof STAF | typeof STAC;
  readonly #changed: (seen: Seen) => void;
  readonly #happened: (event: V1Event) => void;
  #client: HostBusClient | undefined;
  #seen: Seen = { is: "loading" };
  #timer: number | undefined;
  #isAsking = false;
  #isStale = false;

  constructor(daemon: DaemonName, changed: (seen: Seen) => void, happened: (event: V1Event) => void) {
    this.daemon = daemon;
    this.#service = daemon === "stafd" ? STAF : STAC;
    this.#changed = changed;
    this.#happened = happened;
  }

  /**
   * Watches the name first: Cockpit's bridge closes the channel to a name without an owner, and does not open it
   * again.
   */
  open(): void {
    const bus = globalThis.cockpit.dbus(BUS, { bus: "system" });
    const ask = async (): Promise<void> => {
      const answer = await settled(bus.call(BUS_PATH, BUS, "NameHasOwner", [this.#service.name]));
      if (answer.ok) this.#owned(answer.value[0] === true);
      else this.#show({ is: "refused", problem: answer.problem });
    };
    bus.subscribe(
      { path: BUS_PATH, interface: BUS, member: "NameOwnerChanged", arg0: this.#service.name },
      () => void ask(),
    );
    void ask();
    // Makes up for lost signals.
    setInterval(() => void ask(), POLL_MS);
  }

  #owned(isOwned: boolean): void {
    if (!isOwned) {
      const client = this.#client;
      this.#client = undefined;
      client?.close();
      this.#show({ is: "absent" });
    } else if (this.#client === undefined) this.#connect();
  }

  #connect(): void {
    const { name, path } = this.#service;
    const client = globalThis.cockpit.dbus(name, { bus: "system" });
    this.#client = client;
    client.addEventListener("close", () => {
      if (this.#client === client) this.#client = undefined;
    });
    client.subscribe({ path, interface: `${name}.v1`, member: "event" }, (_path, _iface, _member, [text]) => {
      const event = parseEvent(typeof text === "string" ? text : "");
      if (event.ok) this.#happened(event.value);
      this.refresh();
    });
    client.subscribe({ path, interface: name }, () => this.refresh());
    this.refresh();
  }

  /** Queries again, soon: after a change made by the page, or an event. */
  refresh(): void {
    if (this.#isAsking) {
      this.#isStale = true;
      return;
    }
    this.#askIn(GATHER_MS);
  }

  explain(what: string): Promise<Outcome<V1Explanation>> {
    return this.#call("explain", [what], parseExplanation);
  }

  /** stafd's log page of a discovery controller. */
  page(tid: Tid): Promise<Outcome<ReportedDc | undefined>> {
    const { transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn } = tid;
    return this.#call(
      "page",
      [transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn],
      parsePage,
    );
  }

  #askIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    const client = this.#client;
    if (this.#isAsking || client === undefined) return;
    this.#isAsking = true;
    this.#isStale = false;
    const begin = performance.now();
    const [state, health] = await Promise.all([
      this.#call("state", [], parseState),
      this.#call("health", [], parseHealth),
    ]);
    const took = performance.now() - begin;
    this.#isAsking = false;
    // The daemon has ended meanwhile, or was replaced by another.
    if (this.#client !== client) {
      if (this.#client !== undefined) this.#askIn(GATHER_MS);
      return;
    }
    if (state.ok && health.ok) {
      this.#show({ is: "running", state: state.value, health: health.value, stale: undefined });
    } else {
      const problem = !state.ok ? state.problem : !health.ok ? health.problem : undefined;
      if (problem !== undefined) {
        const seen = this.#seen;
        this.#show(
          seen.is === "running" && !isDenied(problem)
            ? { ...seen, stale: problem }
            : { is: "refused", problem },
        );
      }
    }
    this.#askIn(this.#isStale ? GATHER_MS + took : Math.max(POLL_MS, POLL_FACTOR * took));
  }

  async #call<T>(
    method: string,
    args: readonly string[],
    parse: (text: string) => JsonResult<T>,
  ): Promise<Outcome<T>> {
    const client = this.#client;
    if (client === undefined) {
      return { ok: false, problem: { kind: "disconnected", text: `${this.daemon} cannot be asked` } };
    }
    const { name, path } = this.#service;
    const answer = await settled(client.call(path, `${name}.v1`, method, args, { timeout: CALL_MS }));
    if (!answer.ok) return answer;
    const [text] = answer.value;
    const parsed = parse(typeof text === "string" ? text : "");
    return parsed.ok
      ? parsed
      : { ok: false, problem: { kind: "not-understood", text: `${this.daemon}: ${parsed.message}` } };
  }

  #show(seen: Seen): void {
    this.#seen = seen;
    this.#changed(seen);
  }
}
