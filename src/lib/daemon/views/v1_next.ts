/** The next actions for a controller, each with its time. */
import type { Ctl } from "../../core/controller/ctl.ts";
import { guest, restOf } from "../../core/fleet/kernel_lock.ts";
import type { Decision, Verdict } from "../../core/planning/planner.ts";
import { FETCH_RETRY, GENERATION_LOOK, KERNEL_LOOK, STATE_POLL } from "../../core/retry.ts";
import type { V1Step } from "../../dbus/v1_types.ts";
import { after, type Duration, type Now, reached } from "../../base/time.ts";
import { CALL_BOUNDS } from "../call_bounds.ts";
import { formingOf, type V1Lost, wallOf } from "./v1_common.ts";
import type { View } from "../../core/fleet/view.ts";
import { outlook } from "../../core/fleet/decisions.ts";

export interface Situation {
  readonly ctl: Ctl;
  readonly core: View;
  readonly verdict: Verdict;
  readonly decision: Decision;
  /** Why no attempt may be made. */
  readonly noAttempt: string | undefined;
  readonly lost: V1Lost | undefined;
  /**
   * When a discovery controller is dropped that mDNS no longer announces and that does not answer; Infinity:
   * never.
   */
  readonly droppedAt: number | undefined;
}

export function nextSteps(situation: Situation, now: Now): readonly V1Step[] {
  const { ctl, core, decision, lost, droppedAt } = situation;
  const forming = formingOf(ctl, core.state.fleet);
  const steps: V1Step[] = [];
  const next = (at: number, text: string): void => {
    steps.push({ step: "next", at, text });
  };
  const within = (pace: Duration, text: string): void => next(wallOf(after(now, pace), now), text);
  const rest = ctl.link.phase === "ready"
    ? restOf(core.state.fleet.lock, guest(core.rules.origin(core, ctl)), now)
    : undefined;
  if (isTried(situation) && ctl.link.phase === "waiting") next(wallOf(ctl.link.until, now), "next attempt");
  switch (ctl.link.phase) {
    case "reaching":
    case "ready":
    case "connecting":
      if (rest !== undefined) {
        next(wallOf(rest, now), "its turn: until then mDNS on its interface rests after a long connect");
        break;
      }
      within(CALL_BOUNDS.connect.bound, "the attempt under way ends by then");
      break;
    case "deleting":
      within(CALL_BOUNDS.disconnect.bound, "the kernel removes it by then");
      break;
    case "forming":
    case "idle":
    case "waiting":
    case "up":
      break;
  }
  if (lost !== undefined) linkSteps(lost, now, next);
  if (forming !== undefined) {
    const { givesUpAt } = forming;
    within(STATE_POLL, "its state is looked at again");
    if (givesUpAt !== null) next(givesUpAt, "the kernel gives up and deletes it; a new attempt follows");
  }
  for (const one of situation.verdict.is === "excluded" ? situation.verdict.evidence : []) {
    if (one.kind === "drain" && one.until !== undefined) {
      next(one.until, "the drain is over, and it is wanted again");
    }
  }
  if (ctl.removeAt !== undefined && !reached(ctl.removeAt, now) && decision.act !== "hold") {
    next(wallOf(ctl.removeAt, now), "will be disconnected");
  }
  switch (decision.act) {
    case "hold":
      if (decision.until !== undefined) {
        next(
          wallOf(decision.until, now),
          decision.withdrawn === undefined
            ? "checked again"
            : "its withdrawal counts from then on: it is disconnected unless it is in use or listed again",
        );
      }
      break;
    case "guard":
      next(wallOf(decision.until, now), "checked again whether it is still in use");
      break;
    case "watch":
      next(wallOf(decision.until, now), "disconnected, unless a program reads or writes it before then");
      break;
    default:
      break;
  }
  if (droppedAt !== undefined && droppedAt !== Infinity) {
    next(
      droppedAt,
      "dropped, unless it answers or mDNS announces it again (zeroconf-connections-persistence); now: stafctl forget",
    );
  }
  if (steps.length === 0) undecided(situation, within);
  return steps;
}

const isTried = ({ ctl, core, noAttempt, verdict }: Situation): boolean =>
  noAttempt === undefined && verdict.is === "wanted" && outlook(core, ctl).act !== "adopt";

function linkSteps(
  { at, retryEvery, givesUpAt }: V1Lost,
  now: Now,
  next: (at: number, text: string) => void,
): void {
  const pace = retryEvery ?? STATE_POLL.ms;
  const tries = Math.floor(Math.max(0, now.wall - at) / pace) + 1;
  next(
    at + tries * pace,
    retryEvery === null ? "its link is checked again" : "the kernel tries again, at the latest",
  );
  if (givesUpAt !== null) next(givesUpAt, "the kernel gives up, and a new connection is made");
}

const LOOKED_AGAIN = "all of the kernel's connections are read again, at the latest";

/** Nothing is due: the next check that could change that, and its latest time. */
function undecided(
  { ctl, core, verdict, decision, noAttempt }: Situation,
  within: (pace: Duration, text: string) => void,
): void {
  const isUp = ctl.link.phase === "up";
  if (isUp && verdict.is === "wanted") return within(STATE_POLL, "its link is checked again, at the latest");
  if (verdict.is === "excluded" && !isUp) {
    return within(
      longest(KERNEL_LOOK.longest),
      "not before a reload without that line; the kernel's connections are checked again by then",
    );
  }
  if (noAttempt !== undefined && !isUp) {
    const hasPage = [...ctl.claims.values()].some(({ kind }) => kind === "log-page");
    return hasPage
      ? within(longest(GENERATION_LOOK.longest), "stafd checks by then whether its log page has changed")
      : within(longest(KERNEL_LOOK.longest), "checked again whether that still holds, at the latest");
  }
  if (core.rules.kind === "io" && decision.act === "hold" && verdict.is === "held") {
    return within(FETCH_RETRY.longest, "stafd is asked again, at the latest");
  }
  within(longest(KERNEL_LOOK.longest), LOOKED_AGAIN);
}

/** The longest time, including the spread. */
const longest = ({ ms }: Duration): Duration => ({ ms: Math.round(ms * 1.2) });

/** Of a connection that is left alone. */
export const nextOfForeign = (now: Now): V1Step => ({
  step: "next",
  at: wallOf(after(now, longest(KERNEL_LOOK.longest)), now),
  text: LOOKED_AGAIN,
});

/** Of one that is gone. */
export const nextOfPast = (kind: View["rules"]["kind"], now: Now): V1Step => ({
  step: "next",
  at: wallOf(after(now, longest(GENERATION_LOOK.longest)), now),
  text: `connected again as soon as a source wants it; ${
    kind === "io"
      ? "stafd has looked by then whether log pages have changed"
      : "the kernel's connections are checked again by then"
  }`,
});
