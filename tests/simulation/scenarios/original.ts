/** What the original does, as changes to our cores. */
import { ConnectorTurn } from "../../../src/lib/core/connector.ts";
import type { ConnectorState } from "../../../src/lib/core/connector_state.ts";
import type { ConnectorEffect, ConnectorEvent } from "../../../src/lib/core/effects.ts";
import type { Authority, Claim } from "../../../src/lib/core/ctl.ts";
import type { Fleet } from "../../../src/lib/core/fleet.ts";
import type { Now } from "../../../src/lib/nvme/time.ts";
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

/** Who asks for a controller first decides how its address is spelt. */
function spelt(fleet: Fleet): Fleet {
  let { ctls } = fleet;
  for (const ctl of ctls.values()) {
    const { traddr } = ctl.tid;
    const claims = new Map(
      [...ctl.claims].map(([authority, claim]): [Authority, Claim] => [
        authority,
        "entry" in claim ? { ...claim, entry: { ...claim.entry, traddr } } : { ...claim, traddr },
      ]),
    );
    ctls = ctls.with(ctl.key, { ...ctl, claims });
  }
  return { ...fleet, ctls };
}

export const oneSpelling: Cores = {
  finder: {
    ...realCores.finder,
    step: (state, event, now) => realCores.finder.step({ ...state, fleet: spelt(state.fleet) }, event, now),
  },
  connector: {
    ...realCores.connector,
    step: (state, event, now) =>
      realCores.connector.step({ ...state, fleet: spelt(state.fleet) }, event, now),
  },
};

/** Everything that these authorities ask for is no longer asked for. */
export function lettingGo(next: ConnectorStep, prefix: string, now: Now): ConnectorStep {
  const turn = new ConnectorTurn(next.state, now);
  for (const ctl of turn.fleet.fleet.ctls.values()) {
    for (const authority of ctl.claims.keys()) {
      if (!authority.startsWith(prefix)) continue;
      turn.fleet.release(ctl.key, authority, {
        kind: "log-page",
        dc: "nobody",
        genctr: "",
        readAt: now.wall,
      });
    }
  }
  const step = turn.finish();
  const effects: readonly ConnectorEffect[] = [...next.effects, ...step.effects];
  return { state: step.state, effects };
}
