/**
 * Holds `plan` and `explain` against what happens: asked again after each thing that a daemon is told, in every world that the
 * simulation makes. What is done without news from outside was planned; what is planned is begun in time.
 */
import type { ConnectorState } from "../../src/lib/core/connector_state.ts";
import { ConnectorTurn } from "../../src/lib/core/connector.ts";
import type { Ctl } from "../../src/lib/core/ctl.ts";
import { FinderTurn } from "../../src/lib/core/finder.ts";
import type { FinderState } from "../../src/lib/core/finder_state.ts";
import type { Fleet } from "../../src/lib/core/fleet.ts";
import type { Core } from "../../src/lib/daemon/shell.ts";
import type { Asked } from "../../src/lib/daemon/views/v1_common.ts";
import { explain } from "../../src/lib/daemon/views/v1_explain.ts";
import { planOf } from "../../src/lib/daemon/views/v1_plan.ts";
import type { V1Change } from "../../src/lib/dbus/v1_types.ts";
import type { KernelCtrl } from "../../src/lib/nvme/kernel_ctrl.ts";
import { tidKey, tidText } from "../../src/lib/nvme/tid.ts";
import type { Now } from "../../src/lib/nvme/time.ts";
import type { World } from "../../src/lib/sim/world.ts";
import { type Cores, realCores } from "./cores.ts";
import type { AnyEffect, AnyEvent } from "./rules.ts";
import { Violation } from "./violation.ts";

type Who = "stafd" | "stacd";

/** The functions under test, for a canary to replace. */
export interface Views {
  readonly planOf: typeof planOf;
  readonly explain: typeof explain;
}
export const realViews: Views = { planOf, explain };

/** The outcome of what the daemon itself asked for: nobody else had a say in it. */
const INSIDE: ReadonlySet<AnyEvent["type"]> = new Set([
  "tick",
  "reached",
  "connected",
  "disconnected",
  "saved",
  "registered",
  "supported-logs",
  "states",
]);

/** A removal that is due is begun within this; one that waits for another one, within the second. */
const DUE_MS = 2_000;
const CHAINED_MS = 40_000;
/** An attempt that is due may have to wait: the kernel makes one connection at a time, and one may hang for a minute. */
const ATTEMPT_MS = 200_000;

interface Overdue {
  readonly since: number;
  readonly lastTry: number | undefined;
}

interface Watched<State> {
  /** The state after the last step; another one means that the daemon was started again. */
  last: State | undefined;
  /** `action key` of what was planned when something from outside was last heard. */
  planned: ReadonlySet<string>;
  readonly overdue: Map<string, Overdue>;
}

const named = (action: string, key: string): string => `${action} ${key}`;
const all = (changes: readonly V1Change[]): Set<string> =>
  new Set(changes.map(({ action, tid }) => named(action, tidKey(tid))));

export class PlanWatch {
  readonly cores: Cores;
  /** Set when the world is there. */
  world: World | undefined;
  readonly counts = { connect: 0, disconnect: 0, adopt: 0, "let-go": 0, reloads: 0, explained: 0 };
  readonly #views: Views;
  #steps = 0;

  constructor(views: Views = realViews) {
    this.#views = views;
    this.cores = {
      finder: this.#watched<FinderState, typeof realCores.finder>(
        "stafd",
        realCores.finder,
        (state, now) => new FinderTurn(state, now),
        (device) => device.isDc,
      ),
      connector: this.#watched<ConnectorState, typeof realCores.connector>(
        "stacd",
        realCores.connector,
        (state, now) => new ConnectorTurn(state, now),
        (device) => device.isIoc,
      ),
    };
  }
}
