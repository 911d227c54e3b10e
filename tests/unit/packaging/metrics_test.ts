import assert from "node:assert/strict";
import { downText, metricsText } from "../../../src/ctl/metrics.ts";
import { PHASES } from "../../../src/lib/dbus/v1_types.ts";
import { NOW, v1Controller, v1Health, v1State } from "../../integration/ctl/sample_daemon.ts";

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LABEL = /([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/gy;

/** A strict reading of the text format: families with HELP and TYPE, no sample twice, labels that end where they should. */
function read(text: string): Sample[] {
  const samples: Sample[] = [];
  const seen = new Set<string>();
  let family = "";
  let suffixes = /^$/;
  assert.ok(text.endsWith("\n"));
  for (const line of text.slice(0, -1).split("\n")) {
    const head = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (head !== null) {
      const [, kind, name = "", rest] = head;
      if (kind === "HELP") {
        assert.ok(!seen.has(name), `${name} occurs twice`);
        seen.add(name);
        family = name;
        suffixes = /^$/;
      } else {
        assert.equal(name, family);
        if (rest === "histogram") suffixes = /^_(?:bucket|sum|count)$/;
        else assert.equal(rest, "gauge");
      }
      continue;
    }
    const match = /^([a-z_]+)\{(.*)\} (-?[0-9.]+)$/.exec(line);
    assert.ok(match !== null, `not a sample: ${line}`);
    const [, name = "", inside = "", value = ""] = match;
    assert.ok(name.startsWith(family));
    assert.match(name.slice(family.length), suffixes);
    LABEL.lastIndex = 0;
    const labels: Record<string, string> = {};
    let end = 0;
    for (const [all, key = "", text = ""] of inside.matchAll(LABEL)) {
      labels[key] = text;
      end += all.length;
    }
    assert.equal(end, inside.length, `labels that cannot be read: ${inside}`);
    const key = `${name}{${inside}}`;
    assert.ok(!seen.has(key), `${key} occurs twice`);
    seen.add(key);
    samples.push({ name, labels, value: Number(value) });
  }
  return samples;
}

const valueOf = (samples: readonly Sample[], name: string, labels: Sample["labels"] = {}): number[] =>
  samples.filter((sample) =>
    sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text)
  ).map(({ value }) => value);

const failing = v1Controller({
  tid: { ...v1Controller().tid, traddr: "10.0.0.2" },
  phase: "failing",
  attempts: 7,
  sources: [{ kind: "mdns", text: "" }, { kind: "config", text: "" }],
  logPage: null,
});

Deno.test("metrics: wanted and connected by source, attempts, log pages, reload result", () => {
  const samples = read(
    metricsText(
      v1State({
        controllers: [v1Controller(), failing, { ...failing, phase: "excluded", tid: v1Controller().tid }],
        config: {
          file: "/etc/stas/stafd.conf",
          loadedAt: NOW,
          valid: false,
          findings: [{ severity: "error", file: "f", line: 1, column: 1, message: "" }],
        },
      }),
      v1Health({
        status: "degraded",
        problems: [
          { id: "controller-failing", text: "", remedy: null },
          { id: "config-invalid", text: "", remedy: null },
          { id: "controller-failing", text: "", remedy: null },
        ],
      }),
    ),
  );
  assert.deepEqual(valueOf(samples, "nvme_stas_up", { daemon: "stafd" }), [1]);
  assert.deepEqual(valueOf(samples, "nvme_stas_wanted", { source: "config" }), [2]);
  assert.deepEqual(valueOf(samples, "nvme_stas_wanted", { source: "mdns" }), [1]);
  assert.deepEqual(valueOf(samples, "nvme_stas_wanted", { source: "nbft" }), [0]);
  assert.deepEqual(valueOf(samples, "nvme_stas_connected", { source: "config" }), [1]);
  assert.deepEqual(valueOf(samples, "nvme_stas_connected", { source: "mdns" }), [0]);
  assert.deepEqual(valueOf(samples, "nvme_stas_controllers", { phase: "excluded" }), [1]);
  assert.deepEqual(valueOf(samples, "nvme_stas_controller_attempts", { traddr: "10.0.0.2" }), [7]);
  assert.deepEqual(valueOf(samples, "nvme_stas_controller_connected", { traddr: "10.0.0.2" }), [0]);
  assert.deepEqual(valueOf(samples, "nvme_stas_log_page_read_time_seconds"), [(NOW - 80_000) / 1000]);
  assert.deepEqual(valueOf(samples, "nvme_stas_config_valid"), [0]);
  assert.deepEqual(valueOf(samples, "nvme_stas_config_findings", { severity: "error" }), [1]);
  assert.deepEqual(valueOf(samples, "nvme_stas_healthy"), [0]);
  assert.deepEqual(valueOf(samples, "nvme_stas_problems", { problem: "controller-failing" }), [2]);
  assert.deepEqual(valueOf(samples, "nvme_stas_avahi_available"), [1]);
  assert.deepEqual(valueOf(samples, "nvme_stas_stafd_present"), []);
});

Deno.test("metrics: stacd's view of stafd; unknown is left out, not zero", () => {
  const of = (reportedAt: number | null) => {
    const stafd = { present: false, reportedAt, aenToConnect: null };
    const state = v1State({ daemon: "stacd", avahi: null, stafd, controllers: [] });
    return read(metricsText(state, v1Health({ daemon: "stacd" })));
  };
  assert.deepEqual(valueOf(of(NOW), "nvme_stas_stafd_report_time_seconds"), [NOW / 1000]);
  assert.deepEqual(valueOf(of(null), "nvme_stas_stafd_report_time_seconds"), []);
  assert.deepEqual(valueOf(of(null), "nvme_stas_stafd_present"), [0]);
  assert.deepEqual(valueOf(of(null), "nvme_stas_wanted", { source: "log-page" }), [0]);
});

Deno.test("metrics: times from the event to the connection, in classes that add up", () => {
  const aenToConnect = { bounds: [250, 1_000], counts: [3, 2, 1], sum: 62_500 };
  const text = metricsText(
    v1State({ daemon: "stacd", avahi: null, stafd: { present: true, reportedAt: NOW, aenToConnect } }),
    v1Health({ daemon: "stacd" }),
  );
  const samples = read(text);
  const name = "nvme_stas_aen_to_connect_seconds";
  assert.match(text, new RegExp(`^# TYPE ${name} histogram$`, "m"));
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  assert.deepEqual(buckets.map(({ labels, value }) => [labels["le"], value]), [["0.25", 3], ["1", 5], [
    "+Inf",
    6,
  ]]);
  assert.deepEqual(valueOf(samples, `${name}_sum`, { daemon: "stacd" }), [62.5]);
  assert.deepEqual(valueOf(samples, `${name}_count`, { daemon: "stacd" }), [6]);
});

Deno.test("metrics: all states, also those that no controller is in; new names beside the old (DEC-17); an info that joins", () => {
  const text = metricsText(v1State({ controllers: [v1Controller()] }), v1Health());
  const samples = read(text);
  for (const phase of PHASES) {
    assert.deepEqual(valueOf(samples, "nvme_stas_controllers", { phase }), [phase === "connected" ? 1 : 0]);
  }
  for (
    const [old, name] of [
      ["nvme_stas_info", "nvme_stas_build_info"],
      ["nvme_stas_controller_since_seconds", "nvme_stas_controller_state_timestamp_seconds"],
    ] as const
  ) {
    assert.deepEqual(valueOf(samples, name), valueOf(samples, old));
    assert.equal(valueOf(samples, name).length, 1);
    assert.match(
      text,
      new RegExp(`^# HELP ${old} The same as ${name}; this name will be removed in version 1\\.2\\.$`, "m"),
    );
  }
  const info = { controller: "nvme0", nqn: v1Controller().tid.subsysnqn, traddr: "127.0.0.1" };
  assert.deepEqual(valueOf(samples, "nvme_stas_controller_info", info), [1]);
});

Deno.test("metrics: a name from the fabric cannot add a sample", () => {
  const subsysnqn = 'nqn.x"} 1\nnvme_stas_up{daemon="stafd\\';
  const samples = read(
    metricsText(
      v1State({ controllers: [v1Controller({ tid: { ...v1Controller().tid, subsysnqn } })] }),
      v1Health(),
    ),
  );
  assert.deepEqual(valueOf(samples, "nvme_stas_up"), [1]);
  assert.deepEqual(valueOf(samples, "nvme_stas_controller_connected"), [1]);
});

Deno.test("metrics: a daemon that is not there is down", () => {
  assert.deepEqual(read(downText("stacd")), [{
    name: "nvme_stas_up",
    labels: { daemon: "stacd" },
    value: 0,
  }]);
});
