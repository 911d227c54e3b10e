import { familyAllowed, fieldsOfText, type IpFamilies } from "../../config/controller_line.ts";
import type { DaemonConf } from "../../config/daemon_conf.ts";
import { excludedBy, isPattern } from "../../config/exclude.ts";
import type { Tid } from "../../nvme/tid.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { Evidence } from "./evidence.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { placeOf } from "../sources/origin_place.ts";
import { unusableHere } from "./usable.ts";
import { configClaims, type Verdict } from "./planner.ts";

const hasFamily = ({ transport }: Tid): boolean => transport === "tcp" || transport === "rdma";

/** Evidence that `ip-family` forbids an address. */
export const familyEvidence = ({ ipFamilies }: DaemonConf): Evidence => ({
  kind: "config",
  ...placeOf(ipFamilies.origin),
  what: "ip-family does not allow its address",
});

/**
 * Is the controller known from before the restart, and forbidden only by an `ip-family` that has changed
 * since? A default that changes between two runs disconnects nothing (S13), not even a controller whose
 * discovery controller is lost meanwhile. `families`: the families that allowed it.
 */
export const isSpared = (ctl: Ctl, conf: DaemonConf, families: IpFamilies | undefined): boolean =>
  ctl.inherited && families !== undefined && hasFamily(ctl.tid) &&
  !familyAllowed(ctl.tid.traddr, conf.ipFamilies.value) && familyAllowed(ctl.tid.traddr, families);

/** Why a spared controller is not connected again. */
export const SPARED = "ip-family does not allow its address; a connection from before the restart stays, " +
  "but the controller is not connected again until a changed file is loaded";

/** Known only from announcements that have ended. */
export const isLeftBehind = ({ claims }: Ctl): boolean =>
  claims.size > 0 && [...claims.values()].every((claim) => claim.kind === "mdns" && !claim.present);

/**
 * Connected, and known only from announcements that have ended (zeroconf was switched off, Avahi is not
 * running, the daemon was restarted): ip-family does not apply to it, as in the original. When it is
 * announced again, ip-family applies.
 */
const isKeepsake = (ctl: Ctl): boolean => ctl.link.phase === "up" && isLeftBehind(ctl);

/**
 * A line before defaults are filled in: an empty `nqn` in an exclude= line matches lines without an NQN, as
 * in the original, which compares before it fills in the well-known NQN.
 */
function asWritten(
  { written, text }: ReturnType<typeof configClaims>[number],
  { excludes }: DaemonConf,
): Tid {
  const asksForNone = excludes.some(({ matches }) => matches.subsysnqn === "");
  return asksForNone && fieldsOfText(text)?.subsysnqn === "" ? { ...written, subsysnqn: "" } : written;
}

/**
 * The patterns that do not disconnect anything yet after a file was read: none after a reload, all at the
 * first start, those of the first start later.
 */
export function onTrial(
  patternsOnTrial: Fleet["patternsOnTrial"],
  conf: Pick<DaemonConf, "excludes">,
  reload: boolean,
): ReadonlySet<string> {
  const patterns = conf.excludes.filter(({ matches }) => isPattern(matches)).map(({ text }) => text);
  return new Set(reload ? [] : patterns.filter((text) => patternsOnTrial?.has(text) ?? true));
}

/** The configuration without these patterns. */
export const grown = <C extends DaemonConf>(conf: C, patternsOnTrial: Fleet["patternsOnTrial"]): C =>
  patternsOnTrial === undefined || patternsOnTrial.size === 0
    ? conf
    : { ...conf, excludes: conf.excludes.filter(({ text }) => !patternsOnTrial.has(text)) };

/** {@link refusal}, and whether existing connections stay nevertheless. */
function refusalAt(
  ctl: Ctl,
  conf: DaemonConf,
  { patternsOnTrial, families }: Pick<Fleet, "patternsOnTrial" | "families">,
): { readonly evidence: Evidence; readonly isOnTrial: boolean } | undefined {
  const evidence = refusal(ctl, conf, families);
  if (evidence === undefined) return undefined;
  const isOnTrial = patternsOnTrial !== undefined && patternsOnTrial.size > 0 &&
    refusal(ctl, grown(conf, patternsOnTrial), families) === undefined;
  return { evidence, isOnTrial };
}

/**
 * The verdict on a controller that must not be connected, whichever source wants it; undefined when it may
 * be.
 */
export function forbiddance(
  ctl: Ctl,
  conf: DaemonConf,
  fleet: Pick<Fleet, "patternsOnTrial" | "families" | "transports">,
): Verdict | undefined {
  const refused = refusalAt(ctl, conf, fleet);
  if (refused !== undefined) return refusedVerdict(refused);
  const why = unusableHere(ctl, conf, fleet);
  return why === undefined ? undefined : { is: "held", adopts: true, unusable: true, why };
}

function refusedVerdict({ evidence, isOnTrial }: NonNullable<ReturnType<typeof refusalAt>>): Verdict {
  if (!isOnTrial) return { is: "excluded", evidence: [evidence] };
  const what = evidence.kind === "config"
    ? `${evidence.file}:${evidence.line}: ${evidence.what}`
    : "an exclude= line";
  return {
    is: "held",
    adopts: true,
    why:
      `${what} matches since this version was installed: it is not connected again, but nothing is disconnected ` +
      "until a reload",
  };
}

/** The exclude= line or the disabled address family that forbids a controller (S7); undefined when nothing does. */
export function refusal(
  ctl: Ctl,
  conf: DaemonConf | undefined,
  families: IpFamilies | undefined,
): Evidence | undefined {
  if (conf === undefined) return undefined;
  // CFG-47: a host name is excluded by its name as well as by what it resolves to.
  const line = excludedBy(ctl.tid, conf.excludes) ??
    configClaims(ctl).map((claim) => excludedBy(asWritten(claim, conf), conf.excludes)).find((found) =>
      found !== undefined
    );
  if (line !== undefined) return { kind: "config", ...placeOf(line.origin), what: `exclude = ${line.text}` };
  // While no source wants it, no source is refused.
  if (ctl.claims.size === 0 || !hasFamily(ctl.tid)) return undefined;
  if (isKeepsake(ctl) || isSpared(ctl, conf, families)) return undefined;
  return familyAllowed(ctl.tid.traddr, conf.ipFamilies.value) ? undefined : familyEvidence(conf);
}
