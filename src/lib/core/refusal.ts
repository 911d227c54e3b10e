import { familyAllowed } from "../config/controller_line.ts";
import type { DaemonConf } from "../config/daemon_conf.ts";
import { excludedBy } from "../config/exclude.ts";
import type { Ctl } from "./ctl.ts";
import type { Evidence } from "./evidence.ts";
import { placeOf } from "./lines.ts";
import { configClaims } from "./planner.ts";

/** The exclude= line or the disabled address family that forbids a controller (S7); undefined when nothing does. */
export function refusal(ctl: Ctl, conf: DaemonConf | undefined): Evidence | undefined {
  if (conf === undefined) return undefined;
  // CFG-47: a host name is excluded by its name as well as by what it resolves to.
  const line = excludedBy(ctl.tid, conf.excludes) ??
    configClaims(ctl).map(({ written }) => excludedBy(written, conf.excludes)).find((found) =>
      found !== undefined
    );
  if (line !== undefined) return { kind: "config", ...placeOf(line.origin), what: `exclude = ${line.text}` };
  const hasFamily = ctl.tid.transport === "tcp" || ctl.tid.transport === "rdma";
  if (hasFamily && !familyAllowed(ctl.tid.traddr, conf.ipFamilies.value)) {
    return {
      kind: "config",
      ...placeOf(conf.ipFamilies.origin),
      what: "ip-family does not allow its address",
    };
  }
  return undefined;
}
