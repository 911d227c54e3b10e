/**
 * The authority that a discovery controller goes back to (S16): a line of the configuration, the boot table,
 * or all of mDNS on one interface. Referrals count for the authority at their root. Quotas and turns are per
 * authority.
 */
import { tidText } from "../../nvme/tid.ts";
import type { Claim, Ctl } from "../controller/ctl.ts";
import type { TurnPlace } from "../fleet/turns.ts";

const MDNS = "mdns ";

/** All of mDNS on one interface. */
export const mdnsAuthority = (hostIface: string): string => `${MDNS}${hostIface}`;

export const isMdnsAuthority = (authority: string): boolean => authority.startsWith(MDNS);

/** Controllers that this host's own files name, which have no quota. */
export const OWN_FILES = "files";

/** The origin of a controller that nothing leads to, for instance while it is being dropped. */
export const NO_AUTHORITY = "nobody";

/** For display; `ctl`: the discovery controller, if the authority is one. */
export function authorityText(authority: string, ctl: Ctl | undefined): string {
  if (isMdnsAuthority(authority)) return `mDNS on ${authority.slice(MDNS.length) || "an unknown interface"}`;
  return ctl === undefined ? "controllers that nothing leads to" : `${tidText(ctl.tid)} and its referrals`;
}

/** Where a controller comes from: its own line or table, or the authorities whose pages and services name it. */
export function originOf(ctl: Ctl, authorities: Iterable<string>): TurnPlace {
  for (const { kind } of ctl.claims.values()) {
    if (kind === "config" || kind === "nbft") return { lane: 0, authority: OWN_FILES };
  }
  let heard: string | undefined;
  for (const authority of authorities) {
    if (!isMdnsAuthority(authority)) return { lane: 0, authority };
    heard ??= authority;
  }
  const isKnown = ctl.proven || ctl.inherited || ctl.restored;
  return { lane: isKnown ? 1 : 2, authority: heard ?? NO_AUTHORITY };
}

/** The quota against which one more cause counts. */
export function quotaOf(claim: Claim, pageOwner: (dcKey: string) => string): string {
  switch (claim.kind) {
    case "config":
    case "nbft":
      return OWN_FILES;
    case "mdns":
      return mdnsAuthority(claim.hostIface);
    case "referral":
    case "log-page":
      return pageOwner(claim.dc);
  }
}

/** The authority that a discovery controller is by itself; undefined where only referrals lead to it. */
export function ownAuthority({ key, claims }: Ctl): string | undefined {
  let heard: string | undefined;
  for (const claim of claims.values()) {
    if (claim.kind === "config" || claim.kind === "nbft") return key;
    if (claim.kind === "mdns") heard ??= mdnsAuthority(claim.hostIface);
  }
  return heard;
}
