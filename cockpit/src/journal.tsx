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

function useJournal(): { readonly lines: readonly JournalLine[]; readonly problem: Problem | undefined } {
  const [lines, setLines] = useState<readonly JournalLine[]>([]);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  // With administrative access there is more to read; without it, what was opened with it has ended.
  const isAdmin = useAdmin() === true;
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
  const { lines, problem } = useJournal();
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
          <Alert isInline variant="warning" title="The journal cannot be read">{problem.text}</Alert>
        )}
        {lines.length === 0 && problem === undefined && (
          <Content component="p">
            No lines. A user who is not in the group systemd-journal needs administrative access to read them.
          </Content>
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
