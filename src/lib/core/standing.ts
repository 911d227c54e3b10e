/**
 * Since when a controller is what it is, as a person would say it. It is kept over a restart (in /run): a daemon that is
 * started anew has changed nothing of it.
 */
import type { DeviceRef } from "../ports.ts";
import type { Ctl } from "./ctl.ts";
import type { Verdict } from "./planner.ts";

/** Whatever is tried, waited for or has failed is one: not connected. Trying again does not begin anew. */
export const STANDINGS = ["absent", "connected", "lost", "leaving", "disconnecting", "excluded"] as const;

export interface Standing {
  readonly is: typeof STANDINGS[number];
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The connection that it is about; empty without one. */
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
      return verdict.is === "excluded" || (verdict.is === "held" && verdict.unusable === true)
        ? "excluded"
        : "absent";
  }
}

/** Its standing at this time; the very same object when nothing has changed. */
export function standingOf(ctl: Ctl, verdict: Verdict, now: number): Standing {
  const is = standsAs(ctl, verdict);
  const { device, incarnation } = ctl.link.phase === "up" || ctl.link.phase === "deleting"
    ? ctl.link.ref
    : { device: "", incarnation: 0 };
  const before = ctl.standing;
  // From before a restart, and the kernel has not been looked at yet.
  if (before !== undefined && ctl.restored && ctl.link.phase !== "up") return before;
  const isSame = before?.is === is && before.device === device && before.incarnation === incarnation;
  if (before !== undefined && isSame) return before;
  return { is, since: now, device, incarnation };
}

/** When the link of a connection that is taken over was lost, if the daemon before this one saw that. */
export function lostSince({ standing }: Ctl, { device, incarnation }: DeviceRef): number | undefined {
  const isOfIt = standing?.device === device && standing.incarnation === incarnation;
  return isOfIt && standing.is === "lost" ? standing.since : undefined;
}
