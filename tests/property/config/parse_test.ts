import assert from "node:assert/strict";
import fc from "fast-check";
import { effectiveStacd, effectiveStafd, type EffectiveValue } from "../../../src/lib/config/effective.ts";
import { parseIni } from "../../../src/lib/config/ini.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { parseSysConf } from "../../../src/lib/config/sys_conf.ts";
import { timeSpanSeconds } from "../../../src/lib/config/time_span.ts";
import { checkFindings, checkIni } from "../../unit/config/invariants.ts";
import { confText } from "./samples.ts";

Deno.test("property: the lines of any text are the text, and every entry stands where it says", () => {
  fc.assert(fc.property(confText, (text) => checkIni(text)), { numRuns: 500 });
});

Deno.test("property: stafd.conf, stacd.conf, sys.conf: any text is parsed, and findings are in it", () => {
  fc.assert(
    fc.property(confText, (text) => {
      const stafd = parseStafdConf(text, "f");
      const stacd = parseStacdConf(text, "f");
      checkFindings(text, stafd.findings);
      checkFindings(text, stacd.findings);
      assert.equal(stafd.ok || stafd.findings.some((f) => f.severity === "error"), true);
      const read = (): { ok: true; text: string } => ({ ok: true, text });
      checkFindings(text, parseSysConf(text, "f", read).findings.filter((f) => f.file === "f"));
    }),
    { numRuns: 500 },
  );
});

const rows = (values: readonly EffectiveValue[]): readonly string[] =>
  values.map(({ section, option, value }) => `[${section}] ${option} = ${value}`);
const written = (values: readonly EffectiveValue[]): string =>
  values.flatMap((v) =>
    v.value === undefined || v.option === "controller" ? [] : [`[${v.section}]\n${v.option}=${v.value}\n`]
  )
    .join("");
const withoutControllers = (values: readonly EffectiveValue[]): readonly EffectiveValue[] =>
  values.filter((v) => v.option !== "controller" && v.option !== "exclude");

Deno.test("property: effective values mean themselves", () => {
  fc.assert(
    fc.property(confText, (text) => {
      const stafd = parseStafdConf(text, "f");
      if (stafd.ok) {
        const values = withoutControllers(effectiveStafd(stafd.conf));
        const again = parseStafdConf(written(values), "g");
        assert.ok(again.ok);
        assert.deepEqual(rows(withoutControllers(effectiveStafd(again.conf))), rows(values));
      }
      const stacd = parseStacdConf(text, "f");
      if (stacd.ok) {
        const values = withoutControllers(effectiveStacd(stacd.conf));
        const again = parseStacdConf(written(values), "g");
        assert.ok(again.ok);
        assert.deepEqual(rows(withoutControllers(effectiveStacd(again.conf))), rows(values));
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("property: a value from a file has its origin in a line that holds it", () => {
  fc.assert(fc.property(confText, (text) => {
    const parsed = parseStacdConf(text, "f");
    if (!parsed.ok) return;
    const byLine = new Map(parseIni(text, "f").entries.map((entry) => [entry.line, entry]));
    for (const value of effectiveStacd(parsed.conf)) {
      if (value.origin.kind === "default") continue;
      const entry = byLine.get(value.origin.line);
      assert.ok(entry !== undefined);
      assert.equal(entry.section, value.section);
      assert.ok(entry.option === value.option || entry.option === "blacklist");
    }
  }));
});

Deno.test("property: time spans add up, in any spelling", () => {
  const unit = (...names: string[]): fc.Arbitrary<string> => fc.constantFrom(...names);
  const spelling = fc.tuple(
    fc.nat(100),
    unit("d", "dys", " days", " Day "),
    fc.nat(100),
    unit("h", "hrs", " hours", " HR, "),
    fc.nat(100),
    unit("m", "mins", " minutes", "MIN/"),
    fc.nat(100),
    unit("s", "secs", " seconds", " Sec "),
  );
  fc.assert(
    fc.property(spelling, fc.constantFrom("", "+", "-", "- "), ([d, du, h, hu, m, mu, s, su], sign) => {
      const total = d * 86_400 + h * 3_600 + m * 60 + s;
      const text = `${sign}${d}${du}${h}${hu}${m}${mu}${s}${su}`;
      assert.ok(timeSpanSeconds(text) === (sign.startsWith("-") ? -total : total), text);
    }),
  );
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const value = timeSpanSeconds(text);
    assert.ok(value === undefined || !Number.isNaN(value));
  }));
});
