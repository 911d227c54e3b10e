/** A daemon's options in force, and the origin of each. */
import { Alert, Card, CardBody, CardTitle, Content, ExpandableSection } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { type ReactNode, useEffect, useState } from "react";
import type { DaemonName, V1Controller } from "../../src/lib/dbus/v1_types.ts";
import { type Checked, checkInForce, toolOf } from "./asked_tools.ts";
import { Loading, Name } from "./labels.tsx";
import type { Outcome } from "./outcome.ts";

export function OptionsCard({ daemon, controller }: {
  readonly daemon: DaemonName;
  readonly controller: V1Controller;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const { differs = [], lessSafe = [] } = controller;
  return (
    <Card>
      <CardTitle component="h2">Options</CardTitle>
      <CardBody>
        {lessSafe.length > 0 && (
          <Alert
            isInline
            variant="warning"
            title={`Less safe than asked for: without ${lessSafe.join(", ")}`}
          />
        )}
        {differs.map((text) => (
          <Content key={text} component="p">
            <Name>{`The connection was made with other options: ${text}`}</Name>
          </Content>
        ))}
        <ExpandableSection
          toggleText={isOpen ? "Hide the options in force" : "Show the options in force"}
          isExpanded={isOpen}
          onToggle={(_, open) => setOpen(open)}
        >
          {isOpen && <Options daemon={daemon} />}
        </ExpandableSection>
      </CardBody>
    </Card>
  );
}

function Options({ daemon }: { readonly daemon: DaemonName }): ReactNode {
  const [answer, setAnswer] = useState<Outcome<Checked> | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    const ask = async (): Promise<void> => {
      const asked = await checkInForce(daemon);
      if (isWanted) setAnswer(asked);
    };
    void ask();
    return () => {
      isWanted = false;
    };
  }, [daemon]);
  if (answer === undefined) return <Loading what="Reading the configuration" />;
  if (!answer.ok) {
    return (
      <Alert isInline variant="warning" title={`${toolOf(daemon)} cannot read the configuration`}>
        {answer.problem.text}
      </Alert>
    );
  }
  return (
    <Table aria-label={`Options of ${daemon}`} variant="compact" gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th modifier="nowrap">Option</Th>
          <Th modifier="nowrap">Value</Th>
          <Th modifier="nowrap">From</Th>
        </Tr>
      </Thead>
      <Tbody>
        {answer.value.values.map(({ section, option, value, origin }, n) => (
          <Tr key={`${n} ${option}`}>
            <Td dataLabel="Option">{`[${section}] ${option}`}</Td>
            <Td dataLabel="Value">
              <Name>{value ?? "-"}</Name>
            </Td>
            <Td dataLabel="From">
              <Name>{origin}</Name>
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
