/** How the original's interface shows the commands that a discovery controller may refuse (requirements 50; STAF-52, STAF-54). */
import assert from "node:assert/strict";
import { stafdAnswers } from "../../../src/lib/daemon/views/stafd_view.ts";
import type { Failure } from "../../../src/lib/base/failure.ts";
import { OneDc } from "../core/one_dc.ts";

const DONE = "{'fail count': 0, 'completed': True, 'alive': True}";

const shown = (dc: OneDc, key: string): string | undefined =>
  stafdAnswers(dc.state, dc.now, () => undefined).listControllers(true)[0]?.[key];

const refusal: Failure = {
  phase: "supported-logs",
  kind: "permanent",
  status: 0x6002,
  message: "Invalid Field in Command",
};

Deno.test("a refused Get Supported Log Pages, as of every Linux target, is complete and shows no error", () => {
  const dc = new OneDc("none");
  const ops = new Set<number>();
  for (let turn = 0; turn < 3; turn++) {
    const { op, key } = dc.last("supported-logs");
    ops.add(op);
    dc.take({ type: "supported-logs", op, key, outcome: { ok: false, failure: refusal } });
    assert.equal(shown(dc, "get supported log page operation"), DONE);
    const read = dc.last("read-log");
    assert.equal(read.lsp, 0);
    const log = { genctr: 1n, entries: [] };
    dc.take({ type: "log-read", op: read.op, key, outcome: { ok: true, value: log } });
    assert.equal(shown(dc, "get log page operation"), DONE);
    dc.take({ type: "overflow" });
    dc.now = { mono: dc.now.mono + 1000, wall: dc.now.wall + 1000 };
    dc.take({ type: "tick" });
  }
  assert.equal(ops.size, 3, "it was not asked anew");
});

Deno.test("a refused registration is complete and shows no error; a page that cannot be read does", () => {
  const dc = new OneDc("cdc");
  const { op, key } = dc.last("register");
  dc.take({
    type: "registered",
    op,
    key,
    outcome: { ok: false, failure: { ...refusal, phase: "register" } },
  });
  assert.equal(shown(dc, "register operation"), DONE);
  const read = dc.last("read-log");
  dc.take({
    type: "log-read",
    op: read.op,
    key,
    outcome: { ok: false, failure: { ...refusal, phase: "read-log" } },
  });
  assert.match(shown(dc, "get log page operation") ?? "", /'fail count': 1, 'completed': False.*'error': /);
});
