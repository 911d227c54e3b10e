/** `health`: are all wanted controllers connected? */
import { deviceOf } from "../../core/controller/ctl.ts";
import { IDENTITY_REMEDY } from "../../core/controller/identity.ts";
import { distinct, WANTED } from "../../dbus/v1_distinct.ts";
import type { DaemonConf } from "../../config/daemon_conf.ts";
import { lessSafeRemedy, lessSafeText } from "../../core/controller/as_asked.ts";
import type { HostConf } from "../../core/request/host.ts";
import type { V1Controller, V1Health } from "../../dbus/v1_types.ts";
import type { Peek } from "./classic.ts";
import { otherwise } from "./v1_common.ts";
import type { View } from "../../core/fleet/view.ts";

const LINK_REMEDY =
  "check cables, switches and the array's port; the kernel reconnects by itself once they work";

export type Problem = V1Health["problems"][number];

/** Connections made under another identity of this host (S13): one problem for each kind of difference. */
export function identityProblems(core: View, peek: Peek): readonly Problem[] {
  const devices = new Map<string, Set<string>>();
  for (const ctl of core.state.fleet.ctls.values()) {
    for (const text of otherwise(ctl, core, peek)) {
      devices.set(text, (devices.get(text) ?? new Set()).add(deviceOf(ctl)?.device ?? ""));
    }
  }
  return [...devices].map(([text, names]) => ({
    id: "host-identity-changed",
    text: `${[...names].toSorted().join(", ")}: ${text}`,
    remedy: IDENTITY_REMEDY,
  }));
}

export function healthOf(
  daemon: V1Health["daemon"],
  at: number,
  named: readonly V1Controller[],
  more: readonly Problem[],
  redundancy: readonly Problem[] = [],
): V1Health {
  const controllers = distinct(named);
  const count = (...phases: readonly V1Controller["phase"][]): number =>
    controllers.filter(({ phase }) => phases.includes(phase)).length;
  // A new attempt does not cure a controller that has failed.
  const isRetried = ({ phase, lastFailure }: V1Controller): boolean =>
    (phase === "connecting" || phase === "waiting") && lastFailure !== null;
  const failing = controllers.filter((one) =>
    one.phase === "failing" || one.phase === "given-up" || one.phase === "reconnecting" || isRetried(one)
  );
  const problems: Problem[] = [
    ...more,
    ...failing.map(({ text, detail, lastFailure, phase }) => ({
      id: "controller-failing",
      kind: phase === "reconnecting"
        ? "link-lost"
        : phase === "given-up"
        ? "given-up"
        : `${lastFailure?.phase ?? "connect"}-failed`,
      text: `${text}: ${phase === "connecting" ? lastFailure?.message ?? detail : detail}`,
      remedy: phase === "reconnecting" ? LINK_REMEDY : lastFailure?.remedy ?? null,
    })),
    ...controllers.flatMap(({ text, device, lessSafe = [] }) =>
      lessSafe.length === 0 ? [] : [{
        id: "less-safe-than-asked",
        text: `${text}: ${device} is ${lessSafeText(lessSafe)}`,
        remedy: lessSafeRemedy(device),
      }]
    ),
    ...redundancy,
  ];
  return {
    schema: 1,
    daemon,
    at,
    status: problems.every(({ severity }) => severity === "advice") ? "good" : "degraded",
    counts: {
      wanted: controllers.filter(({ phase }) => WANTED.has(phase)).length,
      connected: count("connected"),
      failing: failing.length,
      waiting:
        controllers.filter((one) =>
          (one.phase === "waiting" || one.phase === "connecting") && !isRetried(one)
        ).length,
    },
    problems,
  };
}

/** Invalid security options of the configuration, because of which nothing new is connected (S15). */
export function securityProblems(
  conf: DaemonConf | undefined,
  host: HostConf | undefined,
): readonly Problem[] {
  const problem = (why: string, what: string): Problem => ({
    id: "security-unreadable",
    text: `${why}; ${what}`,
    remedy: "correct it and reload",
  });
  return [
    ...(conf?.unusable ?? []).map(({ why }) => problem(why, "its controller is not connected again")),
    ...(conf?.unreadSecurity ?? []).map(({ option, why }) =>
      problem(why, `only lines that set ${option} themselves make new connections`)
    ),
    ...(host?.keyProblem === undefined
      ? []
      : [problem(host.keyProblem, "only lines with a dhchap-secret make new connections")]),
  ];
}
