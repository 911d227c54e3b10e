/** Problems grouped by cause: one dead interface is one problem, not one problem for each of its paths. */
import type { V1Controller, V1Health } from "../lib/dbus/v1_types.ts";
import { ifaceOf, lostRemark } from "./controllers_view.ts";

type Problem = V1Health["problems"][number];

export interface ProblemGroup {
  readonly text: string;
  readonly remedy: string | null;
  /** The problems of the group. */
  readonly count: number;
  /** Not a problem, but a setting that should be changed. */
  readonly isAdvice: boolean;
}

interface Concerned {
  readonly problem: Problem;
  readonly controller: V1Controller | undefined;
  /** The text of the problem without the controller's name and address. */
  readonly cause: string;
}

/** The most names that a group shows. */
const MAX_NAMES = 3;

/** Advice last, and the largest first; others in their order. */
export function problemGroups(
  problems: readonly Problem[],
  controllers: readonly V1Controller[],
  now: number,
): readonly ProblemGroup[] {
  const named = new Map(controllers.map((one) => [one.text, one]));
  const concerned = problems.map((problem): Concerned => {
    if (problem.subsystem !== undefined) {
      const cause = problem.text.replace(`${problem.subsystem}: `, "").replace(DEVICES, "");
      return { problem, controller: undefined, cause };
    }
    const end = problem.text.indexOf("): ");
    const controller = end < 0 ? undefined : named.get(problem.text.slice(0, end + 1));
    if (controller === undefined) return { problem, controller, cause: problem.text };
    const { traddr } = controller.tid;
    const rest = problem.text.slice(end + "): ".length).replaceAll(controller.text, "it");
    // Times and devices differ from path to path; the problem does not.
    const cause = controller.lost !== undefined && controller.phase === "reconnecting"
      ? "link lost"
      : rest.replaceAll(traddr, "it").replaceAll(/\bnvme\d+\b/g, "it");
    return { problem, controller, cause };
  });
  const groups = Map.groupBy(
    concerned,
    ({ problem: { id, kind }, cause, controller }) =>
      JSON.stringify([id, kind, cause, controller === undefined ? "" : ifaceOf(controller)]),
  );
  return [...groups.values()].map((group) => groupOf(group, now)).toSorted((a, b) =>
    Number(a.isAdvice) - Number(b.isAdvice) || b.count - a.count
  );
}

/** The list of devices at the end of a subsystem's problem. */
const DEVICES = / \(([^()]*)\)$/;

/** The same with many subsystems. */
function ofSubsystems(group: readonly Concerned[], cause: string): string {
  const devices = group.flatMap(({ problem }) => DEVICES.exec(problem.text)?.[1] ?? []);
  const shown = devices.slice(0, MAX_NAMES).join(", ");
  const more = devices.length > MAX_NAMES ? " and others" : "";
  return `${group.length} subsystems: ${cause}${devices.length === 0 ? "" : ` (${shown}${more})`}`;
}

function groupOf(group: readonly Concerned[], now: number): ProblemGroup {
  const [first] = group;
  if (first === undefined) throw new Error("a group without a problem");
  const { problem, controller, cause } = first;
  const count = group.length;
  const isAdvice = problem.severity === "advice";
  if (problem.subsystem !== undefined && count > 1) {
    return { text: ofSubsystems(group, cause), remedy: problem.remedy, count, isAdvice };
  }
  if (controller === undefined || count === 1) {
    return { text: problem.text, remedy: problem.remedy, count, isAdvice };
  }
  const concerned = group.flatMap((one) => one.controller ?? []);
  const subsystems = new Set(concerned.map(({ tid }) => tid.subsysnqn));
  const iface = ifaceOf(controller);
  const earliest = concerned.toSorted((a, b) => a.since - b.since)[0];
  const what = cause === "link lost" && earliest?.lost !== undefined
    ? lostRemark(earliest.lost, now, concerned.some(({ since }) => since !== earliest.since))
    : cause;
  const names = concerned.map(({ device, tid }) => device === "" ? tid.traddr : device);
  const shown = [...new Set(names)];
  const more = shown.length > MAX_NAMES ? " and others" : "";
  const paths = controller.kind === "io"
    ? `${count} paths of ${subsystems.size} ${subsystems.size === 1 ? "subsystem" : "subsystems"}`
    : `${count} discovery controllers`;
  return {
    text: `${paths}${iface === "" ? "" : ` on ${iface}`}: ${what} (${
      shown.slice(0, MAX_NAMES).join(", ")
    }${more})`,
    remedy: problem.remedy,
    count,
    isAdvice,
  };
}
