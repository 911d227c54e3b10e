/**
 * The security requested for one controller. A line's security options apply to the subsystem at its address,
 * whichever source lists it. If lines differ, the strictest option counts (S15).
 */
import { mergedOptions } from "../../config/connect_option.ts";
import type { DaemonConf } from "../../config/daemon_conf.ts";
import { type Opinion, opinionOf, sameWay, strictest } from "../../config/duplicate_lines.ts";
import type { SecurityOption } from "../../config/security_names.ts";
import type { ConnectOptions } from "../../nvme/connect_options.ts";
import { canonicalAddress, type Tid, WELL_KNOWN_DISC_NQN } from "../../nvme/tid.ts";
import type { Ctl } from "../controller/ctl.ts";
import type { HostConf } from "./host.ts";
import { isLiteral, type Lines, type LineState } from "../sources/lines.ts";

type Spoken = Pick<LineState, "line" | "also" | "unusable" | "written" | "addresses">;

interface Index {
  readonly byPlace: ReadonlyMap<string, readonly Spoken[]>;
  /** Host names that have not been resolved yet, by NQN: each may mean any address of that subsystem. */
  readonly unresolved: ReadonlyMap<string, readonly Spoken[]>;
}

/** Lists of lines are immutable, so the index of each is made once. */
const indexes = new WeakMap<Lines, Index>();

const placeOf = (tid: Pick<Tid, "transport" | "trsvcid">, traddr: string): string =>
  JSON.stringify([tid.transport, canonicalAddress(tid.transport, traddr), tid.trsvcid]);

function indexOf(lines: Lines): Index {
  const known = indexes.get(lines);
  if (known !== undefined) return known;
  const byPlace = new Map<string, Spoken[]>();
  const unresolved = new Map<string, Spoken[]>();
  const add = (map: Map<string, Spoken[]>, key: string, state: Spoken): void => {
    const list = map.get(key);
    if (list === undefined) map.set(key, [state]);
    else if (!list.includes(state)) list.push(state);
  };
  for (const state of lines.values()) {
    const { written, addresses } = state;
    add(byPlace, placeOf(written, written.traddr), state);
    for (const traddr of addresses ?? []) add(byPlace, placeOf(written, traddr), state);
    if (addresses === undefined && !isLiteral(written)) add(unresolved, written.subsysnqn, state);
  }
  const index = { byPlace, unresolved };
  indexes.set(lines, index);
  return index;
}

interface Speakers {
  /** Lines that ask for exactly this controller, in the order of the file. */
  readonly own: readonly Spoken[];
  /** Lines whose connection may be the same one. */
  readonly near: readonly Spoken[];
  /**
   * Lines for the same subsystem and address through another interface; they count if the controller has no
   * line.
   */
  readonly elsewhere: readonly Spoken[];
}

const lineOf = ({ line: { origin } }: Spoken): number => origin.kind === "file" ? origin.line : 0;

function speakersFor(ctl: Ctl, lines: Lines, discovery: boolean): Speakers {
  const { tid } = ctl;
  const own: Spoken[] = [];
  for (const authority of ctl.claims.keys()) {
    const state = lines.get(authority);
    if (state !== undefined) own.push(state);
  }
  const { byPlace, unresolved } = indexOf(lines);
  const near: Spoken[] = [];
  const elsewhere: Spoken[] = [];
  for (
    const state of [
      ...byPlace.get(placeOf(tid, tid.traddr)) ?? [],
      // The well-known NQN does not identify a discovery controller.
      ...(tid.subsysnqn === WELL_KNOWN_DISC_NQN ? [] : unresolved.get(tid.subsysnqn) ?? [])
        .filter((one) => one.written.transport === tid.transport),
    ]
  ) {
    if (own.includes(state) || near.includes(state) || elsewhere.includes(state)) continue;
    const { written } = state;
    const isSame = written.subsysnqn === tid.subsysnqn ||
      (discovery && [written.subsysnqn, tid.subsysnqn].includes(WELL_KNOWN_DISC_NQN));
    if (!isSame || written.hostNqn !== tid.hostNqn) continue;
    if (sameWay(written, tid)) near.push(state);
    else if (own.length === 0) elsewhere.push(state);
  }
  const sorted = (list: Spoken[]) => list.sort((a, b) => lineOf(a) - lineOf(b));
  return { own: sorted(own), near: sorted(near), elsewhere: sorted(elsewhere) };
}

const opinionsOf = ({ line, also }: Spoken, global: ConnectOptions): readonly Opinion[] =>
  [line, ...also.map((one) => one.line)].map((one) => opinionOf(one, global));

/**
 * Options and keys for the controller: those of its first line, or of `[Global]`, with the strictest
 * security.
 */
export function askedOf(
  ctl: Ctl,
  conf: DaemonConf | undefined,
  lines: Lines,
  discovery: boolean,
): Opinion {
  const global = conf?.options ?? {};
  const { own, near, elsewhere } = speakersFor(ctl, lines, discovery);
  const all = (states: readonly Spoken[]) => states.flatMap((state) => opinionsOf(state, global));
  const [first, ...others] = all(own);
  if (first !== undefined) return strictest(first, [...others, ...all(near)]);
  const options = mergedOptions(global, {});
  const [nearest, ...rest] = all(near);
  if (nearest === undefined) return strictest({ options, keys: {} }, all(elsewhere));
  // An entry has no options of its own: if a line applies to its connection, [Global] does not.
  const { tls, concat, keyring, tlsKey } = nearest.options;
  const { tls: _tls, concat: _concat, keyring: _keyring, tlsKey: _key, ...plain } = options;
  const base: ConnectOptions = {
    ...plain,
    ...(tls === undefined ? {} : { tls }),
    ...(concat === undefined ? {} : { concat }),
    ...(keyring === undefined ? {} : { keyring }),
    ...(tlsKey === undefined ? {} : { tlsKey }),
  };
  return strictest({ options: base, keys: nearest.keys }, [nearest, ...rest, ...all(elsewhere)]);
}

/** Why no connection can be made with the security that was asked for. */
export function securityBar(
  ctl: Ctl,
  host: HostConf | undefined,
  conf: DaemonConf | undefined,
  lines: Lines,
  discovery: boolean,
): string | undefined {
  const unread = conf?.unreadSecurity ?? [];
  if (lines.size === 0 && unread.length === 0 && host?.keyProblem === undefined) return undefined;
  const { own, near, elsewhere } = speakersFor(ctl, lines, discovery);
  const speaking = [...own, ...near, ...elsewhere];
  for (const { unusable, also } of speaking) {
    const why = unusable ?? also.find((one) => one.why !== undefined)?.why;
    if (why !== undefined) return why;
  }
  const sets = (option: SecurityOption): boolean => speaking.some(({ line }) => setsItself(line, option));
  for (const { option, why } of unread) if (!sets(option)) return why;
  return sets("dhchap-secret") ? undefined : host?.keyProblem;
}

function setsItself({ overrides, keys }: LineState["line"], option: SecurityOption): boolean {
  switch (option) {
    case "tls":
      return overrides.tls !== undefined;
    case "concat":
      return overrides.concat !== undefined;
    case "keyring":
      return overrides.keyring !== undefined;
    case "tls-key":
      return overrides.tlsKey !== undefined;
    case "dhchap-secret":
      return keys.hostKey !== undefined;
    case "dhchap-ctrl-secret":
      return keys.ctrlKey !== undefined;
  }
}
