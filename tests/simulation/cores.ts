/** The real cores, as a shell takes them; canaries begin from these. */
import { connectorCore } from "../../src/lib/daemon/connector_service.ts";
import { finderCore } from "../../src/lib/daemon/finder_service.ts";
import type { ConnectorCore, FinderCore } from "./daemons.ts";

export interface Cores {
  readonly finder: FinderCore;
  readonly connector: ConnectorCore;
}

export const realCores: Cores = { finder: finderCore, connector: connectorCore };
