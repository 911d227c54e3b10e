/** docs/benchmarks.md, made of the numbers that were kept. */
import type { Result } from "./results.ts";
import { resultOf } from "./results.ts";
import { machineSection } from "./machine.ts";
import {
  connectsSection,
  pagesSection,
  recordSection,
  scaleSection,
  sizeSection,
  soakSection,
} from "./native.ts";

export const PAGE = "docs/benchmarks.md";

const INTRODUCTION = `<!-- deno-fmt-ignore-file -->

# Benchmarks

\`deno task bench --page\` writes this page from the numbers in \`docs/benchmarks\`, and \`deno task bench --save NAME\`
measures them; \`deno task bench --help\` lists the benchmarks. A figure says how many turns it is the median of, and
each section the commit that was measured and the day.
`;

async function section<Data>(
  name: string,
  text: (result: Result<Data>) => string,
): Promise<readonly string[]> {
  const result = await resultOf<Data>(name);
  return result === undefined ? [] : [text(result)];
}

export async function benchmarksPage(): Promise<string> {
  const sections = [
    ...await section("vm", machineSection),
    ...await section("ctl_scale", scaleSection),
    ...await section("pages", pagesSection(await resultOf("pages-before"))),
    ...await section("connects", connectsSection(await resultOf("connects-before"))),
    ...await section("soak", soakSection),
    ...await section("record", recordSection),
    ...await section("size", sizeSection),
  ];
  return [INTRODUCTION, ...sections].join("\n");
}
