/**
 * The time since when a controller has been in its present state, as a person would see it. It is kept over a
 * restart (in /run): the restart of a daemon does not change it.
 */
import type { DeviceRef } from "../../ports.ts";
import type { Ctl } from "./ctl.ts";
import type { Verdict } from "../planning/planner.ts";

/** Trying, waiting and failed are one state: not connected. A new attempt does not begin a new period. */
export const STANDINGS = ["absent", "connected", "lost", "leaving", "disconnecting", "excluded"] as const;

export interface Standing {
  readonly is: typeof STANDINGS[number];
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The connection concerned; of an absent one, the device that the kernel is still connecting; empty without one. */
  readonly device: string;
  readonly incarnation: number;
}

function standsAs({ link }: Ctl, verdict: Verdict): Standing["is"] {
  const isWithdrawn = verdict.is === "excluded" || verdict.is === "unwanted" ||
    (verdict.is === "held" && verdict.withdrawn !== undefined);
  switch (link.phase) {
    case "up":
      return isWithdrawn ? "leaving" : link.lost === undefined ? "connected" : "lost";
    case "deleting":
      return "disconnecting";
    case "idle":
    case "waiting":
    case "reaching":
    case "ready":
    case "connecting":
    case "forming":
      return verdict.is === "excluded" || (verdict.is === "held" && verdict.unusable === true)
        ? "excluded"
        : "absent";
  }
}

/** The controller's standing at this time; the same object when nothing has changed. */
export function standingOf(ctl: Ctl, verdict: Verdict, now: number): Standing {
  const is = standsAs(ctl, verdict);
  const { device, incarnation } = ctl.link.phase === "up" || ctl.link.phase === "deleting" ||
      ctl.link.phase === "forming"
    ? ctl.link.ref
    : { device: "", incarnation: 0 };
  const before = ctl.standing;
  // Known from before a restart, and the kernel has not been read yet.
  if (before !== undefined && ctl.restored && ctl.link.phase !== "up") return before;
  const isSame = before?.is === is && before.device === device && before.incarnation === incarnation;
  if (before !== undefined && isSame) return before;
  // It is not connected, whichever device the kernel is still connecting for it.
  const since = before?.is === is && is === "absent" ? before.since : now;
  return { is, since, device, incarnation };
}

/** When the link of an adopted connection was lost, if the previous daemon noticed. */
export function lostSince({ standing }: Ctl, { device, incarnation }: DeviceRef): number | undefined {
  const isOfIt = standing?.device === device && standing.incarnation === incarnation;
  return isOfIt && standing.is === "lost" ? standing.since : undefined;
}
