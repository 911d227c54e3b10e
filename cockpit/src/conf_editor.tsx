/** The editor of one daemon's file. */
import {
  ActionList,
  ActionListItem,
  Alert,
  AlertActionLink,
  Button,
  Card,
  CardBody,
  CardTitle,
  Stack,
  StackItem,
} from "@patternfly/react-core";
import { type ReactNode, useEffect, useState } from "react";
import type { DaemonName } from "../../src/lib/dbus/v1_types.ts";
import { check, type Checked, plan, type Planned, toolOf } from "./asked_tools.ts";
import type { Seen } from "./daemon_link.ts";
import { useEditedFile } from "./edited_file.ts";
import { fabric } from "./fabric.ts";
import { FindingList } from "./finding_list.tsx";
import { Loading } from "./labels.tsx";
import { LinedText } from "./lined_text.tsx";
import type { Outcome, Problem } from "./outcome.ts";
import { PlanView } from "./plan_view.tsx";
import { actionText } from "./unit_button.tsx";
import { act } from "./units.ts";

/** After the last key. */
const TYPING_MS = 300;

/** The tool's findings in a text; an answer to an older text is never shown for a newer one. */
function useFindings(daemon: DaemonName, text: string, isRead: boolean): Outcome<Checked> | undefined {
  const [answer, setAnswer] = useState<Outcome<Checked> | undefined>(undefined);
  useEffect(() => {
    if (!isRead) return;
    let isWanted = true;
    const ask = async (): Promise<void> => {
      const checked = await check(daemon, text);
      if (isWanted) setAnswer(checked);
    };
    const timer = setTimeout(() => void ask(), TYPING_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [daemon, text, isRead]);
  return answer;
}

type Step =
  | { readonly is: "edit" }
  | { readonly is: "planning" }
  | { readonly is: "planned"; readonly text: string; readonly plan: Outcome<Planned> }
  | { readonly is: "saving"; readonly text: string; readonly plan: Outcome<Planned> }
  | { readonly is: "saved"; readonly text: string; readonly isReloaded: boolean }
  | {
    readonly is: "failed";
    readonly what: string;
    readonly problem: Problem;
    /** Of what could not be saved: it can be tried again, with administrative access. */
    readonly kept?: { readonly text: string; readonly plan: Outcome<Planned> };
  };

export function ConfEditor({ daemon, path, seen }: {
  readonly daemon: DaemonName;
  readonly path: string;
  readonly seen: Seen;
}): ReactNode {
  const file = useEditedFile(path);
  const { text, isChanged, isConflict, read } = file;
  const findings = useFindings(daemon, text, read?.ok === true);
  const [step, setStep] = useState<Step>({ is: "edit" });
  const [line, setLine] = useState({ n: 0, turn: 0 });
  const isRunning = seen.is === "running";
  const isInvalid = findings?.ok === true && !findings.value.valid;
  // A plan counts only for the text that it was made for.
  const made = step.is === "planned" || step.is === "saving"
    ? step
    : step.is === "failed"
    ? step.kept
    : undefined;
  const planned = made?.text === text ? made : undefined;

  const showPlan = async (): Promise<void> => {
    setStep({ is: "planning" });
    setStep({ is: "planned", text, plan: await plan(daemon, text) });
  };
  const save = async (): Promise<void> => {
    if (planned === undefined) return;
    const kept = { text, plan: planned.plan };
    setStep({ is: "saving", ...kept });
    const unsaved = await file.save();
    if (unsaved !== undefined) {
      setStep({ is: "failed", what: "Not saved", problem: unsaved, kept });
      return;
    }
    const unloaded = isRunning ? await act("reload", daemon) : undefined;
    setStep(
      unloaded === undefined
        ? { is: "saved", text, isReloaded: isRunning }
        : { is: "failed", what: `Saved, but ${daemon} was not reloaded`, problem: unloaded },
    );
    fabric.refresh();
  };

  if (read === undefined) return <Loading what={`Reading ${path}`} />;
  if (!read.ok) {
    return <Alert isInline variant="danger" title={`${path} cannot be read`}>{read.problem.text}</Alert>;
  }
  return (
    <Card>
      <CardTitle component="h2">{path}</CardTitle>
      <CardBody>
        <Stack hasGutter>
          {!read.value.exists && (
            <StackItem>
              <Alert
                isInline
                isPlain
                variant="info"
                title="The file does not exist: every option has its default"
              >
                Saving makes it.
              </Alert>
            </StackItem>
          )}
          {isConflict && (
            <StackItem>
              <Alert
                isInline
                variant="warning"
                title="The file has changed on the host since you began"
                actionLinks={
                  <>
                    <AlertActionLink onClick={file.takeHosts}>
                      Take the new file, drop my edit
                    </AlertActionLink>
                    <AlertActionLink onClick={file.keepMine}>Keep my edit</AlertActionLink>
                  </>
                }
              >
                Saving is off until you have chosen.
              </Alert>
            </StackItem>
          )}
          <StackItem>
            <LinedText
              name={`Text of ${daemon}.conf`}
              text={text}
              findings={findings?.ok === true ? findings.value.findings : []}
              goTo={line}
              edit={(now) => {
                file.edit(now);
                if (step.is === "saved" || step.is === "failed") setStep({ is: "edit" });
              }}
            />
          </StackItem>
          <StackItem>
            {findings?.ok === false
              ? (
                <Alert isInline variant="warning" title={`${toolOf(daemon)} cannot check the text`}>
                  {findings.problem.text}
                </Alert>
              )
              : (
                <FindingList
                  checked={findings?.value}
                  daemon={daemon}
                  show={(n) => setLine((before) => ({ n, turn: before.turn + 1 }))}
                />
              )}
          </StackItem>
          <StackItem>
            <ActionList className="stas-actions">
              <ActionListItem>
                <Button
                  variant={planned === undefined ? "primary" : "secondary"}
                  isLoading={step.is === "planning"}
                  isDisabled={step.is === "planning" || isInvalid}
                  onClick={() => void showPlan()}
                >
                  {isChanged ? "Show the plan of this text" : "Show the plan"}
                </Button>
              </ActionListItem>
              {isChanged && (
                <ActionListItem>
                  <Button
                    variant={planned === undefined ? "secondary" : "primary"}
                    isLoading={step.is === "saving"}
                    isDisabled={planned === undefined || step.is === "saving" || isInvalid || isConflict}
                    onClick={() => void save()}
                  >
                    {isRunning ? "Save and reload" : "Save"}
                  </Button>
                </ActionListItem>
              )}
              {isChanged && (
                <ActionListItem>
                  <Button variant="link" onClick={file.takeHosts}>Drop my edit</Button>
                </ActionListItem>
              )}
            </ActionList>
          </StackItem>
          <StackItem>
            {planned !== undefined && <PlanView daemon={daemon} plan={planned.plan} isRunning={isRunning} />}
            {step.is === "saved" && !isChanged && (
              <Alert
                isInline
                variant="success"
                isLiveRegion
                title={step.isReloaded
                  ? `Saved; ${daemon} reads it now`
                  : `Saved; ${daemon} reads it when it is started`}
              />
            )}
            {step.is === "failed" && (
              <Alert isInline variant="danger" isLiveRegion title={step.what}>
                {step.problem.kind === "change-conflict"
                  ? "The file was changed on the host meanwhile, and has not been overwritten."
                  : actionText(step.problem)}
              </Alert>
            )}
          </StackItem>
        </Stack>
      </CardBody>
    </Card>
  );
}
