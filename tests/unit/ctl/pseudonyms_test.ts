/** Other names in a report: the same for the same, of the same form, and none of the real ones. */
import assert from "node:assert/strict";
import { isInNetwork, parseNetwork } from "../../../src/lib/config/exclude_pattern.ts";
import { matchesStars } from "../../../src/lib/config/exclude_pattern.ts";
import { Pseudonyms } from "../../../src/ctl/pseudonyms.ts";
import { canonicalIp, isLinkLocal, parseIp } from "../../../src/lib/nvme/address.ts";
import { tidKey, tidOfKey } from "../../../src/lib/nvme/tid.ts";
import { Random } from "../../../src/lib/sim/random.ts";

function pseudonyms(seed = 1): Pseudonyms {
  const random = new Random(seed, "pseudonyms");
  return new Pseudonyms(() => random.between(0, 999_999) / 1e6);
}

Deno.test("one name is one pseudonym wherever it is", () => {
  const names = pseudonyms();
  const real = "nqn.2014-08.com.acme:array-1.sub:7";
  const other = names.text(real);
  assert.match(other, /^nqn\.2014-08\.w\d+\.w\d+:w\d+\.w\d+:w\d+$/);
  assert.equal(names.text(`"${real}", ${real}: failed; ${real}.`), `"${other}", ${other}: failed; ${other}.`);
  assert.equal(names.text(`nqn=${real};traddr=x`), `nqn=${other};traddr=x`);
  assert.deepEqual(names.value({ [real]: [real], nqn: 7 }), { [other]: [other], nqn: 7 });
  const address = names.text("10.1.2.3");
  assert.equal(
    names.text("tcp:10.1.2.3:4420 [10.1.2.3] (10.1.2.3,) 10.1.2.3/24"),
    `tcp:${address}:4420 [${address}] (${address},) ${address}/24`,
  );
  const six = names.text("2001:db8::1");
  assert.equal(
    names.text("[2001:db8::1]:4420 2001:DB8:0::1: gone, 2001:db8::1%eth0"),
    `[${six}]:4420 ${six}: gone, ${six}%eth0`,
  );
});

Deno.test("what is no name stays", () => {
  const names = pseudonyms();
  for (
    const text of [
      "nqn.2014-08.org.nvmexpress.discovery",
      "2026-11-30T11:51:45Z 11:51:45 x::y",
      "version 1.0.1, kernel 6.12.38",
      "127.0.0.1 0.0.0.0 ::1 :: 224.0.0.251",
      "nvme3n1 eth0 tcp 4420",
    ]
  ) assert.equal(names.text(text), text);
});

Deno.test("an address keeps its kind, and its distance to others", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const names = pseudonyms(seed);
    const shared = (a: string, b: string): number => {
      const [x, y] = [parseIp(a)?.bytes ?? [], parseIp(b)?.bytes ?? []];
      const bits = (bytes: Iterable<number>): string =>
        [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
      const [one, two] = [bits(x), bits(y)];
      let n = 0;
      while (n < one.length && one[n] === two[n]) n++;
      return n;
    };
    for (
      const [a, b] of [["10.1.2.3", "10.1.2.4"], ["10.1.2.3", "10.1.130.3"], ["fd01::1", "fd01::2:1"], [
        "192.168.1.1",
        "192.168.1.1",
      ]] as const
    ) {
      assert.equal(shared(names.text(a), names.text(b)), shared(a, b));
    }
    assert.ok(isLinkLocal(names.text("fe80::1")) && parseIp(names.text("fe80::1%eth0"))?.scope === "eth0");
    assert.equal(canonicalIp(names.text("::ffff:10.1.2.3")), names.text("10.1.2.3"));
    assert.equal(canonicalIp(names.text("FD01:0::A")), names.text("fd01::a"));
    const network = parseNetwork(names.text("10.1.2.0/23"));
    assert.ok(network !== undefined && isInNetwork(names.text("10.1.3.77"), network));
    assert.ok(!isInNetwork(names.text("10.1.4.77"), network));
    assert.ok(matchesStars(names.text("nqn.2014-08.com.acme:*"), names.text("nqn.2014-08.com.acme:x-1")));
  }
});

Deno.test("the key of a controller is that of its pseudonyms", () => {
  const names = pseudonyms();
  const tid = {
    transport: "tcp",
    traddr: "FD01::1",
    trsvcid: "4420",
    subsysnqn: "nqn.2014-08.com.acme:a",
    hostTraddr: "::ffff:10.0.0.9",
    hostIface: "eth0",
    hostNqn: "nqn.2014-08.org.nvmexpress:uuid:6F3F2E7C-3C4D-4F0E-9D5A-1B2C3D4E5F60",
  } as const;
  const renamed = {
    ...tid,
    traddr: names.text(tid.traddr),
    subsysnqn: names.text(tid.subsysnqn),
    hostTraddr: names.text(tid.hostTraddr),
    hostNqn: names.text(tid.hostNqn),
  };
  assert.equal(names.text(tidKey(tid)), tidKey(renamed));
  assert.notEqual(tidOfKey(tidKey(renamed))?.hostNqn, tid.hostNqn);
  const fc = "nn-0x200140D167238401:pn-0x100140d167238401";
  assert.match(names.text(fc), /^nn-0x[0-9a-f]{16}:pn-0x[0-9a-f]{16}$/);
  assert.equal(names.text(fc.toLowerCase()), names.text(fc));
  assert.notEqual(names.text(fc), fc);
});

Deno.test("names that have no form are learned from their fields", () => {
  const names = pseudonyms();
  const value = {
    serial: "S3R1AL",
    list: [{ traddr: "array.corp.test", subsysnqn: "odd name" }],
    service: { name: "My array", stype: "_nvme-disc._tcp" },
    resolved: { host: "array.corp.test" },
    transport: "tcp",
    host: "fc",
    txt: [{ $: "bytes", hex: new TextEncoder().encode("NQN=nqn.2014-08.com.acme:a").toHex() }],
    text: "S3R1AL at array.corp.test: My array, odd name; not array.corp.test2 nor XS3R1AL",
  };
  names.learn(value);
  const all = JSON.stringify(names.value(value));
  assert.doesNotMatch(all, /"S3R1AL|odd name|My array|corp\.test[^2]|61636d65/);
  assert.match(all, /array\.corp\.test2/);
  assert.match(all, /"host":"fc"/);
  assert.match(all, /"text":"name-\d at name-\d: name-\d, name-\d;/);
});
