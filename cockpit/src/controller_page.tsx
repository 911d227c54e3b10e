/** One controller: the reasons for its state, and for a discovery controller its log page. */
import {
  Alert,
  Breadcrumb,
  BreadcrumbItem,
  Card,
  CardBody,
  CardTitle,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  EmptyState,
  EmptyStateBody,
  Stack,
  StackItem,
  Title,
} from "@patternfly/react-core";
import { type ReactNode, useEffect, useState } from "react";
import { addressOf, ifaceOf } from "../../src/ctl/controllers_view.ts";
import { clock, span, until, withLocalTimes } from "../../src/ctl/when.ts";
import type { DaemonName, V1Controller, V1Explanation, V1State } from "../../src/lib/dbus/v1_types.ts";
import { fabric } from "./fabric.ts";
import { Copied, Loading, Name, PhaseLabel } from "./labels.tsx";
import { LogPageCard } from "./log_page.tsx";
import { OptionsCard } from "./options_card.tsx";
import type { Outcome } from "./outcome.ts";
import { hrefOf } from "./place.ts";

type Match = V1Explanation["matches"][number];

const STEPS: Readonly<Record<Match["chain"][number]["step"], string>> = {
  source: "Wanted by",
  decision: "Decision",
  attempt: "Attempt",
  state: "State",
  next: "Next",
  remedy: "Remedy",
};

/** Queried again after each reading of the daemon's state. */
function useExplanation(
  daemon: DaemonName,
  what: string,
  state: V1State,
): Outcome<V1Explanation> | undefined {
  const [answer, setAnswer] = useState<Outcome<V1Explanation> | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    const ask = async (): Promise<void> => {
      const asked = await fabric.links[daemon].explain(what);
      if (isWanted) setAnswer(asked);
    };
    void ask();
    return () => {
      isWanted = false;
    };
  }, [daemon, what, state]);
  return answer;
}

export function ControllerPage({ daemon, what, state }: {
  readonly daemon: DaemonName;
  readonly what: string;
  readonly state: V1State;
}): ReactNode {
  const answer = useExplanation(daemon, what, state);
  const controller = state.controllers.find(({ text }) => text === what);
  const part = daemon === "stafd" ? "overview" : "subsystems";
  return (
    <Stack hasGutter>
      <StackItem>
        <Breadcrumb>
          <BreadcrumbItem to={hrefOf(part)}>{daemon === "stafd" ? "Overview" : "Subsystems"}</BreadcrumbItem>
          <BreadcrumbItem isActive>
            {controller === undefined ? "Controller" : addressOf(controller)}
          </BreadcrumbItem>
        </Breadcrumb>
      </StackItem>
      {answer === undefined && <Loading what={`Asking ${daemon}`} />}
      {answer?.ok === false && (
        <Alert isInline variant="danger" title={`${daemon} cannot explain this controller`}>
          {answer.problem.text}
        </Alert>
      )}
      {answer?.ok === true && answer.value.matches.length === 0 && (
        <EmptyState headingLevel="h2" titleText="No such controller">
          <EmptyStateBody>
            {daemon} has none named <Name>{what}</Name>, and remembers none.
          </EmptyStateBody>
        </EmptyState>
      )}
      {answer?.ok === true && answer.value.matches.map((match) => (
        <StackItem key={match.text}>
          <MatchCard match={match} at={answer.value.at} />
        </StackItem>
      ))}
      {controller !== undefined && (
        <>
          {controller.lastFailure !== null && controller.phase !== "connected" && (
            <StackItem>
              <Failure failure={controller.lastFailure} at={state.at} />
            </StackItem>
          )}
          <StackItem>
            <Facts controller={controller} at={state.at} />
          </StackItem>
          {daemon === "stafd" && (
            <StackItem>
              <LogPageCard controller={controller} state={state} />
            </StackItem>
          )}
          <StackItem>
            <OptionsCard daemon={daemon} controller={controller} />
          </StackItem>
        </>
      )}
    </Stack>
  );
}

function MatchCard({ match, at }: { readonly match: Match; readonly at: number }): ReactNode {
  return (
    <Card>
      <CardTitle>
        <Title headingLevel="h2" size="lg">
          <Name>{withLocalTimes(match.headline, at)}</Name> <PhaseLabel phase={match.phase} />
        </Title>
      </CardTitle>
      <CardBody>
        <ol className="stas-timeline" aria-label="From cause to effect">
          {match.chain.map(({ step, at: when, text }, n) => (
            <li key={`${n} ${text}`} className={`stas-step-${step}`}>
              <div className="stas-step-head">
                <strong>{STEPS[step]}</strong>
                {when !== null && (
                  <time dateTime={new Date(when).toISOString()}>
                    {when > at ? until(when, at) : `${clock(when, at)}, ${span(at - when)} ago`}
                  </time>
                )}
              </div>
              <Name>{withLocalTimes(text, at)}</Name>
            </li>
          ))}
        </ol>
      </CardBody>
    </Card>
  );
}

function Failure({ failure, at }: {
  readonly failure: NonNullable<V1Controller["lastFailure"]>;
  readonly at: number;
}): ReactNode {
  return (
    <Alert isInline variant="danger" component="h2" title={<Name>{failure.message}</Name>}>
      <p>
        {`Step ${failure.phase}, ${clock(failure.at, at)}`}
        {failure.errno !== null && `, ${failure.errno}`}
        {failure.status !== null && `, NVMe status 0x${failure.status.toString(16)}`}
      </p>
      {failure.remedy !== null && <p>{failure.remedy}</p>}
    </Alert>
  );
}

function Facts({ controller, at }: { readonly controller: V1Controller; readonly at: number }): ReactNode {
  const { tid, device, kernelState, model, serial, since, srcAddr, anaState, cntlid, attempts } = controller;
  const facts: readonly (readonly [term: string, value: string])[] = [
    ["Device", device === "" ? "" : `${device} (${kernelState})`],
    ["Address", `${tid.transport} ${addressOf(controller)}`],
    ["Interface", ifaceOf(controller)],
    ["Source address", srcAddr ?? tid.hostTraddr],
    ["In this state for", span(at - since)],
    ["Attempts since the last success", attempts === 0 ? "" : String(attempts)],
    ["Next try", controller.nextTry === null ? "" : until(controller.nextTry, at)],
    ["Disconnected", controller.removeAt === null ? "" : until(controller.removeAt, at)],
    ["ANA", anaState ?? ""],
    ["Controller id", cntlid],
    ["Model", model],
    ["Serial number", serial],
    ["Namespaces", controller.namespaces.join(", ")],
    ["Host names", (controller.hosts ?? []).join(", ")],
  ];
  return (
    <Card>
      <CardTitle component="h2">Connection</CardTitle>
      <CardBody>
        <DescriptionList isCompact columnModifier={{ default: "1Col", lg: "2Col" }}>
          <DescriptionListGroup>
            <DescriptionListTerm>Subsystem NQN</DescriptionListTerm>
            <DescriptionListDescription>
              <Copied name="Subsystem NQN" text={tid.subsysnqn} />
            </DescriptionListDescription>
          </DescriptionListGroup>
          {facts.filter(([, value]) => value !== "").map(([term, value]) => (
            <DescriptionListGroup key={term}>
              <DescriptionListTerm>{term}</DescriptionListTerm>
              <DescriptionListDescription>
                <Name>{value}</Name>
              </DescriptionListDescription>
            </DescriptionListGroup>
          ))}
        </DescriptionList>
      </CardBody>
    </Card>
  );
}
