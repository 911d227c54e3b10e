import { familyAllowed } from "../config/controller_line.ts";
import type { DaemonConf } from "../config/daemon_conf.ts";
import { excludedBy } from "../config/exclude.ts";
import type { Tid } from "../nvme/tid.ts";
import { type Ctl, spellings } from "./ctl.ts";
import type { Evidence } from "./evidence.ts";
import { placeOf } from "./lines.ts";
import { configClaims } from "./planner.ts";

/**
 * The address as somebody spells it whom ip-family does not turn away; undefined when it turns all of them away. Of an
 * IPv4 address and its mapped form, which are one controller, it may allow only one (TID-16). While nobody asks for it,
 * nobody is turned away.
 */
function allowedSpelling(ctl: Ctl, { ipFamilies }: DaemonConf): string | undefined {
  if (ctl.claims.size === 0) return ctl.tid.traddr;
  for (const claim of ctl.claims.values()) {
    const allowed = spellings(claim).find((traddr) => familyAllowed(traddr, ipFamilies.value));
    if (allowed !== undefined) return allowed;
  }
  return undefined;
}

const hasFamily = ({ transport }: Tid): boolean => transport === "tcp" || transport === "rdma";

/** The controller, its address spelt as ip-family allows. */
export function allowedTid(ctl: Ctl, conf: DaemonConf | undefined): Tid {
  const { tid } = ctl;
  if (conf === undefined || !hasFamily(tid) || familyAllowed(tid.traddr, conf.ipFamilies.value)) return tid;
  return { ...tid, traddr: allowedSpelling(ctl, conf) ?? tid.traddr };
}

/**
 * Connected, and known from announcements alone that are not made any more (zeroconf was switched off, Avahi is away, the
 * daemon was restarted): ip-family does not look at it, as with the original. Announced again, it is looked at.
 */
const isKeepsake = (ctl: Ctl): boolean =>
  ctl.link.phase === "up" && ctl.claims.size > 0 &&
  [...ctl.claims.values()].every((claim) => claim.kind === "mdns" && !claim.present);

/** The exclude= line or the disabled address family that forbids a controller (S7); undefined when nothing does. */
export function refusal(ctl: Ctl, conf: DaemonConf | undefined): Evidence | undefined {
  if (conf === undefined) return undefined;
  // CFG-47: a host name is excluded by its name as well as by what it resolves to.
  const line = excludedBy(ctl.tid, conf.excludes) ??
    configClaims(ctl).map(({ written }) => excludedBy(written, conf.excludes)).find((found) =>
      found !== undefined
    );
  if (line !== undefined) return { kind: "config", ...placeOf(line.origin), what: `exclude = ${line.text}` };
  if (hasFamily(ctl.tid) && !isKeepsake(ctl) && allowedSpelling(ctl, conf) === undefined) {
    return {
      kind: "config",
      ...placeOf(conf.ipFamilies.origin),
      what: "ip-family does not allow its address",
    };
  }
  return undefined;
}
