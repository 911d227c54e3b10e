/** Which subsystems a filter leaves, and how many of the wanted paths are connected. */
import assert from "node:assert/strict";
import { filtered, NO_FILTER, standingOf, subsystemRows } from "../../../cockpit/src/subsystem_rows.ts";
import type { V1Controller } from "../../../src/lib/dbus/v1_types.ts";
import { v1Controller, v1State } from "../../integration/ctl/sample_daemon.ts";

const path = (nqn: string, traddr: string, over: Partial<V1Controller> = {}): V1Controller =>
  v1Controller({
    kind: "io",
    tid: { ...v1Controller().tid, traddr, trsvcid: "4420", subsysnqn: nqn },
    text: `(tcp, ${traddr}, 4420, ${nqn})`,
    device: traddr,
    ...over,
  });

Deno.test("standing: all, some, one and none of the wanted paths, and none wanted", () => {
  const of = (wanted: number, live: number): string => standingOf(wanted, live);
  assert.deepEqual([of(0, 0), of(1, 1), of(2, 1), of(3, 2), of(3, 3), of(1, 0), of(4, 0)], [
    "unwanted",
    "all",
    "one",
    "some",
    "all",
    "none",
    "none",
  ]);
});

Deno.test("rows: what lacks paths first; a filter by interface leaves its paths only", () => {
  const rows = subsystemRows(v1State({
    controllers: [
      path("nqn.a", "10.0.0.1", { iface: "eth0" }),
      path("nqn.a", "10.0.0.2", { iface: "eth1" }),
      path("nqn.b", "10.0.0.3", { iface: "eth0", phase: "failing", device: "" }),
      path("nqn.c", "10.0.0.4", { phase: "foreign" }),
      v1Controller(),
    ],
  }));
  assert.deepEqual(rows.map(({ nqn, standing }) => `${nqn} ${standing}`), [
    "nqn.b none",
    "nqn.a all",
    "nqn.c unwanted",
  ]);
  const left = (over: Partial<typeof NO_FILTER>): readonly string[] =>
    filtered(rows, { ...NO_FILTER, ...over }).map(({ nqn, paths }) => `${nqn} ${paths.length}`);
  assert.deepEqual(left({}), ["nqn.b 1", "nqn.a 2", "nqn.c 1"]);
  assert.deepEqual(left({ iface: "eth0" }), ["nqn.b 1", "nqn.a 1"]);
  assert.deepEqual(left({ standing: "none" }), ["nqn.b 1"]);
  assert.deepEqual(left({ text: " NQN.A " }), ["nqn.a 2"]);
  assert.deepEqual(left({ text: "10.0.0.4" }), ["nqn.c 1"]);
  assert.deepEqual(left({ dc: "10.9.9.9:8009" }), []);
});
