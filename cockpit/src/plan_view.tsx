/** The effects of a text: disconnections, last paths and mounts come first, and in red. */
import { Alert, Content, Stack, StackItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { ReactNode } from "react";
import { staying } from "../../src/ctl/plan_held.ts";
import { until } from "../../src/ctl/when.ts";
import type { DaemonName } from "../../src/lib/dbus/v1_types.ts";
import type { Effects, Planned } from "./asked_tools.ts";
import { Name } from "./labels.tsx";
import type { Outcome } from "./outcome.ts";

type Change = Planned["changes"][number];

const ACTIONS: Readonly<Record<Change["action"], string>> = {
  connect: "connect",
  adopt: "take over",
  disconnect: "disconnect",
  "let-go": "drop",
};

const isLoss = ({ action }: Change): boolean => action === "disconnect" || action === "let-go";

export function PlanView({ daemon, plan, isRunning }: {
  readonly daemon: DaemonName;
  readonly plan: Outcome<Planned>;
  readonly isRunning: boolean;
}): ReactNode {
  if (!plan.ok) {
    return (
      <Alert isInline variant="warning" isLiveRegion title="There is no plan of this text">
        {plan.problem.text}{" "}
        {isRunning ? "" : `${daemon} is not running: its plan is made without it, which needs root.`}
      </Alert>
    );
  }
  const { changes, held, unchanged, unknowns, notes, effects, valid, at } = plan.value;
  const news = changes.filter(({ retry }) => !retry);
  const losses = news.filter(isLoss);
  const kept = effects === null ? new Set<string>() : staying(effects, effects.in_use);
  const later = losses.filter(({ device }) => kept.has(device)).length;
  const title = !valid
    ? `${daemon} would reject this text and change nothing`
    : news.length === 0
    ? `This text connects and disconnects nothing; ${unchanged} stay as they are`
    : losses.length === 0
    ? `This text connects ${news.length} and disconnects nothing`
    : `This text disconnects ${losses.length} of ${losses.length + unchanged + held.length} connections${
      later === 0
        ? ""
        : later === losses.length
        ? " once nothing uses them"
        : `, ${later} of them once nothing uses them`
    }`;
  return (
    <Stack hasGutter aria-label="Plan">
      <StackItem>
        <Alert
          isInline
          isLiveRegion
          component="h3"
          variant={!valid || losses.length > 0 ? "danger" : "success"}
          title={title}
        >
          {unknowns.map((text) => <p key={text}>{text}</p>)}
        </Alert>
      </StackItem>
      {effects !== null && <EffectsView effects={effects} />}
      {news.length > 0 && (
        <StackItem>
          <Table aria-label="Changes" variant="compact" gridBreakPoint="grid-lg">
            <Thead>
              <Tr>
                <Th modifier="nowrap">Change</Th>
                <Th modifier="nowrap">Controller</Th>
                <Th modifier="nowrap">When</Th>
                <Th modifier="nowrap">Why</Th>
              </Tr>
            </Thead>
            <Tbody>
              {news.toSorted((a, b) => Number(isLoss(b)) - Number(isLoss(a))).map((change, n) => (
                <Tr key={`${n} ${change.text}`} className={isLoss(change) ? "stas-loss" : ""}>
                  <Td dataLabel="Change">
                    <strong>{ACTIONS[change.action]}</strong>
                  </Td>
                  <Td dataLabel="Controller">
                    <Name>
                      {[change.device, change.text].filter((part) =>
                        part !== ""
                      ).join(" ")}
                    </Name>
                  </Td>
                  <Td dataLabel="When">{change.at === null ? "at once" : until(change.at, at)}</Td>
                  <Td dataLabel="Why">
                    {change.reasons.map((reason) => (
                      <div key={reason}>
                        <Name>{reason}</Name>
                      </div>
                    ))}
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        </StackItem>
      )}
      {held.length > 0 && (
        <StackItem>
          <Alert
            isInline
            variant="warning"
            component="h3"
            title={`${held.length} no longer wanted, and kept`}
          >
            <ul>
              {held.map(({ text, device, why }) => (
                <li key={text}>
                  <Name>{`${device} ${text}: ${why}`}</Name>
                </li>
              ))}
            </ul>
          </Alert>
        </StackItem>
      )}
      {notes.length > 0 && (
        <StackItem>
          {notes.map((note) => (
            <Content key={note} component="p">
              <Name>{note}</Name>
            </Content>
          ))}
        </StackItem>
      )}
    </Stack>
  );
}

/** Where no policy says otherwise, what is in use is held. */
const meanwhile = (by: readonly string[]): string =>
  `; ${by.join(", ")} ${by.length === 1 ? "stays" : "stay"} connected meanwhile`;

function EffectsView({ effects }: { readonly effects: Effects }): ReactNode {
  const { last_paths: lastPaths, in_use: inUse, policy } = effects;
  const kept = staying(effects, inUse);
  const going = effects.paths.filter(({ device }) => !kept.has(device)).length;
  return (
    <StackItem className="stas-effects">
      {lastPaths.length > 0 && (
        <Alert
          isInline
          variant="danger"
          component="h3"
          title={lastPaths.length === 1
            ? "1 subsystem loses its last path"
            : `${lastPaths.length} subsystems lose their last path`}
        >
          <ul>
            {lastPaths.map((nqn) => (
              <li key={nqn}>
                <Name>{nqn}</Name>
              </li>
            ))}
          </ul>
        </Alert>
      )}
      {inUse.length > 0 && (
        <Alert
          isInline
          variant="danger"
          component="h3"
          title={inUse.length === 1
            ? "1 namespace behind them is in use"
            : `${inUse.length} namespaces behind them are in use`}
        >
          <ul>
            {inUse.map(({ device, holders, by }) => (
              <li key={device}>
                <Name>{`${device}: ${holders.join(", ")}${policy === null ? meanwhile(by) : ""}`}</Name>
              </li>
            ))}
          </ul>
        </Alert>
      )}
      {going > 0 && lastPaths.length === 0 && (
        <Content component="p">
          {going === 1
            ? "1 path is disconnected; its subsystem keeps another one."
            : `${going} paths are disconnected; each subsystem keeps another one.`}
        </Content>
      )}
      {policy !== null && <Alert isInline isPlain variant="warning" title={policy} />}
    </StackItem>
  );
}
