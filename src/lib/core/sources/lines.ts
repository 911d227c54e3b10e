/**
 * The `controller=` lines as authorities, each independent of the others: a line that has not changed keeps
 * its controller, even while its name does not resolve (STAF-25, STAC-32); a line that is missing from a
 * completely read file withdraws its controller.
 */
import { excludedBy } from "../../config/exclude.ts";
import { exclusionFor } from "../fleet/kernel_view.ts";
import {
  type ControllerFields,
  type ControllerLine,
  familyAllowed,
  toTid,
} from "../../config/controller_line.ts";
import { normaliseTid, type Tid, tidKey, WELL_KNOWN_DISC_NQN } from "../../nvme/tid.ts";
import type { Op } from "../effects.ts";
import { inOrder } from "../../base/name_numbers.ts";
import { after, type Instant, reached } from "../../base/time.ts";
import type { Failure, Outcome } from "../../base/failure.ts";
import type { Authority, Claim } from "../controller/ctl.ts";
import { ipFamily } from "../../nvme/address.ts";
import { placeOf } from "./origin_place.ts";
import { type DaemonConf, unreadPlaces } from "../../config/daemon_conf.ts";
import { allLines, duplicateText } from "../../config/duplicate_lines.ts";
import { type Draft, emit, newOp, remindAt } from "../fleet/draft.ts";
import { allCtls, saidOf } from "../fleet/questions.ts";
import type { Evidence } from "../planning/evidence.ts";
import { addClaim, withdraw } from "../fleet/claims.ts";
import { familyEvidence, isSpared } from "../planning/refusal.ts";
import { moveClaim } from "../fleet/move.ts";
import type { View } from "../fleet/view.ts";
import { NAME_RECHECK, pause, RESOLVE_RETRY } from "../retry.ts";
import { logLine } from "../fleet/reporting.ts";
import { originText } from "../../config/origin.ts";

export interface LineState {
  /**
   * The first line for a controller; `also` has further lines for the same controller, for their security
   * options.
   */
  readonly line: ControllerLine;
  readonly also: readonly SaidLine[];
  /** Why the line connects nothing: its security options are invalid. */
  readonly unusable: string | undefined;
  /** As written: the address may be a host name. */
  readonly written: Tid;
  /**
   * The addresses to which the name resolved last, before ip-family is applied; undefined for a literal
   * address.
   */
  readonly addresses: readonly string[] | undefined;
  readonly op: Op | undefined;
  /** When the name will be resolved next; reminders for other times are ignored. */
  readonly askAt: Instant | undefined;
  readonly failures: number;
  readonly failure: Failure | undefined;
}

/** A line with the reason for which it cannot be used. */
export interface SaidLine {
  readonly line: ControllerLine;
  readonly why: string | undefined;
}

export interface WrittenLine extends SaidLine {
  readonly tid: Tid;
  readonly also: readonly SaidLine[];
}

export type Lines = ReadonlyMap<Authority, LineState>;

const PREFIX = "line:";

/**
 * Identifies a line by its text. Host identity and defaults are not in the text: they may change, and the
 * line stays the same (S13).
 */
export function lineAuthority(fields: ControllerFields): Authority {
  const subsysnqn = fields.subsysnqn || WELL_KNOWN_DISC_NQN;
  const written = normaliseTid({ ...fields, subsysnqn, hostNqn: fields.hostNqn ?? "" }, {
    hostNqn: "",
    ignoreIface: false,
  });
  // An explicitly empty host NQN differs from a missing one.
  return PREFIX + tidKey(written) + (fields.hostNqn === "" ? "#" : "");
}

export const isLiteral = (tid: Tid): boolean =>
  (tid.transport !== "tcp" && tid.transport !== "rdma") || ipFamily(tid.traddr) !== undefined;

/** Host names that have not been resolved yet: the controllers of their lines are unknown. */
export const unresolvedHosts = (lines: Lines): readonly string[] =>
  [...lines.values()].filter(({ written, addresses }) => !isLiteral(written) && addresses === undefined)
    .map(({ written }) => written.traddr);

function claimOf(state: LineState, traddr: string): Claim {
  const { line, written } = state;
  return {
    kind: "config",
    ...placeOf(line.origin),
    text: line.text,
    written,
    traddr,
    overrides: line.overrides,
    keys: line.keys,
    hostId: line.fields.hostId,
    extra: line.extra,
  };
}

/** The addresses of a name in the order of attempts: IPv4 first (STAF-14). */
const inTurn = (addresses: readonly string[]): readonly string[] => [
  ...addresses.filter((traddr) => ipFamily(traddr) === 4),
  ...addresses.filter((traddr) => ipFamily(traddr) !== 4),
];

/** The address after one that failed: each comes, whatever the order of the answers. */
function following(failed: string, addresses: readonly string[]): string | undefined {
  const all = [...new Set([...addresses, failed])].toSorted(inOrder);
  const at = all.indexOf(failed);
  return [...all.slice(at + 1), ...all.slice(0, at + 1)].find((traddr) => addresses.includes(traddr));
}

/**
 * The lines of a file by authority. If two lines name one controller, the first counts, as in the original.
 */
export function writtenLines(
  conf: Pick<DaemonConf, "controllers" | "unusable" | "ignoreIface" | "conn">,
  hostNqn: string,
): Map<Authority, WrittenLine> {
  const written = new Map<Authority, WrittenLine>();
  const defaults = { hostNqn, ignoreIface: conf.ignoreIface.value };
  for (const said of allLines(conf.controllers, conf.unusable, conf.conn?.files)) {
    const tid = toTid(said.line, defaults);
    const authority = lineAuthority(said.line.fields);
    const first = written.get(authority);
    written.set(
      authority,
      first === undefined ? { ...said, tid, also: [] } : { ...first, also: [...first.also, said] },
    );
  }
  return written;
}

/**
 * A valid file was read completely. A controller= line that could not be parsed may be any of those that
 * seem to be missing, so none of these is withdrawn (S2).
 */
export function loadLines(draft: Draft, conf: DaemonConf): void {
  const { file } = conf;
  const written = writtenLines(conf, draft.state.fleet.host?.nqn ?? "");
  const what = "no controller= line asks for it any more";
  const disabled = new Set(conf.disabled.map(lineAuthority));
  const complete = unreadPlaces(conf).length === 0;
  for (const ctl of allCtls(draft)) {
    for (const [authority, claim] of ctl.claims) {
      draft.work++;
      if (!authority.startsWith(PREFIX) || written.has(authority)) continue;
      const isElsewhere = claim.kind === "config" && conf.conn?.files.includes(claim.file) === true;
      const gone: Evidence = { kind: "config", file: isElsewhere ? claim.file : file, what };
      if (!disabled.has(authority)) {
        if (complete) withdraw(draft, ctl.key, authority, gone);
      } else if (!isSpared(ctl, conf, draft.state.fleet.families)) {
        withdraw(draft, ctl.key, authority, familyEvidence(conf));
      }
    }
  }
  const lines = new Map<Authority, LineState>();
  for (const [authority, { line, why, tid, also }] of written) {
    const old = draft.state.lines.get(authority);
    lines.set(authority, {
      line,
      also,
      unusable: why,
      written: tid,
      addresses: old?.addresses,
      op: old?.op,
      askAt: old?.askAt,
      failures: 0,
      failure: undefined,
    });
  }
  for (const authority of draft.state.lines.keys()) {
    if (!lines.has(authority)) remindAt(draft, { mono: Infinity }, { of: "resolve", key: authority });
  }
  draft.ownLines = lines;
  draft.state = { ...draft.state, lines: lines };
  for (const [authority, state] of [...lines]) {
    // The line's other options count at once, for the address known so far.
    const isClaimed = renew(draft, authority, state);
    if (isLiteral(state.written)) claimLine(draft, authority, state, state.written.traddr);
    else {
      // A changed ip-family may allow an address that was not usable before.
      const known = isClaimed
        ? undefined
        : unforbidden(draft, state, allowedOf(draft, state.addresses ?? []))[0];
      if (known !== undefined) claimLine(draft, authority, state, known);
      askName(draft, authority);
    }
  }
}

/** The line has stayed, so its claims stay, even if our side of them has another identity now. */
function renew(draft: Draft, authority: Authority, state: LineState): boolean {
  let isClaimed = false;
  for (const ctl of saidOf(draft, authority)) {
    const known = ctl.claims.get(authority);
    if (known?.kind !== "config") continue;
    isClaimed = true;
    const tid: Tid = { ...state.written, traddr: known.traddr };
    const claim = claimOf(state, known.traddr);
    if (tidKey(tid) === ctl.key) addClaim(draft, ctl.key, ctl.tid, authority, claim);
    else moveClaim(draft, ctl.key, authority, tid, claim);
  }
  return isClaimed;
}

export function nameResolved(draft: Draft, op: Op, outcome: Outcome<readonly string[]>): void {
  for (const [authority, state] of draft.state.lines) {
    draft.work++;
    if (state.op === op) return answered(draft, authority, { ...state, op: undefined }, outcome);
  }
}

/** The name of a line is due. */
export function lineReminded(draft: Draft, authority: Authority): void {
  const state = draft.state.lines.get(authority);
  if (state?.askAt === undefined || !reached(state.askAt, draft.now)) return;
  if (state.failure !== undefined || !isConnected(draft, authority)) askName(draft, authority);
  else setLine(draft, authority, { ...state, askAt: undefined });
}

/**
 * Resolves names again because the network changed or a connection was lost; once in a step, however many
 * were lost.
 */
export function recheckNames(draft: Draft): void {
  draft.namesDue = true;
}

/** At the end of a step. */
export function settleLines(draft: Draft): void {
  if (!draft.namesDue) return;
  draft.namesDue = false;
  for (const [authority, state] of draft.state.lines) {
    draft.work++;
    if (!isLiteral(state.written) && !isConnected(draft, authority)) askName(draft, authority);
  }
}

function isConnected(view: View, authority: Authority): boolean {
  for (const ctl of saidOf(view, authority)) {
    if (ctl.claims.has(authority)) return ctl.link.phase === "up";
  }
  return false;
}

function setLine(draft: Draft, authority: Authority, state: LineState): void {
  if (draft.ownLines === undefined || draft.state.lines !== draft.ownLines) {
    draft.ownLines = new Map(draft.state.lines);
  }
  draft.state = { ...draft.state, lines: draft.ownLines.set(authority, state) };
}

function askName(draft: Draft, authority: Authority): void {
  const state = draft.state.lines.get(authority);
  if (state === undefined || state.op !== undefined || draft.state.fleet.stopping) return;
  const op = newOp(draft);
  setLine(draft, authority, { ...state, op, askAt: undefined });
  emit(draft, { do: "resolve", op, host: state.written.traddr });
}

function answered(
  draft: Draft,
  authority: Authority,
  state: LineState,
  outcome: Outcome<readonly string[]>,
): void {
  const host = state.written.traddr;
  const usable = allowedOf(draft, outcome.ok ? outcome.value : []);
  const failure: Failure | undefined = !outcome.ok
    ? outcome.failure
    : usable.length > 0
    ? undefined
    : { phase: "resolve", kind: "transient", message: `"${host}" has no address of a family in ip-family` };
  if (failure !== undefined) {
    const failures = state.failures + 1;
    const askAt = after(draft.now, pause(RESOLVE_RETRY, failures, authority));
    // A name without a usable address claims nothing, and that counts as known.
    const addresses = outcome.ok ? outcome.value : state.addresses;
    setLine(draft, authority, { ...state, addresses, failures, failure, askAt });
    // Its present addresses are known nevertheless: an address that is not among them is withdrawn.
    if (outcome.ok && outcome.value.length > 0) {
      addressesMoved(draft, authority, state, outcome.value, outcome.value);
    }
    logLine(draft, failures === 1 ? "error" : "debug", failure.message, { NVME_TRADDR: host });
    return remindAt(draft, askAt, { of: "resolve", key: authority });
  }
  const askAt = after(draft.now, NAME_RECHECK);
  setLine(draft, authority, {
    ...state,
    addresses: outcome.ok ? outcome.value : usable,
    failures: 0,
    failure: undefined,
    askAt,
  });
  remindAt(draft, askAt, { of: "resolve", key: authority });
  const traddr = chosen(draft, authority, state, usable);
  if (traddr === undefined) return;
  claimLine(draft, authority, state, traddr);
  addressesMoved(draft, authority, state, [traddr], usable);
}

/**
 * The address to use. The present one is kept while it is connected or being connected (the order of
 * answers means nothing), and after a restart until the kernel has been read. After a failure the next
 * address is used.
 */
function chosen(
  view: View,
  authority: Authority,
  state: LineState,
  usable: readonly string[],
): string | undefined {
  const turns = unforbidden(view, state, usable);
  let failed: string | undefined;
  for (const ctl of saidOf(view, authority)) {
    const present = usable.find((traddr) => tidKey({ ...state.written, traddr }) === ctl.key);
    if (present === undefined || !ctl.claims.has(authority)) continue;
    const isTried = ctl.link.phase !== "idle" && ctl.link.phase !== "waiting";
    if (isTried || ctl.restored) return present;
    if (ctl.attempts > 0) failed = present;
  }
  return failed === undefined ? turns[0] : following(failed, turns);
}

/**
 * The addresses that no exclusion forbids, in the order of attempts: a forbidden one would never fail. If all are
 * forbidden, all: then the line shows why.
 */
function unforbidden(view: View, { written }: LineState, usable: readonly string[]): readonly string[] {
  const turns = inTurn(usable);
  const excludes = view.state.conf?.excludes ?? [];
  const allowed = turns.filter((traddr) => {
    const tid = { ...written, traddr };
    return excludedBy(tid, excludes) === undefined && exclusionFor(view, tid) === undefined;
  });
  return allowed.length === 0 ? turns : allowed;
}

/** The line no longer claims any other addresses than these. */
function addressesMoved(
  draft: Draft,
  authority: Authority,
  { written }: LineState,
  kept: readonly string[],
  addresses: readonly string[],
): void {
  const keep = new Set(kept.map((traddr) => tidKey({ ...written, traddr })));
  const evidence: Evidence = {
    kind: "resolved",
    host: written.traddr,
    addresses: addresses.join(", "),
    at: draft.now.wall,
  };
  for (const ctl of saidOf(draft, authority)) {
    if (!keep.has(ctl.key)) withdraw(draft, ctl.key, authority, evidence);
  }
}

function allowedOf(view: View, addresses: readonly string[]): readonly string[] {
  const families = view.state.conf?.ipFamilies.value ?? { v4: true, v6: true };
  return addresses.filter((address) => familyAllowed(address, families));
}

function claimLine(draft: Draft, authority: Authority, state: LineState, traddr: string): void {
  const tid: Tid = { ...state.written, traddr };
  noteDuplicate(draft, authority, state, tidKey(tid));
  if (!addClaim(draft, tidKey(tid), tid, authority, claimOf(state, traddr))) {
    logLine(
      draft,
      "error",
      `${originText(state.line.origin)}: the limit of controllers is reached; this one is ignored`,
    );
  }
}

/**
 * With host names, only resolution shows that two lines mean one controller; the text of the file cannot.
 */
function noteDuplicate(draft: Draft, authority: Authority, { line }: LineState, key: string): void {
  const claims = draft.state.fleet.ctls.get(key)?.claims;
  if (claims === undefined || claims.has(authority)) return;
  for (const other of claims.keys()) {
    const first = draft.state.lines.get(other)?.line;
    if (first === undefined || first === line) continue;
    const [later, earlier] = lineNumber(first) > lineNumber(line) ? [first, line] : [line, first];
    sayDuplicate(draft, later, earlier);
  }
}

function sayDuplicate(draft: Draft, later: ControllerLine, first: ControllerLine): void {
  const text = duplicateText(later, first, draft.state.conf?.options ?? {});
  logLine(draft, "warning", `${originText(later.origin)}: ${text}`);
}

const lineNumber = ({ origin }: ControllerLine): number => origin.kind === "file" ? origin.line : 0;
