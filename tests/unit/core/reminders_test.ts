import assert from "node:assert/strict";
import { takeCommon } from "../../../src/lib/core/fleet/events.ts";
import {
  type Reminder,
  reminderOf,
  remindersOf,
  reminderText,
} from "../../../src/lib/core/fleet/reminders.ts";
import { remindAt } from "../../../src/lib/core/fleet/draft.ts";
import { stacdDraft } from "../../../src/lib/core/stacd/stacd_rules.ts";
import { emptyStacd } from "../../../src/lib/core/stacd/stacd_state.ts";
import { stafdDraft } from "../../../src/lib/core/stafd/stafd_rules.ts";
import { emptyStafd } from "../../../src/lib/core/stafd/stafd_state.ts";
import { tidKey } from "../../../src/lib/nvme/tid.ts";
import { TID } from "./tid.ts";

const key = tidKey(TID);
const COMMON: readonly Reminder[] = [
  { of: "controller", key },
  { of: "scan" },
  { of: "links" },
  { of: "save" },
  { of: "rest" },
  { of: "told", key: "mDNS on eth0: a source" },
  { of: "resolve", key: "line:tcp:storage.example" },
];
const OF_STAFD: readonly Reminder[] = [
  { of: "avahi" },
  { of: "sync", key },
  { of: "retry", key },
  { of: "generation", key },
  { of: "lost", key },
];
const OF_STACD: readonly Reminder[] = [{ of: "audit" }, { of: "fetch" }, { of: "drain" }, {
  of: "renew",
}];

Deno.test("a reminder comes back from the agenda as it went in", () => {
  for (const reminder of [...COMMON, ...OF_STAFD, ...OF_STACD]) {
    assert.deepEqual(reminderOf(reminderText(reminder)), reminder);
  }
});

Deno.test("all reminders of a controller go with it", () => {
  const ofIt = [...COMMON, ...OF_STAFD].filter((one) => "key" in one && one.key === key);
  assert.deepEqual(remindersOf(key).toSorted(), ofIt.map(reminderText).toSorted());
});

Deno.test("a reminder that nobody knows is a bug, and it is loud", () => {
  for (const text of ["#sleep", "#scan:", "#sync", "#", "#:", "#constructor", "#toString:x"]) {
    assert.throws(() => reminderOf(text), /a reminder of nothing known/, text);
  }
});

Deno.test("each daemon takes its own reminders, and refuses those of the other one", () => {
  const now = { mono: 10, wall: 10 };
  const drafts = [
    [() => stafdDraft(emptyStafd, now), OF_STAFD, OF_STACD],
    [() => stacdDraft(emptyStacd, now), OF_STACD, OF_STAFD],
  ] as const;
  for (const [begin, own, others] of drafts) {
    const take = (reminder: Reminder): void => {
      const draft = begin();
      remindAt(draft, { mono: 5 }, reminder);
      takeCommon(draft, { type: "tick" });
    };
    for (const reminder of [...COMMON, ...own]) take(reminder);
    for (const reminder of others) assert.throws(() => take(reminder), /has no reminder of/, reminder.of);
  }
});
