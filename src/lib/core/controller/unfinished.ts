/**
 * Connects that the kernel has accepted and continues by itself (FC): the controller exists, but has never been live.
 * It is not a connection yet; the kernel refuses to delete it before it has been live, and tries again until its
 * ctrl-loss-tmo is over.
 */
import type { Failure } from "../../base/failure.ts";
import type { KernelCtrl } from "../../nvme/kernel_ctrl.ts";
import { isUnfinished } from "../../nvme/match.ts";
import { after, type Now, reached } from "../../base/time.ts";
import type { DeviceRef } from "../../ports.ts";
import { type Ctl, noted } from "./ctl.ts";
import { listed, unlisted } from "../fleet/fleet_index.ts";
import { keepLooking } from "./links.ts";
import { eventFields } from "../../base/messages.ts";
import type { Decision, Verdict } from "../planning/planner.ts";
import { FORMING_LIMIT } from "../retry.ts";
import { changeFleet, type Draft, put, remindAt, takenBack, touch } from "../fleet/draft.ts";
import { announce, say } from "../fleet/reporting.ts";

type Forming = Extract<Ctl["link"], { readonly phase: "forming" }>;

const words = ({ device }: DeviceRef): string => `the kernel is still connecting ${device}`;

/** Does our record say that the kernel is still connecting it for this controller, maybe since before a restart? */
export const isUnfinishedOf = ({ standing }: Ctl, ctrl: KernelCtrl): boolean =>
  standing?.is === "absent" && standing.device === ctrl.device && standing.incarnation === ctrl.incarnation &&
  isUnfinished(ctrl);

/** The kernel continues by itself: from now on stacd watches the controller, and starts nothing else for it. */
export function follow(
  draft: Draft,
  ctl: Ctl,
  { device, incarnation }: KernelCtrl,
): void {
  const until = after(draft.now, FORMING_LIMIT);
  const ref = { device, incarnation };
  const link: Forming = { phase: "forming", ref, since: draft.now.wall, until };
  const next: Ctl = {
    ...takenBack(draft, ctl),
    removeAt: undefined,
    guard: undefined,
    tryOnce: false,
    link,
  };
  put(draft, noted(next, draft.now.wall, words(ref)));
  changeFleet(draft, { users: listed(draft.state.fleet.users, device, ctl.key) });
  say(draft, "info", next, `The kernel is still connecting ${device}; it is not established yet`);
  keepLooking(draft);
  remindAt(draft, until, { of: "controller", key: ctl.key });
  touch(draft, ctl.key);
}

/** The controller is live, or gone: the watch ends. */
export function unfollow(draft: Draft, ctl: Ctl): void {
  if (ctl.link.phase !== "forming") return;
  const { device } = ctl.link.ref;
  changeFleet(draft, { users: unlisted(draft.state.fleet.users, device, ctl.key) });
}

/** After a while it counts as failed, once, although the kernel goes on. */
export function lookAtForming(
  draft: Draft,
  ctl: Ctl,
): Ctl {
  const { link } = ctl;
  if (link.phase !== "forming" || link.until === undefined) return ctl;
  if (!reached(link.until, draft.now)) {
    remindAt(draft, link.until, { of: "controller", key: ctl.key });
    return ctl;
  }
  const { until: _, ...told } = link;
  const failure = late(link.ref);
  const at = draft.now.wall;
  const lastFailure = { failure, at };
  const next = noted({ ...ctl, attempts: ctl.attempts + 1, lastFailure, link: told }, at, failure.message);
  put(draft, next);
  announce(draft, next, "failed", failure.message);
  const text = `Failed to connect to controller. ${failure.message}; ${failure.remedy ?? ""}`;
  say(draft, "error", next, text, eventFields("failed"));
  return next;
}

const late = (ref: DeviceRef): Failure => ({
  phase: "connect",
  kind: "transient",
  message: `${words(ref)}: it has not been live since it was made ${
    FORMING_LIMIT.ms / 1000
  } s ago or earlier`,
  remedy:
    "check that the subsystem is served at that port and that this host may use it; the kernel tries again by itself",
});

/** The kernel has given up. */
export const unmade = (link: Forming, now: Now): Failure => ({
  phase: "connect",
  kind: "transient",
  message: `${link.ref.device} was deleted before it was live, after ${
    Math.max(0, Math.round((now.wall - link.since) / 1000))
  } s`,
  remedy: "check that the subsystem is served at that port and that this host may use it",
});

/** The decision meanwhile: wait for it, even when no source wants it any more. */
export function whileForming({ ref }: Forming, verdict: Verdict): Decision {
  switch (verdict.is) {
    case "wanted":
      return { act: "none", why: `${words(ref)}, which has not been live yet` };
    case "held": {
      const { is: _, adopts: _adopts, ...held } = verdict;
      return { act: "hold", ...held };
    }
    case "excluded":
    case "unwanted": {
      const why = `${words(ref)}, and refuses to delete it before it has been live once`;
      return { act: "hold", why, withdrawn: verdict.evidence };
    }
  }
}
