/**
 * The versioned interface's description of subsystems: a view of their state in the system, and of the wanted
 * paths.
 */
import type { Fleet } from "../../core/fleet/fleet.ts";
import { proofText } from "../../core/planning/evidence.ts";
import {
  type PathFacts,
  REDUNDANCY_KINDS,
  redundancyProblems,
  redundancyText,
  type SubsystemFacts,
} from "../../core/advice/redundancy.ts";
import { nameKey } from "../../base/name_key.ts";
import { distinct, WANTED } from "../../dbus/v1_distinct.ts";
import type { V1Controller, V1State, V1Subsystem } from "../../dbus/v1_types.ts";
import type { Counters, StorageLook, SubsystemLook } from "../../nvme/storage_look.ts";
import { canonicalAddress } from "../../nvme/tid.ts";
import type { Peek } from "./classic.ts";
import { localTime } from "./texts.ts";
import type { Problem } from "./v1_health.ts";

/** The wanted paths by {@link nameKey} of the subsystem. */
const wantedBy = (named: readonly V1Controller[]): ReadonlyMap<string, readonly V1Controller[]> =>
  Map.groupBy(distinct(named).filter(({ phase }) => WANTED.has(phase)), ({ tid }) => nameKey(tid.subsysnqn));

/** The subsystems to which a controller of ours is connected; others do not concern us. */
export function subsystemsOf(
  look: StorageLook,
  named: readonly V1Controller[],
): Required<Pick<V1State, "subsystems" | "nativeMultipath">> {
  const wanted = wantedBy(named);
  const known = new Set(named.map(({ tid }) => nameKey(tid.subsysnqn)));
  const subsystems = look.subsystems.filter(({ nqn }) => known.has(nameKey(nqn))).map((one) =>
    subsystemOf(one, wanted.get(nameKey(one.nqn)) ?? [])
  );
  return { subsystems, nativeMultipath: look.nativeMultipath };
}

/** With the ANA states of their namespaces. */
export function withAna(named: readonly V1Controller[], look: StorageLook): readonly V1Controller[] {
  const states = new Map<string, Set<string>>();
  for (const { namespaces } of look.subsystems) {
    for (const { controller, anaState } of namespaces.flatMap(({ paths }) => paths)) {
      if (anaState !== "") states.set(controller, (states.get(controller) ?? new Set()).add(anaState));
    }
  }
  return named.map((one) => {
    const own = states.get(one.device);
    return own === undefined ? one : { ...one, anaState: [...own].toSorted().join(", ") };
  });
}

const withCounters = (counters: Counters): { counters?: Counters } =>
  Object.keys(counters).length === 0 ? {} : { counters };

function subsystemOf(look: SubsystemLook, paths: readonly V1Controller[]): V1Subsystem {
  const { device, nqn, model, ioPolicy, controllers, namespaces } = look;
  const counted = controllers.filter(({ counters }) => Object.keys(counters).length > 0);
  return {
    nqn,
    device,
    model,
    ioPolicy,
    wanted: paths.length,
    live: paths.filter(({ phase }) => phase === "connected").length,
    ...(counted.length === 0
      ? {}
      : { counters: Object.fromEntries(counted.map((one) => [one.device, one.counters])) }),
    namespaces: namespaces.map(({ isShared, unknown, holders, counters, ...one }) => ({
      device: one.device,
      shared: isShared,
      holders,
      unknown: unknown ?? null,
      paths: one.paths.map((path) => ({
        device: path.controller,
        path: path.device,
        state: path.state,
        anaState: path.anaState,
        ...withCounters(path.counters),
      })),
      ...withCounters(counters),
    })),
  };
}

/** Problems of redundancy, and advice. */
export function storageProblems(
  look: StorageLook,
  named: readonly V1Controller[],
  past: Fleet["past"],
  peek: Peek,
): readonly Problem[] {
  const facts = [...wantedBy(named).values()].flatMap((paths): SubsystemFacts[] => {
    const nqn = paths[0]?.tid.subsysnqn;
    if (nqn === undefined) return [];
    return [{
      nqn,
      paths: paths.map((path) => pathFacts(path, peek)),
      withdrawn: withdrawnOf(nqn, paths, past),
    }];
  });
  return redundancyProblems(facts, look).map((problem): Problem => ({
    id: problem.kind,
    text: redundancyText(problem),
    remedy: problem.remedy,
    subsystem: problem.nqn,
    ...(REDUNDANCY_KINDS[problem.kind] === "advice" ? { severity: "advice" } : {}),
  }));
}

function pathFacts({ tid, device, phase, iface = "", lastFailure }: V1Controller, peek: Peek): PathFacts {
  const isDown = phase === "failing" || phase === "given-up" || phase === "reconnecting" ||
    lastFailure !== null;
  return {
    device,
    transport: tid.transport,
    traddr: canonicalAddress(tid.transport, tid.traddr),
    from: tid.transport === "fc" ? tid.hostTraddr : iface,
    is: phase === "connected" ? "live" : isDown ? "down" : "pending",
    ctrlLossTmo: peek(device)?.made?.ctrlLossTmo,
  };
}

/** Disconnected because no source listed it any more, and still not listed. */
function withdrawnOf(
  nqn: string,
  paths: readonly V1Controller[],
  past: Fleet["past"],
): SubsystemFacts["withdrawn"] {
  const texts = new Set(paths.map(({ text }) => text));
  const gone = past.filter(({ tid, text, what }) =>
    tid.subsysnqn === nqn && what === "disconnected" && !texts.has(text)
  );
  const last = gone.toSorted((a, b) => a.at - b.at).at(-1);
  if (last === undefined) return undefined;
  return {
    count: new Set(gone.map(({ text }) => text)).size,
    when: localTime(last.at),
    why: last.evidence.length === 0 ? last.why : proofText(last.evidence),
  };
}
