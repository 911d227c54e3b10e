/** The Grafana dashboard: Prometheus' own tool understands every query, and every metric in it is one that is written. */
import assert from "node:assert/strict";
import { METRICS_NEEDS } from "../../../scripts/package/needs.ts";
import { collect } from "../../../scripts/run.ts";
import { lacks, packages } from "../../lacking.ts";

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets: readonly { readonly expr: string }[];
}

async function panels(): Promise<readonly Panel[]> {
  const { panels }: { panels: readonly Panel[] } = JSON.parse(
    await Deno.readTextFile("packaging/metrics/dashboard.json"),
  );
  return panels;
}

/** As Grafana puts in what its user chooses. */
const filled = (expr: string): string =>
  expr.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "5m");

Deno.test({
  name: "dashboard: promtool understands each query",
  ignore: lacks(packages(METRICS_NEEDS)),
  fn: async () => {
    const queries = (await panels()).flatMap(({ targets }) => targets.map(({ expr }) => filled(expr)));
    assert.ok(queries.length >= 10);
    const rules = queries.map((expr, n) => ({ record: `job:query_${n}:value`, expr }));
    const file = await Deno.makeTempFile({ suffix: ".yml" });
    try {
      // YAML holds JSON.
      await Deno.writeTextFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
      const checked = await collect(["promtool", "check", "rules", file]);
      assert.ok(checked.success, checked.stdout + checked.stderr);
      assert.match(checked.stdout, new RegExp(`SUCCESS: ${queries.length} rules found`));
    } finally {
      await Deno.remove(file);
    }
  },
});

Deno.test("dashboard: each metric is one of the daemons', panels do not overlap, and each says what to do", async () => {
  const sources = await Promise.all(
    ["metrics", "metrics_storage"].map((name) => Deno.readTextFile(`src/ctl/${name}.ts`)),
  );
  const written = new Set(sources.join("").match(/nvme_stas_[a-z_]+/g));
  const taken = new Set<string>();
  for (const { title, description, gridPos: { h, w, x, y }, targets } of await panels()) {
    assert.ok(description.length > 20, title);
    for (const { expr } of targets) {
      for (const name of expr.match(/nvme_stas_[a-z_]+/g) ?? []) {
        assert.ok(written.has(name.replace(/_bucket$/, "")), `${title}: ${name}`);
      }
    }
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) {
        assert.ok(column < 24 && !taken.has(`${row} ${column}`), `${title} lies over another panel`);
        taken.add(`${row} ${column}`);
      }
    }
  }
});
