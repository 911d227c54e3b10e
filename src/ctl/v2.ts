/**
 * Converts the daemons' answers of schema 1 into parts of schema 2. A member that is added to schema 1 is a
 * type error here until schema 2 has it, too.
 */
import type { Dict } from "../lib/dbus/client.ts";
import type {
  V1Change,
  V1Controller,
  V1Drain,
  V1Event,
  V1Explanation,
  V1Failure,
  V1Health,
  V1Held,
  V1Namespace,
  V1Source,
  V1State,
  V1Step,
  V1Subsystem,
} from "../lib/dbus/v1_types.ts";
import { tsasFields } from "../lib/nvme/entry_text.ts";
import { isTransport, type Tid } from "../lib/nvme/tid.ts";
import type { V1PlanEffects } from "./v1_outputs.ts";
import type { V2Drain } from "./v2_acts.ts";
import type {
  V2Change,
  V2Controller,
  V2Entry,
  V2Event,
  V2Explanation,
  V2Failure,
  V2Head,
  V2Health,
  V2Held,
  V2Link,
  V2Namespace,
  V2PageOfDc,
  V2Plan,
  V2Problem,
  V2Source,
  V2Status,
  V2Storage,
  V2Tid,
} from "./v2_types.ts";

/** Checks that no member of an object was forgotten. */
const whole = (_: Readonly<Record<PropertyKey, never>>): void => {};

export const head2 = (daemon: V2Head["daemon"], at: number): V2Head => ({ schema: 2, daemon, at });

export function tid2({ transport, traddr, trsvcid, subsysnqn, hostTraddr, hostIface, hostNqn }: Tid): V2Tid {
  return {
    transport,
    traddr,
    trsvcid,
    subsysnqn,
    host_traddr: hostTraddr,
    host_iface: hostIface,
    host_nqn: hostNqn,
  };
}

function source2({ kind, text, dc, file, line, service, ...rest }: V1Source): V2Source {
  whole(rest);
  return {
    kind,
    text,
    dc: dc === undefined ? null : { tid: tid2(dc.tid), text: dc.text, genctr: dc.genctr, read_at: dc.readAt },
    file: file ?? null,
    line: line ?? null,
    service: service ?? null,
  };
}

function failure2({ phase, kind, errno, status, message, remedy, at, ...rest }: V1Failure): V2Failure {
  whole(rest);
  return { step: phase, kind, errno, status, message, remedy, at };
}

export function controller2(controller: V1Controller): V2Controller {
  const { tid, text, kind, device, phase, since, detail, kernelState, sources, attempts, ...more } =
    controller;
  const { lastFailure, nextTry, removeAt, namespaces, model, serial, dctype, cntlid, logPage, ...extra } =
    more;
  const { lessSafe, differs, hosts, lost, iface, srcAddr, anaState, ...rest } = extra;
  whole(rest);
  return {
    tid: tid2(tid),
    text,
    kind,
    device,
    state: phase,
    since,
    detail,
    kernel_state: kernelState,
    sources: sources.map(source2),
    attempts,
    last_failure: lastFailure === null ? null : failure2(lastFailure),
    next_try: nextTry,
    remove_at: removeAt,
    namespaces,
    model,
    serial,
    dctype,
    cntlid,
    log_page: logPage === null
      ? null
      : { genctr: logPage.genctr, read_at: logPage.readAt, entries: logPage.entries },
    less_safe: lessSafe ?? [],
    differs: differs ?? [],
    hosts: hosts ?? [],
    lost: lost === undefined
      ? null
      : { at: lost.at, retry_every: lost.retryEvery, gives_up_at: lost.givesUpAt, forever: lost.forever },
    iface: iface ?? "",
    src_addr: srcAddr ?? "",
    ana_states: anaState === undefined ? [] : anaState.split(", "),
  };
}

export function storage2(subsystem: V1Subsystem): V2Storage {
  const { nqn, device, model, ioPolicy, wanted, live, counters = {}, namespaces, ...rest } = subsystem;
  whole(rest);
  return {
    subsysnqn: nqn,
    device,
    model,
    io_policy: ioPolicy,
    wanted,
    live,
    counters,
    namespaces: namespaces.map(namespace2),
  };
}

function namespace2(namespace: V1Namespace): V2Namespace {
  const { device, shared, holders, unknown, paths, counters = {}, ...rest } = namespace;
  whole(rest);
  return {
    device,
    shared,
    holders,
    unknown,
    paths: paths.map(({ state, anaState, counters: own = {}, ...path }) => ({
      device: path.device,
      path: path.path,
      kernel_state: state,
      ana_state: anaState,
      counters: own,
    })),
    counters,
  };
}

function problem2(problem: V1Health["problems"][number]): V2Problem {
  const { id, kind, text, remedy, subsystem, severity, ...rest } = problem;
  whole(rest);
  return {
    id,
    kind: kind ?? id,
    text,
    remedy,
    subsysnqn: subsystem ?? null,
    severity: severity ?? "problem",
  };
}

export function health2({ daemon, at, status, counts, problems }: V1Health, line: string): V2Health {
  return {
    ...head2(daemon, at),
    output: "health",
    status,
    line,
    counts,
    problems: problems.map(problem2),
  };
}

export function status2(state: V1State, health: V1Health): V2Status {
  const {
    schema: _,
    daemon,
    at,
    version,
    started,
    host,
    config,
    avahi,
    stafd,
    controllers,
    links,
    events,
    ...more
  } = state;
  const { subsystems, nativeMultipath, drains = [], ...rest } = more;
  whole(rest);
  const { file, loadedAt, valid, findings } = config;
  return {
    ...head2(daemon, at),
    output: "status",
    version,
    started,
    host,
    config: { file, loaded_at: loadedAt, valid, findings },
    avahi,
    stafd: stafd === null
      ? null
      : { present: stafd.present, reported_at: stafd.reportedAt, aen_to_connect: stafd.aenToConnect },
    links: links ?? null,
    events: events?.map(event2) ?? null,
    health: { status: health.status, counts: health.counts, problems: health.problems.map(problem2) },
    controllers: controllers.map(controller2),
    subsystems: subsystems?.map(storage2) ?? null,
    native_multipath: nativeMultipath ?? "unknown",
    drains: drains.map(drain2),
  };
}

export const drain2 = ({ what, uid, at, until, forced, controllers, ...rest }: V1Drain): V2Drain => {
  whole(rest);
  return { what, uid, begun_at: at, until, forced, controllers };
};

const LINKS: Readonly<Record<V1Step["step"], V2Link["kind"]>> = {
  source: "source",
  decision: "decision",
  // The history contains attempts among other events.
  attempt: "event",
  state: "state",
  next: "next",
  remedy: "remedy",
};

export function explanation2({ daemon, at, query, matches }: V1Explanation): V2Explanation {
  return {
    ...head2(daemon, at),
    output: "explain",
    query,
    matches: matches.map(({ tid, text, device, phase, headline, chain, ...rest }) => {
      whole(rest);
      return {
        tid: tid2(tid),
        text,
        device,
        state: phase,
        headline,
        chain: chain.map(({ step, at: when, text: words }) => ({ kind: LINKS[step], at: when, text: words })),
      };
    }),
  };
}

export function change2(change: V1Change): V2Change {
  const { action, tid, text, kind, device, at, reasons, retry, ...rest } = change;
  whole(rest);
  return { action, tid: tid2(tid), text, kind, device, at, reasons, retry: retry === true };
}

function held2({ tid, text, device, why, reasons, ...rest }: V1Held): V2Held {
  whole(rest);
  return { tid: tid2(tid), text, device, why, reasons };
}

export function plan2(plan: V1PlanEffects): V2Plan {
  const { schema: _, daemon, at, valid, findings, changes, held, unchanged, unknowns, ...more } = plan;
  const { notes = [], effects, ...rest } = more;
  whole(rest);
  return {
    ...head2(daemon, at),
    output: "plan",
    valid,
    findings,
    changes: changes.map(change2),
    held: held.map(held2),
    unchanged,
    unknowns,
    notes,
    effects: effects === undefined ? null : {
      paths: effects.paths.map(({ device, nqn, text }) => ({ device, subsysnqn: nqn, text })),
      last_paths: effects.lastPaths,
      in_use: effects.inUse,
      policy: effects.policy,
    },
  };
}

export function event2(event: V1Event): V2Event {
  const { schema: _, daemon, at, type, tid, text, device, message, evidence = null, uid = null, ...rest } =
    event;
  whole(rest);
  return {
    ...head2(daemon, at),
    output: "event",
    type,
    tid: tid === null ? null : tid2(tid),
    text,
    device,
    message,
    evidence,
    uid,
  };
}

/** An entry of the original's dictionaries, whose numbers are texts. */
export function entry2(entry: Dict): V2Entry {
  const text = (key: string): string => entry[key] ?? "";
  const number = (key: string): number => {
    const value = Number(text(key));
    return Number.isSafeInteger(value) ? value : 0;
  };
  return {
    transport: text("trtype"),
    adrfam: text("adrfam"),
    traddr: text("traddr"),
    trsvcid: text("trsvcid"),
    subsysnqn: text("subnqn"),
    subtype: text("subtype"),
    treq: text("treq"),
    tsas: tsasFields(text("tsas")) ?? null,
    portid: number("portid"),
    cntlid: number("cntlid"),
    asqsz: number("asqsz"),
    eflags: number("eflags"),
  };
}

/** The discovery controller of a dictionary; undefined when its transport is none of ours. */
function dictTid2(dict: Dict): V2Tid | undefined {
  const transport = dict["transport"] ?? "";
  if (!isTransport(transport)) return undefined;
  const text = (key: string): string => dict[key] ?? "";
  return {
    transport,
    traddr: text("traddr"),
    trsvcid: text("trsvcid"),
    subsysnqn: text("subsysnqn"),
    host_traddr: text("host-traddr"),
    host_iface: text("host-iface"),
    host_nqn: text("host-nqn"),
  };
}

/** Pages as get_all_log_pages has them. */
export function pages2(
  pages: readonly { readonly dc: Dict; readonly entries: readonly Dict[] }[],
): readonly V2PageOfDc[] {
  return pages.flatMap(({ dc, entries }) => {
    const tid = dictTid2(dc);
    return tid === undefined ? [] : [{ tid, device: dc["device"] ?? "", entries: entries.map(entry2) }];
  });
}
