/**
 * TLS by log page (DEC-15). An entry without security has no effect; one that requires TLS gets TLS or no connection;
 * one that offers TLS gets it where this host has a key for the pair of host and subsystem NQN and a handshake
 * daemon, otherwise a connection without TLS. A target that was once connected with TLS never loses TLS because of a
 * page (S15).
 */
import type { DaemonConf } from "../../config/daemon_conf.ts";
import type { ConnectOptions } from "../../nvme/connect_options.ts";
import { stricterDemand, type TlsDemand, tlsOfEntry } from "../../nvme/entry_tls.ts";
import { TLS_DAEMON_REMEDY, TLS_FAILED_REMEDY, TLS_KEY_REMEDY } from "../../nvme/errno.ts";
import { type TlsHost, tlsPair } from "../../nvme/tls_host.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { isMdnsAuthority } from "../sources/origin_of.ts";
import { securedKey } from "./tls_targets.ts";

/** The authority behind the pages of a discovery controller. */
export type PageOwner = (dcKey: string) => string;

export type TlsChoice =
  /** No page says anything about TLS, or an option or line already decides it. */
  | { readonly is: "unsaid" }
  /** Without TLS, although TLS is offered. */
  | { readonly is: "clear"; readonly why: string; readonly remedy: string }
  /** With TLS; `must`: or not at all. */
  | {
    readonly is: "tls";
    readonly must: boolean;
    readonly why: string;
    /** The missing part for which it will fail. */
    readonly lacking: Lacking | undefined;
  };

interface Lacking {
  readonly what: string;
  readonly remedy: string;
}

const UNSAID: TlsChoice = { is: "unsaid" };

interface PageDemand {
  readonly demand: TlsDemand;
  /** The page with this demand, in words. */
  readonly by: string;
}

/**
 * The strictest demand of pages on these controllers, which are all paths to one target. A page that is known through
 * mDNS only does not overrule a line, a boot table or the page of a configured discovery controller: it could prevent
 * a legitimate connection (S16).
 */
function demandOf(ctls: Iterable<Ctl>, ownerOf: PageOwner): PageDemand | undefined {
  let [trusted, heard]: (PageDemand | undefined)[] = [];
  let isTrusted = false;
  for (const claim of [...ctls].flatMap(({ claims }) => [...claims.values()])) {
    if (claim.kind === "config" || claim.kind === "nbft") isTrusted = true;
    if (claim.kind !== "log-page" && claim.kind !== "referral") continue;
    const found = { demand: tlsOfEntry(claim.entry), by: claim.dcText };
    if (isMdnsAuthority(ownerOf(claim.dc))) heard = stricter(heard, found);
    else {
      isTrusted = true;
      trusted = stricter(trusted, found);
    }
  }
  return isTrusted ? trusted : heard;
}

function stricter(known: PageDemand | undefined, found: PageDemand): PageDemand {
  if (known === undefined) return found;
  return stricterDemand(known.demand, found.demand) === known.demand ? known : found;
}

const isListed = ({ claims }: Ctl): boolean =>
  [...claims.values()].some(({ kind }) => kind === "log-page" || kind === "referral");

/** `options`: the settings of lines and of `[Global]`. */
export function tlsChoice(
  ctl: Ctl,
  options: ConnectOptions,
  { tls, secured, aboutTls, ctls }: Pick<Fleet, "tls" | "secured" | "aboutTls" | "ctls">,
  conf: DaemonConf | undefined,
  ownerOf: PageOwner,
): TlsChoice {
  if (secured.size === 0 && aboutTls.size === 0) return UNSAID;
  if (options.tls === true || options.concat === true || ctl.tid.transport !== "tcp") return UNSAID;
  if (conf?.tlsFromLogPage.value === "ignore") return UNSAID;
  if (!isListed(ctl)) return UNSAID;
  const target = securedKey(ctl.tid);
  const others = (aboutTls.get(target) ?? []).flatMap((key) => key === ctl.key ? [] : ctls.get(key) ?? []);
  const found = demandOf([ctl, ...others], ownerOf);
  if (found === undefined) return UNSAID;
  const { demand, by } = found;
  const lacking = lackingFor(ctl, options, tls);
  if (demand === "required") {
    return { is: "tls", must: true, why: `the log page of ${by} requires TLS`, lacking };
  }
  if (secured.has(target)) {
    const says = demand === "none" ? "no longer lists TLS for it" : "does not require TLS";
    const why = `it was connected by TLS before, and keeps TLS although the log page of ${by} ${says}`;
    return { is: "tls", must: true, why, lacking };
  }
  if (demand === "none") return UNSAID;
  const offers = `the log page of ${by} offers TLS`;
  if (lacking !== undefined) {
    return { is: "clear", why: `${offers}, and ${lacking.what}`, remedy: lacking.remedy };
  }
  if (ctl.triedTls && ctl.attempts > 0) {
    const last = ctl.lastFailure?.failure.message ?? "the last attempt failed";
    return { is: "clear", why: `${offers}, and with TLS it failed: ${last}`, remedy: TLS_FAILED_REMEDY };
  }
  return { is: "tls", must: false, why: offers, lacking };
}

/** The part of TLS that this host lacks. A part that cannot be read counts as present. */
function lackingFor({ tid }: Ctl, { tlsKey }: ConnectOptions, tls: TlsHost | undefined): Lacking | undefined {
  if (tls?.daemon === false) {
    return { what: "no daemon does the handshakes", remedy: TLS_DAEMON_REMEDY };
  }
  const hasKey = tlsKey !== undefined || tls?.pairs?.has(tlsPair(tid.hostNqn, tid.subsysnqn)) !== false;
  return hasKey ? undefined : { what: "there is no key for this host and subsystem", remedy: TLS_KEY_REMEDY };
}

/** In words, for plans and explanations; undefined where no page says anything about TLS. */
export function tlsText(choice: TlsChoice): string | undefined {
  switch (choice.is) {
    case "unsaid":
      return undefined;
    case "clear":
      return `without TLS: ${choice.why}`;
    case "tls": {
      const { why, must, lacking } = choice;
      const or = must ? ", and without TLS it is not connected" : "";
      return `by TLS: ${why}${or}${lacking === undefined ? "" : `; ${lacking.what}`}`;
    }
  }
}

/** The remedy for the obstacle to TLS. */
export const tlsRemedy = (choice: TlsChoice): string | undefined =>
  choice.is === "clear" ? choice.remedy : choice.is === "tls" ? choice.lacking?.remedy : undefined;
