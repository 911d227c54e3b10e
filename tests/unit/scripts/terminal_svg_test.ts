import assert from "node:assert/strict";
import { terminalSvg } from "../../../scripts/terminal_svg.ts";

const texts = (svg: string): readonly (readonly string[])[] =>
  [...svg.matchAll(/<text x="([\d.]+)"[^>]*textLength="([\d.]+)" fill="([^"]+)"([^>]*)>([^<]*)</g)].map((
    found,
  ) => found.slice(1));

Deno.test("a run of text stands at its column, takes its columns and has its colour", () => {
  const svg = terminalSvg("t", "ab  \u001b[32mgo\u001b[0m x\n\u001b[1mbold\u001b[0m", 20);
  assert.deepEqual(texts(svg), [
    ["18", "16.8", "#d7dce5", "", "ab"],
    ["51.6", "16.8", "#7fd08e", "", "go"],
    ["76.8", "8.4", "#d7dce5", "", "x"],
    ["18", "33.6", "#d7dce5", ' font-weight="700"', "bold"],
  ]);
});

Deno.test("a line that is too long goes on in the next one", () => {
  const svg = terminalSvg("t", "abcd\u001b[31mefgh\u001b[0m", 6);
  assert.deepEqual(texts(svg).map(([x, , colour, , text]) => [x, colour, text]), [
    ["18", "#d7dce5", "abcd"],
    ["51.6", "#f0837c", "ef"],
    ["18", "#f0837c", "gh"],
  ]);
});

Deno.test("what the tools print cannot end the picture's own text", () => {
  const svg = terminalSvg('<"&>', "a<b>&c", 20);
  assert.ok(svg.includes("<title>&lt;&quot;&amp;&gt;</title>"));
  assert.ok(svg.includes(">a&lt;b&gt;&amp;c</text>"));
});

Deno.test("a code that no colour is known for is an error, not a colour", () => {
  assert.throws(() => terminalSvg("t", "\u001b[45mx", 20), /45/);
});
