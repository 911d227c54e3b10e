/** Typed calls to a daemon, for the control tools. Answers are checked; failures are data. */
import { type Duration, seconds } from "../base/time.ts";
import {
  type Bus,
  type BusError,
  BusErrors,
  type Reply,
  type SignalMessage,
  type Value,
  Variant,
} from "./bus.ts";
import { PROPERTIES, type STAC, type STAF } from "./interfaces.ts";
import { isRecord, type JsonResult } from "./json_reader.ts";
import { parseEvent, parseExplanation, parseHealth, parsePlan, parseState } from "./v1_parse.ts";
import { parseDrainAnswer, parseForgetAnswer, parseRenewAnswer, parseReportBegun } from "./v1_parse_acts.ts";
import type {
  V1DrainAnswer,
  V1Event,
  V1Explanation,
  V1ForgetAnswer,
  V1Health,
  V1Plan,
  V1RenewAnswer,
  V1State,
} from "./v1_types.ts";

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: BusError };

export type Dict = Readonly<Record<string, string>>;

/** The seven texts that name a controller, in the order of the calls (DBUS-11). */
export type TidTexts = readonly [
  transport: string,
  traddr: string,
  trsvcid: string,
  subsysnqn: string,
  hostTraddr: string,
  hostIface: string,
  hostNqn: string,
];

/** The longest report that is taken, in UTF-16 units: several times that of 12,288 controllers. */
const MAX_REPORT = 256 * 1024 * 1024;

export class DaemonClient {
  readonly #bus: Bus;
  readonly #service: typeof STAF | typeof STAC;
  readonly #timeout: Duration;

  constructor(bus: Bus, service: typeof STAF | typeof STAC, timeout: Duration = seconds(25)) {
    this.#bus = bus;
    this.#service = service;
    this.#timeout = timeout;
  }

  listControllers(detailed: boolean): Promise<Result<Dict[]>> {
    return this.#ask("", "list_controllers", "b", [detailed], "aa{ss}", dicts);
  }

  getLogPages(tid: TidTexts): Promise<Result<Dict[]>> {
    return this.#ask("", "get_log_pages", "sssssss", tid, "aa{ss}", dicts);
  }

  getAllLogPages(detailed: boolean): Promise<Result<unknown>> {
    return this.#ask("", "get_all_log_pages", "b", [detailed], "s", json);
  }

  processInfo(): Promise<Result<unknown>> {
    return this.#ask(".debug", "process_info", "", [], "s", json);
  }

  controllerInfo(tid: TidTexts): Promise<Result<unknown>> {
    return this.#ask(".debug", "controller_info", "sssssss", tid, "s", json);
  }

  async setTron(on: boolean): Promise<Result<void>> {
    const args = [`${this.#service.name}.debug`, "tron", new Variant("b", on)];
    return read(await this.#call(PROPERTIES, "Set", "ssv", args, ""), () => ({ ok: true, value: undefined }));
  }

  async tron(): Promise<Result<boolean>> {
    const reply = await this.#call(PROPERTIES, "Get", "ss", [`${this.#service.name}.debug`, "tron"], "v");
    return read(
      reply,
      ([value]) =>
        value instanceof Variant && typeof value.value === "boolean"
          ? { ok: true, value: value.value }
          : { ok: false, message: "the property tron is not a boolean" },
    );
  }

  state(): Promise<Result<V1State>> {
    return this.#ask(".v1", "state", "", [], "s", parsed(parseState));
  }

  plan(config: string): Promise<Result<V1Plan>> {
    return this.#ask(".v1", "plan", "s", [config], "s", parsed(parsePlan));
  }

  explain(what: string): Promise<Result<V1Explanation>> {
    return this.#ask(".v1", "explain", "s", [what], "s", parsed(parseExplanation));
  }

  health(): Promise<Result<V1Health>> {
    return this.#ask(".v1", "health", "", [], "s", parsed(parseHealth));
  }

  drain(
    what: string,
    names: readonly string[],
    term: Duration | undefined,
    mode: "ask" | "do" | "force",
  ): Promise<Result<V1DrainAnswer>> {
    const args = [what, names, BigInt(Math.round(term?.ms ?? 0)), mode];
    return this.#ask(".v1", "drain", "sasts", args, "s", parsed(parseDrainAnswer));
  }

  undrain(what: string, names: readonly string[]): Promise<Result<V1DrainAnswer>> {
    return this.#ask(".v1", "undrain", "sas", [what, names], "s", parsed(parseDrainAnswer));
  }

  renew(
    what: string,
    names: readonly string[],
    mode: "ask" | "do" | "ask-reconnect" | "do-reconnect" | "watch" | "stop",
  ): Promise<Result<V1RenewAnswer>> {
    return this.#ask(".v1", "renew", "sass", [what, names, mode], "s", parsed(parseRenewAnswer));
  }

  forget(what: string, names: readonly string[], mode: "ask" | "do"): Promise<Result<V1ForgetAnswer>> {
    return this.#ask(".v1", "forget", "sass", [what, names, mode], "s", parsed(parseForgetAnswer));
  }

  /** The daemon's part of a report, as JSON. It comes in pieces. */
  async report(): Promise<Result<unknown>> {
    const begun = await this.#ask(".v1", "report_begin", "", [], "s", parsed(parseReportBegun));
    if (!begun.ok) return begun;
    const id = BigInt(begun.value.report);
    const pieces: string[] = [];
    let length = 0;
    for (;;) {
      const piece = await this.#ask(".v1", "report_piece", "t", [id], "s", text);
      if (!piece.ok) return piece;
      if (piece.value === "") break;
      pieces.push(piece.value);
      length += piece.value.length;
      if (length > MAX_REPORT) {
        const message = `its report is longer than ${MAX_REPORT / 1024 / 1024} MiB`;
        return { ok: false, error: { name: BusErrors.limitsExceeded, message } };
      }
    }
    const whole = json([pieces.join("")]);
    return whole.ok ? whole : { ok: false, error: { name: BusErrors.failed, message: whole.message } };
  }

  /** Reports events from now on, and each start and end of the daemon (beginning with its present state). */
  async watch(on: {
    readonly event: (event: V1Event, json: string) => void;
    readonly running: (running: boolean) => void;
    readonly garbled: (message: string) => void;
  }): Promise<Result<void>> {
    const { name, path } = this.#service;
    const matched = await this.#bus.addMatch(
      { sender: name, path, interface: `${name}.v1`, member: "event" },
      (signal: SignalMessage) => {
        const json = String(signal.body[0]);
        const event = parseEvent(json);
        if (event.ok) on.event(event.value, json);
        else on.garbled(event.message);
      },
    );
    if (!matched.ok) return matched;
    const watched = await this.#bus.watchName(name, (owner) => on.running(owner !== ""));
    return watched.ok ? { ok: true, value: undefined } : watched;
  }

  async #ask<T>(
    suffix: string,
    member: string,
    signature: string,
    args: readonly Value[],
    gives: string,
    take: (body: readonly unknown[]) => JsonResult<T>,
  ): Promise<Result<T>> {
    return read(await this.#call(this.#service.name + suffix, member, signature, args, gives), take);
  }

  #call(
    iface: string,
    member: string,
    signature: string,
    args: readonly Value[],
    gives: string,
  ): Promise<Reply> {
    const { name, path } = this.#service;
    const timeout = this.#timeout;
    return this.#bus.call({
      destination: name,
      path,
      interface: iface,
      member,
      signature,
      args,
      gives,
      timeout,
    });
  }
}

function read<T>(reply: Reply, take: (body: readonly unknown[]) => JsonResult<T>): Result<T> {
  if (!reply.ok) return reply;
  const taken = take(reply.body);
  return taken.ok ? taken : { ok: false, error: { name: BusErrors.failed, message: taken.message } };
}

const text = ([value]: readonly unknown[]): JsonResult<string> =>
  typeof value === "string"
    ? { ok: true, value }
    : { ok: false, message: "the daemon's answer is not a text" };

const parsed = <T>(parse: (text: string) => JsonResult<T>) => ([text]: readonly unknown[]): JsonResult<T> =>
  typeof text === "string" ? parse(text) : { ok: false, message: "the daemon's answer is not a text" };

function json([text]: readonly unknown[]): JsonResult<unknown> {
  if (typeof text !== "string") return { ok: false, message: "the daemon's answer is not a text" };
  try {
    const value: unknown = JSON.parse(text);
    return { ok: true, value };
  } catch {
    return { ok: false, message: "the daemon's answer is not JSON" };
  }
}

function dicts([list]: readonly unknown[]): JsonResult<Dict[]> {
  const wrong = { ok: false, message: "the daemon's answer is not a list of dictionaries" } as const;
  if (!Array.isArray(list)) return wrong;
  const value: Dict[] = [];
  for (const item of list) {
    if (!isRecord(item)) return wrong;
    value.push(Object.fromEntries(Object.entries(item).map(([key, text]) => [key, String(text)])));
  }
  return { ok: true, value };
}
