import assert from "node:assert/strict";
import fc from "fast-check";
import { OTHERS } from "../../../scripts/system_packages.ts";
import { lacks, packages } from "../../lacking.ts";
import { formatLiteral, literalOf } from "../../../src/ctl/literal.ts";

const PROGRAM = `
import json, pprint, ast, sys
for line in sys.stdin:
    value = json.loads(line)
    text = pprint.pformat(value, width=120)
    given = json.loads(sys.stdin.readline())
    same = ast.literal_eval(given) == value
    print(json.dumps([text, same]))
`;

async function python(input: string): Promise<readonly string[]> {
  const child = new Deno.Command("python3", {
    args: ["-c", PROGRAM],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close());
  const [output] = await Promise.all([child.output(), written]);
  assert.ok(output.success);
  return new TextDecoder().decode(output.stdout).trimEnd().split("\n");
}

/** Characters of every kind that repr tells apart, from ranges that mean the same in every version of Unicode. */
const char = fc.oneof(
  ...[[0, 0x2ff], [0x2000, 0x2064], [0xd800, 0xdfff], [0xe000, 0xe0ff], [0x1f600, 0x1f640]].map(
    ([min, max]) => fc.integer({ min: min ?? 0, max: max ?? 0 }).map((code) => String.fromCodePoint(code)),
  ),
);

/** Texts such as the daemons make: words, quotes, now and then something unprintable. */
const words = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.stringMatching(/^[a-z0-9:.'"{},-]{1,12} ?$/) },
    fc.constantFrom(
      " ",
      "  ",
      "\n",
      "\\",
      "\t",
      "\u00e9",
      "\u00a0",
      "\u2028",
      "\x1c",
      "\x85",
      "\r\n",
      "\ufeff",
      "\u{1f600}",
    ),
    { weight: 1, arbitrary: fc.string({ unit: char, maxLength: 3 }) },
  ),
  { maxLength: 60 },
).map((parts) => parts.join(""));
const key = fc.stringMatching(/^[a-z][a-z0-9 _'-]{0,30}$/);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { weight: 4, arbitrary: words },
    fc.string({ unit: char }),
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.constantFrom(1.5, 0.1, 1e-7, 123456.789, -0.0001),
    { weight: 3, arbitrary: fc.array(tie("value"), { maxLength: 6 }) },
    { weight: 3, arbitrary: fc.dictionary(key, tie("value"), { maxKeys: 8, noNullPrototype: true }) },
  ),
}));

Deno.test({
  name: "the output is what Python's pprint writes, and evaluates back, for any value",
  ignore: lacks(packages([OTHERS.python3])),
  fn: async () => {
    const values = fc.sample(value, { numRuns: 3000, seed: 20240607 });
    const texts = values.map((item) => formatLiteral(literalOf(item)));
    const input = values.map((item, n) => `${JSON.stringify(item)}\n${JSON.stringify(texts[n])}\n`).join("");
    const answers = await python(input);
    assert.equal(answers.length, values.length);
    let folded = 0;
    for (const [n, answer] of answers.entries()) {
      const parsed: unknown = JSON.parse(answer);
      assert.ok(Array.isArray(parsed));
      assert.equal(texts[n], parsed[0], JSON.stringify(values[n]));
      assert.equal(parsed[1], true, JSON.stringify(values[n]));
      if (texts[n]?.includes("\n")) folded += 1;
    }
    // The generator must reach the layout, not only the scalars.
    assert.ok(folded > 300, `${folded} of ${values.length} are longer than a line`);
  },
});
