/** What the original does, as changes to our cores. */
import { finishStacd } from "../../../src/lib/core/stacd/stacd_step.ts";
import type { StacdState } from "../../../src/lib/core/stacd/stacd_state.ts";
import type { StacdEffect, StacdEvent, StafdEvent } from "../../../src/lib/core/effects.ts";
import type { Now } from "../../../src/lib/base/time.ts";
import { hearing } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import type { StacdCore } from "../daemons.ts";
import { stacdDraft } from "../../../src/lib/core/stacd/stacd_rules.ts";
import { withdraw } from "../../../src/lib/core/fleet/claims.ts";

type StacdStep = ReturnType<StacdCore["step"]>;

/** stacd, with something more done after each of its steps. */
export function stacdAfter(
  more: (next: StacdStep, event: StacdEvent, now: Now, before: StacdState) => StacdStep,
): Cores {
  const { stacd } = realCores;
  return {
    ...realCores,
    stacd: {
      ...stacd,
      step: (state, event, now) => more(stacd.step(state, event, now), event, now, state),
    },
  };
}

/** An IPv4-mapped address is IPv6 (TID-16). */
function asMapped<Event extends StafdEvent | StacdEvent>(event: Event): Event {
  if (event.type !== "config" || event.conf.ipFamilies.value.v6) return event;
  const isMapped = (traddr: string): boolean => traddr.startsWith("::ffff:");
  const controllers = event.conf.controllers.filter(({ fields }) => !isMapped(fields.traddr));
  return { ...event, conf: { ...event.conf, controllers } };
}

export const mappedIsIpv6: Cores = {
  stafd: hearing(realCores.stafd, asMapped),
  stacd: hearing(realCores.stacd, asMapped),
};

/** Everything that these authorities ask for is no longer asked for. */
export function lettingGo(next: StacdStep, prefix: string, now: Now): StacdStep {
  const turn = stacdDraft(next.state, now);
  for (const ctl of turn.state.fleet.ctls.values()) {
    for (const authority of ctl.claims.keys()) {
      if (!authority.startsWith(prefix)) continue;
      withdraw(turn, ctl.key, authority, {
        kind: "config",
        file: "nobody",
        what: "no source wants it any more",
      });
    }
  }
  const step = finishStacd(turn);
  const effects: readonly StacdEffect[] = [...next.effects, ...step.effects];
  return { state: step.state, effects };
}
