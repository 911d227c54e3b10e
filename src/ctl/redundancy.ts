/** The number of paths that each subsystem has: the first question of a person responsible for storage. */
import { distinct, WANTED } from "../lib/dbus/v1_distinct.ts";
import type { V1Controller, V1State, V1Subsystem } from "../lib/dbus/v1_types.ts";

export interface Redundancy {
  readonly subsystems: number;
  /** Subsystems with every wanted path, with some of them, and with exactly one of several. */
  readonly all: number;
  readonly some: number;
  readonly one: number;
  readonly none: number;
}

/** Numbers of wanted paths. */
export function redundancyOf(controllers: readonly V1Controller[]): Redundancy {
  const wanted = distinct(controllers).filter(({ phase }) => WANTED.has(phase));
  const subsystems = [...Map.groupBy(wanted, ({ tid }) => tid.subsysnqn).values()].map((paths) => ({
    wanted: paths.length,
    live: paths.filter(({ phase }) => phase === "connected").length,
  }));
  return {
    subsystems: subsystems.length,
    all: subsystems.filter((one) => one.live === one.wanted).length,
    some: subsystems.filter((one) => one.live > 1 && one.live < one.wanted).length,
    one: subsystems.filter((one) => one.live === 1 && one.wanted > 1).length,
    none: subsystems.filter((one) => one.live === 0).length,
  };
}

export function subsystemsText(controllers: readonly V1Controller[]): string {
  const { subsystems, all, some, one, none } = redundancyOf(controllers);
  return `${subsystems}: ${all} with all paths, ${some} with some, ${one} with one, ${none} without any`;
}

/** `policy numa; 3 namespaces, 2 in use`: how I/O is spread, and over what. */
export function storageText(
  subsystems: readonly V1Subsystem[],
  native: NonNullable<V1State["nativeMultipath"]>,
): string {
  const policies = [
    ...Map.groupBy(subsystems.filter(({ ioPolicy }) => ioPolicy !== ""), (one) => one.ioPolicy),
  ]
    .toSorted(([, a], [, b]) => b.length - a.length);
  const policy = policies.length === 0
    ? ""
    : policies.length === 1
    ? `policy ${policies[0]?.[0] ?? ""}`
    : `policies ${policies.map(([name, all]) => `${name} (${all.length})`).join(", ")}`;
  const namespaces = subsystems.flatMap((one) => one.namespaces);
  const used = namespaces.filter(({ holders }) => holders.length > 0).length;
  return [
    native === "off" ? "native multipath is off" : native === "absent" ? "no native multipath" : "",
    policy,
    `${namespaces.length} ${namespaces.length === 1 ? "namespace" : "namespaces"}, ${used} in use`,
  ].filter((part) => part !== "").join("; ");
}
