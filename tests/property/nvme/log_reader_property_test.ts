/** S3: whatever happens between the commands, what the reader gives is a page that existed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { DiscoveryLog } from "../../../src/lib/nvme/discovery_entry.ts";
import { DLPF } from "../../../src/lib/nvme/discovery_log.ts";
import { LogReader, type LogReply, MAX_RESTARTS } from "../../../src/lib/nvme/log_reader.ts";
import { discoveryEntry } from "../../unit/nvme/samples.ts";
import { encodeDiscoveryLog } from "../../wire/discovery_log.ts";

function version(genctr: number, count: number): DiscoveryLog {
  const entries = Array.from({ length: count }, (_, i) => discoveryEntry({ subnqn: `nqn.${genctr}.${i}` }));
  return { genctr: BigInt(genctr), entries };
}

Deno.test("a page that changes at random moments is never torn", () => {
  let [done, failed] = [0, 0];
  const scenario = fc.record({
    counts: fc.array(fc.nat(40), { minLength: 1, maxLength: 12 }),
    /** For each command: what happens to it, or after it. */
    events: fc.oneof(
      fc.array(fc.constantFrom("change", "", "", "", "restart", "refuse"), { maxLength: 40 }),
      fc.array(fc.constantFrom("change", "change", "restart"), { minLength: 20, maxLength: 40 }),
    ),
    extended: fc.boolean(),
    maxTransfer: fc.constantFrom(undefined, 4096, 8192, 65_536),
    hint: fc.constantFrom(0, 0, 1024, 9216, 200_000),
  });
  fc.assert(
    fc.property(scenario, ({ counts, events, extended, maxTransfer, hint }) => {
      const versions = counts.map((count, i) => version(i + 1, count));
      const pages = versions.map((log) => encodeDiscoveryLog(log, extended ? DLPF.extended : 0));
      let current = 0;
      /** Is the event masked? It is from the first change on, until a read with RAE = 0. */
      let seenAtClear = 0;
      const reader = new LogReader({ lsp: 0, maxTransfer, hint });
      let clears = 0;
      for (let n = 0;; n++) {
        assert.ok(n < 2000, "the reader does not end");
        const { offset, length, rae } = reader.command;
        const event = events[n] ?? "";
        let reply: LogReply;
        if (event === "restart") reply = { type: "status", status: 0x190 };
        else if (event === "refuse" && length > 4096) reply = { type: "status", status: 0x4002 };
        else {
          const bytes = new Uint8Array(length);
          bytes.set((pages[current] ?? new Uint8Array(0)).subarray(offset, offset + length));
          reply = { type: "data", bytes };
          if (!rae) [clears, seenAtClear] = [clears + 1, current];
        }
        if (event === "change" && current < pages.length - 1) current++;
        const progress = reader.feed(reply);
        if (progress.type === "more") continue;
        if (progress.type === "done") {
          done++;
          const read = versions[Number(progress.log.genctr) - 1];
          assert.deepEqual(progress.log, read);
          // The event was re-armed when this version was current: a later change makes a new one.
          assert.equal(seenAtClear, Number(progress.log.genctr) - 1);
        } else {
          failed++;
          assert.match(progress.failure.message, /changed \d+ times/);
        }
        assert.ok(clears <= MAX_RESTARTS + 1);
        return;
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(done > 500 && failed > 20, `${done} read, ${failed} given up`);
});

Deno.test("a reader fed with anything ends, or asks on within its limits", () => {
  const reply = fc.oneof(
    fc.nat(0x7fff).map((status): LogReply => ({ type: "status", status })),
    fc.constantFrom("EINVAL", "EINTR", "ENODEV").map((errno): LogReply => ({ type: "errno", errno })),
    fc.uint8Array({ maxLength: 64 }).map((bytes): LogReply => ({ type: "data", bytes })),
  );
  const header = fc.record({ numrec: fc.nat(20_000), dlpf: fc.nat(7), tdlpl: fc.nat(), genctr: fc.nat() });
  fc.assert(fc.property(fc.array(fc.oneof(reply, header), { maxLength: 30 }), (steps) => {
    const reader = new LogReader({ lsp: 0, hint: 6000 });
    for (const step of steps) {
      const { length, offset } = reader.command;
      assert.ok(length >= 4 && length % 4 === 0 && offset + length <= 64 * 1024 * 1024);
      let answer: LogReply;
      if ("type" in step) {
        answer = step;
      } else {
        const bytes = new Uint8Array(length);
        const view = new DataView(bytes.buffer);
        view.setUint32(0, step.genctr, true);
        if (length >= 24) {
          view.setUint32(8, step.numrec, true);
          view.setUint8(18, step.dlpf);
          view.setUint32(20, step.tdlpl, true);
        }
        answer = { type: "data", bytes };
      }
      if (reader.feed(answer).type !== "more") return;
    }
  }));
});
