/** How many of its paths each subsystem has: what a person who asks for storage wants to know. */
import { distinct, WANTED } from "../lib/dbus/v1_distinct.ts";
import type { V1Controller } from "../lib/dbus/v1_types.ts";

export interface Redundancy {
  readonly subsystems: number;
  /** With every path that is wanted, with some of them, and with exactly one of several. */
  readonly all: number;
  readonly some: number;
  readonly one: number;
  readonly none: number;
}

/** Of what is wanted. */
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
