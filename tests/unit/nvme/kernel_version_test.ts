import assert from "node:assert/strict";
import {
  assumedSupport,
  compareVersions,
  isAtLeast,
  kernelSupport,
  parseKernelVersion,
  parseSupported,
} from "../../../src/lib/nvme/kernel_version.ts";
import { list, record, text, vector } from "./vectors.ts";

for (const row of list(vector("kernel-version")).map(record)) {
  const release = text(row["release"]);
  Deno.test(`vector kernel-version: ${release}`, () => {
    assert.deepEqual(parseKernelVersion(release), row["components"]);
    assert.equal(isAtLeast(release, "5.14"), row["host_iface(>=5.14)"]);
    assert.equal(isAtLeast(release, "5.16"), row["discovery(>=5.16)"]);
    assert.equal(isAtLeast(release, "5.20"), row["dhchap(>=5.20)"]);
    const support = assumedSupport(release);
    assert.equal(support.has("host_iface"), row["host_iface(>=5.14)"]);
    assert.equal(support.has("discovery"), row["discovery(>=5.16)"]);
    assert.equal(support.has("dhchap_secret"), row["dhchap(>=5.20)"]);
    assert.equal(support.has("dhchap_ctrl_secret"), row["dhchap(>=5.20)"]);
    assert.ok(!support.has("tls"));
  });
}

Deno.test("KRN-1: comparison", () => {
  const compare = (a: string, b: string) =>
    Math.sign(compareVersions(parseKernelVersion(a), parseKernelVersion(b)));
  assert.equal(compare("5.8.0-63-generic", "5.8.0-63"), 0);
  assert.equal(compare("5.8.0-63-generic", "5.8.0"), 1);
  assert.equal(compare("5.8.0-63-generic", "5.9"), -1);
  assert.equal(compare("5.8.0-63-generic", "5.8"), 1);
  assert.equal(compare("5.8.0-63-generic", "5.7.0"), 1);
  assert.equal(compare("6.18.44-fc-v445", "6.18.44.445"), 0);
  assert.ok(isAtLeast("6.1", "5.20"));
});

Deno.test("KRN-2, KRN-3: the list of the device", () => {
  const features = ["host_iface", "discovery", "dhchap_secret", "dhchap_ctrl_secret"];
  const has = (release: string, listText: string | undefined) => {
    const support = kernelSupport(release, listText);
    return features.map((name) => support.has(name));
  };
  for (const useless of [undefined, "", "blah"]) {
    assert.deepEqual(has("5.15.0", useless), [true, false, false, false]);
    assert.deepEqual(has("4.18.0", useless), [false, false, false, false]);
  }
  const four = "host_iface=%s,discovery,dhchap_secret=%s,dhchap_ctrl_secret=%s\n";
  assert.deepEqual(has("4.18.0", four), [true, true, true, true]);
  assert.ok(kernelSupport("4.18.0", four).has("nqn"), "a list that is not whole takes nothing away");
});

Deno.test("a whole list is the truth: what it lacks is missing, whatever the version", () => {
  const support = kernelSupport(
    "6.12.0",
    "instance=-1,cntlid=-1,transport=%s,traddr=%s,nqn=%s,discovery\nmore,tls",
  );
  assert.ok(support.has("discovery"));
  assert.ok(!support.has("dhchap_secret"));
  assert.ok(!support.has("tls"), "only the first line counts");
  assert.deepEqual([...parseSupported(" a=%s, b ,=,c d,\u0000")], ["a", "b"]);
});
