/** A text with line numbers; numbers of lines with a finding stand out. */
import { type ReactNode, useEffect, useRef } from "react";
import type { V1Finding } from "../../src/lib/dbus/v1_types.ts";

const WORST: readonly V1Finding["severity"][] = ["error", "warning", "notice"];
const MIN_LINES = 12;
const MAX_LINES = 30;

export function LinedText({ name, text, findings, goTo, edit }: {
  readonly name: string;
  readonly text: string;
  readonly findings: readonly V1Finding[];
  /** `turn` counts the requests; line 0 means none. */
  readonly goTo: { readonly n: number; readonly turn: number };
  readonly edit: (text: string) => void;
}): ReactNode {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const lines = text.split("\n");
  const byLine = Map.groupBy(findings, ({ line }) => line);
  useEffect(() => {
    const element = area.current;
    if (element === null || goTo.n < 1) return;
    const before = element.value.split("\n").slice(0, goTo.n - 1);
    const start = before.reduce((sum, line) => sum + line.length + 1, 0);
    const end = start + (element.value.split("\n")[goTo.n - 1]?.length ?? 0);
    element.focus();
    element.setSelectionRange(start, end);
    const height = element.scrollHeight / element.value.split("\n").length;
    element.scrollTop = Math.max(0, (goTo.n - 4) * height);
  }, [goTo]);
  return (
    <div className="stas-lined">
      <div className="stas-gutter" ref={gutter} aria-hidden="true">
        {lines.map((_, n) => {
          const found = byLine.get(n + 1) ?? [];
          const worst = WORST.find((severity) => found.some((one) => one.severity === severity));
          return (
            <div
              key={n}
              className={worst === undefined ? "" : `stas-line-${worst}`}
              title={found.map(({ message }) => message).join("\n")}
            >
              {n + 1}
            </div>
          );
        })}
      </div>
      <textarea
        ref={area}
        aria-label={name}
        value={text}
        rows={Math.min(MAX_LINES, Math.max(MIN_LINES, lines.length + 1))}
        wrap="off"
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        onChange={({ target }) => edit(target.value)}
        onScroll={({ currentTarget }) => {
          if (gutter.current !== null) gutter.current.scrollTop = currentTarget.scrollTop;
        }}
      />
    </div>
  );
}
