/** V6: who is asked for NVMe/TCP before the kernel is, and what comes of no answer. */
import assert from "node:assert/strict";
import { type Claim, type Ctl, newCtl } from "../../../src/lib/core/controller/ctl.ts";
import {
  asks,
  isKernelsTurn,
  isMute,
  mayBeWrong,
  originAt,
  rankOf,
} from "../../../src/lib/core/fleet/probing.ts";
import type { Failure } from "../../../src/lib/base/failure.ts";
import { matchIndexKey } from "../../../src/lib/nvme/match.ts";
import type { Tid } from "../../../src/lib/nvme/tid.ts";
import { NO_NVME_TCP } from "../../../src/lib/ports.ts";
import { entryFromText } from "../../../src/lib/nvme/entry_text.ts";

const tid: Tid = {
  transport: "tcp",
  traddr: "10.0.0.1",
  trsvcid: "4420",
  subsysnqn: "nqn.a",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "nqn.host",
};
const listed = (tsas?: string): Claim => ({
  kind: "log-page",
  dc: "dc",
  dcText: "dc",
  genctr: "1",
  readAt: 0,
  entry: entryFromText(tsas === undefined ? {} : { tsas }),
});
const heard: Claim = {
  kind: "mdns",
  service: "s",
  hostIface: "eth0",
  traddr: "10.0.0.1",
  present: true,
  heard: true,
};
const boot: Claim = { kind: "nbft", file: "NBFT", traddr: "10.0.0.1", hostId: "" };

const ctl = (claims: readonly Claim[], more: Partial<Ctl> = {}): Ctl => ({
  ...newCtl("key", tid, 0),
  claims: new Map(claims.map((claim, n) => [String(n), claim])),
  ...more,
});
const failed = (phase: Failure["phase"], errno: string): Partial<Ctl> => ({
  lastFailure: { failure: { phase, kind: "transient", errno, message: "" }, at: 0 },
});
const asked = (one: Ctl, options = {}, at: readonly string[] = []): boolean =>
  asks(one, { options }, new Set(at));

Deno.test("asked: what only a page, a referral or mDNS names and was never connected", () => {
  assert.equal(asked(ctl([listed()])), true);
  assert.equal(asked(ctl([heard])), true);
  assert.equal(asked(ctl([listed("{'sectype': 'none'}")])), true);
  assert.equal(asked(ctl([listed("{'sectype': 'reserved'}")])), true);
});

Deno.test("never asked: configured, boot, connected, TLS or concatenation asked or listed, other transports", () => {
  assert.equal(asked(ctl([listed(), boot])), false);
  assert.equal(asked(ctl([listed()]), { tls: true }), false);
  assert.equal(asked(ctl([listed()]), { concat: true }), false);
  assert.equal(asked(ctl([listed(), listed("{'sectype': 'tls1.3'}")])), false);
  assert.equal(asked(ctl([listed("{'sectype': 'tls'}")])), false);
  assert.equal(asked(ctl([listed("{'sectype': 'tls2'}")])), false, "a word of a later version");
  assert.equal(asked(ctl([listed()]), {}, [matchIndexKey(tid)]), false);
  assert.equal(asked(ctl([listed()], { tid: { ...tid, transport: "rdma" } })), false);
  assert.equal(asked(ctl([listed()], { proven: true })), false);
});

Deno.test("what was connected once is asked after the kernel has waited for it, and not after a refusal", () => {
  for (const errno of ["ETIMEDOUT", "EAGAIN", "EIO"]) {
    assert.equal(asked(ctl([listed()], { proven: true, ...failed("connect", errno) })), true, errno);
  }
  assert.equal(asked(ctl([listed()], { proven: true, ...failed("connect", "ECONNREFUSED") })), false);
  assert.equal(asked(ctl([listed()], { proven: true, ...failed("reach", "ETIMEDOUT") })), false);
  assert.equal(asked(ctl([listed()], { proven: true, ...failed("reach", NO_NVME_TCP) })), true);
});

Deno.test("no answer forbids nothing: of four attempts in a row the kernel makes one", () => {
  const turns = [0, 1, 2, 3, 4, 5, 6, 7].map((attempts) => isKernelsTurn(ctl([listed()], { attempts })));
  assert.deepEqual(turns, [false, false, false, true, false, false, false, true]);
  assert.equal(isMute({ phase: "reach", kind: "transient", errno: NO_NVME_TCP, message: "" }), true);
  assert.equal(isMute({ phase: "connect", kind: "transient", errno: NO_NVME_TCP, message: "" }), false);
});

Deno.test("the queue of the kernel: tested, untested, untested and failed; failures count up to six", () => {
  const at = (one: Ctl, isTested = false, last = false): string => {
    const rank = rankOf(one, isTested ? undefined : "untested", last);
    const { lane, authority, behind } = originAt(rank, { lane: 0, authority: "files" });
    return `${lane} ${authority}${behind === true ? " behind" : ""}`;
  };
  const fails = failed("connect", "ECONNRESET");
  assert.equal(at(ctl([]), true), "0 files");
  assert.equal(at(ctl([], fails), true), "0 files");
  assert.equal(at(ctl([])), "0 files behind");
  assert.equal(at(ctl([], failed("reach", "EHOSTUNREACH"))), "0 files behind");
  assert.equal(at(ctl([], { ...fails, proven: true })), "0 files behind");
  assert.equal(at(ctl([], fails)), "2 silent behind");
  assert.equal(at(ctl([]), true, true), "2 silent behind");
  const rank = (more: Partial<Ctl>, isTested = false): number =>
    rankOf(ctl([], more), isTested ? undefined : "untested", false);
  assert.ok(rank({ attempts: 1 }, true) < rank({ attempts: 2 }, true));
  assert.equal(rank({ attempts: 6 }, true), rank({ attempts: 1000 }, true));
  assert.ok(rank({ attempts: 1000 }, true) < rank({ attempts: 0, proven: true }));
  assert.ok(rank({ attempts: 1000, proven: true }) < rank({ attempts: 0 }));
  assert.ok(rank({ attempts: 1000 }) < rank({ attempts: 0, ...fails }));
  assert.equal(rank({ attempts: 6, ...fails }), rank({ attempts: 1000, ...fails }));
});

Deno.test("the kernel has a turn after a test that may be wrong: no answer to ICReq, and the ports of FC", () => {
  const failure = (errno: string): Failure => ({ phase: "reach", kind: "transient", errno, message: "" });
  const by = (transport: Tid["transport"]): Ctl => ctl([], { tid: { ...tid, transport } });
  assert.equal(mayBeWrong(by("tcp"), failure(NO_NVME_TCP)), true);
  assert.equal(mayBeWrong(by("tcp"), failure("ETIMEDOUT")), false);
  assert.equal(mayBeWrong(by("rdma"), failure("EHOSTUNREACH")), false);
  assert.equal(mayBeWrong(by("fc"), { phase: "reach", kind: "transient", message: "not logged in" }), true);
});
