/** The page of benchmarks is made of numbers, not written. */
import { benchmarksPage, PAGE } from "../../tests/bench/page/page.ts";
import type { Problem, Text } from "./texts.ts";

export async function staleBenchmarks(texts: readonly Text[]): Promise<readonly Problem[]> {
  const page = texts.find(({ path }) => path === PAGE)?.lines.join("\n");
  if (page === await benchmarksPage()) return [];
  const message = "is not what the numbers in docs/benchmarks say; write it with: deno task bench --page";
  return [{ path: PAGE, line: 1, message }];
}
