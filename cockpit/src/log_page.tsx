/** The log page of a discovery controller, as stafd keeps it. */
import { Alert, Card, CardBody, CardTitle, Content, Pagination } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { type ReactNode, useEffect, useState } from "react";
import { span } from "../../src/ctl/when.ts";
import type { V1Controller, V1State } from "../../src/lib/dbus/v1_types.ts";
import { type EntryTexts, entryToText } from "../../src/lib/nvme/entry_text.ts";
import type { ReportedDc } from "../../src/lib/ports.ts";
import { fabric } from "./fabric.ts";
import { Address, Name } from "./labels.tsx";
import type { Outcome } from "./outcome.ts";

const PER_PAGE = 50;

type Answer = Outcome<ReportedDc | undefined>;

/** Queried again when the page has another generation, or has been read again. */
function usePage({ tid, logPage }: V1Controller): Answer | undefined {
  const [answer, setAnswer] = useState<Answer | undefined>(undefined);
  const key = JSON.stringify(tid);
  const version = logPage === null ? "" : `${logPage.genctr} ${logPage.readAt}`;
  useEffect(() => {
    let isWanted = true;
    const ask = async (): Promise<void> => {
      const asked = await fabric.links.stafd.page(tid);
      if (isWanted) setAnswer(asked);
    };
    void ask();
    return () => {
      isWanted = false;
    };
  }, [key, version]);
  return answer;
}

export function LogPageCard({ controller, state }: {
  readonly controller: V1Controller;
  readonly state: V1State;
}): ReactNode {
  const answer = usePage(controller);
  const page = answer?.ok === true ? answer.value : undefined;
  return (
    <Card>
      <CardTitle component="h2">Log page</CardTitle>
      <CardBody>
        {answer?.ok === false && (
          <Alert isInline variant="danger" title="stafd cannot show this log page">
            {answer.problem.text}
          </Alert>
        )}
        {page !== undefined && (
          <Content component="p">
            {page.page === "none"
              ? "Not read yet: its entries are unknown, and nothing is disconnected because of it."
              : `Generation ${page.genctr}, read ${span(state.at - page.readAt)} ago${
                page.page === "cached" ? "; not read again since stafd was started" : ""
              }.`}
          </Content>
        )}
        {answer?.ok === true && page === undefined && (
          <Content component="p">stafd has no log page of this controller.</Content>
        )}
        {page !== undefined && page.entries.length > 0 && <Entries entries={page.entries.map(entryToText)} />}
      </CardBody>
    </Card>
  );
}

function securityOf(tsas: string): string {
  return /'sectype': '([^']*)'/.exec(tsas)?.[1] ?? tsas;
}

function Entries({ entries }: { readonly entries: readonly EntryTexts[] }): ReactNode {
  const [page, setPage] = useState(1);
  const last = Math.max(1, Math.ceil(entries.length / PER_PAGE));
  const current = Math.min(page, last);
  return (
    <>
      <Table aria-label="Entries of the log page" variant="compact" gridBreakPoint="grid-lg">
        <Thead>
          <Tr>
            <Th modifier="nowrap">Subsystem</Th>
            <Th modifier="nowrap">Type</Th>
            <Th modifier="nowrap">Address</Th>
            <Th modifier="nowrap">Port id</Th>
            <Th modifier="nowrap">Security</Th>
            <Th modifier="nowrap">Requirements</Th>
          </Tr>
        </Thead>
        <Tbody>
          {entries.slice((current - 1) * PER_PAGE, current * PER_PAGE).map((entry, n) => {
            const {
              trtype = "",
              traddr = "",
              trsvcid = "",
              subnqn = "",
              subtype = "",
              portid = "",
              tsas = "",
              treq = "",
            } = entry;
            return (
              <Tr key={`${n} ${traddr} ${subnqn}`}>
                <Td dataLabel="Subsystem">
                  <Name>{subnqn}</Name>
                </Td>
                <Td dataLabel="Type">{subtype}</Td>
                <Td dataLabel="Address">
                  <Address>{`${trtype} ${traddr.includes(":") ? `[${traddr}]` : traddr}:${trsvcid}`}</Address>
                </Td>
                <Td dataLabel="Port id">{portid}</Td>
                <Td dataLabel="Security">
                  <Name>{securityOf(tsas)}</Name>
                </Td>
                <Td dataLabel="Requirements">
                  <Name>{treq}</Name>
                </Td>
              </Tr>
            );
          })}
        </Tbody>
      </Table>
      {entries.length > PER_PAGE && (
        <Pagination
          itemCount={entries.length}
          perPage={PER_PAGE}
          page={current}
          perPageOptions={[{ title: String(PER_PAGE), value: PER_PAGE }]}
          onSetPage={(_, to) => setPage(to)}
        />
      )}
    </>
  );
}
