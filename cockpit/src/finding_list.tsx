/** The findings in a text, line by line. */
import { Alert, Button } from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { DaemonName, V1Finding } from "../../src/lib/dbus/v1_types.ts";
import type { Checked } from "./asked_tools.ts";

const VARIANTS: Readonly<Record<V1Finding["severity"], "danger" | "warning" | "info">> = {
  error: "danger",
  warning: "warning",
  notice: "info",
};

export function FindingList({ checked, daemon, show }: {
  readonly checked: Checked | undefined;
  readonly daemon: DaemonName;
  readonly show: (line: number) => void;
}): ReactNode {
  return (
    <div role="status" aria-label="Findings" className="stas-findings">
      {checked?.valid === false && (
        <Alert isInline variant="danger" title={`${daemon} would reject this text: it cannot be saved`} />
      )}
      {checked?.findings.map(({ severity, line, column, message }) => (
        <Alert
          key={`${line} ${column} ${message}`}
          isInline
          isPlain
          variant={VARIANTS[severity]}
          title={
            <>
              {line > 0 && (
                <Button variant="link" isInline onClick={() => show(line)}>{`Line ${line}`}</Button>
              )} {message}
            </>
          }
        />
      ))}
      {checked?.valid === true && checked.findings.length === 0 && <span>No findings.</span>}
    </div>
  );
}
