/**
 * `deno run -R scripts/trace.ts [BUNDLE-DIR] <TRACE`: names the source lines in a stack trace of the compiled program,
 * by the source maps of the same build (default: build/bundle).
 */

/** Where a piece of the bundle came from: columns ascending, all 0-based. */
interface Segment {
  readonly column: number;
  readonly source: string;
  readonly line: number;
  readonly sourceColumn: number;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The numbers of one VLQ group of a source map's `mappings` (Source Map revision 3). */
function decodeVlq(text: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const letter of text) {
    const digit = BASE64.indexOf(letter);
    if (digit < 0) throw new Error(`not base 64: ${letter}`);
    value += (digit & 31) << shift;
    if (digit & 32) {
      shift += 5;
      continue;
    }
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}

/** The segments of each line of the bundle file that the map (its JSON text) belongs to. */
export function readMap(json: string): Segment[][] {
  const map: unknown = JSON.parse(json);
  if (typeof map !== "object" || map === null || !("mappings" in map) || !("sources" in map)) {
    throw new Error("not a source map");
  }
  const { mappings, sources } = map;
  if (typeof mappings !== "string" || !Array.isArray(sources)) throw new Error("not a source map");
  let source = 0;
  let line = 0;
  let sourceColumn = 0;
  return mappings.split(";").map((group) => {
    let column = 0;
    const segments: Segment[] = [];
    for (const text of group.split(",")) {
      const [columnStep, sourceStep, lineStep, sourceColumnStep] = decodeVlq(text);
      if (columnStep === undefined) continue;
      column += columnStep;
      if (sourceStep === undefined || lineStep === undefined || sourceColumnStep === undefined) continue;
      source += sourceStep;
      line += lineStep;
      sourceColumn += sourceColumnStep;
      segments.push({ column, source: String(sources[source]), line, sourceColumn });
    }
    return segments;
  });
}

/** Puts source positions in place of bundle positions ("...NAME.mjs:LINE:COLUMN"), where `maps` has NAME.mjs. */
export function translate(trace: string, maps: ReadonlyMap<string, Segment[][]>): string {
  return trace.replaceAll(
    /[^\s(]*?([\w.-]+\.mjs):(\d+):(\d+)/g,
    (place, file: string, line: string, column: string) => {
      const segments = maps.get(file)?.[Number(line) - 1] ?? [];
      const found = segments.findLast((segment) => segment.column <= Number(column) - 1);
      if (found === undefined) return place;
      return `${found.source.replace(/^(\.\.\/)+/, "")}:${found.line + 1}:${found.sourceColumn + 1}`;
    },
  );
}

if (import.meta.main) {
  const dir = Deno.args[0] ?? "build/bundle";
  const maps = new Map<string, Segment[][]>();
  for await (const { name } of Deno.readDir(dir)) {
    if (name.endsWith(".mjs.map")) {
      maps.set(name.slice(0, -".map".length), readMap(await Deno.readTextFile(`${dir}/${name}`)));
    }
  }
  console.log(translate(await new Response(Deno.stdin.readable).text(), maps).trimEnd());
}
