import assert from "node:assert/strict";
import type { GetLog } from "../../../src/lib/nvme/admin_command.ts";
import type { DiscoveryLog } from "../../../src/lib/nvme/discovery_entry.ts";
import { DLPF } from "../../../src/lib/nvme/discovery_log.ts";
import {
  type LogProgress,
  LogReader,
  type LogReaderOptions,
  type LogReply,
  MAX_RESTARTS,
} from "../../../src/lib/nvme/log_reader.ts";
import { discoveryEntry } from "./samples.ts";
import { encodeDiscoveryLog } from "../../wire/discovery_log.ts";

function log(genctr: number, count: number): DiscoveryLog {
  const entries = Array.from({ length: count }, (_, i) => discoveryEntry({ subnqn: `nqn.${genctr}.${i}` }));
  return { genctr: BigInt(genctr), entries };
}

const data = (page: Uint8Array, { offset, length }: GetLog): LogReply => ({
  type: "data",
  bytes: page.slice(offset, offset + length),
});

/** Runs a reader against something that answers; gives the commands as well. */
function run(
  answer: (command: GetLog, n: number) => LogReply,
  options: LogReaderOptions = { lsp: 0 },
): { progress: LogProgress; commands: GetLog[] } {
  const reader = new LogReader(options);
  const commands: GetLog[] = [];
  for (let n = 0; n < 10_000; n++) {
    const { command } = reader;
    commands.push(command);
    const progress = reader.feed(answer(command, n));
    if (progress.type !== "more") return { progress, commands };
    assert.deepEqual(progress.command, reader.command);
  }
  throw new Error("the reader does not end");
}

const shape = (commands: readonly GetLog[]) =>
  commands.map(({ rae, offset, length }) => `${rae ? "keep" : "clear"} ${offset}+${length}`);

Deno.test("300 records: header, body in large pieces, closing header that re-arms the event", () => {
  const expected = log(5, 300);
  const page = encodeDiscoveryLog(expected);
  const { progress, commands } = run((command) => data(page, command), { lsp: 2 });
  assert.deepEqual(progress, { type: "done", log: expected });
  assert.deepEqual(shape(commands), [
    "keep 0+1024",
    "keep 1024+131072",
    "keep 132096+131072",
    "keep 263168+45056",
    "clear 0+1024",
  ]);
  assert.ok(commands.every(({ lid, lsp }) => lid === 0x70 && lsp === 2));
});

Deno.test("an empty log is read with a closing header as well", () => {
  const { progress, commands } = run((command) => data(new Uint8Array(1024), command));
  assert.deepEqual(progress, { type: "done", log: { genctr: 0n, entries: [] } });
  assert.deepEqual(shape(commands), ["keep 0+1024", "clear 0+1024"]);
});

Deno.test("extended pages are read by their total length", () => {
  const attributes = [{ type: 1, value: new Uint8Array(16) }];
  const page = encodeDiscoveryLog({ genctr: 1n, entries: [discoveryEntry({ attributes })] }, DLPF.extended);
  const { progress, commands } = run((command) => data(page, command), { lsp: 1 });
  assert.deepEqual(progress, { type: "done", log: { genctr: 1n, entries: [discoveryEntry()] } });
  assert.deepEqual(shape(commands), ["keep 0+1024", "keep 1024+1052", "clear 0+1024"]);
});

Deno.test("S3, KRN-55: a page that changes while it is read is begun again with the newest header", () => {
  let page = encodeDiscoveryLog(log(1, 3));
  const { progress, commands } = run((command, n) => {
    const reply = data(page, command);
    if (n === 1) page = encodeDiscoveryLog(log(2, 2));
    return reply;
  });
  assert.deepEqual(progress, { type: "done", log: log(2, 2) });
  assert.deepEqual(shape(commands), [
    "keep 0+1024",
    "keep 1024+3072",
    "clear 0+1024",
    "keep 1024+2048",
    "clear 0+1024",
  ]);
});

Deno.test("S3: the same generation with another record count is torn as well", () => {
  let page = encodeDiscoveryLog(log(1, 3));
  const { progress } = run((command, n) => {
    const reply = data(page, command);
    if (n === 1) page = encodeDiscoveryLog(log(1, 2));
    return reply;
  });
  assert.deepEqual(progress, { type: "done", log: log(1, 2) });
});

Deno.test("S3: the same generation and length with another record count is torn as well", () => {
  const large = { ...discoveryEntry(), attributes: [{ type: 0xff00, value: new Uint8Array(1028) }] };
  const one = { genctr: 1n, entries: [large] };
  const two = {
    genctr: 1n,
    entries: [discoveryEntry({ subnqn: "nqn.1" }), discoveryEntry({ subnqn: "nqn.2" })],
  };
  let page = encodeDiscoveryLog(one, DLPF.extended);
  assert.equal(page.length, encodeDiscoveryLog(two, DLPF.extended).length);
  const { progress } = run((command, n) => {
    const reply = data(page, command);
    if (n === 1) page = encodeDiscoveryLog(two, DLPF.extended);
    return reply;
  });
  assert.deepEqual(progress, { type: "done", log: two });
});

Deno.test("a page that never stands still is given up", () => {
  let genctr = 0;
  const { progress, commands } = run((command) => data(encodeDiscoveryLog(log(genctr++, 1)), command));
  assert.ok(progress.type === "failed");
  assert.equal(progress.failure.kind, "transient");
  assert.equal(commands.filter(({ rae }) => !rae).length, MAX_RESTARTS + 1);
});

Deno.test("Discover Restart begins again, and is given up too", () => {
  const page = encodeDiscoveryLog(log(1, 1));
  const restart: LogReply = { type: "status", status: 0x4190 };
  const once = run((command, n) => n === 1 ? restart : data(page, command));
  assert.equal(once.progress.type, "done");
  assert.deepEqual(shape(once.commands).slice(0, 3), ["keep 0+1024", "keep 1024+1024", "keep 0+1024"]);
  const always = run(() => restart);
  assert.ok(always.progress.type === "failed");
  assert.equal(always.commands.length, MAX_RESTARTS + 1);
});

Deno.test("pieces are bounded by MDTS, and get small when the controller refuses large ones", () => {
  const page = encodeDiscoveryLog(log(1, 20));
  const bounded = run((command) => data(page, command), { lsp: 0, maxTransfer: 16_384 });
  assert.deepEqual(shape(bounded.commands), [
    "keep 0+1024",
    "keep 1024+16384",
    "keep 17408+4096",
    "clear 0+1024",
  ]);
  const refusals: readonly LogReply[] = [
    { type: "status", status: 0x4002 },
    { type: "status", status: 0x400f },
    { type: "errno", errno: "EINVAL" },
  ];
  for (const refusal of refusals) {
    const { progress, commands } = run((command) => command.length > 4096 ? refusal : data(page, command));
    assert.deepEqual(progress, { type: "done", log: log(1, 20) });
    assert.deepEqual(shape(commands).slice(0, 4), [
      "keep 0+1024",
      "keep 1024+20480",
      "keep 1024+4096",
      "keep 5120+4096",
    ]);
    const never = run((command, n) => n === 0 ? data(page, command) : refusal);
    assert.equal(never.progress.type, "failed", "no endless loop");
    assert.equal(never.commands.length, 3);
  }
});

Deno.test("a page whose length is about known comes with its header, and what it grew by with it", () => {
  const known = (count: number, hint: number, most = Infinity, status = 0x4002) => {
    const expected = log(7, count);
    const page = encodeDiscoveryLog(expected);
    // Beyond its end a controller gives zeros.
    const padded = new Uint8Array(page.length + 1_000_000);
    padded.set(page);
    const { progress, commands } = run(
      (command) => command.length > most ? { type: "status", status } : data(padded, command),
      { lsp: 0, hint },
    );
    assert.deepEqual(progress, { type: "done", log: expected });
    return shape(commands);
  };
  assert.deepEqual(known(4, 1024 * 4), ["keep 0+8192", "clear 0+1024"]);
  assert.deepEqual(known(1, 1024 * 40), ["keep 0+45056", "clear 0+1024"]);
  assert.deepEqual(known(9, 1024 * 4), ["keep 0+8192", "keep 8192+2048", "clear 0+1024"]);
  assert.deepEqual(known(200, 1024 * 200), ["keep 0+131072", "keep 131072+74752", "clear 0+1024"]);
  for (const status of [0x4002, 0x4109, 0x0006]) {
    const commands = known(3, 1024 * 4, 4096, status);
    assert.deepEqual(commands, ["keep 0+8192", "keep 0+1024", "keep 1024+3072", "clear 0+1024"]);
  }
});

Deno.test("S3: a page that changed after it came with its header is begun again", () => {
  let page = encodeDiscoveryLog(log(1, 3));
  const { progress, commands } = run((command, n) => {
    const padded = new Uint8Array(20_000);
    padded.set(page);
    const reply = data(padded, command);
    if (n === 0) page = encodeDiscoveryLog(log(2, 2));
    return reply;
  }, { lsp: 0, hint: 4096 });
  assert.deepEqual(progress, { type: "done", log: log(2, 2) });
  assert.deepEqual(shape(commands), ["keep 0+8192", "clear 0+1024", "keep 1024+2048", "clear 0+1024"]);
});

Deno.test("the hint is the page's length, and none where more than there is was refused", () => {
  const page = encodeDiscoveryLog(log(1, 3));
  const hintOf = (hint: number): number => {
    const reader = new LogReader({ lsp: 0, hint });
    for (;;) {
      const { command } = reader;
      const beyond = command.offset + command.length > page.length;
      const progress = reader.feed(beyond ? { type: "errno", errno: "EINVAL" } : data(page, command));
      if (progress.type !== "more") break;
    }
    return reader.hint;
  };
  assert.equal(hintOf(0), page.length);
  assert.equal(hintOf(page.length), 0);
});

Deno.test("failures: status, errno, short data, a page that lies", () => {
  const failure = (answer: (command: GetLog, n: number) => LogReply) => {
    const { progress } = run(answer);
    assert.ok(progress.type === "failed");
    assert.equal(progress.failure.phase, "read-log");
    return progress.failure;
  };
  const refused = failure(() => ({ type: "status", status: 0x4109 }));
  assert.deepEqual([refused.kind, refused.status], ["permanent", 0x4109]);
  assert.match(refused.message, /Invalid Log Page/);
  assert.equal(failure(() => ({ type: "status", status: 0x0006 })).kind, "transient");
  assert.deepEqual(failure(() => ({ type: "errno", errno: "EINTR" })).kind, "transient");
  assert.deepEqual(failure(() => ({ type: "errno", errno: "ENODEV" })).kind, "gone");
  assert.match(failure(() => ({ type: "data", bytes: new Uint8Array(512) })).message, /512 bytes/);
  const lying = new Uint8Array(1024).fill(0xff);
  assert.match(failure((command) => data(lying, command)).message, /record format/);
  const page = encodeDiscoveryLog(log(1, 1));
  page[1024 + 512] = 0xff;
  assert.match(failure((command) => data(page, command)).message, /traddr at byte 1536 is not text/);
});
