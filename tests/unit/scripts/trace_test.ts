import assert from "node:assert/strict";
import { readMap, translate } from "../../../scripts/trace.ts";

/** What esbuild says of this source, minified by whitespace: `sources` set by hand, the rest as it came.
 *
 *     function thrower(value: number): never {
 *       throw new Error("value " + value);
 *     }
 *     export function caller(value: number): never {
 *       return thrower(value + 1);
 *     }
 */
const CODE =
  'function thrower(value){throw new Error("value "+value)}export function caller(value){return thrower(value+1)}\n';
const MAP = JSON.stringify({
  version: 3,
  sources: ["../../src/lib/a.ts"],
  mappings:
    "AAAA,SAAS,QAAQ,MAAsB,CACrC,MAAM,IAAI,MAAM,SAAW,KAAK,CAClC,CACO,gBAAS,OAAO,MAAsB,CAC3C,OAAO,QAAQ,MAAQ,CAAC,CAC1B",
  names: [],
});

function place(part: string): string {
  return `1:${CODE.indexOf(part) + 1}`;
}

Deno.test("a stack trace of the bundle is told in lines of the source", () => {
  const trace = [
    "Error: value 2",
    `    at thrower (file:///tmp/x/stas-1A.mjs:${place("new Error")})`,
    `    at file:///tmp/x/stas-1A.mjs:${place("thrower(value+1)")}`,
    "    at other (file:///tmp/x/unknown.mjs:1:2)",
    "    at ext:core/01_core.js:1:2",
  ].join("\n");
  assert.deepEqual(translate(trace, new Map([["stas-1A.mjs", readMap(MAP)]])).split("\n"), [
    "Error: value 2",
    "    at thrower (src/lib/a.ts:2:9)",
    "    at src/lib/a.ts:5:10",
    "    at other (file:///tmp/x/unknown.mjs:1:2)",
    "    at ext:core/01_core.js:1:2",
  ]);
});

Deno.test("what is no source map is refused", () => {
  for (const text of ["{}", "null", '{"mappings":1,"sources":[]}', '{"mappings":"A!","sources":[]}']) {
    assert.throws(() => readMap(text), Error, text);
  }
});
