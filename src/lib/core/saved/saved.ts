/**
 * The part of the state file that both daemons have: controllers and their sources. Plain JSON, without
 * secrets (S8): keys and options of a `controller=` line come from the configuration again, which is read
 * before anything is connected. Reading is strict for each record and tolerant for the whole: an invalid
 * record is left out.
 */
import { fieldsOfText, type IpFamilies } from "../../config/controller_line.ts";
import type { PageEntry } from "../../nvme/discovery_entry.ts";
import { entryFromText, entryToText } from "../../nvme/entry_text.ts";
import { type Tid, tidFields, tidFromFields, tidKey } from "../../nvme/tid.ts";
import {
  type Authority,
  type Claim,
  claimNow,
  type Ctl,
  type HostSide,
  MAX_FORMERLY,
  newCtl,
  withClaim,
} from "../controller/ctl.ts";
import type { Evidence } from "../planning/evidence.ts";
import { type Fleet, MAX_SECURED, withCtl } from "../fleet/fleet.ts";
import { entriesOf, type Part } from "../../base/table.ts";
import { KeptTexts, listText } from "./kept_texts.ts";
import { lineAuthority } from "../sources/lines.ts";
import { type Standing, STANDINGS } from "../controller/standing.ts";

const STATE_VERSION = 1;

export type Json = Readonly<Record<string, unknown>>;

/** The page of a discovery controller that was taken in last. */
type Listing = Parameters<typeof claimNow>[1];

export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const textOf = (value: unknown): string => typeof value === "string" ? value : "";
export const numberOf = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) ? value : 0;
export const listOf = (value: unknown): readonly unknown[] => Array.isArray(value) ? value : [];

/** An object whose values are all texts. */
export function textsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isJson(value)) return undefined;
  const texts: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") return undefined;
    texts[key] = text;
  }
  return texts;
}

/** An entry of a log page, which is saved as its texts. */
export function entryOf(value: unknown): PageEntry | undefined {
  const texts = textsOf(value);
  return texts === undefined ? undefined : entryFromText(texts);
}

export function tidOf(value: unknown): Tid | undefined {
  const texts = textsOf(value);
  return texts === undefined ? undefined : tidFromFields(texts);
}

function savedClaim(claim: Claim): Json {
  switch (claim.kind) {
    case "config":
      return {
        kind: "config",
        file: claim.file,
        line: claim.line,
        text: claim.text,
        written: tidFields(claim.written),
        traddr: claim.traddr,
      };
    case "mdns":
      return { kind: "mdns", service: claim.service, hostIface: claim.hostIface, traddr: claim.traddr };
    case "nbft":
      return { ...claim };
    case "referral":
    case "log-page":
      return { ...claim, entry: entryToText(claim.entry) };
  }
}

function claimOf(value: unknown, tid: Tid): Claim | undefined {
  if (!isJson(value)) return undefined;
  const traddr = textOf(value["traddr"]) || tid.traddr;
  switch (value["kind"]) {
    case "config": {
      const written = tidOf(value["written"]);
      if (written === undefined) return undefined;
      const { file, line, text } = value;
      return {
        kind: "config",
        file: textOf(file),
        line: numberOf(line),
        text: textOf(text),
        written,
        traddr,
        overrides: {},
        keys: {},
        hostId: fieldsOfText(textOf(text))?.hostId ?? "",
        extra: new Map(),
      };
    }
    case "nbft":
      return { kind: "nbft", file: textOf(value["file"]), traddr, hostId: textOf(value["hostId"]) };
    case "mdns":
      // Not announced to this process yet; Avahi will report it again.
      return {
        kind: "mdns",
        service: textOf(value["service"]),
        hostIface: textOf(value["hostIface"]),
        traddr,
        present: false,
        heard: false,
      };
    case "referral":
    case "log-page": {
      const entry = entryOf(value["entry"]);
      if (entry === undefined) return undefined;
      return {
        kind: value["kind"],
        dc: textOf(value["dc"]),
        dcText: textOf(value["dcText"]),
        genctr: textOf(value["genctr"]),
        readAt: numberOf(value["readAt"]),
        entry,
        ...(value["isLeft"] === true ? { isLeft: true } : {}),
      };
    }
    default:
      return undefined;
  }
}

/**
 * Version 1.0.0 identified a line by the host's identity as well; the text of the line does not depend on
 * that.
 */
function authorityOf(claim: Claim, saved: Authority): Authority {
  const fields = claim.kind === "config" ? fieldsOfText(claim.text) : undefined;
  return fields === undefined ? saved : lineAuthority(fields);
}

function sideOf(value: unknown): HostSide | undefined {
  const texts = textsOf(value);
  if (texts === undefined) return undefined;
  const { hostNqn = "", hostIface = "", hostTraddr = "" } = texts;
  return { hostNqn, hostIface, hostTraddr };
}

function savedStanding(value: unknown): Standing | undefined {
  if (!isJson(value)) return undefined;
  const is = STANDINGS.find((word) => word === value["is"]);
  const since = numberOf(value["since"]);
  if (is === undefined || since <= 0) return undefined;
  return { is, since, device: textOf(value["device"]), incarnation: numberOf(value["incarnation"]) };
}

function evidenceOf(value: unknown): Evidence | undefined {
  if (!isJson(value)) return undefined;
  const line = typeof value["line"] === "number" ? { line: value["line"] } : {};
  const [dc, at] = [textOf(value["dc"]), numberOf(value["at"])];
  switch (value["kind"]) {
    case "config":
      return { kind: "config", file: textOf(value["file"]), ...line, what: textOf(value["what"]) };
    case "log-page":
      return { kind: "log-page", dc, genctr: textOf(value["genctr"]), readAt: numberOf(value["readAt"]) };
    case "dc-retired":
      return { kind: "dc-retired", dc, why: textOf(value["why"]), at };
    case "forgotten":
      return { kind: "forgotten", what: textOf(value["what"]), uid: numberOf(value["uid"]), at };
    case "resolved":
      return { kind: "resolved", host: textOf(value["host"]), addresses: textOf(value["addresses"]), at };
    case "unresponsive":
      return {
        kind: "unresponsive",
        since: numberOf(value["since"]),
        timeoutMs: numberOf(value["timeoutMs"]),
      };
    default:
      return undefined;
  }
}

/**
 * No source wants it any more, and its connection still has to be removed, perhaps even before it is
 * complete: a restart must not forget that (S9).
 */
const isLeaving = (ctl: Ctl): boolean =>
  ctl.claims.size === 0 &&
  (ctl.link.phase === "up" || ctl.link.phase === "connecting" || ctl.link.phase === "forming" ||
    ctl.link.phase === "deleting" || ctl.restored) &&
  ![...ctl.released.values()].every(({ kind }) => kind === "audit");

/**
 * Only referrals lead to it, perhaps in a circle and no longer from a root: what withdrew it, or will, is then the evidence
 * for its removal, which a restart must not forget (S9).
 */
const isReferredTo = ({ claims }: Ctl): boolean =>
  [...claims.values()].every(({ kind }) => kind === "referral");

/**
 * Controllers that a source claims or has withdrawn. The next audit finds foreign ones again. A claim is saved with
 * the page with which it was taken in; the page of now is saved once, with the page.
 */
function savedCtl(ctl: Ctl): Json | undefined {
  const leaving = isLeaving(ctl);
  if (ctl.claims.size === 0 && !leaving) return undefined;
  const claims = [...ctl.claims].map(([authority, claim]) => ({ authority, claim: savedClaim(claim) }));
  const released = [...ctl.released].map(([authority, evidence]) => ({ authority, evidence }));
  return {
    tid: tidFields(ctl.tid),
    ...(ctl.formerly.length === 0 ? {} : { formerly: ctl.formerly }),
    claims,
    ...(leaving || (released.length > 0 && isReferredTo(ctl)) ? { released } : {}),
    ...(ctl.proven ? { proven: true } : {}),
    resting: ctl.leftToOthers,
    ...(ctl.standing === undefined ? {} : { standing: ctl.standing }),
  };
}

/** The controllers of a part of the table, separated by commas. */
function partText(part: Part<Ctl>): string {
  const ctls = entriesOf(part).map(({ value }) => savedCtl(value));
  return listText(ctls.flatMap((ctl) => ctl === undefined ? [] : [JSON.stringify(ctl)]));
}

const PARTS = new KeptTexts(partText);

const savedCtls = (fleet: Fleet): string => `[${listText(PARTS.of(fleet.ctls.parts()))}]`;

/**
 * The allowed address families, if recorded; version 1.0.0 did not record them, and its connections count as
 * allowed.
 */
function familiesOf(value: unknown): IpFamilies {
  if (!isJson(value)) return { v4: true, v6: true };
  return { v4: value["v4"] !== false, v6: value["v6"] !== false };
}

const savedTrial = ({ patternsOnTrial }: Fleet): readonly string[] => [...patternsOnTrial ?? []];

/** A state file without the list comes from a version without patterns. */
const restoreTrial = (fleet: Fleet, value: unknown): Fleet =>
  Array.isArray(value) ? { ...fleet, patternsOnTrial: new Set(value.map(textOf)) } : fleet;

const savedSecured = ({ secured }: Fleet): readonly string[] => [...secured.keys()];

function restoreSecured(fleet: Fleet, value: unknown): Fleet {
  let { secured } = fleet;
  for (const key of listOf(value).slice(0, MAX_SECURED)) {
    if (typeof key === "string") secured = secured.with(key, true);
  }
  return { ...fleet, secured };
}

/** Controllers as they were saved, without operations under way. */
function restoreCtls(fleet: Fleet, value: unknown, listed: Listing): Fleet {
  let next = fleet;
  for (const record of listOf(value)) {
    if (!isJson(record)) continue;
    const tid = tidOf(record["tid"]);
    if (tid === undefined) continue;
    let ctl: Ctl = newCtl(tidKey(tid), tid, 0);
    for (const saved of listOf(record["claims"])) {
      const claim = isJson(saved) ? claimOf(saved["claim"], tid) : undefined;
      if (!isJson(saved) || claim === undefined) continue;
      ctl = withClaim(ctl, authorityOf(claim, textOf(saved["authority"])), claimNow(claim, listed));
    }
    const released = new Map<string, Evidence>();
    for (const saved of listOf(record["released"])) {
      const evidence = isJson(saved) ? evidenceOf(saved["evidence"]) : undefined;
      if (isJson(saved) && evidence !== undefined) released.set(textOf(saved["authority"]), evidence);
    }
    if (ctl.claims.size === 0 && released.size === 0) continue;
    const resting = record["resting"] === true;
    const formerly = listOf(record["formerly"]).map(sideOf).filter((side) => side !== undefined);
    ctl = {
      ...ctl,
      formerly: formerly.slice(-MAX_FORMERLY),
      released,
      leftToOthers: resting,
      restored: !resting,
      inherited: !resting,
      standing: savedStanding(record["standing"]),
      proven: record["proven"] === true,
    };
    next = withCtl(next, ctl);
  }
  return next;
}

/** `plain` as JSON, and fields whose values are JSON already; at least one of each. */
export function jsonWith(plain: Json, texts: Readonly<Record<string, string>>): string {
  const fields = Object.entries(texts).map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `${JSON.stringify(plain).slice(0, -1)},${listText(fields)}}`;
}

/** The text of the state file: what both daemons save, and the daemon's own fields. */
export const savedText = (fleet: Fleet, own: Json, texts: Readonly<Record<string, string>> = {}): string =>
  jsonWith({
    version: STATE_VERSION,
    families: fleet.families,
    ...(fleet.lead === undefined ? {} : { lead: fleet.lead }),
    ...own,
    young: savedTrial(fleet),
    secured: savedSecured(fleet),
  }, { controllers: savedCtls(fleet), ...texts });

/** What both daemons restore, and the file for the rest; undefined: no state file of this version. */
export function restoredFleet(
  empty: Fleet,
  value: unknown,
  pages: (file: Json) => Listing,
): { readonly fleet: Fleet; readonly file: Json } | undefined {
  if (!isJson(value) || value["version"] !== STATE_VERSION) return undefined;
  const families = familiesOf(value["families"]);
  // Without it, it is unknown of which clock the times of the file are (clock_set.ts).
  const lead = Number.isFinite(value["lead"]) ? numberOf(value["lead"]) : undefined;
  const ctls = restoreCtls({ ...empty, families, lead }, value["controllers"], pages(value));
  return { fleet: restoreSecured(restoreTrial(ctls, value["young"]), value["secured"]), file: value };
}
