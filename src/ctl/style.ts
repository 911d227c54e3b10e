/** The style of output: colour by state, and the signs that the terminal's character set allows. */
import type { World } from "./world.ts";

export type Tone = "good" | "busy" | "bad" | "faint" | "strong" | "plain";

export interface Style {
  paint(tone: Tone, text: string): string;
  /** The mark for omitted text. */
  readonly mark: string;
  readonly branch: string;
  readonly lastBranch: string;
  readonly stem: string;
  readonly gap: string;
}

const CODES: Readonly<Record<Exclude<Tone, "plain">, string>> = {
  good: "32",
  busy: "33",
  bad: "31",
  faint: "2",
  strong: "1",
};

/**
 * Colours only on a terminal, and not with `--no-color`, `NO_COLOR` (https://no-color.org) or `TERM=dumb`.
 * To be made while the environment may still be read.
 */
export function styleFor(world: World, colorWanted: boolean): Style {
  const color = colorWanted && world.out.isTerminal && (world.env("NO_COLOR") ?? "") === "" &&
    world.env("TERM") !== "dumb";
  const locale = [world.env("LC_ALL"), world.env("LC_CTYPE"), world.env("LANG")].find((name) =>
    (name ?? "") !== ""
  );
  const unicode = world.out.isTerminal && /utf-?8/i.test(locale ?? "");
  return {
    paint: (tone, text) =>
      color && tone !== "plain" && text !== "" ? `\x1b[${CODES[tone]}m${text}\x1b[0m` : text,
    ...(unicode
      ? { mark: "\u2026", branch: "\u251c\u2500 ", lastBranch: "\u2514\u2500 ", stem: "\u2502  ", gap: "   " }
      : { mark: "..", branch: "|- ", lastBranch: "`- ", stem: "|  ", gap: "   " }),
  };
}
