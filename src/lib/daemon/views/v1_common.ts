/**
 * The versioned interfaces' description of controllers, for both daemons: a view of the core, which decides
 * (v1_types.ts).
 */
import { hostIdOf } from "../../core/request/request.ts";
import { differences, lessSafe, lessSafeText } from "../../core/controller/as_asked.ts";
import { type Claim, claimText, type Ctl, deviceOf } from "../../core/controller/ctl.ts";
import { claimsOf } from "../../core/fleet/questions.ts";
import { proofText } from "../../core/planning/evidence.ts";
import { identityTexts } from "../../core/controller/identity.ts";
import type { Fleet } from "../../core/fleet/fleet.ts";
import type { Decision, Verdict } from "../../core/planning/planner.ts";
import type { V1Controller, V1Failure, V1Phase, V1Source } from "../../dbus/v1_types.ts";
import { isIp, scopeOf } from "../../nvme/address.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { interfaceOf } from "../../nvme/match.ts";
import { impliedIface, tidOfKey, tidText } from "../../nvme/tid.ts";
import { type Instant, type Now, until } from "../../base/time.ts";
import type { Peek } from "./classic.ts";
import { localTime } from "./texts.ts";
import { requestFor, type View } from "../../core/fleet/view.ts";
import { decisionOn } from "../../core/fleet/decisions.ts";

/** The wall clock at a time of the monotonic clock. */
export const wallOf = (at: Instant, now: Now): number => Math.round(now.wall + (at.mono - now.mono));

export function deviceNow(ctl: Ctl, peek: Peek): KernelCtrl | undefined {
  const ref = deviceOf(ctl);
  const found = ref === undefined ? undefined : peek(ref.device);
  return found?.incarnation === ref?.incarnation ? found : undefined;
}

export function phaseOf(
  ctl: Ctl,
  verdict: Verdict,
  device: KernelCtrl | undefined,
  gaveUp: boolean,
): V1Phase {
  switch (ctl.link.phase) {
    case "up":
      if (verdict.is === "excluded" || verdict.is === "unwanted") return "leaving";
      if (verdict.is === "held" && verdict.withdrawn !== undefined) return "leaving";
      return device?.state === "live" ? "connected" : "reconnecting";
    case "deleting":
      return "disconnecting";
    case "connecting":
    case "forming":
    case "reaching":
    case "ready":
      return "connecting";
    case "idle":
    case "waiting":
      if (verdict.is === "excluded" || (verdict.is === "held" && verdict.unusable === true)) {
        return "excluded";
      }
      if (gaveUp) return "given-up";
      return ctl.lastFailure === undefined ? "waiting" : "failing";
  }
}

/** Host names in `controller=` lines that stand for the controller's address. */
export function hostsOf(ctl: Ctl): readonly string[] {
  const hosts = new Set<string>();
  for (const claim of ctl.claims.values()) {
    if (claim.kind !== "config") continue;
    const { transport, traddr } = claim.written;
    if ((transport === "tcp" || transport === "rdma") && !isIp(traddr)) hosts.add(traddr);
  }
  return [...hosts];
}

function sourceOf(claim: Claim): V1Source {
  const base = { kind: claim.kind, text: claimText(claim) };
  switch (claim.kind) {
    case "config":
      return { ...base, file: claim.file, line: claim.line };
    case "nbft":
      return { ...base, file: claim.file };
    case "mdns":
      return { ...base, service: claim.service };
    case "referral":
    case "log-page": {
      const { dcText, genctr, readAt } = claim;
      const tid = tidOfKey(claim.dc);
      return tid === undefined ? base : { ...base, dc: { tid, text: dcText, genctr, readAt } };
    }
  }
}

function failureOf(ctl: Ctl): V1Failure | null {
  if (ctl.lastFailure === undefined) return null;
  const { failure, at } = ctl.lastFailure;
  return {
    phase: failure.phase,
    kind: failure.kind,
    errno: failure.errno ?? null,
    status: failure.status ?? null,
    message: failure.message,
    remedy: failure.remedy ?? null,
    at,
  };
}

/** How the connection differs from one that would be made now (S13); empty without a connection. */
export function otherwise(ctl: Ctl, core: View, peek: Peek): readonly string[] {
  const device = ctl.link.phase === "up" ? deviceNow(ctl, peek) : undefined;
  // A controller that no source wants has no configuration.
  if (device === undefined || ctl.claims.size === 0) return [];
  const { host, interfaces, devices } = core.state.fleet;
  return identityTexts(device, { tid: ctl.tid, hostId: hostIdOf(ctl, host, devices.values()) }, interfaces);
}

export type V1Lost = NonNullable<V1Controller["lost"]>;

/**
 * Details of a lost link: since when, and the kernel's retries. The loss may be so recent that only this
 * query has seen it.
 */
export function lostOf(ctl: Ctl, device: KernelCtrl | undefined, now: Now): V1Lost | undefined {
  if (ctl.link.phase !== "up" || device === undefined || device.state === "live") return undefined;
  const at = ctl.link.lost ?? now.wall;
  const { reconnectDelay, ctrlLossTmo } = device.made ?? {};
  return kernelsTries(at, reconnectDelay, ctrlLossTmo);
}

export const lostText = (lost: V1Lost): string => `link lost at ${localTime(lost.at)}; ${retriesText(lost)}`;

function retriesText({ at, retryEvery, givesUpAt, forever }: V1Lost): string {
  const retries = retryEvery === null
    ? "the kernel retries"
    : `the kernel retries every ${retryEvery / 1000} s`;
  const end = forever
    ? ", and never gives up (ctrl-loss-tmo -1)"
    : givesUpAt === null
    ? ""
    : `, and gives up at ${localTime(givesUpAt)} (ctrl-loss-tmo ${(givesUpAt - at) / 1000})`;
  return `${retries}${end}`;
}

/** A connect that the kernel is still completing: its begin, and the kernel's retries. */
export function formingOf({ link }: Ctl, { devices }: Pick<Fleet, "devices">): V1Lost | undefined {
  if (link.phase !== "forming") return undefined;
  const { reconnectDelay, ctrlLossTmo } = devices.get(link.ref.device)?.made ?? {};
  return kernelsTries(link.since, reconnectDelay, ctrlLossTmo);
}

const formingText = (device: string, forming: V1Lost): string =>
  `the kernel is still connecting ${device}, since ${localTime(forming.at)}; ${retriesText(forming)}`;

const kernelsTries = (
  at: number,
  reconnectDelay: number | undefined,
  ctrlLossTmo: number | undefined,
): V1Lost => ({
  at,
  retryEvery: reconnectDelay === undefined ? null : reconnectDelay * 1000,
  givesUpAt: ctrlLossTmo === undefined || ctrlLossTmo < 0 ? null : at + ctrlLossTmo * 1000,
  forever: ctrlLossTmo !== undefined && ctrlLossTmo < 0,
});

/** What the planner says: words, why, and for what is withdrawn and held the evidence. */
export function decisionParts(
  decision: Decision,
  now: Now,
): { readonly words: string; readonly reasons: readonly string[] } {
  const one = (words: string, reason: string) => ({ words, reasons: [reason] });
  switch (decision.act) {
    case "none":
      return { words: decision.why, reasons: [] };
    case "hold":
      return decision.withdrawn === undefined
        ? one("no action for now", decision.why)
        : { words: "withdrawn, held", reasons: [decision.why, proofText(decision.withdrawn)] };
    case "adopt":
      return one(`${decision.device.device} is this connection and will be taken over`, decision.why);
    case "follow":
      return one(`the kernel is still connecting ${decision.device.device} for it`, decision.why);
    case "connect":
      return one("to be connected", decision.why);
    case "wait":
      return one(`tried again in ${secondsUntil(decision.until, now)} s`, decision.why);
    case "soak":
    case "disconnect":
      return one("to be disconnected", proofText(decision.evidence));
    case "going":
      return one(`${decision.device} is being disconnected`, proofText(decision.evidence));
    case "confirm":
      return one("to be disconnected when stafd confirms it", proofText(decision.evidence));
    case "look":
      return one("to be disconnected unless it is in use", proofText(decision.evidence));
    case "watch":
      return one(
        `to be disconnected unless it is in use; its traffic is watched for ${
          secondsUntil(decision.until, now)
        } s`,
        proofText(decision.evidence),
      );
    case "guard":
      return { words: "withdrawn, held", reasons: [decision.why, proofText(decision.evidence)] };
    case "release":
      return one("no longer wanted, and kept", decision.why);
    case "forget":
      return one("no longer wanted", proofText(decision.evidence));
    case "leave-to-others":
      return one("not to be connected", proofText(decision.evidence));
  }
}

const secondsUntil = (at: Instant, now: Now): number => Math.ceil(until(at, now).ms / 1000);

/** The same as one sentence. */
export function decisionText(decision: Decision, now: Now): string {
  if (decision.act === "hold" && decision.withdrawn === undefined) return decision.why;
  const { words, reasons: [why, because] } = decisionParts(decision, now);
  return `${words}${why === undefined ? "" : `: ${why}`}${
    because === undefined ? "" : ` (withdrawn because: ${because})`
  }`;
}

/**
 * The interface and source address of its packets, whether bound to them or not; while the link is lost, the
 * last ones used.
 */
function wayOf(
  ctl: Ctl,
  device: KernelCtrl | undefined,
  { interfaces, devices }: Fleet,
): Pick<V1Controller, "iface" | "srcAddr"> {
  const known = device === undefined ? undefined : devices.get(device.device);
  const seen = known?.incarnation === device?.incarnation ? known : undefined;
  const srcAddr = device?.srcAddr || seen?.srcAddr || seen?.lastSrcAddr || "";
  const iface = device?.hostIface || impliedIface(ctl.tid) || scopeOf(device?.traddr ?? "") ||
    (srcAddr === "" ? "" : interfaceOf(srcAddr, interfaces));
  return { ...(iface === "" ? {} : { iface }), ...(srcAddr === "" ? {} : { srcAddr }) };
}

export function controllerOf(ctl: Ctl, core: View, peek: Peek, now: Now): V1Controller {
  const device = deviceNow(ctl, peek);
  const verdict = core.rules.verdict(core, ctl);
  const noAttempt = core.rules.whyNoAttempt(core, ctl);
  const phase = phaseOf(ctl, verdict, device, noAttempt !== undefined && ctl.attempts > 0);
  const { link } = ctl;
  const request = device === undefined || ctl.claims.size === 0 ? undefined : requestFor(core, ctl);
  const lacking = device === undefined || request === undefined ? [] : lessSafe(request, device);
  const differs = device === undefined || request === undefined ? [] : differences(request, device);
  const decision = decisionOn(core, ctl);
  const decided = decisionText(decision, now);
  const hosts = hostsOf(ctl);
  const lost = lostOf(ctl, device, now);
  const forming = formingOf(ctl, core.state.fleet);
  // Seen by this query, but not by the core yet.
  const isBack = phase === "connected" && ctl.standing?.is === "lost";
  return {
    tid: ctl.tid,
    text: tidText(ctl.tid),
    kind: core.rules.kind,
    device: deviceOf(ctl)?.device ?? "",
    phase,
    since: lost?.at ?? (isBack ? now.wall : ctl.standing?.since ?? now.wall),
    detail: phase === "failing" && ctl.lastFailure !== undefined
      ? ctl.lastFailure.failure.message
      : phase === "reconnecting" && lost !== undefined
      ? lostText(lost)
      : link.phase === "forming" && forming !== undefined
      ? formingText(link.ref.device, forming)
      : [...(lacking.length > 0 ? [lessSafeText(lacking)] : []), ...otherwise(ctl, core, peek), decided].join(
        "; ",
      ),
    kernelState: device?.state ?? "",
    sources: claimsOf(core, ctl).map(sourceOf),
    attempts: ctl.attempts,
    lastFailure: failureOf(ctl),
    nextTry: link.phase === "waiting" && noAttempt === undefined ? wallOf(link.until, now) : null,
    removeAt: ctl.removeAt === undefined || decision.act === "hold" ? null : wallOf(ctl.removeAt, now),
    namespaces: device?.namespaces ?? [],
    model: device?.model ?? "",
    serial: device?.serial ?? "",
    dctype: device?.dctype ?? "",
    cntlid: device?.cntlid ?? "",
    logPage: null,
    ...(lacking.length === 0 ? {} : { lessSafe: lacking }),
    ...(differs.length === 0 ? {} : { differs }),
    ...(hosts.length === 0 ? {} : { hosts }),
    ...wayOf(ctl, device, core.state.fleet),
    ...(lost === undefined ? {} : { lost }),
  };
}
