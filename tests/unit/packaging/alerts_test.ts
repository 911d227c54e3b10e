import assert from "node:assert/strict";
import { downText, metricsText } from "../../../src/ctl/metrics.ts";
import { NOW, v1Controller, v1Health, v1State } from "../../integration/ctl/sample_daemon.ts";

/** Everything that both daemons can print. */
const PRINTED = [
  metricsText(v1State(), v1Health({ problems: [{ id: "x", text: "", remedy: null }] })),
  metricsText(
    v1State({
      daemon: "stacd",
      avahi: null,
      stafd: { present: true, reportedAt: NOW, aenToConnect: { bounds: [1_000], counts: [1, 0], sum: 200 } },
      controllers: [v1Controller({ kind: "io" })],
    }),
    v1Health({ daemon: "stacd" }),
  ),
  downText("stafd"),
].join("");

const ALERTS = Deno.readTextFileSync("packaging/metrics/alerts.yml");

Deno.test("alerts ask for metrics and labels that are printed", () => {
  const expressions = [...ALERTS.matchAll(/^ +expr: (.+)$/gm)].map(([, text = ""]) => text);
  assert.ok(expressions.length >= 8);
  for (const expression of expressions) {
    for (const [name] of expression.matchAll(/nvme_stas_[a-z_]+/g)) {
      assert.match(PRINTED, new RegExp(`^${name}\\{`, "m"), expression);
    }
    for (const [, selector = ""] of expression.matchAll(/nvme_stas_[a-z_]+\{([^}]*)\}/g)) {
      for (const part of selector.split(",")) assert.ok(PRINTED.includes(part), `${part} in ${expression}`);
    }
  }
  for (const [, label = ""] of ALERTS.matchAll(/\$labels\.([a-z_]+)/g)) {
    assert.ok(label === "instance" || PRINTED.includes(`${label}="`), label);
  }
});

Deno.test("alerts that have a name of their own, a time and a text", () => {
  const alerts = ALERTS.split(/^ +- alert: /m).slice(1);
  const names = alerts.map((text) => /^\w+/.exec(text)?.[0]);
  assert.equal(new Set(names).size, names.length);
  for (const text of alerts) {
    for (const part of ["expr:", "severity:", "summary:", "description:"]) {
      assert.ok(text.includes(part), `${part} is missing in ${text}`);
    }
  }
});
