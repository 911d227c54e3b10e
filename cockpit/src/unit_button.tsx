/** A button that starts or stops a unit, and shows the result. */
import { Alert, Button, type ButtonProps } from "@patternfly/react-core";
import { type ReactNode, useState } from "react";
import { isDenied, type Problem } from "./outcome.ts";
import { act, type UnitName, type Verb } from "./units.ts";

export const NO_RIGHTS =
  "This needs administrative access: turn it on at the top of Cockpit, or ask an administrator.";

export const actionText = (problem: Problem): string =>
  isDenied(problem) || problem.kind === "not-supported" ? NO_RIGHTS : problem.text;

export function UnitButton({ verb, unit, variant = "secondary", children, done }: {
  readonly verb: Verb;
  readonly unit: UnitName;
  readonly variant?: NonNullable<ButtonProps["variant"]>;
  readonly children: string;
  readonly done?: () => void;
}): ReactNode {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const click = async (): Promise<void> => {
    setBusy(true);
    setProblem(await act(verb, unit));
    setBusy(false);
    done?.();
  };
  return (
    <>
      <Button variant={variant} isLoading={isBusy} isDisabled={isBusy} onClick={() => void click()}>
        {children}
      </Button>
      {problem !== undefined && (
        <Alert isInline isPlain variant="danger" title={`${children}: not done`}>{actionText(problem)}</Alert>
      )}
    </>
  );
}
