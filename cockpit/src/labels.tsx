/** Small pieces that several parts of the page show. */
import { ClipboardCopy, EmptyState, EmptyStateBody, Label, Spinner } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { toneOf } from "../../src/ctl/controllers_view.ts";
import type { V1Phase } from "../../src/lib/dbus/v1_types.ts";
import type { Standing } from "./subsystem_rows.ts";

type LabelStatus = "success" | "warning" | "danger" | "info";

const STATUS: Readonly<Record<ReturnType<typeof toneOf>, LabelStatus | undefined>> = {
  good: "success",
  bad: "danger",
  busy: "info",
  faint: undefined,
  strong: undefined,
  plain: undefined,
};

function StatusLabel({ status, children }: {
  readonly status: LabelStatus | undefined;
  readonly children: ReactNode;
}): ReactNode {
  return <Label isCompact {...(status === undefined ? {} : { status })}>{children}</Label>;
}

export function PhaseLabel({ phase }: { readonly phase: V1Phase | "gone" }): ReactNode {
  return <StatusLabel status={STATUS[toneOf(phase)]}>{phase}</StatusLabel>;
}

export const STANDINGS: Readonly<Record<Standing, readonly [text: string, status: LabelStatus | undefined]>> =
  {
    all: ["All paths", "success"],
    some: ["Some paths", "warning"],
    one: ["One path", "warning"],
    none: ["No path", "danger"],
    unwanted: ["Not wanted", undefined],
  };

export function StandingLabel({ standing }: { readonly standing: Standing }): ReactNode {
  const [text, status] = STANDINGS[standing];
  return <StatusLabel status={status}>{text}</StatusLabel>;
}

export function HealthLabel({ status }: { readonly status: "good" | "degraded" }): ReactNode {
  return <StatusLabel status={status === "good" ? "success" : "warning"}>{status}</StatusLabel>;
}

/** A text to paste elsewhere: a click copies it. */
export function Copied({ name, text }: { readonly name: string; readonly text: string }): ReactNode {
  return (
    <ClipboardCopy
      isReadOnly
      hoverTip="Copy"
      clickTip="Copied"
      textAriaLabel={name}
      copyAriaLabel={`Copy ${name}`}
    >
      {text}
    </ClipboardCopy>
  );
}

export function Loading({ what }: { readonly what: string }): ReactNode {
  return (
    <EmptyState headingLevel="h2" titleText={what} icon={Spinner}>
      <EmptyStateBody>Waiting for the host.</EmptyStateBody>
    </EmptyState>
  );
}

/** An address: it breaks only if it does not fit on a line at all. */
export function Address({ children }: { readonly children: string }): ReactNode {
  return <span className="stas-address">{children}</span>;
}

/** A name from the fabric or the host: its end distinguishes it from others, so that it may break but is never cut. */
export function Name({ children }: { readonly children: string }): ReactNode {
  return <span className="stas-name">{children}</span>;
}
