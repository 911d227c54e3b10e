/**
 * stafd's session with a connected discovery controller: register the host, ask for the supported log pages,
 * read the log page, and read it again whenever the controller reports a change (requirements 30).
 */
import type { KernelState } from "../../nvme/kernel_state.ts";
import type { StafdEvent } from "../effects.ts";
import type { CommandState, Dc, JobKind } from "./stafd_state.ts";
import { dcAt, putDc, type StafdDraft, type StafdView } from "./stafd_draft.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { deviceAt } from "../fleet/kernel_view.ts";
import { emit, emitFirst, newOp, remindAt, remindBy } from "../fleet/draft.ts";
import type { DeviceRef, KernelEvent } from "../../ports.ts";
import type { Tid } from "../../nvme/tid.ts";
import { allCtls, ctlAt } from "../fleet/questions.ts";
import { logLine, say, sayOf } from "../fleet/reporting.ts";
import type { Failure, Outcome } from "../../base/failure.ts";
import { after, reached } from "../../base/time.ts";
import {
  CONNECTED_ECHO,
  GENERATION_LOOK,
  pause,
  READ_RETRY,
  type RetrySchedule,
  ROOM_RETRY,
  SYNC_COALESCE,
} from "../retry.ts";
import type { DiscoveryLog } from "../../nvme/discovery_entry.ts";
import { retakeReferrals, takePage } from "./page_intake.ts";
import { DISCOVERY_LOG_CHANGED } from "../../nvme/aen.ts";

/** Capability bits of the discovery log in the Supported Log Pages log, and the request bits (Base 2.1). */
const PLEOS = 1 << 17;

const LSP_PLEO = 0x2;

/** Types of discovery controllers that the host is registered with (STAF-50); empty is unknown. */
const REGISTERS: ReadonlySet<string> = new Set(["ddc", "cdc", ""]);

type CommandResult = Extract<
  StafdEvent,
  { readonly type: "registered" | "supported-logs" | "log-read" | "generation" }
>;

const started: CommandState = { failures: 0, completed: false, failure: undefined, retryAt: undefined };

/**
 * Registering and asking for the supported log pages are optional: an answer or a refusal completes each
 * (STAF-52, STAF-54). A healthy Linux target refuses the second command, which must not look like an error.
 */
const answeredOperation: CommandState = { ...started, completed: true };

/** The whole sequence from the start. */
export function sync(draft: StafdDraft, ctl: Ctl, device: KernelCtrl): void {
  // A kernel before 5.18 does not show the type: the kernel port then asks the controller (KRN-45).
  const registers = REGISTERS.has(device.dctype) && ctl.tid.transport === "tcp";
  if (registers) startCommand(draft, ctl, "register");
  else afterRegister(draft, ctl, device);
}

/** The same, now or after the command that is under way. */
export function resync(draft: StafdDraft, ctl: Ctl): void {
  if (ctl.link.phase !== "up") return;
  const dc = dcAt(draft, ctl.key);
  if (dc.job !== undefined) return putDc(draft, ctl.key, { ...dc, then: "sync" });
  const device = deviceAt(draft, ctl.link.ref);
  if (device !== undefined) sync(draft, ctl, device);
}

/** One that was found only to be disconnected got no command; it may be wanted after all. */
export function beginSession(draft: StafdDraft, ctl: Ctl): void {
  const { job, register, supported, readLog } = dcAt(draft, ctl.key);
  const isBegun = [job, register, supported, readLog].some((one) => one !== undefined);
  if (!isBegun) resync(draft, ctl);
}

function afterRegister(draft: StafdDraft, ctl: Ctl, device: KernelCtrl): void {
  const pleo = draft.state.conf?.pleo.value ?? true;
  if (pleo && device.dctype !== "cdc") return startCommand(draft, ctl, "supported-logs");
  putDc(draft, ctl.key, { ...dcAt(draft, ctl.key), lsp: 0 });
  startCommand(draft, ctl, "read-log");
}

function startCommand(draft: StafdDraft, ctl: Ctl, kind: JobKind): void {
  if (ctl.link.phase !== "up") return;
  const dc = dcAt(draft, ctl.key);
  const op = newOp(draft);
  const target: DeviceRef = ctl.link.ref;
  const running = { ...dc, job: { kind, op }, then: dc.then === "sync" ? "nothing" : dc.then } as const;
  const begin = (operation: CommandState | undefined): CommandState => ({
    ...started,
    failures: operation?.failures ?? 0,
    failure: operation?.failure,
  });
  switch (kind) {
    case "register":
      putDc(draft, ctl.key, { ...running, register: begin(dc.register) });
      return emit(draft, { do: "register", op, key: ctl.key, target, tid: connectedAs(draft, ctl, target) });
    case "supported-logs":
      putDc(draft, ctl.key, { ...running, supported: begin(dc.supported) });
      return emit(draft, { do: "supported-logs", op, key: ctl.key, target });
    case "read-log":
      // A reading of the log covers every notification that came before it.
      putDc(draft, ctl.key, { ...running, then: "nothing", readLog: begin(dc.readLog) });
      return emitFirst(draft, { do: "read-log", op, key: ctl.key, target, lsp: dc.lsp });
    case "generation":
      putDc(draft, ctl.key, running);
      return emit(draft, { do: "generation", op, key: ctl.key, target });
  }
}

/** stafd registers the host NQN that the connection was made with (S13). */
function connectedAs(view: StafdView, { tid }: Ctl, target: DeviceRef): Tid {
  const hostNqn = deviceAt(view, target)?.hostNqn ?? "";
  return hostNqn === "" || hostNqn === tid.hostNqn ? tid : { ...tid, hostNqn };
}

export function commandAnswered(draft: StafdDraft, event: CommandResult): void {
  const ctl = ctlAt(draft, event.key);
  const dc = draft.state.dcs.get(event.key);
  if (ctl === undefined || dc?.job?.op !== event.op) return;
  const ended: Dc = { ...dc, job: undefined };
  const device = ctl.link.phase === "up" ? deviceAt(draft, ctl.link.ref) : undefined;
  switch (event.type) {
    case "registered": {
      putDc(draft, ctl.key, { ...ended, register: answeredOperation });
      // A refusal is final (STAF-52), but the log page is read nevertheless.
      if (!event.outcome.ok) {
        say(draft, "warning", ctl, `Registration error. ${event.outcome.failure.message}`);
      }
      if (device !== undefined) afterRegister(draft, ctl, device);
      return;
    }
    case "supported-logs": {
      const failure = event.outcome.ok ? undefined : event.outcome.failure;
      const lsp = event.outcome.ok && (event.outcome.value & PLEOS) !== 0 ? LSP_PLEO : 0;
      putDc(draft, ctl.key, { ...ended, lsp, supported: answeredOperation });
      if (failure !== undefined) {
        // STAF-54: no reason to leave the log page unread.
        say(draft, "debug", ctl, `No supported log pages. ${failure.message}`);
      }
      return startCommand(draft, ctl, "read-log");
    }
    case "log-read":
      putDc(draft, ctl.key, ended);
      if (event.outcome.ok) logRead(draft, ctl, event.outcome.value);
      else notRead(draft, ctl, event.outcome.failure);
      return;
    case "generation":
      putDc(draft, ctl.key, ended);
      return generationRead(draft, ctl, event.outcome);
  }
}

/** Recovers from a lost notification (L5). */
function generationRead(draft: StafdDraft, ctl: Ctl, outcome: Outcome<bigint>): void {
  const dc = dcAt(draft, ctl.key);
  if (!outcome.ok && outcome.failure.kind === "permanent") {
    putDc(draft, ctl.key, { ...dc, noHeader: true });
    say(draft, "info", ctl, `Cannot check for changes without a notification. ${outcome.failure.message}`);
  } else lookLater(draft, ctl.key);
  const isNew = outcome.ok && dc.page !== undefined && String(outcome.value) !== dc.page.genctr;
  if (dc.then !== "nothing") return nextCommand(draft, ctl.key);
  if (!isNew) return;
  const text = `generation ${outcome.value}, without a notification`;
  say(draft, "notice", ctl, `The log page has changed: ${text}. Reading it`);
  startCommand(draft, ctl, "read-log");
}

/** L5. */
export function lookLater(draft: StafdDraft, key: string): void {
  if (dcAt(draft, key).noHeader) return;
  const at = after(draft.now, pause(GENERATION_LOOK, 1, key));
  remindAt(draft, at, { of: "generation", key });
}

function logRead(draft: StafdDraft, ctl: Ctl, log: DiscoveryLog): void {
  const { failure, dropped } = takePage(draft, ctl, log);
  for (const { key, failure } of dropped) {
    const other = ctlAt(draft, key);
    if (other !== undefined) notRead(draft, other, failure, ROOM_RETRY);
  }
  if (failure !== undefined) return notRead(draft, ctl, failure, ROOM_RETRY);
  lookLater(draft, ctl.key);
  nextCommand(draft, ctl.key);
}

/** There is room now for the entries that were left out of its page. */
export function retakePage(draft: StafdDraft, key: string): void {
  const ctl = ctlAt(draft, key);
  if (ctl !== undefined) retakeReferrals(draft, ctl);
}

function notRead(
  draft: StafdDraft,
  ctl: Ctl,
  failure: Failure,
  pace: RetrySchedule = READ_RETRY,
): void {
  const dc = dcAt(draft, ctl.key);
  const failures = (dc.readLog?.failures ?? 0) + 1;
  const retryAt = after(draft.now, pause(pace, failures, ctl.key));
  putDc(draft, ctl.key, { ...dc, readLog: { failures, completed: false, failure, retryAt } });
  const level = failures === 1 ? "error" : "debug";
  sayOf(draft, ctl, level, `Failed to retrieve log pages. ${failure.message}`);
  remindAt(draft, retryAt, { of: "retry", key: ctl.key });
  if (dc.then === "sync") nextCommand(draft, ctl.key);
}

function nextCommand(draft: StafdDraft, key: string): void {
  const ctl = ctlAt(draft, key);
  const dc = dcAt(draft, key);
  if (ctl === undefined || dc.job !== undefined || dc.then === "nothing") return;
  if (dc.then === "sync") return resync(draft, ctl);
  startCommand(draft, ctl, "read-log");
}

/** The connection has ended: no command is under way any more, and the page stays (STAF-62). */
export function sessionEnded(draft: StafdDraft, ctl: Ctl): void {
  const dc = draft.state.dcs.get(ctl.key);
  if (dc === undefined) return;
  putDc(draft, ctl.key, {
    ...dc,
    job: undefined,
    then: "nothing",
    live: false,
    back: true,
    noHeader: false,
    toldAt: undefined,
    register: undefined,
    supported: undefined,
    readLog: undefined,
  });
}

/** A device has sent an asynchronous event. */
export function aenReceived(
  draft: StafdDraft,
  { device, value }: Extract<KernelEvent, { readonly type: "aen" }>,
): void {
  const users = draft.state.fleet.users.get(device) ?? [];
  for (const key of users) {
    const ctl = ctlAt(draft, key);
    if (ctl?.link.phase !== "up") continue;
    sayOf(draft, ctl, "info", `Received AEN: 0x${value.toString(16).padStart(6, "0")}`);
    if (value === DISCOVERY_LOG_CHANGED) pageChanged(draft, ctl);
  }
  if (users.length === 0 && value === DISCOVERY_LOG_CHANGED) leaveToNvmeCli(draft, device);
}

function pageChanged(draft: StafdDraft, ctl: Ctl): void {
  const dc = { ...dcAt(draft, ctl.key) };
  dc.toldAt ??= draft.now.wall;
  putDc(draft, ctl.key, dc);
  if (dc.job === undefined) return startCommand(draft, ctl, "read-log");
  putDc(draft, ctl.key, { ...dc, then: dc.then === "sync" ? "sync" : "read-log" });
}

export function sessionNews(
  draft: StafdDraft,
  ctl: Ctl,
  event: Extract<KernelEvent, { readonly type: "device" }>,
): void {
  if (ctl.link.phase !== "up") return;
  if (event.cause !== "connected" && event.cause !== "rediscover") return;
  const { upAt } = dcAt(draft, ctl.key);
  const echo = event.cause === "connected" && !ctl.link.adopted && upAt !== undefined &&
    !reached(after(upAt, CONNECTED_ECHO), draft.now);
  if (echo) return;
  // The link was lost and is back, whether or not a check had noticed it.
  putDc(draft, ctl.key, { ...dcAt(draft, ctl.key), back: true });
  remindBy(draft, after(draft.now, SYNC_COALESCE), { of: "sync", key: ctl.key });
}

/**
 * Events were lost, perhaps that of a changed page: the controller sends it once, and again only after the
 * page has been read (L1).
 */
export function eventsLost(draft: StafdDraft): void {
  for (const ctl of allCtls(draft)) {
    if (ctl.link.phase !== "up") continue;
    remindBy(draft, after(draft.now, SYNC_COALESCE), { of: "sync", key: ctl.key });
  }
}

export function foreignNews(
  draft: StafdDraft,
  { cause, ctrl }: Extract<KernelEvent, { readonly type: "device" }>,
): void {
  if (cause === "rediscover") leaveToNvmeCli(draft, ctrl.device);
}

/** STAF-112: replaces nvme-cli's shadowed rule for discovery controllers that are not ours; not where that is in force. */
function leaveToNvmeCli(draft: StafdDraft, name: string): void {
  const device = draft.state.fleet.devices.get(name);
  if (device === undefined || !device.isDc || device.transport === "pcie") return;
  const args = [
    `--device=${device.device}`,
    ...(device.hostTraddr === "" ? [] : [`--host-traddr=${device.hostTraddr}`]),
    ...(device.hostIface === "" ? [] : [`--host-iface=${device.hostIface}`]),
  ];
  logLine(
    draft,
    "info",
    `${device.device} - an event of a discovery controller that is not ours: nvme-cli follows it`,
  );
  emit(draft, { do: "restart-unit", template: "nvmf-connect", args });
}

export function sessionReminded(
  draft: StafdDraft,
  { of, key }: { readonly of: "sync" | "retry" | "generation"; readonly key: string },
): void {
  if (of === "generation") return lookAtGeneration(draft, key);
  const ctl = ctlAt(draft, key);
  if (ctl === undefined) return;
  if (of === "sync") return resync(draft, ctl);
  const dc = draft.state.dcs.get(key);
  const retryAt = dc?.readLog?.retryAt;
  if (dc?.job !== undefined || retryAt === undefined) return;
  if (reached(retryAt, draft.now)) startCommand(draft, ctl, "read-log");
}

function lookAtGeneration(draft: StafdDraft, key: string): void {
  const ctl = ctlAt(draft, key);
  const dc = draft.state.dcs.get(key);
  if (ctl?.link.phase !== "up" || dc?.page === undefined || dc.noHeader) return;
  // A command that is under way tells us more, and over a link that is down nothing can be read.
  if (dc.job !== undefined || !dc.live) return lookLater(draft, key);
  startCommand(draft, ctl, "generation");
}

/**
 * The loss of a link causes no event, and the event of its return may be lost: after a return the log is
 * read again.
 */
export function statesSeen(draft: StafdDraft, states: ReadonlyMap<string, KernelState>): void {
  for (const ctl of allCtls(draft)) {
    if (ctl.link.phase !== "up") continue;
    const state = states.get(ctl.link.ref.device);
    const dc = dcAt(draft, ctl.key);
    if (state === undefined || (state === "live") === dc.live) continue;
    putDc(draft, ctl.key, { ...dc, live: state === "live", back: true });
    if (state === "live") {
      remindBy(draft, after(draft.now, SYNC_COALESCE), { of: "sync", key: ctl.key });
    }
  }
}
