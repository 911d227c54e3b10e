/**
 * `renew`: a live connection gets the options of the file. Keys for authentication are handed to the kernel, which
 * authenticates again and keeps the path; for all other options a path is disconnected and connected again, one after
 * the other. Pure: what a person asked for, and by which means each connection can get it.
 */
import type { InterfaceTable, KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { type Tid, tidText } from "../../nvme/tid.ts";
import type { Instant } from "../../base/time.ts";
import type { DeviceRef } from "../../ports.ts";
import { differences, lessSafe, unshown } from "../controller/as_asked.ts";
import { identityRefused, identityTexts } from "../controller/identity.ts";
import type { Act, Op } from "../effects.ts";
import { type Evidence, evidenceText } from "../planning/evidence.ts";
import type { Guard } from "../planning/guard.ts";
import { otherWays } from "../planning/in_use.ts";
import type { NamespaceLook } from "../../nvme/namespace_look.ts";
import type { Attempt } from "../request/request.ts";

export interface RenewEvent extends Act {
  readonly type: "renew";
  /** Path after path also where the kernel could take the keys, or shows no difference: another TLS key, say. */
  readonly reconnects: boolean;
  /** `ask`: only report what would be done; `watch`: how far is it; `stop`: after the path under way. */
  readonly mode: "ask" | "do" | "watch" | "stop";
}

/** By which means a connection gets the options of the file. `same`: it has them, as far as the kernel shows. */
export type RenewMeans = "keys" | "reconnect" | "same" | "not-connected";

export interface Renewed {
  readonly tid: Tid;
  /** The present one; empty where it is not connected. */
  readonly device: string;
  readonly means: RenewMeans;
  readonly is: "waiting" | "under-way" | "done" | "failed" | "left";
  /** The differences; of a failure, the reason. */
  readonly why: string;
}

export interface RenewAnswer {
  /** `possible` answers `ask`; `running`: ask again with `watch`; `unknown`: no such controller, or nothing to watch. */
  readonly result: "possible" | "running" | "renewed" | "stopped" | "refused" | "unknown";
  /** Why it was refused, or stopped. */
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  readonly controllers: readonly Renewed[];
}

/** The security of a connection that its successor must have as well (S15). */
export interface Safety {
  readonly tls: boolean;
  readonly dhchap: boolean;
  readonly dhchapCtrl: boolean;
}

/** Of a connection that a renewal has ended. */
export interface Demand extends Safety {
  /** The subsystem at its address: `securedKey`. */
  readonly target: string;
  /** Other controllers of that target that were wanted then: paths of their own. */
  readonly besides: ReadonlySet<string>;
}

export interface RenewStep {
  readonly key: string;
  readonly tid: Tid;
  readonly means: RenewMeans;
  readonly is: Renewed["is"];
  readonly why: string;
  /** The last look at the use of its namespaces. */
  readonly guard: Guard | undefined;
}

/** What the step under way waits for. */
export type RenewPhase =
  | { readonly is: "begin" }
  /** The use of its namespaces; `until`: looked at again then. */
  | { readonly is: "looking"; readonly ref: DeviceRef; readonly until?: Instant }
  | { readonly is: "writing"; readonly op: Op }
  /** Does the target accept the new key? One that does not ends the connection. */
  | { readonly is: "settling"; readonly ref: DeviceRef; readonly op: Op | undefined; readonly until: Instant }
  /** Its disconnect and its connect; `needs`: block devices in use that it served. */
  | {
    readonly is: "replacing";
    readonly old: DeviceRef;
    readonly needs: readonly string[];
    readonly until: Instant;
  }
  /** The new connection has to serve them; `op`: the look under way. */
  | {
    readonly is: "serving";
    readonly ref: DeviceRef;
    readonly needs: readonly string[];
    readonly op: Op | undefined;
    readonly again: Instant;
    readonly until: Instant;
  };

export interface RenewRun {
  /** The call that waits for an answer. */
  readonly call: Op | undefined;
  readonly uid: number;
  readonly what: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly onlyAsked: boolean;
  readonly reconnects: boolean;
  readonly steps: readonly RenewStep[];
  readonly warnings: readonly string[];
  /** First the uses of all are looked at, and nothing is changed. */
  readonly stage: "check" | "go";
  readonly index: number;
  readonly phase: RenewPhase;
  /** A person has stopped it: no other path is begun. */
  readonly stops: boolean;
}

export interface Renewals {
  readonly run: RenewRun | undefined;
  /** Of the last one, for `watch`. */
  readonly last: RenewAnswer | undefined;
  /** What the successor of a controller's connection must not lack, until it is connected. */
  readonly demands: ReadonlyMap<string, Demand>;
}

export const noRenewals: Renewals = { run: undefined, last: undefined, demands: new Map() };

/** The controller that is between the old connection and the new one. */
export const replacedIn = ({ run }: Renewals): string | undefined =>
  run?.phase.is === "replacing" ? run.steps[run.index]?.key : undefined;

/** The record of a controller has a new key: its step, and what its next connection must not lack, go with it (S15). */
export function withMoved(
  renewals: Renewals,
  before: string,
  { key, tid }: Pick<RenewStep, "key" | "tid">,
): Renewals {
  const { run, demands } = renewals;
  return {
    ...renewals,
    run: run === undefined ? undefined : {
      ...run,
      steps: run.steps.map((step) => step.key === before ? { ...step, key, tid } : step),
    },
    demands: demands.size === 0 ? demands : movedDemands(demands, before, key),
  };
}

function movedDemands(demands: Renewals["demands"], before: string, key: string): Renewals["demands"] {
  const moved = new Map<string, Demand>();
  for (const [owner, demand] of demands) {
    const now = owner === before ? key : owner;
    const besides = new Set([...demand.besides].map((one) => one === before ? key : one));
    const other = moved.get(now);
    moved.set(now, {
      target: demand.target,
      tls: demand.tls || other?.tls === true,
      dhchap: demand.dhchap || other?.dhchap === true,
      dhchapCtrl: demand.dhchapCtrl || other?.dhchapCtrl === true,
      besides: other === undefined ? besides : besides.intersection(other.besides),
    });
  }
  return moved;
}

export const renewEvidence = ({ what, uid, at }: Pick<RenewRun, "what" | "uid" | "at">): Evidence => ({
  kind: "renewed",
  what,
  uid,
  at,
});

export const safetyOf = ({ made }: KernelCtrl): Safety => ({
  tls: made !== undefined && made.tls !== "none",
  dhchap: made?.dhchap === true,
  dhchapCtrl: made?.dhchapCtrl === true,
});

/** The security that the next attempt would lack, in words. */
export function lacking(
  { tls, dhchap, dhchapCtrl }: Safety,
  { request: { options, keys }, choice }: Attempt,
): readonly string[] {
  const hasTls = options.tls === true || options.concat === true || choice.is === "tls";
  return [
    tls && !hasTls ? "TLS" : "",
    dhchap && keys.hostKey === undefined ? "authentication (DH-HMAC-CHAP)" : "",
    dhchapCtrl && keys.ctrlKey === undefined ? "authentication of the controller" : "",
  ].filter((what) => what !== "");
}

export const lackingText = (what: readonly string[], orElse: string): string =>
  `the configuration asks for no ${
    what.join(" and no ")
  }, which its connection had: set the option again (tls=true, ` +
  `dhchap-secret=, dhchap-ctrl-secret= in its controller= line), or ${orElse}`;

export type Means =
  | { readonly ok: true; readonly means: RenewMeans; readonly why: string; readonly warning?: string }
  /** Why it cannot be renewed, and the way out. */
  | { readonly ok: false; readonly why: string };

/** By which means the connection `device` gets what `attempt` asks for. */
export function meansFor(
  device: KernelCtrl,
  attempt: Attempt,
  devices: Iterable<KernelCtrl>,
  interfaces: InterfaceTable,
  reconnects: boolean,
): Means {
  const { request } = attempt;
  const { made, hostNqn, hostId } = device;
  const refused = identityRefused(
    { phase: "connect", kind: "permanent", errno: "EINVAL", message: "" },
    request,
    devices,
  );
  if (refused.message !== "") {
    return { ok: false, why: `${refused.message}; ${refused.remedy ?? ""}` };
  }
  const lacks = lacking(safetyOf(device), attempt);
  if (lacks.length > 0) return { ok: false, why: lackingText(lacks, "use stacctl drain and undrain") };
  const isOther = hostNqn !== "" && hostNqn !== request.tid.hostNqn && hostId !== "";
  const seen = [
    ...identityTexts(device, request, interfaces),
    ...lessSafe(request, device).map((what) => `without ${what}`),
    ...differences(request, device),
  ];
  const warning = isOther
    ? {
      warning:
        `${device.device} is connected as ${hostNqn} with host ID ${hostId}: from now on the array sees ` +
        `another host, ${request.tid.hostNqn}, and must have mapped the namespaces to it`,
    }
    : {};
  const { hostKey, ctrlKey } = request.keys;
  if (reconnects) {
    return { ok: true, means: "reconnect", why: [...seen, "--reconnect"].join("; "), ...warning };
  }
  if (seen.length === 0 && hostKey !== undefined && made?.dhchap === true && made.tls !== "concat") {
    if (ctrlKey === undefined || made.dhchapCtrl === true) return { ok: true, means: "keys", why: "" };
  }
  const hidden = [
    ...unshown(request),
    ...made?.tls === "none" ? [] : ["the TLS key"],
    ...hostKey === undefined ? [] : ["dhchap-secret"],
  ];
  if (seen.length === 0 && hidden.length === 0 && made !== undefined) {
    return { ok: true, means: "same", why: "" };
  }
  const why = seen.length > 0
    ? seen.join("; ")
    : made === undefined
    ? "the options of its connection cannot be read"
    : `the kernel does not show ${hidden.join(", ")}`;
  return { ok: true, means: "reconnect", why, ...warning };
}

/** The renewal under way, in words. */
export function renewText({ steps, index, ...run }: RenewRun): string {
  const step = steps[index];
  const now = step === undefined ? "" : `, now ${tidText(step.tid)}`;
  return `connections are ${evidenceText(renewEvidence(run))}: ${index} of ${steps.length} done${now}`;
}

/** What it means for one controller; undefined where it concerns others. */
export function turnText({ steps, index, stage, ...run }: RenewRun, key: string): string | undefined {
  const at = steps.findIndex((step) => step.key === key);
  const step = steps[at];
  if (step === undefined || step.is === "done") return undefined;
  const what = step.means === "keys"
    ? "gets new keys from the kernel"
    : "is disconnected and connected again";
  const when = stage === "go" && at === index ? "now" : "when the connections before it serve again";
  return `${evidenceText(renewEvidence(run))}; it ${what} ${when}`;
}

export const BOTH_KEYS =
  "both keys differ, and the kernel would authenticate with one old and one new key: change one, " +
  "renew, and then the other";

/** All its paths are live. */
export const isLive = (looks: readonly NamespaceLook[], device: string): boolean =>
  looks.every(({ paths }) => paths.every((path) => path.device !== device || path.state === "live"));

/** Block devices in use that the connection served at the last look: an unknown use counts. */
export const neededOf = ({ looks, uses }: Guard, device: string): readonly string[] =>
  looks.filter((look) => uses.get(look.device)?.is !== "unused" && isServedBy(look, device))
    .map((look) => look.device);

/** Those that the new connection does not serve yet. */
export const stillNeeded = (
  needs: readonly string[],
  looks: readonly NamespaceLook[],
  device: string,
): readonly string[] =>
  needs.filter((need) => !looks.some((look) => look.device === need && isServedBy(look, device)));

const isServedBy = (look: NamespaceLook, device: string): boolean =>
  otherWays(look, "").some((way) => way.device === device);

/** The end without a failure; `words` begin with "renewed". */
export function renewedText(steps: readonly RenewStep[], words: string): string {
  const done = steps.filter(({ is }) => is === "done");
  const renewed = done.filter(({ means }) => means === "keys" || means === "reconnect").length;
  if (renewed === 0) return `No connection had to be ${words}`;
  if (done.length === 1) return `The connection was ${words}`;
  return renewed === done.length
    ? `All ${renewed} connections were ${words}`
    : `${renewed} of ${done.length} connections ${renewed === 1 ? "was" : "were"} ${words}`;
}

export function stoppedText(steps: readonly RenewStep[], reasons: readonly string[]): string {
  const count = (state: RenewStep["is"]): number => steps.filter(({ is }) => is === state).length;
  return `The renewal stopped, ${count("done")} done, ${count("left")} left as they were: ${
    reasons.join("; ")
  }`;
}
