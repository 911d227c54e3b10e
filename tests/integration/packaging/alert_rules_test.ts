/** Prometheus' own tool on the alert rules and on what the daemons' metrics look like. */
import assert from "node:assert/strict";
import { METRICS_NEEDS } from "../../../scripts/package/needs.ts";
import { collect } from "../../../scripts/run.ts";
import { packages, skipAllWithout } from "../../lacking.ts";
import { downText, metricsText } from "../../../src/ctl/metrics.ts";
import { NOW, v1Controller, v1Health, v1State } from "../ctl/sample_daemon.ts";

skipAllWithout(packages(METRICS_NEEDS));

async function promtool(...words: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await collect(["promtool", ...words]);
  assert.ok(success, stdout + stderr);
  return stdout + stderr;
}

Deno.test("alert rules: understood by promtool, and they say what is wrong and nothing else", async () => {
  assert.match(await promtool("check", "rules", "packaging/metrics/alerts.yml"), /SUCCESS: \d+ rules found/);
  const dir = await Deno.makeTempDir();
  try {
    await Deno.copyFile("packaging/metrics/alerts.yml", `${dir}/alerts.yml`);
    await Deno.copyFile("tests/integration/packaging/alerts.test.yml", `${dir}/alerts.test.yml`);
    await promtool("test", "rules", `${dir}/alerts.test.yml`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  const rules = (await Deno.readTextFile("packaging/metrics/alerts.yml")).matchAll(/- alert: (\w+)/g);
  const tests = await Deno.readTextFile("tests/integration/packaging/alerts.test.yml");
  for (const [, name = ""] of rules) {
    assert.match(tests, new RegExp(`alertname: ${name}\\n +exp_alerts:`), `${name} is never raised`);
  }
});

Deno.test("metrics: promtool finds nothing to complain of", async () => {
  const aenToConnect = { bounds: [100, 1_000], counts: [1, 2, 0], sum: 900 };
  const stafd = { present: true, reportedAt: NOW, aenToConnect };
  const texts = [
    metricsText(v1State(), v1Health({ problems: [{ id: "x", text: "", remedy: null }] })),
    metricsText(
      v1State({ daemon: "stacd", avahi: null, stafd, controllers: [v1Controller({ kind: "io" })] }),
      v1Health({ daemon: "stacd" }),
    ),
    downText("stacd"),
  ];
  for (const text of texts) {
    const child = new Deno.Command("promtool", {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
    const { success, stderr } = await child.output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
});
