import assert from "node:assert/strict";
import { Fabrics } from "../../../src/lib/linux/fabrics.ts";
import { Sysfs } from "../../../src/lib/linux/sysfs.ts";
import { TlsKeys } from "../../../src/lib/linux/tls_keys.ts";
import { encodeConnect } from "../../../src/lib/nvme/fabrics_options.ts";
import { Secret } from "../../../src/lib/base/secret.ts";
import type { ConnectRequest } from "../../../src/lib/ports.ts";
import { DISCOVERY, FakeSysfs } from "./fake_sysfs.ts";
import { RememberingLog } from "./waiting.ts";

const HOST_ID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const SECRET = "DHHC-1:00:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmU=:";

const request = (more: Partial<ConnectRequest> = {}): ConnectRequest => ({
  tid: {
    transport: "tcp",
    traddr: "192.0.2.11",
    trsvcid: "8009",
    subsysnqn: "nqn.2014-08.org.nvmexpress.discovery",
    hostTraddr: "",
    hostIface: "fab0",
    hostNqn: `nqn.2014-08.org.nvmexpress:uuid:${HOST_ID}`,
  },
  hostId: HOST_ID,
  discovery: true,
  options: { kato: 30 },
  keys: {},
  ...more,
});

const NAMES = "nqn,transport,traddr,trsvcid,host_iface,hostnqn,hostid,keep_alive_tmo,tls,dhchap_secret";

/**
 * A file in the place of the device: the first read gives the option list, the write covers it, and what is read
 * after that is the answer. So the list is filled up to the length of the text that will be written.
 */
async function fakeDevice(
  fake: FakeSysfs,
  wanted: ConnectRequest,
  answer: string,
  names = NAMES,
): Promise<string> {
  const encoded = encodeConnect(wanted, new Set(names.split(",")));
  assert.ok(encoded.ok);
  const list = `${names},`.padEnd(encoded.text.length - 1, "z");
  assert.equal(list.length, encoded.text.length - 1, "the text is too short for the list");
  const path = `${fake.root}/nvme-fabrics`;
  await Deno.writeTextFile(path, `${list}\n${answer}`);
  return path;
}

interface Bench {
  readonly fabrics: Fabrics;
  readonly log: RememberingLog;
}

function bench(fake: FakeSysfs, device: string): Bench {
  const log = new RememberingLog();
  return { log, fabrics: new Fabrics(new Sysfs(fake.places), new TlsKeys(), log, device) };
}

/** Nobody waits for the kernel. */
const nobody = () => undefined;

Deno.test("a connection is made with the text, and read back", async () => {
  await using fake = await FakeSysfs.create();
  const incarnation = await fake.add("nvme7", DISCOVERY);
  const device = await fakeDevice(fake, request(), "instance=7,cntlid=1\n");
  const { fabrics, log } = bench(fake, device);
  const outcome = await fabrics.connect(request(), nobody);
  assert.ok(outcome.ok, Deno.inspect(outcome));
  assert.deepEqual([outcome.value.device, outcome.value.incarnation], ["nvme7", incarnation]);
  const text = await Deno.readTextFile(device);
  assert.match(
    text,
    /^nqn=nqn\.2014-08\.org\.nvmexpress\.discovery,transport=tcp,traddr=192\.0\.2\.11,host_iface=fab0,/,
  );
  assert.match(text, /,keep_alive_tmo=30/);
  assert.equal(log.entries.length, 0);
});

Deno.test("what was read of the connection before is not read again, but its security is looked at", async () => {
  await using fake = await FakeSysfs.create();
  const incarnation = await fake.add("nvme7", DISCOVERY);
  const { fabrics } = bench(fake, await fakeDevice(fake, request(), "instance=7,cntlid=1\n"));
  const known = await new Sysfs(fake.places).read("nvme7");
  assert.ok(known.ok);
  const asked: string[] = [];
  const reader = (device: string): Promise<typeof known> => {
    asked.push(device);
    return Promise.resolve(known);
  };
  const outcome = await fabrics.connect(request(), nobody, reader);
  assert.ok(outcome.ok && outcome.value === known.value);
  assert.deepEqual([asked, outcome.value.incarnation], [["nvme7"], incarnation]);
  const secured = request({ options: { tls: true } });
  const open = bench(fake, await fakeDevice(fake, secured, "instance=7,cntlid=1\n")).fabrics;
  const refused = await open.connect(secured, nobody, reader);
  assert.ok(!refused.ok);
  assert.match(refused.failure.message, /without TLS/);
});

Deno.test("the kernel is free when the connection is made, before it is read back; never when it was not made", async () => {
  await using fake = await FakeSysfs.create();
  await fake.add("nvme7", DISCOVERY);
  const { fabrics } = bench(fake, await fakeDevice(fake, request(), "instance=7,cntlid=1\n"));
  const order: string[] = [];
  const first = fabrics.connect(request(), () => order.push("free")).then(() => order.push("made"));
  await first;
  const refused = bench(fake, `${fake.root}/nothing`).fabrics;
  await refused.connect(request(), () => order.push("free")).then(() => order.push("not made"));
  assert.deepEqual(order, ["free", "made", "not made"]);
});

Deno.test("the kernel is free before it says which connection was made, but not for one that was to be secure", async () => {
  await using fake = await FakeSysfs.create();
  for (const [more, freed] of [[{}, 1], [{ options: { tls: true } }, 0]] as const) {
    const wanted = request(more);
    const { fabrics } = bench(fake, await fakeDevice(fake, wanted, "gibberish\n"));
    let frees = 0;
    const outcome = await fabrics.connect(wanted, () => frees++);
    assert.ok(!outcome.ok);
    assert.match(outcome.failure.message, /unexpected way.*gibberish/);
    assert.equal(frees, freed);
  }
});

Deno.test("the next connect, given when the kernel is free, is made at once; none is made before", async () => {
  await using fake = await FakeSysfs.create();
  await fake.add("nvme7", DISCOVERY);
  const device = await fakeDevice(fake, request(), "instance=7,cntlid=1\n");
  const { fabrics } = bench(fake, device);
  const order: string[] = [];
  const next = Promise.withResolvers<unknown>();
  const first = fabrics.connect(request(), () => {
    order.push("first is free");
    next.resolve(fabrics.connect(request(), () => order.push("second is free")));
  });
  assert.ok((await first).ok);
  await next.promise;
  assert.deepEqual(order, ["first is free", "second is free"]);
});

Deno.test("options that the kernel does not have are left out with one warning, security options never", async () => {
  await using fake = await FakeSysfs.create();
  await fake.add("nvme7", DISCOVERY);
  const old = NAMES.split(",").filter((name) => name !== "host_iface" && name !== "tls").join(",");
  const device = await fakeDevice(fake, request(), "instance=7,cntlid=1\n", old);
  const { fabrics, log } = bench(fake, device);
  assert.ok((await fabrics.connect(request(), nobody)).ok);
  await fakeDevice(fake, request(), "instance=7,cntlid=1\n", old);
  assert.ok((await fabrics.connect(request(), nobody)).ok);
  assert.deepEqual(log.entries.map(({ level }) => level), ["warning"]);
  assert.match(log.entries[0]?.message ?? "", /host_iface/);
  const before = await Deno.readTextFile(device);
  const refused = await fabrics.connect(request({ options: { tls: true } }), nobody);
  assert.ok(!refused.ok);
  assert.equal(refused.failure.kind, "permanent");
  assert.match(refused.failure.message, /does not support tls/);
  assert.equal(await Deno.readTextFile(device), before, "something was written");
  assert.equal(log.entries.length, 1);
});

Deno.test("a connection without the security that was asked for is taken down again", async () => {
  await using fake = await FakeSysfs.create();
  await fake.add("nvme7", DISCOVERY);
  for (
    const [more, attribute, words] of [
      [{ options: { tls: true } }, "tls_key", /without TLS/],
      [{ keys: { hostKey: new Secret(SECRET) } }, "dhchap_secret", /without authentication/],
    ] as const
  ) {
    const wanted = request(more);
    const device = await fakeDevice(fake, wanted, "instance=7,cntlid=1\n");
    const { fabrics } = bench(fake, device);
    const outcome = await fabrics.connect(wanted, nobody);
    assert.ok(!outcome.ok);
    assert.deepEqual([outcome.failure.phase, outcome.failure.kind], ["verify", "permanent"]);
    assert.match(outcome.failure.message, words);
    assert.equal(outcome.failure.undone?.device, "nvme7");
    assert.ok(!outcome.failure.message.includes("DHHC"));
    assert.equal(await fake.written("nvme7", "delete_controller"), "1");
    // With the promise kept it stays.
    await Deno.writeTextFile(`${fake.folder("nvme7")}/delete_controller`, "");
    await Deno.writeTextFile(`${fake.folder("nvme7")}/${attribute}`, "2f3a4b5c\n");
    let frees = 0;
    const again = await bench(fake, await fakeDevice(fake, wanted, "instance=7,cntlid=1\n")).fabrics.connect(
      wanted,
      () => frees++,
    );
    assert.ok(again.ok, Deno.inspect(again));
    assert.equal(frees, 1);
    assert.equal(await fake.written("nvme7", "delete_controller"), "");
  }
});

Deno.test("the security of a connection is examined before the next connect begins", async () => {
  await using fake = await FakeSysfs.create();
  await fake.add("nvme7", DISCOVERY);
  const order: string[] = [];
  class Watched extends Sysfs {
    override attribute(device: string, name: string): string | undefined {
      order.push(name);
      return super.attribute(device, name);
    }
  }
  const wanted = request({ options: { tls: true } });
  const device = await fakeDevice(fake, wanted, "instance=7,cntlid=1\n");
  const fabrics = new Fabrics(new Watched(fake.places), new TlsKeys(), new RememberingLog(), device);
  const outcome = await fabrics.connect(wanted, () => order.push("free"));
  assert.ok(!outcome.ok);
  assert.deepEqual(order.slice(0, 2), ["tls_key", "free"]);
});

Deno.test("answers that make no sense, and controllers that are gone at once, are failures", async () => {
  await using fake = await FakeSysfs.create();
  const strange = await bench(fake, await fakeDevice(fake, request(), "hello\n")).fabrics.connect(
    request(),
    nobody,
  );
  assert.ok(!strange.ok);
  assert.match(strange.failure.message, /unexpected way/);
  const gone = await bench(fake, await fakeDevice(fake, request(), "instance=9,cntlid=1\n")).fabrics.connect(
    request(),
    nobody,
  );
  assert.ok(!gone.ok);
  assert.equal(gone.failure.kind, "transient");
  assert.match(gone.failure.message, /connected as nvme9, but/);
  const [traddr, hostTraddr] = ["ab", "aa"].map((end) =>
    `nn-0x10001100${end}000001:pn-0x20001100${end}000001`
  );
  assert.ok(traddr !== undefined && hostTraddr !== undefined);
  const fc = request({
    tid: { ...request().tid, transport: "fc", traddr, hostTraddr, trsvcid: "", hostIface: "" },
  });
  const device = await fakeDevice(fake, fc, "instance=9,cntlid=65535\n", `${NAMES},host_traddr`);
  const refused = await bench(fake, device).fabrics.connect(fc, nobody);
  assert.ok(!refused.ok);
  assert.match(refused.failure.message, /the kernel made nvme9 and gave it up: the target refused/);
});

Deno.test("the error of the device is told by name", async () => {
  await using fake = await FakeSysfs.create();
  const missing = await bench(fake, `${fake.root}/nothing`).fabrics.connect(request(), nobody);
  assert.ok(!missing.ok);
  assert.deepEqual([missing.failure.errno, missing.failure.kind], ["ENOENT", "transient"]);
  assert.match(missing.failure.remedy ?? "", /modprobe/);
  // Every write to it fails.
  const full = await bench(fake, "/dev/full").fabrics.connect(request(), nobody);
  assert.ok(!full.ok);
  assert.equal(full.failure.errno, "ENOSPC");
});

Deno.test("the option list is read once; a device that does not exist yet is asked again (KRN-4)", async () => {
  await using fake = await FakeSysfs.create();
  const path = `${fake.root}/later`;
  const { fabrics, log } = bench(fake, path);
  const assumed = await fabrics.support();
  assert.ok(assumed.has("nqn") && !assumed.has("tls"));
  assert.match(log.entries[0]?.message ?? "", /cannot read the connect options .*ENOENT/);
  await Deno.writeTextFile(path, `${NAMES},concat\n`);
  assert.ok((await fabrics.support()).has("concat"));
  await Deno.remove(path);
  assert.ok((await fabrics.support()).has("concat"));
  assert.equal(log.entries.length, 1);
});

Deno.test("TLS keys by name need a libnvme that can look them up, numbers do not", () => {
  const none = new TlsKeys({ libnvme1: "libnone.so.1", libnvme3: "libnone3.so.1" });
  const numbers = { tls: true, tlsKey: "0x1234", keyring: "77" };
  assert.deepEqual(none.resolve(numbers), { ok: true, value: numbers });
  assert.deepEqual(none.resolve({ kato: 5 }), { ok: true, value: { kato: 5 } });
  const named = none.resolve({ tls: true, tlsKey: "NVMe1R01 nqn.host nqn.sub" });
  assert.ok(!named.ok);
  assert.equal(named.failure.kind, "permanent");
  assert.match(named.failure.message, /cannot look up TLS keys/);
});
