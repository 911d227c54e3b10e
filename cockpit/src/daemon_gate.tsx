/** The placeholder for a daemon's missing data: an explanation, and the next step. */
import {
  Alert,
  Button,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
} from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { DaemonName } from "../../src/lib/dbus/v1_types.ts";
import type { Seen } from "./daemon_link.ts";
import { Loading } from "./labels.tsx";
import { isDenied, type Problem } from "./outcome.ts";
import { go } from "./place.ts";
import { UnitButton } from "./unit_button.tsx";

type Running = Extract<Seen, { readonly is: "running" }>;

const WHAT_IT_DOES: Readonly<Record<DaemonName, string>> = {
  stafd: "It finds discovery controllers and reads their log pages. Without it, stacd keeps existing " +
    "connections, and learns of no changes.",
  stacd:
    "It connects the host to the storage subsystems. Without it, existing connections stay, and nothing " +
    "is connected or disconnected.",
};

export function aboutRefusal(daemon: DaemonName, problem: Problem): string {
  if (isDenied(problem)) {
    return `The system bus does not let this user call ${daemon}. The package installs a policy that allows ` +
      `every user: look for org.nvmexpress.${daemon === "stafd" ? "staf" : "stac"}.conf in ` +
      "/usr/share/dbus-1/system.d.";
  }
  if (problem.kind === "not-understood") {
    return `${problem.text}. This page and ${daemon} have incompatible versions: install both packages in ` +
      "the same version.";
  }
  return `${daemon} cannot be asked: ${problem.text}.`;
}

/** Shows `children` with the data of a running daemon, otherwise the problem. */
export function DaemonGate({ daemon, seen, children }: {
  readonly daemon: DaemonName;
  readonly seen: Seen;
  readonly children: (running: Running) => ReactNode;
}): ReactNode {
  if (seen.is === "loading") return <Loading what={`Asking ${daemon}`} />;
  if (seen.is === "running") {
    return (
      <>
        {seen.stale !== undefined && (
          <Alert
            isInline
            variant="warning"
            title={`${daemon} does not answer: the page shows its last known state`}
          >
            {seen.stale.text}
          </Alert>
        )}
        {children(seen)}
      </>
    );
  }
  const isAbsent = seen.is === "absent";
  return (
    <EmptyState
      headingLevel="h2"
      variant="sm"
      status={isAbsent ? "warning" : "danger"}
      titleText={isAbsent ? `${daemon} is not running` : `${daemon} cannot be asked`}
    >
      <EmptyStateBody>{isAbsent ? WHAT_IT_DOES[daemon] : aboutRefusal(daemon, seen.problem)}</EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          {isAbsent && (
            <UnitButton verb="start" unit={daemon} variant="primary">{`Start ${daemon}`}</UnitButton>
          )}
          <Button variant="link" onClick={() => go("services")}>Show services</Button>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}
