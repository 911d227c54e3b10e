/** The page: its parts, and the choice of the visible one. */
import { Nav, NavItem, NavList, Page, PageSection, Title } from "@patternfly/react-core";
import { type ReactNode, useSyncExternalStore } from "react";
import { Configuration } from "./configuration.tsx";
import { ControllerPage } from "./controller_page.tsx";
import { DaemonGate } from "./daemon_gate.tsx";
import { type Fabric, fabric } from "./fabric.ts";
import { Overview } from "./overview.tsx";
import { hrefOf, type Part, PARTS, type Place, usePlace } from "./place.ts";
import { Services } from "./services.tsx";
import { Subsystems } from "./subsystems.tsx";

const NAMES: Readonly<Record<Part, string>> = {
  overview: "Overview",
  subsystems: "Subsystems",
  configuration: "Configuration",
  services: "Services",
};

export function App(): ReactNode {
  const seen = useSyncExternalStore(fabric.subscribe, fabric.snapshot);
  const place = usePlace();
  const active = place.part !== "controller"
    ? place.part
    : place.daemon === "stafd"
    ? "overview"
    : "subsystems";
  return (
    <Page className="pf-m-no-sidebar" isContentFilled>
      <PageSection type="subnav" hasBodyWrapper={false} className="stas-nav">
        <Title headingLevel="h1" size="xl">NVMe-oF storage</Title>
        <Nav variant="horizontal-subnav" aria-label="Parts of this page">
          <NavList>
            {PARTS.map((part) => (
              <NavItem key={part} to={hrefOf(part)} isActive={part === active}>{NAMES[part]}</NavItem>
            ))}
          </NavList>
        </Nav>
      </PageSection>
      <PageSection hasBodyWrapper={false} aria-label={NAMES[active]}>
        <Shown place={place} seen={seen} />
      </PageSection>
    </Page>
  );
}

function Shown({ place, seen }: { readonly place: Place; readonly seen: Fabric }): ReactNode {
  switch (place.part) {
    case "overview":
      return <Overview fabric={seen} />;
    case "subsystems":
      return (
        <DaemonGate daemon="stacd" seen={seen.stacd}>
          {({ state }) => <Subsystems state={state} options={place.options} />}
        </DaemonGate>
      );
    case "controller":
      return (
        <DaemonGate daemon={place.daemon} seen={seen[place.daemon]}>
          {({ state }) => <ControllerPage daemon={place.daemon} what={place.what} state={state} />}
        </DaemonGate>
      );
    case "configuration":
      return <Configuration fabric={seen} options={place.options} />;
    case "services":
      return <Services fabric={seen} />;
  }
}
