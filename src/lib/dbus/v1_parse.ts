/** Strict parsers of the versioned interfaces' JSON. What is unknown is ignored, what is missing is an error. */
import type { Tid } from "../nvme/tid.ts";
import { JsonReader, type JsonResult } from "./json_reader.ts";
import { subsystem } from "./v1_parse_storage.ts";
import {
  PHASES,
  SCHEMA,
  type V1Change,
  type V1Controller,
  type V1Drain,
  type V1Event,
  type V1Explanation,
  type V1Failure,
  type V1Finding,
  type V1Health,
  type V1Held,
  type V1Latency,
  type V1Plan,
  type V1Source,
  type V1State,
} from "./v1_types.ts";

export const parseState = (text: string): JsonResult<V1State> =>
  JsonReader.read("state", text, (doc) => ({
    ...head(doc),
    version: doc.at("version").text(),
    started: doc.at("started").number(),
    host: {
      nqn: doc.at("host").at("nqn").text(),
      id: doc.at("host").at("id").text(),
      symname: doc.at("host").at("symname").text(),
    },
    config: {
      file: doc.at("config").at("file").text(),
      loadedAt: doc.at("config").at("loadedAt").number(),
      valid: doc.at("config").at("valid").boolean(),
      findings: doc.at("config").at("findings").list(findingOf),
    },
    avahi: doc.maybe("avahi", (avahi) => ({
      available: avahi.at("available").boolean(),
      services: avahi.at("services").number(),
    })) ?? null,
    stafd: doc.maybe("stafd", (stafd) => ({
      present: stafd.at("present").boolean(),
      reportedAt: stafd.maybe("reportedAt", number) ?? null,
      aenToConnect: stafd.maybe("aenToConnect", latency) ?? null,
    })) ?? null,
    controllers: doc.at("controllers").list(controller),
    ...doc.maybe("links", (links) => ({
      links: { lost: links.at("lost").number(), returned: links.at("returned").number() },
    })),
    ...doc.maybe("events", (list) => ({ events: list.list(event) })),
    ...doc.maybe("subsystems", (list) => ({ subsystems: list.list(subsystem) })),
    ...doc.maybe("nativeMultipath", (is) => ({
      nativeMultipath: is.word("on", "off", "absent", "unknown"),
    })),
    ...doc.maybe("drains", (list) => ({ drains: list.list(drain) })),
  }));

export const parsePlan = (text: string): JsonResult<V1Plan> =>
  JsonReader.read("plan", text, (doc) => ({
    ...head(doc),
    valid: doc.at("valid").boolean(),
    findings: doc.at("findings").list(findingOf),
    changes: doc.at("changes").list(change),
    held: doc.at("held").list(held),
    unchanged: doc.at("unchanged").number(),
    unknowns: doc.at("unknowns").list(words),
    ...doc.maybe("notes", (list) => ({ notes: list.list(words) })),
  }));

export const parseExplanation = (text: string): JsonResult<V1Explanation> =>
  JsonReader.read("explanation", text, (doc) => ({
    ...head(doc),
    query: doc.at("query").text(),
    matches: doc.at("matches").list((match) => ({
      tid: tid(match.at("tid")),
      text: match.at("text").text(),
      device: match.at("device").text(),
      phase: match.at("phase").word("gone", ...PHASES),
      headline: match.at("headline").text(),
      chain: match.at("chain").list((step) => ({
        step: step.at("step").word("source", "decision", "attempt", "state", "next", "remedy"),
        at: step.maybe("at", number) ?? null,
        text: step.at("text").text(),
      })),
    })),
  }));

export const parseHealth = (text: string): JsonResult<V1Health> =>
  JsonReader.read("health", text, (doc) => ({
    ...head(doc),
    status: doc.at("status").word("good", "degraded"),
    counts: {
      wanted: doc.at("counts").at("wanted").number(),
      connected: doc.at("counts").at("connected").number(),
      failing: doc.at("counts").at("failing").number(),
      waiting: doc.at("counts").at("waiting").number(),
    },
    problems: doc.at("problems").list((problem) => ({
      id: problem.at("id").text(),
      ...problem.maybe("kind", (kind) => ({ kind: kind.text() })),
      text: problem.at("text").text(),
      remedy: problem.maybe("remedy", words) ?? null,
      ...problem.maybe("subsystem", (nqn) => ({ subsystem: nqn.text() })),
      ...problem.maybe("severity", (is) => ({ severity: is.word("advice") })),
    })),
  }));

export const parseEvent = (text: string): JsonResult<V1Event> => JsonReader.read("event", text, event);

const event = (doc: JsonReader): V1Event => ({
  ...head(doc),
  type: doc.at("type").text(),
  tid: doc.maybe("tid", tid) ?? null,
  text: doc.at("text").text(),
  device: doc.at("device").text(),
  message: doc.at("message").text(),
  ...doc.maybe("evidence", (one) => ({ evidence: one.text() })),
  ...doc.maybe("uid", (one) => ({ uid: one.number() })),
});

export const words = (item: JsonReader): string => item.text();
export const number = (item: JsonReader): number => item.number();

function latency(item: JsonReader): V1Latency {
  return {
    bounds: item.at("bounds").list(number),
    counts: item.at("counts").list(number),
    sum: item.at("sum").number(),
  };
}

export function head(doc: JsonReader): Pick<V1State, "schema" | "daemon" | "at"> {
  doc.at("schema").only(SCHEMA);
  return { schema: SCHEMA, daemon: doc.at("daemon").word("stafd", "stacd"), at: doc.at("at").number() };
}

export function tid(item: JsonReader): Tid {
  return {
    transport: item.at("transport").word("tcp", "rdma", "fc", "loop"),
    traddr: item.at("traddr").text(),
    trsvcid: item.at("trsvcid").text(),
    subsysnqn: item.at("subsysnqn").text(),
    hostTraddr: item.at("hostTraddr").text(),
    hostIface: item.at("hostIface").text(),
    hostNqn: item.at("hostNqn").text(),
  };
}

export function findingOf(item: JsonReader): V1Finding {
  return {
    severity: item.at("severity").word("error", "warning", "notice"),
    file: item.at("file").text(),
    line: item.at("line").number(),
    column: item.at("column").number(),
    message: item.at("message").text(),
  };
}

function change(item: JsonReader): V1Change {
  return {
    action: item.at("action").word("connect", "adopt", "disconnect", "let-go"),
    tid: tid(item.at("tid")),
    text: item.at("text").text(),
    kind: item.at("kind").word("discovery", "io"),
    device: item.at("device").text(),
    at: item.maybe("at", number) ?? null,
    reasons: item.at("reasons").list(words),
    ...(item.maybe("retry", (one) => one.boolean()) === true ? { retry: true } : {}),
  };
}

const held = (item: JsonReader): V1Held => ({
  tid: tid(item.at("tid")),
  text: item.at("text").text(),
  device: item.at("device").text(),
  why: item.at("why").text(),
  reasons: item.at("reasons").list(words),
});

/** A daemon of version 1.0.0 reports only the text. */
function source(item: JsonReader): V1Source {
  const dc = item.maybe("dc", (one) => ({
    tid: tid(one.at("tid")),
    text: one.at("text").text(),
    genctr: one.at("genctr").text(),
    readAt: one.at("readAt").number(),
  }));
  const file = item.maybe("file", words);
  const line = item.maybe("line", number);
  const service = item.maybe("service", words);
  return {
    kind: item.at("kind").word("config", "mdns", "referral", "log-page", "nbft", "cache", "kernel"),
    text: item.at("text").text(),
    ...(dc === undefined ? {} : { dc }),
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(service === undefined ? {} : { service }),
  };
}

function failure(item: JsonReader): V1Failure {
  return {
    phase: item.at("phase").text(),
    kind: item.at("kind").word("transient", "permanent", "gone"),
    errno: item.maybe("errno", words) ?? null,
    status: item.maybe("status", number) ?? null,
    message: item.at("message").text(),
    remedy: item.maybe("remedy", words) ?? null,
    at: item.at("at").number(),
  };
}

function controller(item: JsonReader): V1Controller {
  const optional = (
    name: "lessSafe" | "differs" | "hosts",
  ): Partial<Record<typeof name, readonly string[]>> => {
    const list = item.maybe(name, (one) => one.list(words));
    return list === undefined ? {} : { [name]: list };
  };
  const known = (name: "iface" | "srcAddr" | "anaState"): Partial<Record<typeof name, string>> => {
    const text = item.maybe(name, words);
    return text === undefined ? {} : { [name]: text };
  };
  const lost = item.maybe("lost", (one) => ({
    at: one.at("at").number(),
    retryEvery: one.maybe("retryEvery", number) ?? null,
    givesUpAt: one.maybe("givesUpAt", number) ?? null,
    forever: one.at("forever").boolean(),
  }));
  return {
    tid: tid(item.at("tid")),
    text: item.at("text").text(),
    kind: item.at("kind").word("discovery", "io"),
    device: item.at("device").text(),
    phase: item.at("phase").word(...PHASES),
    since: item.at("since").number(),
    detail: item.at("detail").text(),
    kernelState: item.at("kernelState").text(),
    sources: item.at("sources").list(source),
    attempts: item.at("attempts").number(),
    lastFailure: item.maybe("lastFailure", failure) ?? null,
    nextTry: item.maybe("nextTry", number) ?? null,
    removeAt: item.maybe("removeAt", number) ?? null,
    namespaces: item.at("namespaces").list(words),
    model: item.at("model").text(),
    serial: item.at("serial").text(),
    dctype: item.at("dctype").text(),
    cntlid: item.at("cntlid").text(),
    logPage: item.maybe("logPage", (page) => ({
      genctr: page.at("genctr").text(),
      readAt: page.at("readAt").number(),
      entries: page.at("entries").number(),
    })) ?? null,
    ...optional("lessSafe"),
    ...optional("differs"),
    ...optional("hosts"),
    ...known("iface"),
    ...known("srcAddr"),
    ...known("anaState"),
    ...(lost === undefined ? {} : { lost }),
  };
}

export const drain = (item: JsonReader): V1Drain => ({
  what: item.at("what").text(),
  uid: item.at("uid").number(),
  at: item.at("at").number(),
  until: item.maybe("until", number) ?? null,
  forced: item.at("forced").boolean(),
  controllers: item.at("controllers").number(),
});
