/** The fabric at a glance: health, redundancy, discovery controllers, newest events. */
import {
  Alert,
  Badge,
  Button,
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Stack,
  StackItem,
} from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { ReactNode } from "react";
import { addressOf, nqnOf, remark } from "../../src/ctl/controllers_view.ts";
import { problemGroups } from "../../src/ctl/problem_groups.ts";
import { redundancyOf } from "../../src/ctl/redundancy.ts";
import { clock, span } from "../../src/ctl/when.ts";
import type { DaemonName, V1Event, V1Health, V1State } from "../../src/lib/dbus/v1_types.ts";
import { DaemonGate } from "./daemon_gate.tsx";
import type { Seen } from "./daemon_link.ts";
import type { Fabric } from "./fabric.ts";
import { Address, HealthLabel, Name, PhaseLabel, STANDINGS } from "./labels.tsx";
import { controllerHref, go } from "./place.ts";

const TITLES: Readonly<Record<DaemonName, string>> = {
  stafd: "Discovery (stafd)",
  stacd: "Connections (stacd)",
};

const SHOWN_EVENTS = 12;

export function Overview({ fabric }: { readonly fabric: Fabric }): ReactNode {
  return (
    <Stack hasGutter>
      <StackItem>
        <div className="stas-cards">
          <DaemonCard daemon="stacd" seen={fabric.stacd} />
          <DaemonCard daemon="stafd" seen={fabric.stafd} />
        </div>
      </StackItem>
      {fabric.stacd.is === "running" && (
        <StackItem>
          <RedundancyCard state={fabric.stacd.state} />
        </StackItem>
      )}
      {fabric.stafd.is === "running" && (
        <StackItem>
          <DiscoveryCard state={fabric.stafd.state} />
        </StackItem>
      )}
      <StackItem>
        <EventsCard events={fabric.events} />
      </StackItem>
    </Stack>
  );
}

function DaemonCard({ daemon, seen }: { readonly daemon: DaemonName; readonly seen: Seen }): ReactNode {
  const title = <CardTitle component="h2">{TITLES[daemon]}</CardTitle>;
  return (
    <Card isFullHeight id={`card-${daemon}`}>
      {seen.is === "running"
        ? (
          <CardHeader actions={{ actions: <HealthLabel status={seen.health.status} />, hasNoOffset: true }}>
            {title}
          </CardHeader>
        )
        : title}
      <CardBody>
        <DaemonGate daemon={daemon} seen={seen}>
          {({ state, health }) => <DaemonFacts state={state} health={health} />}
        </DaemonGate>
      </CardBody>
    </Card>
  );
}

function Fact({ term, children }: { readonly term: string; readonly children: ReactNode }): ReactNode {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{term}</DescriptionListTerm>
      <DescriptionListDescription>{children}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}

function DaemonFacts({ state, health }: { readonly state: V1State; readonly health: V1Health }): ReactNode {
  const { counts } = health;
  const groups = problemGroups(health.problems, state.controllers, state.at);
  const errors = state.config.findings.filter(({ severity }) => severity !== "notice").length;
  return (
    <Stack hasGutter>
      <StackItem>
        <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "10ch" }}>
          <Fact term="Connected">
            {`${counts.connected} of ${counts.wanted}`}
            {counts.failing > 0 && `, ${counts.failing} failing`}
            {counts.waiting > 0 && `, ${counts.waiting} waiting`}
          </Fact>
          <Fact term="Running">{`for ${span(state.at - state.started)}, version ${state.version}`}</Fact>
          {state.avahi !== null && (
            <Fact term="Avahi">
              {state.avahi.available
                ? `${state.avahi.services} ${
                  state.avahi.services === 1 ? "service" : "services"
                } found by mDNS`
                : (
                  <>
                    not running: nothing is found by mDNS{" "}
                    <Button variant="link" isInline onClick={() => go("services")}>Show services</Button>
                  </>
                )}
            </Fact>
          )}
          <Fact term="Settings">
            {state.config.valid ? "in force" : "refused, the previous configuration is in force"}
            {errors > 0 && `, ${errors} ${errors === 1 ? "finding" : "findings"}`}
            {(!state.config.valid || errors > 0) && (
              <>
                {" "}
                <Button variant="link" isInline onClick={() => go("configuration", { file: state.daemon })}>
                  Show the file
                </Button>
              </>
            )}
          </Fact>
        </DescriptionList>
      </StackItem>
      {groups.map(({ text, remedy, count, isAdvice }) => (
        <StackItem key={text}>
          <Alert
            isInline
            variant={isAdvice ? "info" : "warning"}
            component="h3"
            title={
              <>
                <Name>{text}</Name> {count > 1 && <Badge isRead screenReaderText="problems">{count}</Badge>}
              </>
            }
          >
            {remedy !== null && <p>{remedy}</p>}
          </Alert>
        </StackItem>
      ))}
      {groups.length === 0 && (
        <StackItem>
          <Content component="p">No problems.</Content>
        </StackItem>
      )}
    </Stack>
  );
}

function RedundancyCard({ state }: { readonly state: V1State }): ReactNode {
  const counts = redundancyOf(state.controllers);
  const { nativeMultipath } = state;
  return (
    <Card>
      <CardTitle component="h2">
        {counts.subsystems} {counts.subsystems === 1 ? "subsystem" : "subsystems"}
      </CardTitle>
      <CardBody>
        <div className="stas-counts">
          {(["all", "some", "one", "none"] as const).map((standing) => (
            <button
              key={standing}
              type="button"
              className={`stas-count ${counts[standing] === 0 ? "" : `stas-count-${standing}`}`}
              onClick={() => go("subsystems", { state: standing })}
            >
              <strong>{counts[standing]}</strong>
              <span>{STANDINGS[standing][0].toLowerCase()}</span>
            </button>
          ))}
        </div>
        {(nativeMultipath === "off" || nativeMultipath === "absent") && (
          <Content component="small">
            {nativeMultipath === "off"
              ? "Native multipath is off: each path is a device of its own."
              : "This kernel has no native multipath: each path is a device of its own."}
          </Content>
        )}
      </CardBody>
    </Card>
  );
}

function DiscoveryCard({ state }: { readonly state: V1State }): ReactNode {
  const { controllers, at } = state;
  const remarks = controllers.map((one) => remark(one, at));
  const hasRemarks = remarks.some((text) => text !== "");
  return (
    <Card>
      <CardTitle component="h2">Discovery controllers</CardTitle>
      <CardBody>
        {controllers.length === 0
          ? (
            <Content component="p">
              None: no line of the configuration, no mDNS service and no boot table names one.
            </Content>
          )
          : (
            <Table aria-label="Discovery controllers" variant="compact" gridBreakPoint="grid-lg">
              <Thead>
                <Tr>
                  <Th modifier="nowrap">Address</Th>
                  <Th modifier="nowrap">State</Th>
                  <Th modifier="nowrap">Log page</Th>
                  <Th modifier="nowrap">Found by</Th>
                  {hasRemarks && <Th modifier="nowrap">Remark</Th>}
                </Tr>
              </Thead>
              <Tbody>
                {controllers.map((one, n) => (
                  <Tr key={one.text}>
                    <Td dataLabel="Address">
                      <a href={controllerHref("stafd", one.text)}>
                        <Address>{addressOf(one)}</Address>
                      </a>
                      {nqnOf(one) !== "-" && (
                        <div>
                          <Name>{nqnOf(one)}</Name>
                        </div>
                      )}
                    </Td>
                    <Td dataLabel="State">
                      <PhaseLabel phase={one.phase} />
                    </Td>
                    <Td dataLabel="Log page">
                      {one.logPage === null
                        ? "not read yet"
                        : `${one.logPage.entries} entries, read ${span(at - one.logPage.readAt)} ago`}
                    </Td>
                    <Td dataLabel="Found by">
                      {one.sources.map(({ text }) => (
                        <div key={text}>
                          <Name>{text}</Name>
                        </div>
                      ))}
                    </Td>
                    {hasRemarks && (
                      <Td dataLabel="Remark">
                        <Name>{remarks[n] ?? ""}</Name>
                      </Td>
                    )}
                  </Tr>
                ))}
              </Tbody>
            </Table>
          )}
      </CardBody>
    </Card>
  );
}

function EventsCard({ events }: { readonly events: readonly V1Event[] }): ReactNode {
  return (
    <Card>
      <CardTitle component="h2">Newest events</CardTitle>
      <CardBody>
        {events.length === 0
          ? (
            <Content component="p">
              None since this page was opened. Older ones are in the journal, which Services shows.
            </Content>
          )
          : (
            <ol className="stas-events" aria-live="polite" aria-label="Newest events">
              {events.slice(0, SHOWN_EVENTS).map((event, n) => (
                <li key={`${event.at} ${event.text} ${event.type} ${n}`}>
                  <time dateTime={new Date(event.at).toISOString()}>{clock(event.at, Date.now())}</time>
                  <span className="stas-event-type">{event.type}</span>
                  <Name>
                    {[event.device, event.text, event.message].filter((part) =>
                      part !== ""
                    ).join(" ")}
                  </Name>
                </li>
              ))}
            </ol>
          )}
      </CardBody>
    </Card>
  );
}
