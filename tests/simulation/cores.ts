/** The real cores, as a shell takes them; canaries begin from these. */
import { stacdCore } from "../../src/lib/daemon/stacd_service.ts";
import { stafdCore } from "../../src/lib/daemon/stafd_service.ts";
import type { StacdCore, StafdCore } from "./daemons.ts";

export interface Cores {
  readonly stafd: StafdCore;
  readonly stacd: StacdCore;
}

export const realCores: Cores = { stafd: stafdCore, stacd: stacdCore };
