/** `<what>`: the forms in which a person, or a tool, may name controllers. One matcher for all commands and both sides of the bus. */
import { canonicalFc, canonicalIp, scopeOf } from "./address.ts";
import { impliedIface, isTransport, type Tid, tidText, type Transport } from "./tid.ts";

/** The names of a controller. */
export interface Nameable {
  readonly tid: Tid;
  readonly text: string;
  readonly device: string;
  /** Block devices: `nvme0n1`. */
  readonly namespaces: readonly string[];
  /** Host names that stand for its address in `controller=` lines. */
  readonly hosts: readonly string[];
}

/**
 * `certain`: it is the one named. `possible`: one of its texts contains the question, which counts if no controller
 * is certain.
 */
export type Fit = "certain" | "possible" | "no";

export type Matcher = (one: Nameable) => Fit;

const CONTROLLER = /^nvme\d+$/;
/** A namespace or a partition of it. */
const BLOCK = /^(nvme\d+n\d+)(?:p\d+)?$/;
/** One path of a namespace with several; the number after `c` is that of the controller. */
const PATH = /^nvme\d+c(\d+)n\d+$/;

/** Parses the question once. An empty question matches everything. */
export function matcherOf(what: string): Matcher {
  const wanted = what.trim();
  if (wanted === "") return () => "certain";
  const name = wanted.startsWith("/dev/") ? wanted.slice("/dev/".length) : wanted;
  const path = PATH.exec(name);
  if (path !== null) return certainly(({ device }) => device === `nvme${path[1]}`);
  if (CONTROLLER.test(name)) return certainly(({ device }) => device === name);
  const block = BLOCK.exec(name)?.[1];
  if (block !== undefined) return certainly(({ namespaces }) => namespaces.includes(block));
  const id = parseTuple(wanted);
  if (id !== undefined) return certainly((one) => isText(one, wanted) || fitsTuple(one.tid, id));
  const place = parsePlace(wanted);
  const part = (one: Nameable): Fit => one.text.includes(wanted) || isText(one, wanted) ? "possible" : "no";
  if (place !== undefined) {
    const isLiteral = canonicalOf(place.address) !== undefined;
    return (one) => fitsPlace(one, place) ? "certain" : isLiteral ? "no" : part(one);
  }
  return (one) => one.tid.subsysnqn === wanted || isText(one, wanted) ? "certain" : part(one);
}

/** The matches: the certain ones, or, if there are none, the possible ones. */
export function named<T>(matcher: Matcher, all: Iterable<T>, nameable: (one: T) => Nameable): readonly T[] {
  const certain: T[] = [];
  const possible: T[] = [];
  for (const one of all) {
    const fit = matcher(nameable(one));
    if (fit === "certain") certain.push(one);
    else if (fit === "possible") possible.push(one);
  }
  return certain.length > 0 ? certain : possible;
}

const certainly = (fits: (one: Nameable) => boolean): Matcher => (one) => fits(one) ? "certain" : "no";

const isText = ({ text, tid }: Nameable, wanted: string): boolean =>
  text === wanted || tidText(tid) === wanted;

interface Place {
  readonly transport: Transport | undefined;
  readonly address: string;
  readonly trsvcid: string | undefined;
}

/** `10.0.0.1`, `10.0.0.1:4420`, `[fd00::1]:4420`, `storage.example:4420`, `nn-0x..:pn-0x..`, each with or without `tcp `. */
function parsePlace(text: string): Place | undefined {
  const [, word = "", afterWord = ""] = /^(\w+)\s+(\S.*)$/.exec(text) ?? [];
  const transport = isTransport(word) ? word : undefined;
  const place = transport === undefined ? text : afterWord;
  if (canonicalOf(place) !== undefined) return { transport, address: place, trsvcid: undefined };
  const bracketed = /^\[([^[\]]*)\](?:[:\s]\s*(\d{1,5}))?$/.exec(place);
  const found = bracketed ?? /^([^\s:[\]()]+)(?:[:\s]\s*(\d{1,5}))?$/.exec(place) ??
    /^([^\s[\]()]+)\s+(\d{1,5})$/.exec(place);
  const address = found?.[1];
  if (address === undefined || address.startsWith("nqn.")) return undefined;
  return { transport, address, trsvcid: found?.[2] };
}

const canonicalOf = (address: string): string | undefined =>
  canonicalIp(address) ??
    (/^nn-0x[\da-f]+[:,]pn-0x[\da-f]+$/i.test(address) ? canonicalFc(address) : undefined);

function fitsPlace({ tid, hosts }: Nameable, { transport, address, trsvcid }: Place): boolean {
  if (transport !== undefined && tid.transport !== transport) return false;
  if (trsvcid !== undefined && tid.trsvcid !== trsvcid) return false;
  return isAddress(tid, address) || hosts.some((host) => host.toLowerCase() === address.toLowerCase());
}

/** A given scope must match; without a scope, any matches. */
function isAddress(tid: Tid, address: string): boolean {
  const canonical = canonicalOf(address);
  if (canonical === undefined) return tid.traddr.toLowerCase() === address.toLowerCase();
  const scope = scopeOf(address);
  return canonical === canonicalOf(tid.traddr) && (scope === "" || scope === impliedIface(tid));
}

/** The fields of `(tcp, 10.0.0.1, 4420, nqn..., eth0, 1.2.3.4)`, from the first one on. */
function parseTuple(text: string): readonly string[] | undefined {
  const inside = /^\(([^()]*)\)?$/.exec(text)?.[1];
  const fields = inside?.split(",").map((field) => field.trim());
  return fields !== undefined && isTransport(fields[0] ?? "") ? fields : undefined;
}

function fitsTuple(tid: Tid, [transport, address = "", trsvcid, ...more]: readonly string[]): boolean {
  if (tid.transport !== transport || !isAddress(tid, address)) return false;
  if (trsvcid !== undefined && tid.trsvcid !== trsvcid) return false;
  return more.every((field) =>
    field === tid.subsysnqn || field === tid.hostIface ||
    (tid.hostTraddr !== "" &&
      (canonicalOf(field) ?? field) === (canonicalOf(tid.hostTraddr) ?? tid.hostTraddr))
  );
}
