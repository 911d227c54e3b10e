/** Calls that have not returned, for `health` and `explain` (L6). */
import type { V1Explanation, V1Step } from "../../dbus/v1_types.ts";
import { isoTime } from "../../base/time.ts";
import type { HungCall } from "../bounded_ports.ts";

export const HUNG_REMEDY =
  "look for a blocked task in the kernel's log (journalctl -k); the call is made again when it returns";

export const hungText = ({ what, since }: HungCall): string =>
  `${what}, begun ${isoTime(since)}, has not returned: it is not made again until it does`;

/** Reported for the controllers that a call concerns, or for all if it concerns all. */
export function withHung(explained: V1Explanation, hung: readonly HungCall[]): V1Explanation {
  if (hung.length === 0) return explained;
  const matches = explained.matches.map((match) => {
    const concerned = hung.filter(({ object, isGlobal }) =>
      isGlobal || object === match.device || object === match.text || match.tid?.traddr === object
    );
    const steps = concerned.map((call): V1Step => ({ step: "state", at: call.since, text: hungText(call) }));
    return { ...match, chain: [...match.chain, ...steps] };
  });
  return { ...explained, matches };
}
