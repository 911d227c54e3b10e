/**
 * The `controller=` lines as authorities, each independent of the others: a line that has not changed keeps
 * its controller, even while its name does not resolve (STAF-25, STAC-32); a line that is missing from a
 * completely read file withdraws its controller.
 */
import {
  type ControllerFields,
  type ControllerLine,
  familyAllowed,
  type IpFamilies,
  toTid,
} from "../../config/controller_line.ts";
import { type DaemonConf, unreadPlaces } from "../../config/daemon_conf.ts";
import { excludedBy, type ExcludeLine } from "../../config/exclude.ts";
import { allLines, duplicateText } from "../../config/duplicate_lines.ts";
import { originText } from "../../config/origin.ts";
import { ipFamily } from "../../nvme/address.ts";
import type { ConnectOptions } from "../../nvme/connect_options.ts";
import type { Failure, Outcome } from "../../base/failure.ts";
import { normaliseTid, type Tid, tidKey, WELL_KNOWN_DISC_NQN } from "../../nvme/tid.ts";
import { after, type Instant, reached } from "../../base/time.ts";
import type { Authority, Claim } from "../controller/ctl.ts";
import type { Op } from "../effects.ts";
import type { Evidence } from "../planning/evidence.ts";
import type { FleetTurn } from "../fleet/fleet_turn.ts";
import { placeOf } from "./origin_place.ts";
import { familyEvidence, isSpared } from "../planning/refusal.ts";
import { NAME_RECHECK, pause, RESOLVE_RETRY } from "../retry.ts";

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
const REMINDER = "#resolve:";

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
  const all = [...new Set([...addresses, failed])].toSorted();
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

type Host = Pick<
  FleetTurn,
  | "fleet"
  | "now"
  | "op"
  | "emit"
  | "claim"
  | "move"
  | "release"
  | "remindAt"
  | "log"
  | "all"
  | "saidOf"
  | "barred"
  | "work"
>;

/** Works on the lines within one step. */
export class LinesTurn {
  lines: Lines;
  readonly turn: Host;
  readonly families: IpFamilies;
  /** Of `[Global]`. */
  readonly global: ConnectOptions;
  readonly excludes: readonly ExcludeLine[];
  #lost = false;
  /** The copy that this step changes. */
  #own: Map<Authority, LineState> | undefined;

  constructor(
    lines: Lines,
    turn: Host,
    conf: Pick<DaemonConf, "ipFamilies" | "options" | "excludes"> | undefined,
  ) {
    this.lines = lines;
    this.turn = turn;
    this.families = conf?.ipFamilies.value ?? { v4: true, v6: true };
    this.global = conf?.options ?? {};
    this.excludes = conf?.excludes ?? [];
  }

  /**
   * A valid file was read completely. A controller= line that could not be parsed may be any of those that
   * seem to be missing, so none of these is withdrawn (S2).
   */
  load(written: ReadonlyMap<Authority, WrittenLine>, conf: DaemonConf): void {
    const { file } = conf;
    const what = "no controller= line asks for it any more";
    const disabled = new Set(conf.disabled.map(lineAuthority));
    const complete = unreadPlaces(conf).length === 0;
    for (const ctl of this.turn.all()) {
      for (const [authority, claim] of ctl.claims) {
        this.turn.work++;
        if (!authority.startsWith(PREFIX) || written.has(authority)) continue;
        const isElsewhere = claim.kind === "config" && conf.conn?.files.includes(claim.file) === true;
        const gone: Evidence = { kind: "config", file: isElsewhere ? claim.file : file, what };
        if (!disabled.has(authority)) {
          if (complete) this.turn.release(ctl.key, authority, gone);
        } else if (!isSpared(ctl, conf, this.turn.fleet.families)) {
          this.turn.release(ctl.key, authority, familyEvidence(conf));
        }
      }
    }
    const lines = new Map<Authority, LineState>();
    for (const [authority, { line, why, tid, also }] of written) {
      const old = this.lines.get(authority);
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
    for (const authority of this.lines.keys()) {
      if (!lines.has(authority)) this.turn.remindAt({ mono: Infinity }, REMINDER + authority);
    }
    this.#own = lines;
    this.lines = lines;
    for (const [authority, state] of [...lines]) {
      // The line's other options count at once, for the address known so far.
      const isClaimed = this.#renew(authority, state);
      if (isLiteral(state.written)) this.#claim(authority, state, state.written.traddr);
      else {
        // A changed ip-family may allow an address that was not usable before.
        const known = isClaimed ? undefined : this.#allowed(state, this.#usable(state.addresses ?? []))[0];
        if (known !== undefined) this.#claim(authority, state, known);
        this.#ask(authority);
      }
    }
  }

  /** The line has stayed, so its claims stay, even if our side of them has another identity now. */
  #renew(authority: Authority, state: LineState): boolean {
    let isClaimed = false;
    for (const ctl of this.turn.saidOf(authority)) {
      const known = ctl.claims.get(authority);
      if (known?.kind !== "config") continue;
      isClaimed = true;
      const tid: Tid = { ...state.written, traddr: known.traddr };
      const claim = claimOf(state, known.traddr);
      if (tidKey(tid) === ctl.key) this.turn.claim(ctl.key, ctl.tid, authority, claim);
      else this.turn.move(ctl.key, authority, tid, claim);
    }
    return isClaimed;
  }

  resolved(op: Op, outcome: Outcome<readonly string[]>): void {
    for (const [authority, state] of this.lines) {
      this.turn.work++;
      if (state.op === op) return this.#answered(authority, { ...state, op: undefined }, outcome);
    }
  }

  /** True when the reminder was for a line. */
  reminded(key: string): boolean {
    if (!key.startsWith(REMINDER)) return false;
    const authority = key.slice(REMINDER.length);
    const state = this.lines.get(authority);
    if (state?.askAt === undefined || !reached(state.askAt, this.turn.now)) return true;
    if (state.failure !== undefined || !this.#connected(authority)) this.#ask(authority);
    else this.#set(authority, { ...state, askAt: undefined });
    return true;
  }

  /**
   * Resolves names again because the network changed or a connection was lost; once in a step, however many
   * were lost.
   */
  recheck(): void {
    this.#lost = true;
  }

  /** At the end of a step. */
  settle(): void {
    if (!this.#lost) return;
    this.#lost = false;
    for (const [authority, state] of this.lines) {
      this.turn.work++;
      if (!isLiteral(state.written) && !this.#connected(authority)) this.#ask(authority);
    }
  }

  #connected(authority: Authority): boolean {
    for (const ctl of this.turn.saidOf(authority)) {
      if (ctl.claims.has(authority)) return ctl.link.phase === "up";
    }
    return false;
  }

  #set(authority: Authority, state: LineState): void {
    if (this.#own === undefined || this.lines !== this.#own) this.#own = new Map(this.lines);
    this.lines = this.#own.set(authority, state);
  }

  #ask(authority: Authority): void {
    const state = this.lines.get(authority);
    if (state === undefined || state.op !== undefined || this.turn.fleet.stopping) return;
    const op = this.turn.op();
    this.#set(authority, { ...state, op, askAt: undefined });
    this.turn.emit({ do: "resolve", op, host: state.written.traddr });
  }

  #answered(authority: Authority, state: LineState, outcome: Outcome<readonly string[]>): void {
    const host = state.written.traddr;
    const usable = this.#usable(outcome.ok ? outcome.value : []);
    const failure: Failure | undefined = !outcome.ok
      ? outcome.failure
      : usable.length > 0
      ? undefined
      : { phase: "resolve", kind: "transient", message: `"${host}" has no address of a family in ip-family` };
    if (failure !== undefined) {
      const failures = state.failures + 1;
      const askAt = after(this.turn.now, pause(RESOLVE_RETRY, failures, authority));
      // A name without a usable address claims nothing, and that counts as known.
      const addresses = outcome.ok ? outcome.value : state.addresses;
      this.#set(authority, { ...state, addresses, failures, failure, askAt });
      // Its present addresses are known nevertheless: an address that is not among them is withdrawn.
      if (outcome.ok && outcome.value.length > 0) this.#moved(authority, state, outcome.value, outcome.value);
      this.turn.log(failures === 1 ? "error" : "debug", failure.message, { NVME_TRADDR: host });
      return this.turn.remindAt(askAt, REMINDER + authority);
    }
    const askAt = after(this.turn.now, NAME_RECHECK);
    this.#set(authority, {
      ...state,
      addresses: outcome.ok ? outcome.value : usable,
      failures: 0,
      failure: undefined,
      askAt,
    });
    this.turn.remindAt(askAt, REMINDER + authority);
    const traddr = this.#chosen(authority, state, usable);
    if (traddr === undefined) return;
    this.#claim(authority, state, traddr);
    this.#moved(authority, state, [traddr], usable);
  }

  /**
   * The address to use. The present one is kept while it is connected or being connected (the order of
   * answers means nothing), and after a restart until the kernel has been read. After a failure the next
   * address is used.
   */
  #chosen(authority: Authority, state: LineState, usable: readonly string[]): string | undefined {
    const turns = this.#allowed(state, usable);
    let failed: string | undefined;
    for (const ctl of this.turn.saidOf(authority)) {
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
  #allowed({ written }: LineState, usable: readonly string[]): readonly string[] {
    const turns = inTurn(usable);
    const allowed = turns.filter((traddr) => {
      const tid = { ...written, traddr };
      return excludedBy(tid, this.excludes) === undefined && this.turn.barred(tid) === undefined;
    });
    return allowed.length === 0 ? turns : allowed;
  }

  /** The line no longer claims any other addresses than these. */
  #moved(
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
      at: this.turn.now.wall,
    };
    for (const ctl of this.turn.saidOf(authority)) {
      if (!keep.has(ctl.key)) this.turn.release(ctl.key, authority, evidence);
    }
  }

  #usable(addresses: readonly string[]): readonly string[] {
    return addresses.filter((address) => familyAllowed(address, this.families));
  }

  #claim(authority: Authority, state: LineState, traddr: string): void {
    const tid: Tid = { ...state.written, traddr };
    this.#noteDuplicate(authority, state, tidKey(tid));
    if (!this.turn.claim(tidKey(tid), tid, authority, claimOf(state, traddr))) {
      this.turn.log(
        "error",
        `${originText(state.line.origin)}: the limit of controllers is reached; this one is ignored`,
      );
    }
  }

  /**
   * With host names, only resolution shows that two lines mean one controller; the text of the file cannot.
   */
  #noteDuplicate(authority: Authority, { line }: LineState, key: string): void {
    const claims = this.turn.fleet.ctls.get(key)?.claims;
    if (claims === undefined || claims.has(authority)) return;
    for (const other of claims.keys()) {
      const first = this.lines.get(other)?.line;
      if (first === undefined || first === line) continue;
      const [later, earlier] = lineNumber(first) > lineNumber(line) ? [first, line] : [line, first];
      this.#sayDuplicate(later, earlier);
    }
  }

  #sayDuplicate(later: ControllerLine, first: ControllerLine): void {
    const text = duplicateText(later, first, this.global);
    this.turn.log("warning", `${originText(later.origin)}: ${text}`);
  }
}

const lineNumber = ({ origin }: ControllerLine): number => origin.kind === "file" ? origin.line : 0;
