/**
 * V8 places texts that are whole numbers by their value: no map or set of a daemon may have one for a key that a peer chose
 * (base/name_key.ts). A hostile page is taken in, saved and shown, and every key that is added is looked at.
 */
import assert from "node:assert/strict";
import { restoredStacd, savedStacd } from "../../../src/lib/core/saved/stacd_saved.ts";
import { savedStafd } from "../../../src/lib/core/saved/stafd_saved.ts";
import { stacdView } from "../../../src/lib/core/stacd/stacd_rules.ts";
import { stacdAnswers } from "../../../src/lib/daemon/views/stacd_view.ts";
import { stafdAnswers } from "../../../src/lib/daemon/views/stafd_view.ts";
import { controllerOf } from "../../../src/lib/daemon/views/v1_common.ts";
import { storageProblems, subsystemsOf } from "../../../src/lib/daemon/views/v1_storage.ts";
import { SUBTYPE, TRTYPE } from "../../../src/lib/nvme/discovery_entry.ts";
import { OneDc } from "../core/one_dc.ts";
import { page, Stacd } from "../core/taking_pages.ts";
import type { StorageLook } from "../../../src/lib/nvme/storage_look.ts";
import { discoveryEntry } from "../nvme/samples.ts";

const NUMBERS = /^\d{5,}$/;

/** Runs it and gives the places in our files that use such a text as a key. */
function numericKeys(run: () => void): readonly string[] {
  const found: string[] = [];
  const looked = (key: unknown): void => {
    if (typeof key !== "string" || !NUMBERS.test(key)) return;
    const at = new Error().stack?.split("\n").find((line) => line.includes("/src/lib/"));
    found.push(at?.trim() ?? "somewhere");
  };
  const groupBy = Object.getOwnPropertyDescriptor(Map, "groupBy");
  const { groupBy: grouped } = Map;
  Object.defineProperty(Map, "groupBy", {
    ...groupBy,
    value: <One, Key>(items: Iterable<One>, keyOf: (one: One, at: number) => Key) =>
      grouped(items, (one, at) => {
        const key = keyOf(one, at);
        looked(key);
        return key;
      }),
  });
  const patched = [[Map.prototype, "set"], [Set.prototype, "add"]] as const;
  const originals = patched.map(([of, name]) => Object.getOwnPropertyDescriptor(of, name));
  patched.forEach(([of, name], at) => {
    const original: unknown = originals[at]?.value;
    assert.ok(typeof original === "function");
    Object.defineProperty(of, name, {
      ...originals[at],
      value: function (this: unknown, key: unknown, ...more: readonly unknown[]): unknown {
        looked(key);
        return Reflect.apply(original, this, [key, ...more]);
      },
    });
  });
  try {
    run();
  } finally {
    Object.defineProperty(Map, "groupBy", groupBy ?? {});
    patched.forEach(([of, name], at) => Object.defineProperty(of, name, originals[at] ?? {}));
  }
  return [...new Set(found)];
}

/** Entries of all transports and kinds whose texts are numbers where they may be. */
const entries = Object.values(TRTYPE).flatMap((trtype) =>
  Object.values(SUBTYPE).flatMap((subtype) =>
    ["10.0.0.1", "11111111"].map((traddr) =>
      discoveryEntry({ trtype, subtype, traddr, trsvcid: "22222222", subnqn: "33333333" })
    )
  )
);

Deno.test("such a key is noticed", () => {
  assert.deepEqual(numericKeys(() => new Map().set("33333333", 1)), ["somewhere"]);
  assert.deepEqual(numericKeys(() => Map.groupBy(["33333333"], (text) => text)), ["somewhere"]);
  assert.deepEqual(numericKeys(() => new Set().add("33333333")), ["somewhere"]);
});

Deno.test("no map of stacd has a key that is a number and comes from a page", () => {
  const now = { mono: 1_000, wall: 1_000 };
  const peek = (): undefined => undefined;
  assert.deepEqual(
    numericKeys(() => {
      const stacd = new Stacd();
      stacd.report(page(1, 1, entries));
      stacd.mono = now.mono;
      stacd.take({ type: "tick" });
      assert.ok(stacd.ctls.length >= 3);
      restoredStacd(JSON.parse(savedStacd(stacd.state)));
      stacdAnswers(stacd.state, now, peek).listControllers(true);
      const core = stacdView(stacd.state, now);
      const named = stacd.ctls.map((ctl) => controllerOf(ctl, core, peek, now));
      const subsystem = {
        device: "nvme-subsys0",
        nqn: "33333333",
        model: "",
        ioPolicy: "",
        controllers: [],
        namespaces: [],
      };
      const look: StorageLook = {
        subsystems: [subsystem],
        nativeMultipath: "on",
        kernel: "6.12",
        sturdyInterfaces: new Set<string>(),
      };
      subsystemsOf(look, named);
      storageProblems(look, named, [], peek);
    }),
    [],
  );
});

Deno.test("no map of stafd has a key that is a number and comes from a page or a service", () => {
  assert.deepEqual(
    numericKeys(() => {
      const dc = new OneDc("none");
      const asked = dc.last("supported-logs");
      dc.take({ type: "supported-logs", op: asked.op, key: asked.key, outcome: { ok: true, value: 0 } });
      const { op, key } = dc.last("read-log");
      dc.take({ type: "log-read", op, key, outcome: { ok: true, value: { genctr: 1n, entries } } });
      const service = {
        key: "eth0-33333333",
        hostIface: "eth0",
        protocol: "IPv4",
        name: "33333333",
        stype: "_nvme-disc._udp",
        domain: "local",
        traddr: "192.0.2.9",
        port: 22_222,
        // The names of records are few (MAX_RECORDS).
        txt: ["p=tcp", "nqn=33333333"].map((text) => new TextEncoder().encode(text)),
      } as const;
      dc.take({ type: "avahi", available: true, message: "" });
      dc.take({ type: "service", service });
      savedStafd(dc.state);
      stafdAnswers(dc.state, dc.now, () => undefined).listControllers(true);
    }),
    [],
  );
});
