import assert from "node:assert/strict";
import { parseTimeSpan, timeSpanSeconds } from "../../../src/lib/config/time_span.ts";
import { forever, hours, seconds } from "../../../src/lib/base/time.ts";

Deno.test("CFG-50: forms of time spans beyond the vectors", () => {
  const examples: readonly (readonly [string, number | undefined])[] = [
    ["1e3", 1_000],
    ["1_000", 1_000],
    [".5", 0.5],
    ["5.", 5],
    [":22", 22],
    ["- 1 minute", -60],
    ["-1:30", -90],
    ["1:02:03", 3_723],
    ["100:02:03", 360_123],
    ["3:00:00:10", 259_210],
    ["1:02.5", 62.5],
    ["2 days 1:00:00", 176_400],
    ["1 day/2h", 93_600],
    ["1 day,", 86_400],
    ["1d2h3m4s", 93_784],
    ["1.1 minutes", 66],
    ["1 minute 1:00:00", undefined],
    ["1m 2m", undefined],
    ["2m 1h", undefined],
    ["1.2.3 s", undefined],
    ["1:2", undefined],
    ["1:02:3", undefined],
    ["2 months", undefined],
    ["+", undefined],
    ["-", undefined],
    [",", undefined],
    ["1 day, , 2h", undefined],
    ["nan", undefined],
    ["0x10", undefined],
    ["1 2", undefined],
  ];
  for (const [text, expected] of examples) assert.equal(timeSpanSeconds(text), expected, text);
});

Deno.test("CFG-51: negative and infinite spans are for ever, zero is at once", () => {
  assert.deepEqual(parseTimeSpan("-1"), forever);
  assert.deepEqual(parseTimeSpan("-0.5s"), forever);
  assert.deepEqual(parseTimeSpan("inf"), forever);
  assert.deepEqual(parseTimeSpan("-Infinity"), forever);
  assert.deepEqual(parseTimeSpan("0"), seconds(0));
  assert.deepEqual(parseTimeSpan("3 days"), hours(72));
  assert.equal(parseTimeSpan("NaN"), undefined);
});
