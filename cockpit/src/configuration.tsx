/** The configuration files: edited with findings at their lines, and never saved before the plan has been shown. */
import { Alert, Stack, StackItem, ToggleGroup, ToggleGroupItem } from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { DaemonName } from "../../src/lib/dbus/v1_types.ts";
import { ConfEditor } from "./conf_editor.tsx";
import type { Seen } from "./daemon_link.ts";
import type { Fabric } from "./fabric.ts";
import { HostCard } from "./host_card.tsx";
import { useAdmin } from "./permission.ts";
import { go } from "./place.ts";

const FILES = ["stacd", "stafd", "sys"] as const;
type FileName = typeof FILES[number];

const DEFAULTS: Readonly<Record<DaemonName, string>> = {
  stafd: "/etc/stas/stafd.conf",
  stacd: "/etc/stas/stacd.conf",
};

/** The file that the daemon was started with. */
const pathOf = (daemon: DaemonName, seen: Seen): string =>
  seen.is === "running" ? seen.state.config.file : DEFAULTS[daemon];

export function Configuration({ fabric, options }: {
  readonly fabric: Fabric;
  readonly options: Readonly<Record<string, string>>;
}): ReactNode {
  const shown: FileName = FILES.find((name) => name === options["file"]) ?? "stacd";
  const isAdmin = useAdmin();
  return (
    <Stack hasGutter>
      <StackItem>
        <ToggleGroup aria-label="Configuration file">
          {FILES.map((name) => (
            <ToggleGroupItem
              key={name}
              text={`${name}.conf`}
              buttonId={`file-${name}`}
              isSelected={name === shown}
              onChange={() => go("configuration", { file: name })}
            />
          ))}
        </ToggleGroup>
      </StackItem>
      {isAdmin === false && shown !== "sys" && (
        <StackItem>
          <Alert
            isInline
            variant="info"
            title="Saving needs administrative access"
          >
            You can edit here and see the plan. To save, turn on administrative access at the top of Cockpit.
          </Alert>
        </StackItem>
      )}
      <StackItem>
        {shown === "sys" ? <HostCard fabric={fabric} /> : (
          <ConfEditor
            key={shown}
            daemon={shown}
            path={pathOf(shown, fabric[shown])}
            seen={fabric[shown]}
          />
        )}
      </StackItem>
    </Stack>
  );
}
