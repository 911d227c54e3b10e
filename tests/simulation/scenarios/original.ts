/** What the original does, as changes to our cores. */
import { ConnectorTurn } from "../../../src/lib/core/connector.ts";
import type { ConnectorState } from "../../../src/lib/core/connector_state.ts";
import type { ConnectorEffect, ConnectorEvent, FinderEvent } from "../../../src/lib/core/effects.ts";
import type { Now } from "../../../src/lib/nvme/time.ts";
import { hearing } from "../altered.ts";
import { type Cores, realCores } from "../cores.ts";
import type { ConnectorCore } from "../daemons.ts";

type ConnectorStep = ReturnType<ConnectorCore["step"]>;

/** stacd, with something more done after each of its steps. */
export function stacdAfter(
  more: (next: ConnectorStep, event: ConnectorEvent, now: Now, before: ConnectorState) => ConnectorStep,
): Cores {
  const { connector } = realCores;
  return {
    ...realCores,
    connector: {
      ...connector,
      step: (state, event, now) => more(connector.step(state, event, now), event, now, state),
    },
  };
}

/** An IPv4-mapped address is IPv6 (TID-16). */
function asMapped<Event extends FinderEvent | ConnectorEvent>(event: Event): Event {
  if (event.type !== "config" || event.conf.ipFamilies.value.v6) return event;
  const isMapped = (traddr: string): boolean => traddr.startsWith("::ffff:");
  const controllers = event.conf.controllers.filter(({ fields }) => !isMapped(fields.traddr));
  return { ...event, conf: { ...event.conf, controllers } };
}

export const mappedIsIpv6: Cores = {
  finder: hearing(realCores.finder, asMapped),
  connector: hearing(realCores.connector, asMapped),
};

/** Everything that these authorities ask for is no longer asked for. */
export function lettingGo(next: ConnectorStep, prefix: string, now: Now): ConnectorStep {
  const turn = new ConnectorTurn(next.state, now);
  for (const ctl of turn.fleet.fleet.ctls.values()) {
    for (const authority of ctl.claims.keys()) {
      if (!authority.startsWith(prefix)) continue;
      turn.fleet.release(ctl.key, authority, {
        kind: "config",
        file: "nobody",
        what: "no source wants it any more",
      });
    }
  }
  const step = turn.finish();
  const effects: readonly ConnectorEffect[] = [...next.effects, ...step.effects];
  return { state: step.state, effects };
}
