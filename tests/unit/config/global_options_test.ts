/** What the options of `[Global]` and stafd's own switches mean, one by one. */
import assert from "node:assert/strict";
import { forever, hours } from "../../../src/lib/base/time.ts";
import { stacd, stafd } from "./confs.ts";

Deno.test("CFG-23: boolean words in any case; words of ip-family and disconnect-scope as they are written", () => {
  for (const word of ["TRUE", "True", "tRuE"]) {
    const { conf, said } = stacd(`[Global]\nhdr-digest=${word}\n`);
    assert.equal(conf.options.hdrDigest, true, word);
    assert.deepEqual(said, []);
  }
  const family = stacd("[Global]\nip-family=IPv4\n");
  assert.deepEqual(family.conf.ipFamilies.value, { v4: true, v6: true });
  assert.equal(family.said.length, 1);
  const scope = stacd("[I/O controller connection management]\ndisconnect-scope=NO-disconnect\n");
  assert.equal(scope.conf.disconnectScope.value, "only-stas-connections");
  assert.equal(scope.said.length, 1);
});

Deno.test("CFG-26, CFG-27: either digest is asked for by its own option", () => {
  const { options } = stacd("[Global]\nhdr-digest=true\n").conf;
  assert.deepEqual([options.hdrDigest, options.dataDigest], [true, false]);
  const data = stacd("[Global]\ndata-digest=true\n").conf.options;
  assert.deepEqual([data.hdrDigest, data.dataDigest], [false, true]);
});

Deno.test("CFG-35, CFG-37: pleo and zeroconf are on until the file says otherwise", () => {
  assert.deepEqual([stafd("").conf.pleo.value, stafd("").conf.zeroconf.value], [true, true]);
  const { conf, said } = stafd("[Global]\npleo=disabled\n[Service Discovery]\nzeroconf=disabled\n");
  assert.deepEqual([conf.pleo.value, conf.zeroconf.value], [false, false]);
  assert.deepEqual(said, []);
});

Deno.test("CFG-36: three kinds of queues, each with a number of its own", () => {
  const { options } = stacd("[Global]\nnr-io-queues=8\nnr-write-queues=3\nnr-poll-queues=2\n").conf;
  assert.deepEqual([options.nrIoQueues, options.nrWriteQueues, options.nrPollQueues], [8, 3, 2]);
});

Deno.test("CFG-39: persistence is 72 hours, any span of systemd's grammar, or for ever", () => {
  const section = "[Discovery controller connection management]\nzeroconf-connections-persistence=";
  assert.deepEqual(stafd("").conf.zeroconfPersistence.value, hours(72));
  assert.deepEqual(stafd(`${section}2d 4h`).conf.zeroconfPersistence.value, hours(52));
  assert.deepEqual(stafd(`${section}-1`).conf.zeroconfPersistence.value, forever);
});
