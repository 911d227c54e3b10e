/** What nvme-stas(7) says of times is what the code does (L4, L6). */
import assert from "node:assert/strict";
import { PACES as OF_CORE, pause, WAITS as WAITS_OF_CORE } from "../../../src/lib/core/retry.ts";
import { CALL_BOUNDS } from "../../../src/lib/daemon/call_bounds.ts";
import { BUS_RETRY } from "../../../src/lib/dbus/reconnect.ts";
import { ASK_AGAIN } from "../../../src/lib/dbus/stafd_client.ts";
import { WAKE_UP } from "../../../src/lib/linux/avahi.ts";
import { COALESCE } from "../../../src/lib/linux/interfaces.ts";
import { PROVEN_AFTER } from "../../../src/lib/ports.ts";

/** Layers below the core have their own times: they know nothing of it. */
const PACES: typeof OF_CORE = [
  ...OF_CORE,
  ["look for Avahi, while it is away", WAKE_UP],
  ["connect to the bus", BUS_RETRY],
  ["ask the bus who stafd is", ASK_AGAIN],
];
const WAITS: typeof WAITS_OF_CORE = [
  ...WAITS_OF_CORE,
  ["changes of interfaces are told, together", COALESCE],
  ["a start counts as good", PROVEN_AFTER],
];

const page = await Deno.readTextFile(new URL("../../../packaging/man/nvme-stas.7.page", import.meta.url));

/** The lines of the code block under a heading, in columns. */
function table(heading: string): readonly string[][] {
  const [, rest = ""] = page.split(`## ${heading}\n`);
  const [, block = ""] = rest.split("```");
  return block.split("\n").slice(2, -1).map((line) => line.trim().split(/ {2,}/));
}

const span = (ms: number): string =>
  ms % 60_000 === 0 && ms > 60_000 ? `${ms / 60_000} min` : `${ms / 1000} s`;

Deno.test("the manual's table of retries is that of the code", () => {
  const rows = PACES.map(([what, pace]) =>
    "ms" in pace ? [what, span(pace.ms), span(pace.ms)] : [what, span(pace.first.ms), span(pace.longest.ms)]
  );
  assert.deepEqual(table("How often things are tried"), rows);
});

Deno.test("the manual's table of waits is that of the code", () => {
  assert.deepEqual(table("How long things wait"), WAITS.map(([what, { ms }]) => [what, span(ms)]));
});

/** Files that have times: of these tables, or for another reason. */
const WITH_TIMES: ReadonlyMap<string, string> = new Map([
  ["core/retry.ts", "the tables"],
  ["daemon/call_bounds.ts", "the tables"],
  ["linux/avahi.ts", "the tables"],
  ["linux/interfaces.ts", "the tables"],
  ["dbus/reconnect.ts", "the tables"],
  ["dbus/stafd_client.ts", "the tables"],
  ["ports.ts", "the tables"],
  ["config/stacd_conf.ts", "options of a file, in its manual"],
  ["config/young_page_soak.ts", "options of a file, in its manual"],
  ["config/stafd_conf.ts", "options of a file, in its manual"],
  ["daemon/bounded_ports.ts", "adds the time of the probe to a bound of the table"],
  ["daemon/plan_alone.ts", "ends a command of a person"],
  ["core/saved/clock_set.ts", "how far the clock must have been set to matter"],
  ["nvme/admin_command.ts", "within the bound of the call"],
  ["linux/thread_shares.ts", "within the bound of the call"],
  ["linux/rdma_reach.ts", "within the bound of the call"],
  ["linux/admin.ts", "within the bound of the call: which errors come at once"],
  ["linux/block_claim.ts", "within the bound of the call"],
  ["linux/uevents.ts", "holds events back while a connect is read"],
  ["linux/clock.ts", "the longest time of a timer"],
  ["dbus/client.ts", "calls of the tools"],
  ["dbus/bus.ts", "within the bound of the call"],
  ["dbus/stafd_pages.ts", "within the bound of the call"],
  ["core/fleet/log_limit.ts", "counts lines, and tries nothing"],
]);

Deno.test("no other file has a time of its own", async () => {
  const found: string[] = [];
  const look = async (folder: URL, path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) {
        if (name !== "sim") await look(new URL(`${name}/`, folder), `${path}${name}/`);
        continue;
      }
      const text = await Deno.readTextFile(new URL(name, folder));
      if (/\b(milliseconds|seconds|minutes|hours)\([\d.]|\{ ms: \d|_MS = \d|PATIENCE = \d/.test(text)) {
        found.push(`${path}${name}`);
      }
    }
  };
  await look(new URL("../../../src/lib/", import.meta.url), "");
  const known = [...WITH_TIMES.keys()];
  assert.deepEqual(found.toSorted(), known.toSorted());
});

Deno.test("the manual's table of calls that take too long is that of the code", () => {
  const rows = Object.values(CALL_BOUNDS).map((
    { what, bound },
  ) => [what.replace(/^the /, ""), span(bound.ms)]);
  assert.deepEqual(table("Calls that do not return"), rows);
});

Deno.test("no pause is shorter than the table says, but for the fifth of the spread", () => {
  for (const [what, pace] of OF_CORE) {
    if ("ms" in pace) continue;
    for (let failures = 1; failures < 12; failures++) {
      const { ms } = pause(pace, failures, what);
      assert.ok(ms >= 0.8 * pace.first.ms && ms <= 1.2 * pace.longest.ms, `${what}, ${failures}: ${ms}`);
    }
  }
});
