/** The daemons and Avahi as units of systemd, and their journal. */
import {
  ActionList,
  ActionListItem,
  Alert,
  Button,
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  Content,
  Gallery,
  Label,
  Stack,
  StackItem,
} from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { Fabric } from "./fabric.ts";
import { fabric as store } from "./fabric.ts";
import { JournalCard } from "./journal.tsx";
import { Loading } from "./labels.tsx";
import { useAdmin } from "./permission.ts";
import { UnitButton } from "./unit_button.tsx";
import type { UnitState } from "./unit_states.ts";
import { type UnitName, UNITS, useUnits } from "./units.ts";

const ABOUT: Readonly<Record<UnitName, readonly [title: string, does: string, missing: string]>> = {
  stacd: [
    "stacd",
    "Connects this host to the storage that the discovery controllers list. Stopping it leaves all connections as they are.",
    "Install the package nvme-stas on this host.",
  ],
  stafd: [
    "stafd",
    "Finds discovery controllers and reads their log pages. Stopping it leaves all connections as they are.",
    "Install the package nvme-stas on this host.",
  ],
  "avahi-daemon": [
    "Avahi",
    "Reports discovery controllers that announce themselves by mDNS to stafd. Those in the configuration and in boot tables need no Avahi.",
    "Install avahi-daemon to find discovery controllers by mDNS; without it, name them in stafd.conf.",
  ],
};

export function Services({ fabric }: { readonly fabric: Fabric }): ReactNode {
  const { seen, refresh } = useUnits(`${fabric.stafd.is} ${fabric.stacd.is}`);
  const isAdmin = useAdmin();
  const done = (): void => {
    refresh();
    store.refresh();
  };
  return (
    <Stack hasGutter>
      {isAdmin === false && (
        <StackItem>
          <Alert isInline variant="info" title="Starting and stopping need administrative access">
            Turn it on at the top of Cockpit.
          </Alert>
        </StackItem>
      )}
      <StackItem>
        {seen === undefined && <Loading what="Asking systemd" />}
        {seen?.ok === false && (
          <Alert isInline variant="danger" title="systemd cannot be asked">{seen.problem.text}</Alert>
        )}
        {seen?.ok === true && (
          <Gallery hasGutter minWidths={{ default: "min(100%, 20rem)" }}>
            {UNITS.map((name) => <UnitCard key={name} name={name} unit={seen.value.get(name)} done={done} />)}
          </Gallery>
        )}
      </StackItem>
      <StackItem>
        <JournalCard />
      </StackItem>
    </Stack>
  );
}

function UnitLabel({ unit }: { readonly unit: UnitState }): ReactNode {
  const status = unit.active === "active"
    ? { status: "success" } as const
    : unit.active === "failed"
    ? { status: "danger" } as const
    : {};
  return <Label isCompact {...status}>{unit.active === "active" ? unit.sub : unit.active}</Label>;
}

function UnitCard({ name, unit, done }: {
  readonly name: UnitName;
  readonly unit: UnitState | undefined;
  readonly done: () => void;
}): ReactNode {
  const [title, does, missing] = ABOUT[name];
  const isInstalled = unit?.isInstalled === true;
  const heading = <CardTitle component="h2">{title}</CardTitle>;
  return (
    <Card isFullHeight id={`unit-${name}`}>
      {isInstalled
        ? (
          <CardHeader actions={{ actions: <UnitLabel unit={unit} />, hasNoOffset: true }}>
            {heading}
          </CardHeader>
        )
        : heading}
      <CardBody>
        <Content component="p">{does}</Content>
        {!isInstalled && (
          <Alert isInline variant="warning" title={`${title} is not installed`}>{missing}</Alert>
        )}
        {isInstalled && (
          <>
            <Content component="p">{startText(unit)}</Content>
            <UnitActions name={name} title={title} unit={unit} done={done} />
          </>
        )}
      </CardBody>
    </Card>
  );
}

function startText({ file }: UnitState): string {
  switch (file) {
    case "enabled":
      return "Starts when the host boots.";
    case "disabled":
      return "Does not start when the host boots.";
    case "masked":
      return "Masked: systemd does not start it at all.";
    default:
      return file === "" ? "" : `Unit file: ${file}.`;
  }
}

function UnitActions({ name, title, unit, done }: {
  readonly name: UnitName;
  readonly title: string;
  readonly unit: UnitState;
  readonly done: () => void;
}): ReactNode {
  const isActive = unit.active === "active" || unit.active === "activating";
  return (
    <ActionList className="stas-actions">
      {!isActive && (
        <ActionListItem>
          <UnitButton verb="start" unit={name} variant="primary" done={done}>{`Start ${title}`}</UnitButton>
        </ActionListItem>
      )}
      {isActive && (
        <>
          <ActionListItem>
            <UnitButton verb="restart" unit={name} done={done}>{`Restart ${title}`}</UnitButton>
          </ActionListItem>
          <ActionListItem>
            <UnitButton verb="stop" unit={name} done={done}>{`Stop ${title}`}</UnitButton>
          </ActionListItem>
        </>
      )}
      {unit.file === "disabled" && (
        <ActionListItem>
          <UnitButton verb="enable" unit={name} done={done}>{`Enable ${title}`}</UnitButton>
        </ActionListItem>
      )}
      {unit.file === "enabled" && (
        <ActionListItem>
          <UnitButton verb="disable" unit={name} variant="link" done={done}>{`Disable ${title}`}</UnitButton>
        </ActionListItem>
      )}
      <ActionListItem>
        <Button
          variant="link"
          onClick={() => globalThis.cockpit.jump(`/system/services#/${name}.service`)}
        >
          Details
        </Button>
      </ActionListItem>
    </ActionList>
  );
}
