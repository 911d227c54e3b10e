/** One controller that two sources know by two names is one controller: in counts, tables, tree and metrics. */
import assert from "node:assert/strict";
import { metricsText } from "../../../src/ctl/metrics.ts";
import { healthOf } from "../../../src/lib/daemon/views/v1_health.ts";
import { distinct } from "../../../src/lib/dbus/v1_distinct.ts";
import type { V1Controller, V1Phase } from "../../../src/lib/dbus/v1_types.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { NOW, v1Controller, v1Health, v1State } from "../../integration/ctl/sample_daemon.ts";

const LINE = { kind: "config", text: "stacd.conf:3" } as const;
const PAGE = { kind: "log-page", text: "log page of 10.0.0.1" } as const;

function named(
  phase: V1Phase,
  device: string,
  tid: Partial<Tid> = {},
  source: V1Controller["sources"][number] = LINE,
): V1Controller {
  const full = { ...v1Controller().tid, traddr: "10.0.0.2", trsvcid: "4420", subsysnqn: "nqn.s", ...tid };
  const text =
    `(${full.transport}, ${full.traddr}, ${full.subsysnqn}, ${full.hostIface}, ${full.hostTraddr})`;
  return v1Controller({ tid: full, text, kind: "io", device, phase, sources: [source], logPage: null });
}

const eth0 = { hostIface: "eth0" };

Deno.test("one device is one controller, under the name that says most, with the sources of all names", () => {
  for (const turned of [false, true]) {
    const both = [named("connected", "nvme1"), named("connected", "nvme1", eth0, PAGE)];
    const found = distinct(turned ? both.toReversed() : both);
    assert.deepEqual(found.map(({ tid }) => tid.hostIface), ["eth0"]);
    assert.deepEqual(found[0]?.sources, [PAGE, LINE]);
  }
  // What is still wanted goes before what is not.
  const leaving = distinct([named("leaving", "nvme1", eth0), named("connected", "nvme1")]);
  assert.deepEqual(leaving.map(({ phase }) => phase), ["connected"]);
  assert.equal(distinct([named("connected", "nvme1"), named("connected", "nvme2", eth0)]).length, 2);
});

Deno.test("without a device, two names that do not contradict each other are one controller", () => {
  const count = (...tids: readonly Partial<Tid>[]): number =>
    distinct(tids.map((tid) => named("failing", "", tid))).length;
  assert.equal(count({}, eth0), 1);
  assert.equal(count({}, { hostTraddr: "10.0.0.9" }), 1);
  assert.equal(count(eth0, { ...eth0, hostTraddr: "10.0.0.9" }), 1);
  assert.equal(count({ traddr: "fd00::2" }, { traddr: "FD00:0::2", ...eth0 }), 1);
  // Two paths, and a name that fits both.
  assert.equal(count(eth0, { hostIface: "eth1" }, {}), 2);
  assert.equal(count({ hostTraddr: "10.0.0.9" }, { hostTraddr: "10.0.0.8" }), 2);
  for (
    const other of [{ traddr: "10.0.0.3" }, { trsvcid: "8009" }, { subsysnqn: "nqn.t" }, { hostNqn: "nqn.h" }]
  ) {
    assert.equal(count({}, { ...eth0, ...other }), 2, JSON.stringify(other));
  }
  // An exclusion is shown for itself; a connection that one of two names has and the other one cannot get, too.
  assert.equal(distinct([named("excluded", ""), named("failing", "", eth0)]).length, 2);
  assert.equal(distinct([named("connected", "nvme1", eth0), named("failing", "")]).length, 2);
});

Deno.test("health and metrics count controllers, not names", () => {
  const controllers = [
    ...["nvme1", "nvme2"].flatMap((device, n) => {
      const traddr = `10.0.0.${n + 2}`;
      return [
        named("connected", device, { traddr }),
        named("connected", device, { traddr, ...eth0 }, PAGE),
      ];
    }),
    named("failing", "", { traddr: "10.0.0.9" }),
    named("failing", "", { traddr: "10.0.0.9", ...eth0 }, PAGE),
    named("reconnecting", "nvme3", { traddr: "10.0.0.8" }),
    named("reconnecting", "nvme3", { traddr: "10.0.0.8", ...eth0 }, PAGE),
  ];
  const health = healthOf("stacd", NOW, controllers, []);
  assert.deepEqual(health.counts, { wanted: 4, connected: 2, failing: 2, waiting: 0 });
  assert.equal(health.problems.length, 2);
  const text = metricsText(v1State({ daemon: "stacd", controllers }), v1Health());
  for (
    const line of [
      'nvme_stas_wanted{daemon="stacd",source="config"} 4',
      'nvme_stas_wanted{daemon="stacd",source="log-page"} 4',
      'nvme_stas_connected{daemon="stacd",source="log-page"} 2',
      'nvme_stas_controllers{daemon="stacd",phase="connected"} 2',
      'nvme_stas_controllers{daemon="stacd",phase="failing"} 1',
    ]
  ) assert.ok(text.split("\n").includes(line), line);
  assert.equal(text.match(/^nvme_stas_controller_connected\{/gm)?.length, 4);
});
