import assert from "node:assert/strict";
import { decodeIcResp, encodeIcReq, IC_PDU } from "../../../src/lib/nvme/tcp_pdu.ts";

Deno.test("ICReq has version 0, no alignment and no digests", () => {
  const pdu = encodeIcReq();
  assert.equal(pdu.length, IC_PDU);
  assert.deepEqual([...pdu.subarray(0, 8)], [0, 0, 128, 0, 128, 0, 0, 0]);
  assert.ok(pdu.subarray(8).every((byte) => byte === 0));
});

Deno.test("ICResp of a target is taken, whatever its limits; anything else is not", () => {
  const good = new Uint8Array(IC_PDU);
  good.set([1, 0, 128, 0, 128, 0, 0, 0, 0, 0, 3, 0, 0, 0, 16, 0]);
  assert.ok(decodeIcResp(good).ok);
  for (const [at, value] of [[0, 0], [2, 24], [4, 24], [5, 1], [8, 1], [9, 1]] as const) {
    const bad = good.slice();
    bad[at] = value;
    assert.equal(decodeIcResp(bad).ok, false, `byte ${at}`);
  }
  assert.equal(decodeIcResp(good.subarray(0, 127)).ok, false);
});
