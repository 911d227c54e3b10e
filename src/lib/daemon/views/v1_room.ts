/** Controllers left out for lack of room, as problems for the health (S16). */
import { MAX_CTLS } from "../../core/fleet/fleet.ts";
import { MAX_SERVICES, type StafdState } from "../../core/stafd/stafd_state.ts";
import type { StacdState } from "../../core/stacd/stacd_state.ts";
import { tidText } from "../../nvme/tid.ts";
import type { Problem } from "./v1_health.ts";

const noRoom = (text: string, remedy: string): Problem => ({ id: "no-room", text, remedy });

const UNUSUAL = "it lists more than a host can use: check the controller, or exclude it";

export const stacdRoom = ({ pages }: StacdState): readonly Problem[] =>
  [...pages.values()].flatMap(({ left, dcText }) =>
    left === 0 ? [] : noRoom(
      `${left} controllers of the log page of ${dcText} are left out: stacd manages at most ${MAX_CTLS}`,
      UNUSUAL,
    )
  );

export function stafdRoom({ dcs, fleet, unheard, services }: StafdState): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [key, { left }] of dcs) {
    const ctl = left === 0 ? undefined : fleet.ctls.get(key);
    if (ctl === undefined) continue;
    const text = `${left} referrals of ${tidText(ctl.tid)} are left out: stafd manages at most ${MAX_CTLS}`;
    problems.push(noRoom(text, UNUSUAL));
  }
  if (unheard) {
    problems.push(noRoom(
      `mDNS announces more services than the ${MAX_SERVICES} that stafd follows (${services.size} now)`,
      "find the source of the announcements, or set zeroconf=disabled in stafd.conf and write controller= lines",
    ));
  }
  return problems;
}
