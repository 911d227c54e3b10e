import assert from "node:assert/strict";
import { CONNECT_OPTIONS } from "../../../src/lib/nvme/option_table.ts";
import type { ControllerLine } from "../../../src/lib/config/controller_line.ts";
import type { DaemonConf, ParsedConf } from "../../../src/lib/config/daemon_conf.ts";
import type { ExcludeLine } from "../../../src/lib/config/exclude.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { timeSpanSeconds } from "../../../src/lib/config/time_span.ts";
import { type Json, list, record, text, vector } from "../nvme/vectors.ts";

function controller({ fields, overrides, keys, extra }: ControllerLine): Record<string, Json> {
  const result: Record<string, Json> = { transport: fields.transport };
  const set = (key: string, value: Json | undefined): void => {
    if (value !== undefined && value !== "") result[key] = value;
  };
  set("traddr", fields.traddr);
  set("trsvcid", fields.trsvcid);
  set("subsysnqn", fields.subsysnqn);
  set("host-traddr", fields.hostTraddr);
  set("host-iface", fields.hostIface);
  set("host-nqn", fields.hostNqn);
  set("dhchap-secret", keys.hostKey?.reveal());
  set("dhchap-ctrl-secret", keys.ctrlKey?.reveal());
  for (const option of CONNECT_OPTIONS) set(option.name, overrides[option.key]);
  for (const [key, value] of extra) set(key, value);
  return result;
}

function exclude({ matches }: ExcludeLine): Record<string, Json> {
  const { hostIface, hostNqn, ...same } = matches;
  return {
    ...same,
    ...(hostIface === undefined ? {} : { "host-iface": hostIface }),
    ...(hostNqn === undefined ? {} : { "host-nqn": hostNqn }),
  };
}

/** A configuration under the names that the vectors use. */
function common(conf: DaemonConf): Record<string, Json> {
  const options = Object.fromEntries(
    CONNECT_OPTIONS.map((o) => [o.name.replaceAll("-", "_"), conf.options[o.key] ?? null]),
  );
  const { v4, v6 } = conf.ipFamilies.value;
  return {
    ...options,
    tron: conf.tron.value,
    ip_family: [...v4 ? [4] : [], ...v6 ? [6] : []],
    ignore_iface: conf.ignoreIface.value,
    controllers: conf.controllers.map(controller),
    excluded: conf.excludes.map(exclude),
  };
}

function parse(daemon: string, source: string): ParsedConf<Record<string, Json>> {
  if (daemon === "stacd") {
    const parsed = parseStacdConf(source, "stacd.conf");
    if (!parsed.ok) return parsed;
    const { conf } = parsed;
    return {
      ...parsed,
      conf: {
        ...common(conf),
        disconnect_scope: conf.disconnectScope.value,
        disconnect_trtypes: [...conf.disconnectTrtypes.value],
        connect_attempts_on_ncc: conf.connectAttemptsOnNcc.value,
      },
    };
  }
  assert.equal(daemon, "stafd");
  const parsed = parseStafdConf(source, "stafd.conf");
  if (!parsed.ok) return parsed;
  const { conf } = parsed;
  const { ms } = conf.zeroconfPersistence.value;
  return {
    ...parsed,
    conf: {
      ...common(conf),
      pleo_enabled: conf.pleo.value,
      zeroconf_enabled: conf.zeroconf.value,
      persistent_connections: conf.persistentConnections.value,
      zeroconf_persistence_sec: ms === Infinity ? -1 : ms / 1_000,
    },
  };
}

/** Service types follow from zeroconf, and are not the configuration's business. */
const ELSEWHERE = new Set(["stypes"]);
const sorted = (key: string, value: Json | undefined): Json | undefined =>
  key === "ip_family" ? list(value).toSorted() : value;

for (const item of list(vector("config"))) {
  const example = record(item);
  const name = `${text(example["daemon"])}: ${text(example["name"])}`;
  Deno.test(`configuration vector: ${name}`, () => {
    const parsed = parse(text(example["daemon"]), text(example["text"]));
    if (example["upstream_error"] !== undefined) {
      assert.equal(parsed.ok, false);
      assert.equal(parsed.findings[0]?.severity, "error");
      return;
    }
    if (!parsed.ok) assert.fail(`rejected: ${JSON.stringify(parsed.findings)}`);
    const recommended = example["recommended"] === undefined ? {} : record(example["recommended"]);
    const expected = { ...record(example["upstream"]), ...recommended };
    let compared = 0;
    for (const [key, value] of Object.entries(expected)) {
      if (ELSEWHERE.has(key)) continue;
      assert.ok(key in parsed.conf, `no such value: ${key}`);
      assert.deepEqual(sorted(key, parsed.conf[key]), sorted(key, value), key);
      compared++;
    }
    assert.ok(compared > 0);
    const logged = parsed.findings.some((finding) => finding.severity !== "notice");
    if (list(example["logs"]).length > 0) assert.ok(logged, "something must be reported");
    else if (example["recommended"] === undefined) assert.deepEqual(logged, false, "nothing is wrong");
  });
}

Deno.test("time span vectors (CFG-50)", () => {
  const examples = list(vector("timeparse")).map(record);
  assert.ok(examples.length > 30);
  for (const example of examples) {
    const source = text(example["in"]);
    assert.equal(timeSpanSeconds(source) ?? null, example["out"], JSON.stringify(source));
  }
});
