/** Publishes a daemon on the bus: checks what callers send, asks the daemon, answers (spec 50). */
import type { Tid } from "../nvme/tid.ts";
import type { Publisher, Signal } from "../ports.ts";
import {
  type Answer,
  type Bus,
  type BusError,
  BusErrors,
  type CallHandler,
  type IncomingCall,
  type Value,
  Variant,
} from "./bus.ts";
import { INTROSPECTABLE, PEER, PROPERTIES, STAC, STAC_XML, STAF, STAF_XML } from "./interfaces.ts";

export type StringDict = Readonly<Record<string, string>>;

/**
 * A controller as a caller names it (DBUS-23, DBUS-24): texts as sent, not checked. `hostNqn` is undefined when the
 * caller used the older call with six arguments: the host NQN of the system is meant then (DBUS-26).
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

/** An answer that may need a look at the kernel first. */
export type Later<T> = T | Promise<T>;

/** What both daemons answer. Secrets are the daemon's to hide (DBUS-30). JSON texts: spec 50 section 6, v1_types.ts. */
export interface StacHandlers {
  listControllers(detailed: boolean): Later<readonly StringDict[]>;
  processInfo(): Later<string>;
  /** `{}` for a controller that is not there (DBUS-25). */
  controllerInfo(tid: AskedTid): Later<string>;
  tron(): boolean;
  setTron(on: boolean): void;
  /** `DEBUG` or `INFO`. */
  logLevel(): string;
  state(): Later<string>;
  /** `config` is the text of a configuration file to try, empty for the one in force. */
  plan(config: string): Later<string>;
  explain(what: string): Later<string>;
  health(): Later<string>;
}

export interface StafHandlers extends StacHandlers {
  /** Empty for a controller that is not there (DBUS-25). */
  getLogPages(tid: AskedTid): Later<readonly StringDict[]>;
  getAllLogPages(detailed: boolean): Later<string>;
  pages(): Later<string>;
}

/**
 * The longest configuration text that is tried, in UTF-16 units. Reading it takes the daemon's time: 16 K of the worst
 * text 0.13 s, 1 M 6 s, so that only root may ask for more.
 */
const MAX_CONFIG = 16 * 1024;
const MAX_CONFIG_OF_ROOT = 1024 * 1024;
/** The longest question, in UTF-16 units. */
const MAX_QUESTION = 4096;

/** Is the caller root, or the user that the daemon runs as? */
type IsRoot = () => Promise<boolean>;

interface Method<H> {
  /** Accepted signatures of the arguments. */
  readonly takes: readonly string[];
  readonly gives: string;
  readonly run: (handlers: H, body: readonly unknown[], isRoot: IsRoot) => Later<readonly Value[] | BusError>;
}

interface Property<H> {
  readonly signature: string;
  readonly get: (handlers: H) => Value;
  /** Takes a value of the property's signature. Absent: read only. */
  readonly set?: (handlers: H, value: unknown) => void;
}

interface Interface<H> {
  readonly methods: ReadonlyMap<string, Method<H>>;
  readonly properties: ReadonlyMap<string, Property<H>>;
}

const TID_SIGNATURES = ["sssssss", "ssssss"];

const LIST: Method<StacHandlers> = {
  takes: ["b"],
  gives: "aa{ss}",
  run: (handlers, [detailed]) => one(handlers.listControllers(detailed === true)),
};

const DEBUG: Interface<StacHandlers> = {
  methods: new Map<string, Method<StacHandlers>>([
    ["process_info", { takes: [""], gives: "s", run: (handlers) => one(handlers.processInfo()) }],
    ["controller_info", {
      takes: TID_SIGNATURES,
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
  ["state", { takes: [""], gives: "s", run: (handlers) => one(handlers.state()) }],
  ["plan", {
    takes: ["s"],
    gives: "s",
    run: (handlers, [config], isRoot) => {
      const plan = (text: string): Later<string> => handlers.plan(text);
      if (String(config).length <= MAX_CONFIG) return bounded(config, MAX_CONFIG, plan);
      return isRoot().then((root) => bounded(config, root ? MAX_CONFIG_OF_ROOT : MAX_CONFIG, plan));
    },
  }],
  ["explain", {
    takes: ["s"],
    gives: "s",
    run: (handlers, [what]) => bounded(what, MAX_QUESTION, (text) => handlers.explain(text)),
  }],
  ["health", { takes: [""], gives: "s", run: (handlers) => one(handlers.health()) }],
];

const STANDARD: readonly (readonly [string, Interface<unknown>])[] = [PROPERTIES, INTROSPECTABLE, PEER].map(
  (name) => [name, { methods: new Map(), properties: new Map() }],
);

const STAF_INTERFACES: ReadonlyMap<string, Interface<StafHandlers>> = new Map<
  string,
  Interface<StafHandlers>
>([
  ...STANDARD,
  [STAF.name, {
    methods: new Map<string, Method<StafHandlers>>([
      ["list_controllers", LIST],
      ["get_log_pages", {
        takes: TID_SIGNATURES,
        gives: "aa{ss}",
        run: (handlers, body) => one(handlers.getLogPages(askedTid(body))),
      }],
      ["get_all_log_pages", {
        takes: ["b"],
        gives: "s",
        run: (handlers, [detailed]) => one(handlers.getAllLogPages(detailed === true)),
      }],
    ]),
    properties: new Map(),
  }],
  [`${STAF.name}.debug`, DEBUG],
  [`${STAF.name}.v1`, {
    methods: new Map<string, Method<StafHandlers>>([
      ...V1_METHODS,
      ["pages", { takes: [""], gives: "s", run: (handlers) => one(handlers.pages()) }],
    ]),
    properties: new Map(),
  }],
]);

const STAC_INTERFACES: ReadonlyMap<string, Interface<StacHandlers>> = new Map<
  string,
  Interface<StacHandlers>
>([
  ...STANDARD,
  [STAC.name, { methods: new Map([["list_controllers", LIST]]), properties: new Map() }],
  [`${STAC.name}.debug`, DEBUG],
  [`${STAC.name}.v1`, { methods: new Map(V1_METHODS), properties: new Map() }],
]);

/** Exports stafd's object on this bus. The name is requested afterwards (DBUS-3). */
export function serveStaf(bus: Bus, handlers: StafHandlers): void {
  bus.exportObject(STAF.path, objectHandler(bus, STAF_XML, STAF_INTERFACES, handlers));
}

/** Exports stacd's object on this bus. */
export function serveStac(bus: Bus, handlers: StacHandlers): void {
  bus.exportObject(STAC.path, objectHandler(bus, STAC_XML, STAC_INTERFACES, handlers));
}

/** Sends stafd's or stacd's signals on the bus that is there at the time; without a bus nobody listens. */
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

const tidTexts = (tid: Tid): readonly string[] => [
  tid.transport,
  tid.traddr,
  tid.trsvcid,
  tid.subsysnqn,
  tid.hostTraddr,
  tid.hostIface,
  tid.hostNqn,
];

function askedTid(body: readonly unknown[]): AskedTid {
  const [transport = "", traddr = "", trsvcid = "", fourth = "", fifth = "", sixth = "", hostNqn] = body.map(
    String,
  );
  const common = { transport, traddr, trsvcid, hostNqn };
  return body.length === 6
    ? { ...common, hostTraddr: fourth, hostIface: fifth, subsysnqn: sixth }
    : { ...common, subsysnqn: fourth, hostTraddr: fifth, hostIface: sixth };
}

/** The one result of a call. What is there at once is answered at once. */
const one = (value: Later<Value>): Later<readonly Value[]> =>
  value instanceof Promise ? value.then((later) => [later]) : [value];

function bounded(
  value: unknown,
  limit: number,
  run: (text: string) => Later<string>,
): Later<readonly Value[] | BusError> {
  const text = String(value);
  if (text.length <= limit) return one(run(text));
  return { name: BusErrors.invalidArgs, message: `the text is longer than ${limit} characters` };
}

function objectHandler<H>(
  bus: Bus,
  xml: string,
  interfaces: ReadonlyMap<string, Interface<H>>,
  handlers: H,
): CallHandler {
  return (call) => {
    if (call.interface === PROPERTIES || isStandard(call, ["Get", "GetAll", "Set"], interfaces)) {
      return properties(bus, interfaces, handlers, call);
    }
    if (call.interface === INTROSPECTABLE || isStandard(call, ["Introspect"], interfaces)) {
      return call.member === "Introspect" ? only("", call, () => answer("s", [xml])) : unknownMethod(call);
    }
    if (call.interface === PEER || isStandard(call, ["Ping", "GetMachineId"], interfaces)) {
      return peer(call);
    }
    if (call.interface !== "" && !interfaces.has(call.interface)) {
      return fail(BusErrors.unknownInterface, `there is no interface ${call.interface} at ${call.path}`);
    }
    const method = call.interface === ""
      ? findMethod(interfaces, call.member)
      : interfaces.get(call.interface)?.methods.get(call.member);
    if (method === undefined) return unknownMethod(call);
    if (!method.takes.includes(call.signature)) return wrongArguments(call, method.takes[0] ?? "");
    const result = method.run(handlers, call.body, () => isRoot(bus, call.sender));
    return result instanceof Promise
      ? result.then((later) => outcome(method.gives, later))
      : outcome(method.gives, result);
  };
}

const outcome = (signature: string, result: readonly Value[] | BusError): Answer =>
  "name" in result ? { ok: false, error: result } : answer(signature, result);

/** A call without an interface goes to the first interface that has the member (D-Bus specification). */
function findMethod<H>(interfaces: ReadonlyMap<string, Interface<H>>, member: string): Method<H> | undefined {
  for (const { methods } of interfaces.values()) {
    const method = methods.get(member);
    if (method !== undefined) return method;
  }
  return undefined;
}

function isStandard<H>(
  call: IncomingCall,
  members: readonly string[],
  interfaces: ReadonlyMap<string, Interface<H>>,
): boolean {
  return call.interface === "" && members.includes(call.member) &&
    findMethod(interfaces, call.member) === undefined;
}

function peer(call: IncomingCall): Answer {
  if (call.member === "Ping") return only("", call, () => answer("", []));
  if (call.member !== "GetMachineId") return unknownMethod(call);
  return only("", call, () => {
    try {
      return answer("s", [Deno.readTextFileSync("/etc/machine-id").trim()]);
    } catch {
      return fail(BusErrors.failed, "this machine has no readable /etc/machine-id");
    }
  });
}

function properties<H>(
  bus: Bus,
  interfaces: ReadonlyMap<string, Interface<H>>,
  handlers: H,
  call: IncomingCall,
): Answer | Promise<Answer> {
  const wanted = new Map([["Get", "ss"], ["GetAll", "s"], ["Set", "ssv"]]).get(call.member);
  if (wanted === undefined) return unknownMethod(call);
  if (call.signature !== wanted) return wrongArguments(call, wanted);
  const [first, second, value] = call.body;
  const iface = String(first);
  const name = String(second);
  const found = interfaces.get(iface);
  if (found === undefined && iface !== "") {
    return fail(BusErrors.unknownInterface, `there is no interface ${iface} at ${call.path}`);
  }
  // An empty interface name stands for whichever has the property.
  const candidates = found === undefined ? [...interfaces.values()] : [found];
  if (call.member === "GetAll") {
    const all = candidates.flatMap(({ properties }) => [...properties]);
    return answer("a{sv}", [
      Object.fromEntries(all.map(([key, property]) => [key, variant(property, handlers)])),
    ]);
  }
  const property = candidates.flatMap(({ properties }) => properties.get(name) ?? [])[0];
  if (property === undefined) {
    return fail(BusErrors.unknownProperty, `interface ${iface} has no property ${name}`);
  }
  if (call.member === "Get") return answer("v", [variant(property, handlers)]);
  const { set } = property;
  // DBUS-21
  if (set === undefined) return fail(BusErrors.invalidArgs, `the property ${name} cannot be written`);
  if (!(value instanceof Variant) || value.signature !== property.signature) {
    return fail(BusErrors.invalidArgs, `the property ${name} is of type ${property.signature}`);
  }
  return setAsRoot(bus, call.sender, name, () => set(handlers, value.value));
}

/** The bus policy lets only root write (DBUS-51, DBUS-52); this holds also where the policy file is missing. */
async function setAsRoot(bus: Bus, sender: string, name: string, set: () => void): Promise<Answer> {
  if (!await isRoot(bus, sender)) {
    return fail(BusErrors.accessDenied, `only root may write the property ${name}`);
  }
  set();
  return answer("", []);
}

async function isRoot(bus: Bus, sender: string): Promise<boolean> {
  const uid = await bus.uidOf(sender);
  return uid === 0 || (uid !== undefined && uid === Deno.uid());
}

const variant = <H>(property: Property<H>, handlers: H): Variant =>
  new Variant(property.signature, property.get(handlers));

const answer = (signature: string, body: readonly Value[]): Answer => ({ ok: true, signature, body });
const fail = (name: string, message: string): Answer => ({ ok: false, error: { name, message } });

const only = (signature: string, call: IncomingCall, run: () => Answer): Answer =>
  call.signature === signature ? run() : wrongArguments(call, signature);

const wrongArguments = (call: IncomingCall, wanted: string): Answer =>
  fail(BusErrors.invalidArgs, `${call.member} takes (${wanted}), not (${call.signature})`);

const unknownMethod = (call: IncomingCall): Answer =>
  fail(
    BusErrors.unknownMethod,
    call.interface === ""
      ? `there is no method ${call.member} at ${call.path}`
      : `the interface ${call.interface} has no method ${call.member}`,
  );
