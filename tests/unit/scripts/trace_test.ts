import assert from "node:assert/strict";
import { transformSync } from "esbuild";
import { readMap, translate } from "../../../scripts/trace.ts";

const SOURCE = `export interface Unused {
  readonly a: number;
}

function thrower(value: number): never {
  throw new Error("value " + value);
}

export function caller(value: number): never {
  return thrower(value + 1);
}
`;

Deno.test("a stack trace of the bundle is told in lines of the source", () => {
  const { code, map } = transformSync(SOURCE, {
    loader: "ts",
    sourcefile: "../../src/lib/a.ts",
    sourcemap: "external",
    minifyWhitespace: true,
    minifySyntax: true,
  });
  const place = (part: string) => {
    const before = code.slice(0, code.indexOf(part)).split("\n");
    return `${before.length}:${(before.at(-1) ?? "").length + 1}`;
  };
  const trace = [
    "Error: value 2",
    `    at thrower (file:///tmp/x/stas-1A.mjs:${place("new Error")})`,
    `    at file:///tmp/x/stas-1A.mjs:${place("thrower(value+1)")}`,
    "    at other (file:///tmp/x/unknown.mjs:1:2)",
    "    at ext:core/01_core.js:1:2",
  ].join("\n");
  assert.deepEqual(translate(trace, new Map([["stas-1A.mjs", readMap(map)]])).split("\n"), [
    "Error: value 2",
    "    at thrower (src/lib/a.ts:6:9)",
    "    at src/lib/a.ts:10:10",
    "    at other (file:///tmp/x/unknown.mjs:1:2)",
    "    at ext:core/01_core.js:1:2",
  ]);
});

Deno.test("what is no source map is refused", () => {
  for (const text of ["{}", "null", '{"mappings":1,"sources":[]}', '{"mappings":"A!","sources":[]}']) {
    assert.throws(() => readMap(text), Error, text);
  }
});
