/** What `lab-bench` of the guest measured, as numbers, and these side by side with their ratios. */

/** By name: seconds, and KiB of memory. */
export type Numbers = Readonly<Record<string, number>>;

/** One turn of one measurement. */
export interface Round {
  readonly who: "ours" | "peer" | "bare";
  readonly verb: string;
  readonly subs: number;
  readonly numbers: Numbers;
}

type Json = Readonly<Record<string, unknown>>;

function part(value: unknown, key: string): Json {
  const found = isJson(value) ? value[key] : undefined;
  return isJson(found) ? found : {};
}

const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The numbers of a row. */
const numbersIn = (row: unknown, prefix = ""): [string, number][] =>
  Object.entries(isJson(row) ? row : {}).flatMap(([name, value]): [string, number][] =>
    typeof value === "number" ? [[`${prefix}${name}`, value]] : []
  );

const listOf = (value: unknown): readonly unknown[] => Array.isArray(value) ? value : [];

/** One object of numbers for each turn, of the document that `lab-bench` prints. Throws when it holds no numbers. */
export function parseBench(text: string, verb: string): readonly Numbers[] {
  const value: unknown = JSON.parse(text);
  const rows = isJson(value) ? listOf(value["rows"]) : [];
  const [added, removed] = verb.endsWith("aen") ? rows.map(listOf) : [rows, []];
  const memory: [string, number][] = [];
  for (const unit of ["stafd", "stacd"]) {
    const parts = part(part(part(value, "after"), unit), "mem_KiB");
    for (const kind of ["Pss", "RssAnon"]) {
      const kib = parts[kind];
      if (typeof kib === "number") memory.push([`${unit}.${kind}`, kib]);
    }
  }
  const turns = (added ?? []).map((row, turn) =>
    verb.endsWith("aen")
      ? [...numbersIn(row, "add."), ...numbersIn(removed?.[turn], "remove.")]
      : [...numbersIn(row), ...memory]
  );
  if (turns.length === 0 || turns.some((numbers) => numbers.length === 0)) {
    throw new Error(`lab-bench ${verb} measured nothing: ${text}`);
  }
  return turns.map((numbers) => Object.fromEntries(numbers));
}

export const median = (values: readonly number[]): number | undefined =>
  values.toSorted((a, b) => a - b).at(Math.floor(values.length / 2));

/** A table of medians; the last two columns are ratios. */
export function report(rounds: readonly Round[]): string {
  const lines = [["what", "subsystems", "bare kernel", "ours", "original", "ours/bare", "ours/original"]];
  const seen = new Set<string>();
  for (const { subs, verb, numbers } of rounds) {
    if (verb === "bare") continue;
    for (const name of Object.keys(numbers)) {
      if (seen.has(`${subs} ${verb} ${name}`)) continue;
      seen.add(`${subs} ${verb} ${name}`);
      const of = (who: Round["who"]): number | undefined =>
        median(
          rounds.filter((round) =>
            round.who === who && round.subs === subs && (round.verb === verb || round.verb === "bare")
          ).flatMap((round) => round.numbers[name] ?? []),
        );
      const [bare, ours, peer] = [of("bare"), of("ours"), of("peer")];
      const ratio = (other: number | undefined): string =>
        ours === undefined || other === undefined || other === 0 ? "" : (ours / other).toFixed(2);
      const shown = (value: number | undefined): string => value === undefined ? "" : String(value);
      lines.push([
        `${verb} ${name}`,
        String(subs),
        shown(bare),
        shown(ours),
        shown(peer),
        ratio(bare),
        ratio(peer),
      ]);
    }
  }
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ??
    [];
  return lines.map((line) =>
    line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  )
    .join("\n");
}
