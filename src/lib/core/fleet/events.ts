/** The events that both daemons handle alike. An event touches the controllers that it affects. */
import type { Event, Op } from "../effects.ts";
import {
  changeFleet,
  distrustKernel,
  type Draft,
  markDirty,
  put,
  remindAt,
  setFleet,
  startScan,
  touch,
  touchAll,
  trySoon,
} from "./draft.ts";
import type { DaemonConf } from "../../config/daemon_conf.ts";
import { onTrial } from "../planning/refusal.ts";
import { placeSaved } from "./queues.ts";
import { endLogPeriod, happened, logLine } from "./reporting.ts";
import { deviceRemoved, deviceSeen, networkChanged, noteHeard, scanned } from "./device_news.ts";
import { connected, disconnected, kernelFree, probed, useSeen } from "./outcomes.ts";
import { linksSeen, lookAtLinks } from "../controller/links.ts";
import { allCtls } from "./questions.ts";
import { fleetAfterClockSet } from "../saved/clock_set.ts";
import { due } from "./agenda.ts";
import type { Outcome } from "../../base/failure.ts";
import { after } from "../../base/time.ts";
import { SAVE_RETRY } from "../retry.ts";
import { loadLines } from "../sources/lines.ts";
import { type Reminder, reminderOf } from "./reminders.ts";

interface ConfRead {
  readonly conf: DaemonConf;
  readonly reload: boolean;
}

/**
 * A configuration was loaded. A changed file is a decision of the administrator. False: the previous one stays in
 * force (S10).
 */
export function loadedConf(draft: Draft, { conf, reload }: ConfRead): boolean {
  if (reload && conf.unreadSecurity.length > 0) return false;
  const before = reload ? draft.state.conf : undefined;
  const patternsOnTrial = onTrial(draft.state.fleet.patternsOnTrial, conf, before !== undefined);
  const isGrown = draft.state.fleet.patternsOnTrial === undefined ||
    draft.state.fleet.patternsOnTrial.size !== patternsOnTrial.size;
  const isChanged = before !== undefined && before.digest !== conf.digest;
  const isAllowed = draft.state.fleet.families === undefined || isChanged;
  const families = isAllowed ? conf.ipFamilies.value : draft.state.fleet.families;
  changeFleet(draft, { families, patternsOnTrial });
  if (isAllowed || isGrown) markDirty(draft);
  if (before !== undefined) {
    const how = isChanged ? "changed" : "unchanged";
    happened(draft, "notice", "reload", `The configuration was loaded again: ${conf.file} is ${how}`);
  }
  return true;
}

/** The host's identity was read. True: its NQN is new, and the lines that have none of their own take it. */
export function hostRead(draft: Draft, event: Extract<Event, { readonly type: "host" }>): boolean {
  const isNew = draft.state.fleet.host?.nqn !== event.host.nqn;
  takeCommon(draft, event);
  if (isNew && draft.state.conf !== undefined) loadLines(draft, draft.state.conf);
  return isNew;
}

/** Takes one event. */
export function takeCommon(draft: Draft, event: Event): void {
  switch (event.type) {
    case "tick":
      return tick(draft);
    case "clock-set":
      return clockSet(draft, event.ms);
    case "scanned":
      return scanned(draft, event.op, event.outcome);
    case "reached":
      return probed(draft, event.op, event.key, event.outcome);
    case "kernel-free":
      return kernelFree(draft, event.op);
    case "connected":
      return connected(draft, event.op, event.key, event.outcome);
    case "disconnected":
      return disconnected(draft, event.op, event.key, event.outcome);
    case "use-seen":
      return useSeen(draft, event.op, event.key, event.outcome);
    case "states":
      return linksSeen(draft, event.states);
    case "saved":
      return saved(draft, event.op, event.outcome);
    case "device":
      noteHeard(draft, event.ctrl.device, event.ctrl.incarnation, true);
      return deviceSeen(draft, event);
    case "removed":
      // Events follow about the device that has this number now; a scan under way may tell of it before.
      noteHeard(draft, event.device, event.now);
      return deviceRemoved(draft, event.device, event.now);
    case "overflow":
      logLine(draft, "warning", "Kernel events were lost; looking at all controllers again");
      return distrustKernel(draft);
    case "network":
      networkChanged(draft, event.interfaces);
      for (const ctl of allCtls(draft)) trySoon(draft, ctl.key, true);
      // Now connections may be recognised that were not before, or as others.
      return touchAll(draft);
    case "transports": {
      const known = draft.state.fleet.transports;
      const isSame = known?.size === event.transports.size &&
        [...known].every((one) => event.transports.has(one));
      changeFleet(draft, { transports: event.transports });
      return isSame ? undefined : touchAll(draft);
    }
    case "tls-host":
      changeFleet(draft, { tls: event.tls });
      return;
    case "exclusions":
      if (event.exclusions.length === 0 && draft.state.fleet.exclusions?.length === 0) return;
      changeFleet(draft, { exclusions: event.exclusions });
      return touchAll(draft);
    case "host":
      changeFleet(draft, { host: event.host });
      return;
    case "nbft":
      changeFleet(draft, { nbft: event.targets });
      return touchAll(draft);
    case "stop":
      changeFleet(draft, { stopping: true });
      return touchAll(draft);
    case "aen":
    case "resolved":
      return;
  }
}

function clockSet(draft: Draft, ms: number): void {
  const seconds = `${Math.round(Math.abs(ms) / 100) / 10} s`;
  logLine(draft, "info", `The clock was set ${ms < 0 ? "back" : "forward"} by ${seconds}`);
  setFleet(draft, fleetAfterClockSet(draft.state.fleet, ms));
  // The state file has times, too.
  markDirty(draft);
}

function tick(draft: Draft): void {
  const { keys, rest } = due(draft.state.fleet.agenda, draft.now);
  changeFleet(draft, { agenda: rest });
  for (const text of keys) takeReminder(draft, reminderOf(text));
}

function takeReminder(draft: Draft, reminder: Reminder): void {
  switch (reminder.of) {
    case "controller":
      return touch(draft, reminder.key);
    case "scan":
      return startScan(draft);
    case "links":
      return lookAtLinks(draft);
    case "save":
      return saveNow(draft);
    case "told":
      return endLogPeriod(draft, reminder.key);
    case "rest":
      // Each step gives the free slots to those that wait.
      return;
    default:
      return draft.rules.reminded(draft, reminder);
  }
}

function saveNow(draft: Draft): void {
  const { saves } = draft.state.fleet;
  changeFleet(draft, { saves: { ...saves, due: saves.wanted, failed: false } });
}

function saved(draft: Draft, op: Op, outcome: Outcome<void>): void {
  const { saves } = draft.state.fleet;
  if (saves.running?.op !== op) return;
  const next = { ...saves, running: undefined, done: saves.running.upTo };
  if (outcome.ok) {
    changeFleet(draft, { saves: next });
    return placeSaved(draft);
  }
  // Without a state file the daemon still works; it only knows less after a crash. The file stays due for
  // saving.
  logLine(draft, "error", outcome.failure.message);
  const wanted = next.wanted + 1;
  changeFleet(draft, { saves: { ...next, wanted, due: wanted, failed: true } });
  placeSaved(draft);
  remindAt(draft, after(draft.now, SAVE_RETRY), { of: "save" });
}

/** For a reload: every waiting controller gets an attempt now. */
export function retryAll(draft: Draft): void {
  for (const ctl of allCtls(draft)) {
    if (ctl.link.phase === "waiting" || ctl.link.phase === "idle") put(draft, { ...ctl, tryOnce: true });
    trySoon(draft, ctl.key, false);
    touch(draft, ctl.key);
  }
}
