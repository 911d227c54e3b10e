/** The real cores, as a shell takes them; canaries begin from these. */
import { connectorWakeAt, stepConnector } from "../../src/lib/core/connector.ts";
import { finderWakeAt, stepFinder } from "../../src/lib/core/finder.ts";
import type { ConnectorCore, FinderCore } from "./process.ts";

export interface Cores {
  readonly finder: FinderCore;
  readonly connector: ConnectorCore;
}

export const realCores: Cores = {
  finder: {
    step: stepFinder,
    wakeAt: finderWakeAt,
    tick: { type: "tick" },
    clockSet: (ms) => ({ type: "clock-set", ms }),
  },
  connector: {
    step: stepConnector,
    wakeAt: connectorWakeAt,
    tick: { type: "tick" },
    clockSet: (ms) => ({ type: "clock-set", ms }),
  },
};
