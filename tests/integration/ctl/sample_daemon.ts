/** A daemon on a private bus that answers as the verified samples of requirements 60 show it. */
import assert from "node:assert/strict";
import { Bus } from "../../../src/lib/dbus/bus.ts";
import { STAC, STAF } from "../../../src/lib/dbus/interfaces.ts";
import {
  serveStac,
  serveStaf,
  type StacActs,
  type StafActs,
  type StafHandlers,
} from "../../../src/lib/dbus/server.ts";
import type { V1Controller, V1Health, V1State } from "../../../src/lib/dbus/v1_types.ts";

export const HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:01234567-0123-0123-0123-0123456789ab";
const DISC_NQN = "nqn.2014-08.org.nvmexpress.discovery";
const OPERATION = "{'fail count': 0, 'completed': True, 'alive': True}";

export const DC = {
  transport: "tcp",
  traddr: "127.0.0.1",
  trsvcid: "8009",
  subsysnqn: DISC_NQN,
  "host-traddr": "",
  "host-iface": "",
  "host-nqn": HOST_NQN,
  device: "nvme0",
};
const INFO = {
  ...DC,
  "connect attempts": "0",
  "retry connect timer": "60.0s [off]",
  origin: "configured",
  "get log page operation": OPERATION,
  "register operation": OPERATION,
  "get supported log page operation": OPERATION,
};
const DETAILS = {
  ...INFO,
  hostid: "",
  hostnqn: "",
  model: "",
  serial: "",
  dctype: "",
  cntrltype: "",
  connected: "True",
};
export const ENTRY = {
  trtype: "tcp",
  adrfam: "ipv4",
  traddr: "127.0.0.1",
  trsvcid: "4420",
  subnqn: "nqn.2014-08.org.example:a",
  subtype: "nvme",
  treq: "disable sqflow",
  tsas: "{'sectype': 'none'}",
  portid: "1",
  cntlid: "65535",
  asqsz: "32",
  eflags: "0",
};
const PROCESS = {
  tron: false,
  "log-level": "INFO",
  hostid: "01234567-89ab-cdef-0123-456789abcdef",
  hostnqn: HOST_NQN,
  hostkey: null,
  symname: null,
  "kernel support.TP8013": "True",
  "kernel support.host_iface": "True",
  "last known config file": "/run/stafd/last-known-config.pickle",
  "config soak timer": "1.5s [off]",
  "terminator.audit timer": "30.0s [off]",
  avahi: {
    "avahi wake up timer": "60.0s [off]",
    "service types": ["_nvme-disc._udp", "_nvme-disc._tcp"],
    services: {
      "(lo, IPv6, B.local, _nvme-disc._tcp)": {
        transport: "tcp",
        traddr: "::1",
        trsvcid: "8010",
        "host-iface": "lo",
        subsysnqn: DISC_NQN,
        reachable: "False",
      },
    },
  },
};

export const NOW = 1_700_000_000_000;

export function v1Controller(over: Partial<V1Controller> = {}): V1Controller {
  return {
    tid: {
      transport: "tcp",
      traddr: "127.0.0.1",
      trsvcid: "8009",
      subsysnqn: DISC_NQN,
      hostTraddr: "",
      hostIface: "",
      hostNqn: HOST_NQN,
    },
    text: `(tcp, 127.0.0.1, 8009, ${DISC_NQN})`,
    kind: "discovery",
    device: "nvme0",
    phase: "connected",
    since: NOW - 90_000,
    detail: "",
    kernelState: "live",
    sources: [{ kind: "config", text: "/etc/stas/stafd.conf:12" }],
    attempts: 0,
    lastFailure: null,
    nextTry: null,
    removeAt: null,
    namespaces: [],
    model: "",
    serial: "",
    dctype: "ddc",
    cntlid: "1",
    logPage: { genctr: "5", readAt: NOW - 80_000, entries: 1 },
    ...over,
  };
}

export function v1State(over: Partial<V1State> = {}): V1State {
  return {
    schema: 1,
    daemon: "stafd",
    version: "0.1.0",
    at: NOW,
    started: NOW - 100_000,
    host: { nqn: HOST_NQN, id: "01234567-0123-0123-0123-0123456789ab", symname: "" },
    config: { file: "/etc/stas/stafd.conf", loadedAt: NOW - 100_000, valid: true, findings: [] },
    avahi: { available: true, services: 1 },
    stafd: null,
    controllers: [v1Controller()],
    ...over,
  };
}

export function v1Health(over: Partial<V1Health> = {}): V1Health {
  return {
    schema: 1,
    daemon: "stafd",
    at: NOW,
    status: "good",
    counts: { wanted: 1, connected: 1, failing: 0, waiting: 0 },
    problems: [],
    ...over,
  };
}

/** Answers of the samples, where a test does not say otherwise. */
export function sampleHandlers(
  over: Partial<StafHandlers & StafActs & StacActs> = {},
): StafHandlers & StafActs & StacActs {
  let tron = false;
  return {
    listControllers: (detailed) => [detailed ? DETAILS : DC],
    getLogPages: (tid) => tid.traddr === DC.traddr && tid.hostNqn === HOST_NQN ? [ENTRY] : [],
    getAllLogPages: (detailed) =>
      JSON.stringify([{ "discovery-controller": detailed ? DETAILS : DC, "log-pages": [ENTRY] }]),
    processInfo: () => JSON.stringify({ ...PROCESS, tron }),
    controllerInfo: (tid) => JSON.stringify(tid.traddr === DC.traddr ? INFO : {}),
    tron: () => tron,
    setTron: (on) => {
      tron = on;
    },
    logLevel: () => tron ? "DEBUG" : "INFO",
    reportBegin: () => Promise.resolve("{}"),
    reportPiece: () => "",
    state: () => JSON.stringify(v1State()),
    plan: () => "{}",
    explain: () => "{}",
    health: () => JSON.stringify(v1Health()),
    pages: () => "{}",
    pageIndex: () => "{}",
    page: () => "{}",
    pageEntries: () => "{}",
    drain: () => "{}",
    undrain: () => "{}",
    forget: () => "{}",
    renew: () => "{}",
    ...over,
  };
}

/** Serves both daemons' names. */
export async function sampleDaemon(
  address: string,
  over: Partial<StafHandlers & StafActs & StacActs> = {},
): Promise<Bus> {
  const result = await Bus.connect(address);
  assert.ok(result.ok);
  const handlers = sampleHandlers(over);
  serveStaf(result.bus, handlers);
  serveStac(result.bus, handlers);
  assert.ok((await result.bus.requestName(STAF.name)).ok);
  assert.ok((await result.bus.requestName(STAC.name)).ok);
  return result.bus;
}
