/**
 * Every written limit, made ineffective or moved: a test has to notice each. `limit` is a row of docs/threat-model.md, "Limits";
 * the times of nvme-stas(7) are held to the code by `documented_times_test.ts`, so that any other value is noticed there.
 */
import type { NamedFault } from "./named.ts";

export interface LimitFault extends NamedFault {
  readonly limit: string;
}

const core = (file: string): string => `src/lib/core/${file}.ts`;

const fault = (limit: string, name: string, path: string, find: string, replace: string): LimitFault => ({
  limit,
  name: `limit: ${name}`,
  path,
  find,
  replace,
});

const CONTROLLERS = "controllers of one daemon";
const PLACES = "names whose places in tables are remembered; those that are compared one by one";
const ONE_PLACE =
  "entries at one place of a table that are compared one by one; entries of one leaf when there are more";
const SERVICES = "mDNS services";
const SIDES = "controllers of one authority with one address, port and NQN";
const REFERRALS = "referrals of one controller; their depth";
const ONE_PAGE = "one log page";
const ALL_PAGES = "all log pages";
const ANSWERS = "one answer between the daemons; all answers";
const CALLS = "arguments and calls on the bus";
const REST = "rest of mDNS on one interface after a connect of more than a second";

export const LIMIT_FAULTS: readonly LimitFault[] = [
  fault(
    CONTROLLERS,
    "any number of controllers",
    core("fleet/claims"),
    "size < MAX_CTLS)",
    "size < Infinity)",
  ),
  fault(CONTROLLERS, "mDNS keeps half the table", core("fleet/table_room"), "MAX_CTLS / 4", "MAX_CTLS / 2"),
  fault(
    CONTROLLERS,
    "mDNS keeps what it has of the table",
    core("fleet/table_room"),
    "this.#mdns > MDNS_CTLS || ",
    "",
  ),
  fault(
    PLACES,
    "any number of names is remembered",
    "src/lib/base/places.ts",
    "> MAX_REMEMBERED",
    "> Infinity",
  ),
  fault(
    PLACES,
    "any number of remembered names is compared one by one",
    "src/lib/base/places.ts",
    "part.length > MAX_TOGETHER",
    "part.length > Infinity",
  ),
  fault(
    ONE_PLACE,
    "any number of entries is compared one by one",
    "src/lib/base/table.ts",
    "more.length > MAX_BUCKET",
    "more.length > Infinity",
  ),
  fault(
    ONE_PLACE,
    "a leaf of any length",
    "src/lib/base/crowd.ts",
    "more.length > MAX_LEAF",
    "more.length > Infinity",
  ),
  fault(
    ONE_PLACE,
    "leaves that are left with few entries stay",
    "src/lib/base/crowd.ts",
    "<= FEW) return now(at - 1",
    "<= -1) return now(at - 1",
  ),
  fault(
    SERVICES,
    "any number of services",
    core("stafd/mdns_services"),
    "size >= MAX_SERVICES",
    "size >= Infinity",
  ),
  fault(
    SERVICES,
    "no interface gives way",
    core("stafd/mdns_services"),
    "most.length > own + 1",
    "most.length < own + 1",
  ),
  fault(
    SIDES,
    "any number of sides of one target",
    core("fleet/target_sides"),
    "taken >= MAX_SIDES",
    "taken >= Infinity",
  ),
  fault(
    SIDES,
    "what found no room at its target is not tried again",
    core("fleet/target_sides"),
    "length >= MAX_SIDES;",
    "length >= Infinity;",
  ),
  fault(
    REFERRALS,
    "any number of referrals",
    core("stafd/page_intake"),
    "room-- <= 0",
    "room-- <= -Infinity",
  ),
  fault(
    REFERRALS,
    "referrals of any depth",
    core("stafd/stafd_questions"),
    "depth > MAX_REFERRAL_DEPTH",
    "depth > Infinity",
  ),
  fault(
    ONE_PAGE,
    "any number of entries",
    "src/lib/nvme/discovery_log.ts",
    "MAX_ENTRIES = 16_384",
    "MAX_ENTRIES = 1e9",
  ),
  fault(ONE_PAGE, "entries of any length", "src/lib/nvme/discovery_log.ts", "tdlpl > MAX_LOG || ", ""),
  fault(
    ONE_PAGE,
    "the reader keeps entries of any text",
    "src/lib/nvme/page_decoder.ts",
    "this.#text > MAX_PAGE_TEXT",
    "this.#text > Infinity",
  ),
  fault(
    ONE_PAGE,
    "the reader keeps all bytes",
    "src/lib/nvme/page_decoder.ts",
    "this.#begin = this.#isOpen ? Math.min(this.#at, end) : end;",
    "this.#begin = begin;",
  ),
  fault(
    ONE_PAGE,
    "a page of any text",
    core("stafd/page_intake"),
    "bytes > MAX_PAGE_TEXT",
    "bytes > Infinity",
  ),
  fault(
    ALL_PAGES,
    "any number of pages",
    core("stafd/page_intake"),
    "sum <= MAX_PAGES_TEXT",
    "sum <= Infinity",
  ),
  fault(
    ALL_PAGES,
    "mDNS keeps half the room",
    core("stafd/page_budget"),
    "MAX_PAGES_TEXT / 4",
    "MAX_PAGES_TEXT / 2",
  ),
  fault(
    "text of the last state file that is kept for the next one",
    "any length of text is kept",
    core("saved/kept_texts"),
    "<= MAX_KEPT_TEXT",
    "<= Infinity",
  ),
  fault(
    "long log pages read at once",
    "ten long pages at once",
    "src/lib/linux/thread_shares.ts",
    "atOnce: 3",
    "atOnce: 10",
  ),
  fault(
    "long log pages read at once",
    "an hour for a long page",
    "src/lib/linux/thread_shares.ts",
    "time: seconds(60)",
    "time: seconds(3600)",
  ),
  fault(
    "an NQN",
    "an NQN of any length",
    core("stafd/page_budget"),
    "fits(subnqn, MAX_NQN)",
    "fits(subnqn, 1e9)",
  ),
  fault(
    ANSWERS,
    "one answer of any length",
    "src/lib/dbus/stafd_pages.ts",
    "MAX_PAGE_REPLY = 6 * MIB",
    "MAX_PAGE_REPLY = 1e9",
  ),
  fault(
    ANSWERS,
    "answers of any length in all",
    "src/lib/dbus/stafd_pages.ts",
    "listed.bytes > left",
    "listed.bytes > Infinity",
  ),
  fault(
    CALLS,
    "arguments of any length",
    "src/lib/dbus/server.ts",
    "const MAX_QUESTION = 4096",
    "const MAX_QUESTION = 1e9",
  ),
  fault(
    CALLS,
    "long answers count for nothing",
    "src/lib/dbus/call_queue.ts",
    "bytes / this.#limits.bytesOfCall",
    "0 * bytes",
  ),
  fault(
    CALLS,
    "as many calls of one user as of all",
    "src/lib/dbus/call_queue.ts",
    "atOnceOfUser: 6",
    "atOnceOfUser: 8",
  ),
  fault(
    CALLS,
    "any number of waiting calls of one user",
    "src/lib/dbus/call_queue.ts",
    "waitingOfUser: 1024",
    "waitingOfUser: 1e9",
  ),
  fault("probes at once", "any number of probes", core("fleet/fleet"), "MAX_PROBES = 32", "MAX_PROBES = 1e9"),
  fault(
    "turns of probes and connects",
    "mDNS has as many turns as the configuration",
    core("fleet/turns"),
    "WEIGHTS = [8, 4, 1]",
    "WEIGHTS = [8, 4, 8]",
  ),
  fault(
    "turns of a lane before one for a target that could not be tested",
    "what could not be tested waits without end",
    core("fleet/turns"),
    "AHEAD = 8",
    "AHEAD = 1e9",
  ),
  fault(
    REST,
    "a rest as long as the connect",
    core("fleet/kernel_lock"),
    "REST_TIMES = 3",
    "REST_TIMES = 1",
  ),
  fault(
    REST,
    "a rest without end",
    core("fleet/kernel_lock"),
    "Math.min(REST_TIMES * took, CONNECT_REST.longest.ms)",
    "REST_TIMES * took",
  ),
  fault(REST, "nobody rests", core("fleet/kernel_lock"), "took <= LONG_CONNECT.ms", "took <= Infinity"),
  fault(
    "kernel's attempts at addresses that do not answer an NVMe/TCP ICReq",
    "the kernel tries what does not answer each time",
    core("fleet/probing"),
    "KERNEL_EVERY = 4",
    "KERNEL_EVERY = 1",
  ),
  fault(
    "events in the flight recorder; log lines for a report",
    "twice as many events",
    "src/lib/daemon/record/recorder.ts",
    "MAX_EVENTS = 2048",
    "MAX_EVENTS = 4096",
  ),
  fault(
    "reports that are read at once; one piece of a report",
    "ten reports at once",
    "src/lib/daemon/record/reports.ts",
    "MAX_OPEN = 2",
    "MAX_OPEN = 10",
  ),
  fault(
    "drains in force; drains being examined",
    "any number of drains",
    core("stacd/drain_turn"),
    "others >= MAX_DRAINS",
    "others >= Infinity",
  ),
  fault(
    "drains in force; drains being examined",
    "any number of drains being examined",
    core("stacd/drain_turn"),
    "asks.length >= MAX_ASKS",
    "asks.length >= Infinity",
  ),
  fault(
    "controllers of one drain; of one renewal; of one `forget`",
    "an act names any number of controllers",
    core("fleet/acts"),
    "named.length > MAX_NAMED[act]",
    "named.length > Infinity",
  ),
  fault(
    "renewals under way; calls of `forget` without an answer yet",
    "a renewal begins while another is under way",
    core("stacd/renew_turn"),
    "  if (run !== undefined) {\n    return refuse(",
    "  if (false) {\n    return refuse(",
  ),
  fault(
    "renewals under way; calls of `forget` without an answer yet",
    "any number of calls of forget wait",
    core("stafd/forget_turn"),
    "answers.length >= MAX_WAITING",
    "answers.length >= Infinity",
  ),
  fault(
    "connections that renewals ended, and that are not connected again",
    "any number of them is remembered",
    core("stacd/renew_bar"),
    "demands.size >= MAX_DEMANDS",
    "demands.size >= Infinity",
  ),
  fault(
    "log lines that outside parties can cause",
    "twice as many lines",
    core("fleet/log_limit"),
    "LINES_OF_SOURCE = 20",
    "LINES_OF_SOURCE = 40",
  ),
];
