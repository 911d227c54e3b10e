import { familyAllowed, type IpFamilies } from "../config/controller_line.ts";
import type { DaemonConf } from "../config/daemon_conf.ts";
import { excludedBy } from "../config/exclude.ts";
import type { Tid } from "../nvme/tid.ts";
import type { Ctl } from "./ctl.ts";
import type { Evidence } from "./evidence.ts";
import { placeOf } from "./origin_place.ts";
import { configClaims } from "./planner.ts";

const hasFamily = ({ transport }: Tid): boolean => transport === "tcp" || transport === "rdma";

/** That `ip-family` turns an address away, as evidence. */
export const familyEvidence = ({ ipFamilies }: DaemonConf): Evidence => ({
  kind: "config",
  ...placeOf(ipFamilies.origin),
  what: "ip-family does not allow its address",
});

/**
 * Is it connected from before the restart, and turned away only by an `ip-family` that is another one since? A default that
 * changes between two runs disconnects nothing (S13): `families` are those that let it in.
 */
export const isSpared = (ctl: Ctl, conf: DaemonConf, families: IpFamilies | undefined): boolean =>
  ctl.inherited && families !== undefined && hasFamily(ctl.tid) &&
  !familyAllowed(ctl.tid.traddr, conf.ipFamilies.value) && familyAllowed(ctl.tid.traddr, families);

/** Why what is spared is not connected again. */
export const SPARED =
  "ip-family does not allow its address; the connection from before the restart stays until a changed file is loaded";

/**
 * Connected, and known from announcements alone that are not made any more (zeroconf was switched off, Avahi is away, the
 * daemon was restarted): ip-family does not look at it, as with the original. Announced again, it is looked at.
 */
const isKeepsake = (ctl: Ctl): boolean =>
  ctl.link.phase === "up" && ctl.claims.size > 0 &&
  [...ctl.claims.values()].every((claim) => claim.kind === "mdns" && !claim.present);

/** The exclude= line or the disabled address family that forbids a controller (S7); undefined when nothing does. */
export function refusal(
  ctl: Ctl,
  conf: DaemonConf | undefined,
  families: IpFamilies | undefined,
): Evidence | undefined {
  if (conf === undefined) return undefined;
  // CFG-47: a host name is excluded by its name as well as by what it resolves to.
  const line = excludedBy(ctl.tid, conf.excludes) ??
    configClaims(ctl).map(({ written }) => excludedBy(written, conf.excludes)).find((found) =>
      found !== undefined
    );
  if (line !== undefined) return { kind: "config", ...placeOf(line.origin), what: `exclude = ${line.text}` };
  // While nobody asks for it, nobody is turned away.
  if (ctl.claims.size === 0 || !hasFamily(ctl.tid)) return undefined;
  if (isKeepsake(ctl) || isSpared(ctl, conf, families)) return undefined;
  return familyAllowed(ctl.tid.traddr, conf.ipFamilies.value) ? undefined : familyEvidence(conf);
}
