/**
 * One published object: the calls that it accepts, judged by their headers, and its answers. The standard interfaces
 * are implemented here; a daemon's own come as tables.
 */
import {
  type Admission,
  type Admit,
  type Answer,
  type BusError,
  BusErrors,
  type CallHandler,
  type CallHead,
  isTrusted,
  type Value,
  Variant,
} from "./bus.ts";
import { INTROSPECTABLE, PEER, PROPERTIES } from "./interfaces.ts";

/** An answer that may require a query to the kernel first. */
export type Later<T> = T | Promise<T>;

export interface Method<H> {
  /** Accepted signatures of the arguments. */
  readonly takes: readonly string[];
  /** The longest arguments that are read, in bytes. */
  readonly maxBytes: number;
  /** The reason for refusing longer ones, where the number of bytes does not explain it. */
  readonly tooLong?: (trusted: boolean) => BusError;
  readonly gives: string;
  /** `trusted`: the caller is root, or the user that the daemon runs as. */
  readonly run: (
    handlers: H,
    body: readonly unknown[],
    trusted: boolean,
    uid: number | undefined,
    sender: string,
  ) => Later<readonly Value[] | BusError>;
  /**
   * Other users get an error. The bus policy already denies them such calls; this check holds even where the policy
   * file is missing.
   */
  readonly rootOnly?: true;
}

export interface Property<H> {
  readonly signature: string;
  readonly get: (handlers: H) => Value;
  /** Takes a value of the property's signature. Absent: read only. */
  readonly set?: (handlers: H, value: unknown) => void;
}

export interface Interface<H> {
  readonly methods: ReadonlyMap<string, Method<H>>;
  readonly properties: ReadonlyMap<string, Property<H>>;
}

type Interfaces<H> = ReadonlyMap<string, Interface<H>>;

/** The longest arguments of the standard interfaces, in bytes: two names and a value. */
const MAX_PROPERTY_BYTES = 4096;
const STANDARD: readonly string[] = [PROPERTIES, INTROSPECTABLE, PEER];

export function servedObject<H>(xml: string, interfaces: Interfaces<H>, handlers: H): Admit {
  return (head) => {
    if (head.interface === PROPERTIES || isStandard(head, ["Get", "GetAll", "Set"], interfaces)) {
      return properties(interfaces, handlers, head);
    }
    if (head.interface === INTROSPECTABLE || isStandard(head, ["Introspect"], interfaces)) {
      return head.member === "Introspect" ? plain(head, () => answer("s", [xml])) : unknownMethod(head);
    }
    if (head.interface === PEER || isStandard(head, ["Ping", "GetMachineId"], interfaces)) return peer(head);
    if (head.interface !== "" && !interfaces.has(head.interface)) {
      return unknownInterface(head.interface, head.path);
    }
    const method = head.interface === ""
      ? findMethod(interfaces, head.member)
      : interfaces.get(head.interface)?.methods.get(head.member);
    if (method === undefined) return unknownMethod(head);
    return taken(head, method.takes, method.maxBytes, (call) => {
      const trusted = isTrusted(call.uid);
      if (method.rootOnly === true && !trusted) {
        return fail(BusErrors.accessDenied, `only root may call ${head.member}`);
      }
      const result = method.run(handlers, call.body, trusted, call.uid, call.sender);
      return result instanceof Promise
        ? result.then((later) => outcome(method.gives, later))
        : outcome(method.gives, result);
    }, method.tooLong);
  };
}

/** A call with one of these signatures and no more than `maxBytes` of arguments. */
function taken(
  head: CallHead,
  takes: readonly string[],
  maxBytes: number,
  run: CallHandler,
  tooLong?: (trusted: boolean) => BusError,
): Admission {
  if (!takes.includes(head.signature)) {
    const message = `${head.member} takes (${takes[0] ?? ""}), not (${head.signature})`;
    return fail(BusErrors.invalidArgs, message);
  }
  const message = `${head.member} takes at most ${maxBytes} bytes of arguments, not ${head.bodyBytes}`;
  return {
    ok: true,
    maxBytes,
    tooLong: (uid) => tooLong?.(isTrusted(uid)) ?? { name: BusErrors.invalidArgs, message },
    run,
  };
}

/** A call without arguments. */
const plain = (head: CallHead, run: () => Answer): Admission => taken(head, [""], 0, run);

const outcome = (signature: string, result: readonly Value[] | BusError): Answer =>
  "name" in result ? { ok: false, error: result } : answer(signature, result);

/** A call without an interface goes to the first interface that has the member (D-Bus specification). */
function findMethod<H>(interfaces: Interfaces<H>, member: string): Method<H> | undefined {
  for (const { methods } of interfaces.values()) {
    const method = methods.get(member);
    if (method !== undefined) return method;
  }
  return undefined;
}

function isStandard<H>(head: CallHead, members: readonly string[], interfaces: Interfaces<H>): boolean {
  return head.interface === "" && members.includes(head.member) &&
    findMethod(interfaces, head.member) === undefined;
}

function peer(head: CallHead): Admission {
  if (head.member === "Ping") return plain(head, () => answer("", []));
  if (head.member !== "GetMachineId") return unknownMethod(head);
  return plain(head, () => {
    try {
      return answer("s", [Deno.readTextFileSync("/etc/machine-id").trim()]);
    } catch {
      return fail(BusErrors.failed, "this machine has no readable /etc/machine-id");
    }
  });
}

function properties<H>(interfaces: Interfaces<H>, handlers: H, head: CallHead): Admission {
  const wanted = new Map([["Get", "ss"], ["GetAll", "s"], ["Set", "ssv"]]).get(head.member);
  if (wanted === undefined) return unknownMethod(head);
  return taken(head, [wanted], MAX_PROPERTY_BYTES, ({ body: [first, second, value], uid }) => {
    const iface = String(first);
    const name = String(second);
    const found = interfaces.get(iface);
    if (found === undefined && iface !== "" && !STANDARD.includes(iface)) {
      return unknownInterface(iface, head.path);
    }
    // An empty interface name stands for any interface that has the property.
    const candidates = found !== undefined ? [found] : iface === "" ? [...interfaces.values()] : [];
    if (head.member === "GetAll") {
      const all = candidates.flatMap((candidate) => [...candidate.properties]);
      return answer("a{sv}", [
        Object.fromEntries(all.map(([key, property]) => [key, variant(property, handlers)])),
      ]);
    }
    const property = candidates.flatMap((candidate) => candidate.properties.get(name) ?? [])[0];
    if (property === undefined) {
      return fail(BusErrors.unknownProperty, `interface ${iface} has no property ${name}`);
    }
    return head.member === "Get"
      ? answer("v", [variant(property, handlers)])
      : setProperty(property, handlers, name, value, isTrusted(uid));
  });
}

function setProperty<H>(
  { signature, set }: Property<H>,
  handlers: H,
  name: string,
  value: unknown,
  trusted: boolean,
): Answer {
  // DBUS-21
  if (set === undefined) return fail(BusErrors.invalidArgs, `the property ${name} cannot be written`);
  if (!(value instanceof Variant) || value.signature !== signature) {
    return fail(BusErrors.invalidArgs, `the property ${name} is of type ${signature}`);
  }
  // The bus policy lets only root write (DBUS-51, DBUS-52); this check holds even where the policy file is missing.
  if (!trusted) return fail(BusErrors.accessDenied, `only root may write the property ${name}`);
  set(handlers, value.value);
  return answer("", []);
}

const variant = <H>(property: Property<H>, handlers: H): Variant =>
  new Variant(property.signature, property.get(handlers));

const answer = (signature: string, body: readonly Value[]): Answer => ({ ok: true, signature, body });

const fail = (name: string, message: string): { readonly ok: false; readonly error: BusError } => ({
  ok: false,
  error: { name, message },
});

const unknownInterface = (iface: string, path: string): ReturnType<typeof fail> =>
  fail(BusErrors.unknownInterface, `there is no interface ${iface} at ${path}`);

const unknownMethod = (head: CallHead): ReturnType<typeof fail> =>
  fail(
    BusErrors.unknownMethod,
    head.interface === ""
      ? `there is no method ${head.member} at ${head.path}`
      : `the interface ${head.interface} has no method ${head.member}`,
  );
