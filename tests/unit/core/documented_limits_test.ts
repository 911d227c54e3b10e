/** The numbers in the threat model's table of limits are those of the code. */
import assert from "node:assert/strict";
import { MAX_LEAF } from "../../../src/lib/base/crowd.ts";
import { MAX_REMEMBERED, MAX_TOGETHER } from "../../../src/lib/base/places.ts";
import { MAX_BUCKET } from "../../../src/lib/base/table.ts";
import {
  MAX_ASKS,
  MAX_DEMANDS,
  MAX_DRAINS,
  MAX_NAMED,
  MAX_WAITING,
} from "../../../src/lib/core/fleet/act_limits.ts";
import { MAX_CTLS, MAX_PROBES } from "../../../src/lib/core/fleet/fleet.ts";
import { MAX_SIDES } from "../../../src/lib/core/fleet/target_sides.ts";
import { LINES_OF_SOURCE, MAX_SOURCES } from "../../../src/lib/core/fleet/log_limit.ts";
import { AHEAD, WEIGHTS } from "../../../src/lib/core/fleet/turns.ts";
import { CONNECT_REST } from "../../../src/lib/core/retry.ts";
import { MAX_KEPT_TEXT } from "../../../src/lib/core/saved/kept_texts.ts";
import { MAX_PAGE_TEXT } from "../../../src/lib/nvme/page_decoder.ts";
import { MAX_PAGES_TEXT } from "../../../src/lib/core/stafd/page_budget.ts";
import { MAX_REFERRALS } from "../../../src/lib/core/stafd/referrals.ts";
import { MAX_REFERRAL_DEPTH, MAX_SERVICES } from "../../../src/lib/core/stafd/stafd_state.ts";
import { CALL_LIMITS } from "../../../src/lib/dbus/call_queue.ts";
import { MAX_LINES } from "../../../src/lib/daemon/record/last_lines.ts";
import { MAX_BYTES, MAX_EVENTS } from "../../../src/lib/daemon/record/recorder.ts";
import { MAX_OPEN, PIECE } from "../../../src/lib/daemon/record/reports.ts";
import { MAX_PAGE_REPLY, MAX_REPORT } from "../../../src/lib/dbus/stafd_pages.ts";
import { LARGE_PAGES } from "../../../src/lib/linux/thread_shares.ts";
import { MAX_ENTRIES, MAX_LOG } from "../../../src/lib/nvme/discovery_log.ts";
import { MAX_NQN } from "../../../src/lib/nvme/host_nqn.ts";

const MIB = 1024 * 1024;
const { waitingOfUser, bytesOfUser, waiting, bytes, atOnceOfUser, atOnce, aTurn, bytesOfCall } = CALL_LIMITS;

/** What the rows of the table say, in their order; words (a quarter, one of four) have tests of their own. */
const LIMITS = new Map<string, readonly number[]>([
  ["controllers of one daemon", [MAX_CTLS]],
  ["names whose places in tables are remembered; those that are compared one by one", [
    MAX_REMEMBERED,
    MAX_TOGETHER,
  ]],
  ["entries at one place of a table that are compared one by one; entries of one leaf when there are more", [
    MAX_BUCKET,
    MAX_LEAF,
  ]],
  ["mDNS services", [MAX_SERVICES]],
  ["controllers of one authority with one address, port and NQN", [MAX_SIDES]],
  ["referrals of one controller; their depth", [MAX_REFERRALS, MAX_REFERRAL_DEPTH]],
  ["one log page", [MAX_ENTRIES, MAX_LOG / MIB, MAX_PAGE_TEXT / MIB]],
  ["all log pages", [MAX_PAGES_TEXT / MIB]],
  ["text of the last state file that is kept for the next one", [MAX_KEPT_TEXT]],
  ["long log pages read at once", [LARGE_PAGES.atOnce, LARGE_PAGES.time.ms / 1000]],
  ["an NQN", [MAX_NQN]],
  ["one answer between the daemons; all answers", [MAX_PAGE_REPLY / MIB, MAX_REPORT / MIB]],
  [
    "arguments and calls on the bus",
    [waitingOfUser, bytesOfUser / MIB, waiting, bytes / MIB, atOnceOfUser, atOnce, aTurn, bytesOfCall / 1024],
  ],
  ["probes at once", [MAX_PROBES]],
  ["turns of probes and connects", [...WEIGHTS]],
  ["turns of a lane before one for a target that could not be tested", [AHEAD]],
  [
    "rest of mDNS on one interface after a connect of more than a second",
    [CONNECT_REST.longest.ms / 60_000],
  ],
  ["kernel's attempts at addresses that do not answer an NVMe/TCP ICReq", []],
  // Two generations, each as long as the limit and one event more.
  ["events in the flight recorder; log lines for a report", [2 * MAX_EVENTS, 4 * MAX_BYTES / MIB, MAX_LINES]],
  ["reports that are read at once; one piece of a report", [MAX_OPEN, PIECE]],
  ["drains in force; drains being examined", [MAX_DRAINS, MAX_ASKS]],
  [
    "controllers of one drain; of one renewal; of one `forget`",
    [MAX_NAMED.drain, MAX_NAMED.renew, MAX_NAMED.forget],
  ],
  ["renewals under way; calls of `forget` without an answer yet", [1, MAX_WAITING]],
  ["connections that renewals ended, and that are not connected again", [MAX_DEMANDS]],
  ["log lines that outside parties can cause", [LINES_OF_SOURCE, MAX_SOURCES]],
]);

Deno.test("the table of limits has the numbers of the code", async () => {
  const text = await Deno.readTextFile(new URL("../../../docs/threat-model.md", import.meta.url));
  const [, section = ""] = text.split("## Limits\n");
  const [table = ""] = section.split("\n## ");
  const rows = table.split("\n").filter((line) => line.startsWith("| ")).slice(2);
  const written = rows.map((row) => {
    const [, what = "", limit = ""] = row.split("|").map((cell) => cell.trim());
    const numbers = limit.match(/\d[\d,]*/g) ?? [];
    return [what, numbers.map((number) => Number(number.replaceAll(",", "")))] as const;
  });
  assert.deepEqual(written, [...LIMITS]);
});
