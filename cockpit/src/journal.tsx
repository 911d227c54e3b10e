/** The newest lines of both daemons' journal, live. */
import { Alert, Button, Card, CardBody, CardHeader, CardTitle, Content } from "@patternfly/react-core";
import { type ReactNode, useEffect, useState } from "react";
import { clock } from "../../src/ctl/when.ts";
import { type JournalLine, parseJournalLine } from "./journal_line.ts";
import { Name } from "./labels.tsx";
import type { Problem } from "./outcome.ts";
import { useAdmin } from "./permission.ts";
import { follow } from "./programs.ts";

const MAX_LINES = 100;
const COMMAND = [
  "journalctl",
  "-u",
  "stafd.service",
  "-u",
  "stacd.service",
  "-n",
  String(MAX_LINES),
  "-o",
  "json",
  "-f",
];
/** Lines that arrive together are drawn together. */
const GATHER_MS = 50;

const WHO_READS =
  "A user who is not in the group systemd-journal needs administrative access to read these lines.";

/** `isAdmin`: with administrative access there is more to read; without it, what was opened with it has ended. */
function useJournal(
  isAdmin: boolean,
): { readonly lines: readonly JournalLine[]; readonly problem: Problem | undefined } {
  const [lines, setLines] = useState<readonly JournalLine[]>([]);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  useEffect(() => {
    setLines([]);
    setProblem(undefined);
    let fresh: JournalLine[] = [];
    let timer: number | undefined;
    const draw = (): void => {
      timer = undefined;
      const more = fresh.toReversed();
      fresh = [];
      setLines((before) => [...more, ...before].slice(0, MAX_LINES));
    };
    const stop = follow(
      COMMAND,
      (text) => {
        const line = parseJournalLine(text);
        if (line === undefined) return;
        fresh.push(line);
        timer ??= setTimeout(draw, GATHER_MS);
      },
      setProblem,
      { superuser: "try" },
    );
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [isAdmin]);
  return { lines, problem };
}

export function JournalCard(): ReactNode {
  const isAdmin = useAdmin() === true;
  const { lines, problem } = useJournal(isAdmin);
  const link = (
    <Button
      variant="link"
      isInline
      onClick={() =>
        globalThis.cockpit.jump("/system/logs#/?priority=info&_SYSTEMD_UNIT=stafd.service,stacd.service")}
    >
      Show in Logs
    </Button>
  );
  return (
    <Card>
      <CardHeader actions={{ actions: link, hasNoOffset: true }}>
        <CardTitle component="h2">Journal</CardTitle>
      </CardHeader>
      <CardBody>
        {problem !== undefined && (
          <Alert isInline variant="warning" title="The journal cannot be read">
            {problem.text}
            {!isAdmin && <Content component="p">{WHO_READS}</Content>}
          </Alert>
        )}
        {lines.length === 0 && problem === undefined && (
          <Content component="p">No lines. {!isAdmin && WHO_READS}</Content>
        )}
        <div className="stas-journal" role="log" aria-label="Journal of stafd and stacd" tabIndex={0}>
          {lines.map(({ at, who, priority, message }, n) => (
            <div
              key={`${lines.length - n} ${at}`}
              className={priority <= 3 ? "stas-bad" : priority === 4 ? "stas-warn" : ""}
            >
              <time dateTime={new Date(at).toISOString()}>{clock(at, Date.now())}</time>{" "}
              <strong>{who}</strong> <Name>{message}</Name>
            </div>
          ))}
        </div>
      </CardBody>
    </Card>
  );
}
