/** Publishes a daemon on the bus: checks what callers send, asks the daemon, answers (requirements 50). */
import { tidTexts } from "../nvme/tid.ts";
import type { Publisher, Signal } from "../ports.ts";
import { type Bus, type BusError, BusErrors, type Value } from "./bus.ts";
import { STAC, STAC_XML, STAF, STAF_XML } from "./interfaces.ts";
import { type Interface, type Later, type Method, type Property, servedObject } from "./served_object.ts";

export type { Later } from "./served_object.ts";

export type StringDict = Readonly<Record<string, string>>;

/**
 * A controller as a caller names it (DBUS-23, DBUS-24): texts as sent, not checked. `hostNqn` is undefined when the
 * caller used the older call with six arguments: this stands for the host NQN of the system (DBUS-26).
 */
export interface AskedTid {
  readonly transport: string;
  readonly traddr: string;
  readonly trsvcid: string;
  readonly subsysnqn: string;
  readonly hostTraddr: string;
  readonly hostIface: string;
  readonly hostNqn: string | undefined;
}

/** The flight recorder's calls. */
export interface ReportHandlers {
  /** Begins a report for this caller; undefined when the bus cannot tell when the caller leaves. */
  reportBegin(caller: string): Promise<string | undefined>;
  /** Empty after the last piece; undefined when the caller reads no such report. */
  reportPiece(caller: string, report: number): string | undefined;
}

/**
 * The calls that both daemons answer. Hiding secrets is the daemon's task (DBUS-30). JSON texts: requirements 50,
 * v1_types.ts.
 */
export interface StacHandlers extends ReportHandlers {
  listControllers(detailed: boolean): Later<readonly StringDict[]>;
  processInfo(): Later<string>;
  /** `{}` for an unknown controller (DBUS-25). */
  controllerInfo(tid: AskedTid): Later<string>;
  tron(): boolean;
  setTron(on: boolean): void;
  /** `DEBUG` or `INFO`. */
  logLevel(): string;
  state(): Later<string>;
  /** `config` is the text of a configuration file to try, empty for the configuration in force. */
  plan(config: string): Later<string>;
  explain(what: string): Later<string>;
  health(): Later<string>;
}

/** A person's act: `what` as written, and the names that it stands for. */
export interface AskedAct {
  readonly uid: number;
  readonly what: string;
  readonly names: readonly string[];
}

/** The calls that only stacd answers. */
export interface StacActs {
  /** `termMs`: 0 without end. */
  drain(act: AskedAct, termMs: number, mode: DrainMode): Later<string>;
  undrain(act: AskedAct): Later<string>;
  renew(act: AskedAct, mode: RenewMode): Later<string>;
}

const RENEW_MODES = ["ask", "do", "ask-reconnect", "do-reconnect", "watch", "stop"] as const;
export type RenewMode = typeof RENEW_MODES[number];

/** The acts that stafd takes. */
export interface StafActs {
  forget(act: AskedAct, mode: ForgetMode): Later<string>;
}

const FORGET_MODES = ["ask", "do"] as const;
export type ForgetMode = typeof FORGET_MODES[number];

const DRAIN_MODES = ["ask", "do", "force"] as const;
export type DrainMode = typeof DRAIN_MODES[number];

export interface StafHandlers extends StacHandlers {
  /** Empty for an unknown controller (DBUS-25). */
  getLogPages(tid: AskedTid): Later<readonly StringDict[]>;
  getAllLogPages(detailed: boolean): Later<string>;
  pages(): Later<string>;
  pageIndex(): Later<string>;
  /** `dc` is null for an unknown controller. */
  page(tid: AskedTid): Later<string>;
  /** Likewise, with the entries as numbers. */
  pageEntries(tid: AskedTid): Later<string>;
}

/**
 * The longest configuration text to try, in UTF-16 units. Reading it takes the daemon's time: for the worst text, 16
 * K need 0.13 s and 1 M 6 s. Only root may submit more.
 */
const MAX_CONFIG = 16 * 1024;
const MAX_CONFIG_OF_ROOT = 1024 * 1024;
/** The longest question, in UTF-16 units. */
const MAX_QUESTION = 4096;
/** The longest texts that name a controller, in bytes; more than any address or NQN needs. */
const MAX_TID_BYTES = 1024 * 1024;
const BOOLEAN_BYTES = 4;
const REPORT_BYTES = 8;

const TID_SIGNATURES = ["sssssss", "ssssss"];

const LIST: Method<StacHandlers> = {
  takes: ["b"],
  maxBytes: BOOLEAN_BYTES,
  gives: "aa{ss}",
  run: (handlers, [detailed]) => one(handlers.listControllers(detailed === true)),
};

const DEBUG: Interface<StacHandlers> = {
  methods: new Map<string, Method<StacHandlers>>([
    ["process_info", {
      takes: [""],
      maxBytes: 0,
      gives: "s",
      run: (handlers) => one(handlers.processInfo()),
    }],
    ["controller_info", {
      takes: TID_SIGNATURES,
      maxBytes: MAX_TID_BYTES,
      gives: "s",
      run: (handlers, body) => one(handlers.controllerInfo(askedTid(body))),
    }],
  ]),
  properties: new Map<string, Property<StacHandlers>>([
    ["tron", {
      signature: "b",
      get: (handlers) => handlers.tron(),
      set: (handlers, value) => handlers.setTron(value === true),
    }],
    ["log_level", { signature: "s", get: (handlers) => handlers.logLevel() }],
  ]),
};

const V1_METHODS: readonly (readonly [string, Method<StacHandlers>])[] = [
  ["state", { takes: [""], maxBytes: 0, gives: "s", run: (handlers) => one(handlers.state()) }],
  ["plan", {
    takes: ["s"],
    maxBytes: textBytes(MAX_CONFIG_OF_ROOT),
    tooLong: (trusted) => tooLong(trusted ? MAX_CONFIG_OF_ROOT : MAX_CONFIG),
    gives: "s",
    run: (handlers, [config], trusted) =>
      bounded(config, trusted ? MAX_CONFIG_OF_ROOT : MAX_CONFIG, (text) => handlers.plan(text)),
  }],
  ["explain", {
    takes: ["s"],
    maxBytes: textBytes(MAX_QUESTION),
    tooLong: () => tooLong(MAX_QUESTION),
    gives: "s",
    run: (handlers, [what]) => bounded(what, MAX_QUESTION, (text) => handlers.explain(text)),
  }],
  ["health", { takes: [""], maxBytes: 0, gives: "s", run: (handlers) => one(handlers.health()) }],
  ["report_begin", {
    takes: [""],
    maxBytes: 0,
    gives: "s",
    rootOnly: true,
    run: (handlers, _body, _trusted, _uid, sender) =>
      handlers.reportBegin(sender).then((begun) =>
        begun === undefined
          ? { name: BusErrors.failed, message: "the bus does not report when this caller leaves" }
          : [begun]
      ),
  }],
  ["report_piece", {
    takes: ["t"],
    maxBytes: REPORT_BYTES,
    gives: "s",
    rootOnly: true,
    run: (handlers, [report], _trusted, _uid, sender) => {
      const piece = handlers.reportPiece(sender, Number(report));
      const message =
        "this caller reads no such report; it may have been ended by a later one: call report_begin";
      return piece === undefined ? { name: BusErrors.invalidArgs, message } : [piece];
    },
  }],
];

/** The limit of names that one `what` may stand for: the devices below a mount point. */
const MAX_NAMES = 256;
const MAX_NAMES_BYTES = 256 * 1024;
/** 10 years. */
const LONGEST_TERM = 10 * 366 * 86_400_000;

/** The parsed act of a person, or the error in it. */
function askedAct(what: unknown, names: unknown, uid: number | undefined): AskedAct | BusError {
  const wrong = (message: string): BusError => ({ name: BusErrors.invalidArgs, message });
  const texts = Array.isArray(names) ? names.map(String) : [];
  if (uid === undefined) {
    return { name: BusErrors.accessDenied, message: "the bus does not report the user of this call" };
  }
  if (String(what).trim() === "" || texts.length === 0 || texts.some((text) => text.trim() === "")) {
    return wrong("it names no controller");
  }
  if (texts.length > MAX_NAMES) return wrong(`it has ${texts.length} names: one act takes ${MAX_NAMES}`);
  return texts.concat(String(what)).some((text) => text.length > MAX_QUESTION)
    ? tooLong(MAX_QUESTION)
    : { uid, what: String(what).trim(), names: texts };
}

/** A method for a person's act, which is checked before it is run. */
const actOf = <H>(
  takes: string,
  run: (handlers: H, act: AskedAct, more: readonly unknown[]) => Later<readonly Value[] | BusError>,
): Method<H> => ({
  takes: [takes],
  maxBytes: MAX_NAMES_BYTES,
  gives: "s",
  rootOnly: true,
  run: (handlers, [what, names, ...more], _trusted, uid) => {
    const act = askedAct(what, names, uid);
    return "uid" in act ? run(handlers, act, more) : act;
  },
});

/** An act that has its mode and no other argument. */
const moded = <H, Mode extends string>(
  name: string,
  modes: readonly Mode[],
  run: (handlers: H, act: AskedAct, mode: Mode) => Later<string>,
): Method<H> =>
  actOf("sass", (handlers, act, [mode]) => {
    const how = modes.find((word) => word === mode);
    if (how !== undefined) return one(run(handlers, act, how));
    return { name: BusErrors.invalidArgs, message: `${name} takes one of the modes ${modes.join(", ")}` };
  });

const STAF_INTERFACES: ReadonlyMap<string, Interface<StafHandlers & StafActs>> = new Map<
  string,
  Interface<StafHandlers & StafActs>
>([
  [STAF.name, {
    methods: new Map<string, Method<StafHandlers>>([
      ["list_controllers", LIST],
      ["get_log_pages", {
        takes: TID_SIGNATURES,
        maxBytes: MAX_TID_BYTES,
        gives: "aa{ss}",
        run: (handlers, body) => one(handlers.getLogPages(askedTid(body))),
      }],
      ["get_all_log_pages", {
        takes: ["b"],
        maxBytes: BOOLEAN_BYTES,
        gives: "s",
        run: (handlers, [detailed]) => one(handlers.getAllLogPages(detailed === true)),
      }],
    ]),
    properties: new Map(),
  }],
  [`${STAF.name}.debug`, DEBUG],
  [`${STAF.name}.v1`, {
    methods: new Map<string, Method<StafHandlers & StafActs>>([
      ...V1_METHODS,
      ["pages", { takes: [""], maxBytes: 0, gives: "s", run: (handlers) => one(handlers.pages()) }],
      ["page_index", { takes: [""], maxBytes: 0, gives: "s", run: (handlers) => one(handlers.pageIndex()) }],
      ["page", {
        takes: ["sssssss"],
        maxBytes: MAX_TID_BYTES,
        gives: "s",
        run: (handlers, body) => one(handlers.page(askedTid(body))),
      }],
      ["page_entries", {
        takes: ["sssssss"],
        maxBytes: MAX_TID_BYTES,
        gives: "s",
        run: (handlers, body) => one(handlers.pageEntries(askedTid(body))),
      }],
      ["forget", moded("forget", FORGET_MODES, (handlers, act, mode) => handlers.forget(act, mode))],
    ]),
    properties: new Map(),
  }],
]);

const STAC_ACTS: readonly (readonly [string, Method<StacActs>])[] = [
  [
    "drain",
    actOf("sasts", (handlers, act, [term, mode]) => {
      const termMs = Number(term);
      const how = DRAIN_MODES.find((word) => word === mode);
      if (how === undefined || !(termMs <= LONGEST_TERM)) {
        const message = "drain takes a term of at most ten years, in milliseconds, and one of the modes " +
          DRAIN_MODES.join(", ");
        return { name: BusErrors.invalidArgs, message };
      }
      return one(handlers.drain(act, termMs, how));
    }),
  ],
  ["renew", moded("renew", RENEW_MODES, (handlers, act, mode) => handlers.renew(act, mode))],
  ["undrain", actOf("sas", (handlers, act) => one(handlers.undrain(act)))],
];

const STAC_INTERFACES: ReadonlyMap<string, Interface<StacHandlers & StacActs>> = new Map<
  string,
  Interface<StacHandlers & StacActs>
>([
  [STAC.name, { methods: new Map([["list_controllers", LIST]]), properties: new Map() }],
  [`${STAC.name}.debug`, DEBUG],
  [`${STAC.name}.v1`, {
    methods: new Map<string, Method<StacHandlers & StacActs>>([...V1_METHODS, ...STAC_ACTS]),
    properties: new Map(),
  }],
]);

/** Exports stafd's object on this bus. The name is requested afterwards (DBUS-3). */
export function serveStaf(bus: Bus, handlers: StafHandlers & StafActs): void {
  bus.exportAdmitting(STAF.path, servedObject(STAF_XML, STAF_INTERFACES, handlers));
}

/** Exports stacd's object on this bus. */
export function serveStac(bus: Bus, handlers: StacHandlers & StacActs): void {
  bus.exportAdmitting(STAC.path, servedObject(STAC_XML, STAC_INTERFACES, handlers));
}

/** Sends stafd's or stacd's signals on the current bus; without a bus there are no listeners. */
export function publisher(service: typeof STAF | typeof STAC, bus: () => Bus | undefined): Publisher {
  const { name, path } = service;
  const emit = (iface: string, member: string, args: readonly string[]): void => {
    bus()?.emitSignal({ path, interface: iface, member, signature: "s".repeat(args.length), args });
  };
  return {
    emit: (signal: Signal) => {
      switch (signal.type) {
        case "log-pages-changed":
          emit(name, "log_pages_changed", [...tidTexts(signal.tid), signal.device]);
          break;
        case "dc-removed":
          emit(name, "dc_removed", []);
          break;
        case "event":
          emit(`${name}.v1`, "event", [JSON.stringify(signal.event)]);
          break;
      }
    },
  };
}

function askedTid(body: readonly unknown[]): AskedTid {
  const [transport = "", traddr = "", trsvcid = "", fourth = "", fifth = "", sixth = "", hostNqn] = body.map(
    String,
  );
  const common = { transport, traddr, trsvcid, hostNqn };
  return body.length === 6
    ? { ...common, hostTraddr: fourth, hostIface: fifth, subsysnqn: sixth }
    : { ...common, subsysnqn: fourth, hostTraddr: fifth, hostIface: sixth };
}

/** The one result of a call. A result that is ready is sent at once. */
const one = (value: Later<Value>): Later<readonly Value[]> =>
  value instanceof Promise ? value.then((later) => [later]) : [value];

function bounded(
  value: unknown,
  limit: number,
  run: (text: string) => Later<string>,
): Later<readonly Value[] | BusError> {
  const text = String(value);
  if (text.length <= limit) return one(run(text));
  return tooLong(limit);
}

function tooLong(limit: number): BusError {
  return { name: BusErrors.invalidArgs, message: `the text is longer than ${limit} characters` };
}

/** The most bytes that a text of this many UTF-16 units takes: three for each, its length and its end. */
function textBytes(units: number): number {
  return 4 + 3 * units + 1;
}
