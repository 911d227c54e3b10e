import { Secret } from "../../../src/lib/base/secret.ts";
import assert from "node:assert/strict";
import { namespacesOf, Sysfs } from "../../../src/lib/linux/sysfs.ts";
import { DISCOVERY, FakeSysfs } from "./fake_sysfs.ts";

Deno.test("a controller is read with its incarnation, owner and namespaces", async () => {
  await using fake = await FakeSysfs.create();
  const incarnation = await fake.add("nvme0", DISCOVERY);
  const io = { ...DISCOVERY, cntrltype: "io\n", subsysnqn: "nqn.io\n" };
  await fake.add("nvme12", io, ["nvme3c12n1", "nvme3c12n10", "nvme3c12n2", "ng3n1", "hwmon"]);
  await Deno.mkdir(`${fake.places.registry}/nvme12`, { recursive: true });
  await Deno.writeTextFile(`${fake.places.registry}/nvme12/owner`, "nbft\n");
  const sysfs = new Sysfs(fake.places);
  const read = await sysfs.read("nvme0");
  assert.ok(read.ok);
  assert.deepEqual(read.value, {
    device: "nvme0",
    incarnation,
    transport: "tcp",
    traddr: "192.0.2.11",
    trsvcid: "8009",
    subsysnqn: "nqn.2014-08.org.nvmexpress.discovery",
    hostNqn: "nqn.2014-08.org.nvmexpress:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    hostId: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    hostTraddr: "",
    hostIface: "fab0",
    srcAddr: "192.0.2.1",
    state: "live",
    cntrltype: "discovery",
    dctype: "ddc",
    cntlid: "7",
    model: "Linux",
    serial: "2d8f9a3c",
    isDc: true,
    isIoc: false,
    owner: "",
    namespaces: [],
    made: {
      tls: "none",
      dhchap: false,
      dhchapCtrl: false,
      kato: undefined,
      ctrlLossTmo: undefined,
      reconnectDelay: undefined,
      queueSize: undefined,
      ioQueues: undefined,
    },
  });
  const all = await sysfs.readAll();
  assert.ok(all.ok);
  assert.deepEqual(all.value.map(({ device }) => device), ["nvme0", "nvme12"]);
  const second = all.value[1];
  assert.deepEqual([second?.isIoc, second?.isDc, second?.owner], [true, false, "nbft"]);
  assert.deepEqual(second?.namespaces, ["nvme3n1", "nvme3n2", "nvme3n10"]);
});

Deno.test("without a type, more queues than one make an I/O controller, and nothing a discovery controller", async () => {
  await using fake = await FakeSysfs.create();
  const { cntrltype: _type, dctype: _dctype, ...untyped } = DISCOVERY;
  const old = { ...untyped, subsysnqn: "nqn.a\n" };
  await fake.add("nvme0", { ...old, queue_count: "5\n" });
  await fake.add("nvme1", { ...old, queue_count: "1\n" });
  await fake.add("nvme2", old);
  await fake.add("nvme3", { ...old, cntrltype: "reserved\n", queue_count: "2\n" });
  await fake.add("nvme4", { ...untyped, queue_count: "1\n" });
  const all = await new Sysfs(fake.places).readAll();
  assert.ok(all.ok);
  assert.deepEqual(all.value.map(({ isDc, isIoc }) => [isDc, isIoc]), [
    [false, true],
    [false, false],
    [false, false],
    [false, true],
    [true, false],
  ]);
});

Deno.test("attributes that a kernel or transport does not have are empty", async () => {
  await using fake = await FakeSysfs.create();
  await fake.add("nvme0", {
    transport: "pcie\n",
    subsysnqn: "nqn.disk\n",
    state: "live\n",
    address: "0000:01:00.0\n",
  }, [
    "nvme0n1",
  ]);
  const read = await new Sysfs(fake.places).read("nvme0");
  assert.ok(read.ok);
  const { transport, cntrltype, hostNqn, isIoc, isDc, namespaces } = read.value;
  assert.deepEqual([transport, cntrltype, hostNqn, isIoc, isDc, namespaces], ["pcie", "", "", true, false, [
    "nvme0n1",
  ]]);
});

Deno.test("no controllers, no class, no sysfs: empty, empty, unknown", async () => {
  await using fake = await FakeSysfs.create();
  const sysfs = new Sysfs(fake.places);
  assert.deepEqual(await sysfs.readAll(), { ok: true, value: [] });
  await Deno.remove(`${fake.places.sys}/class/nvme`);
  assert.deepEqual(await sysfs.readAll(), { ok: true, value: [] });
  await Deno.remove(`${fake.places.sys}/class`);
  const unknown = await sysfs.readAll();
  assert.ok(!unknown.ok);
  assert.equal(unknown.failure.kind, "transient");
});

Deno.test("one controller that cannot be read makes the whole list unknown; one that goes away does not", async () => {
  await using fake = await FakeSysfs.create();
  await fake.add("nvme0", DISCOVERY);
  await fake.add("nvme1", DISCOVERY);
  const sysfs = new Sysfs(fake.places);
  // EISDIR stands for any error that is not "gone".
  await Deno.remove(`${fake.folder("nvme1")}/state`);
  await Deno.mkdir(`${fake.folder("nvme1")}/state`);
  const unknown = await sysfs.readAll();
  assert.ok(!unknown.ok);
  assert.match(unknown.failure.message, /nvme1/);
  assert.equal(unknown.failure.kind, "transient");
  await fake.remove("nvme1");
  // A name without a folder behind it, as it is for a moment while a controller goes away.
  await Deno.symlink(`${fake.folder("nvme0")}/none`, fake.folder("nvme1"));
  const rest = await sysfs.readAll();
  assert.ok(rest.ok);
  assert.deepEqual(rest.value.map(({ device }) => device), ["nvme0"]);
  const gone = await sysfs.read("nvme1");
  assert.ok(!gone.ok);
  assert.equal(gone.failure.kind, "gone");
});

Deno.test("a stafd does not see I/O controllers; one that it saw before its type was known, it sees once more", async () => {
  await using fake = await FakeSysfs.create();
  const io = { ...DISCOVERY, cntrltype: "io\n", subsysnqn: "nqn.io\n" };
  await fake.add("nvme0", DISCOVERY);
  await fake.add("nvme1", io);
  await fake.add("nvme2", { ...io, cntrltype: "reserved\n", state: "connecting\n" });
  const sysfs = new Sysfs(fake.places, "discovery");
  const names = async (): Promise<string[]> => {
    const all = await sysfs.readAll();
    assert.ok(all.ok);
    return all.value.map(({ device, cntrltype }) => `${device} ${cntrltype}`);
  };
  assert.deepEqual(await names(), ["nvme0 discovery", "nvme2 reserved"]);
  const hidden = await sysfs.read("nvme1");
  assert.ok(!hidden.ok);
  assert.equal(hidden.failure.kind, "gone");
  await Deno.writeTextFile(`${fake.folder("nvme2")}/cntrltype`, "io\n");
  assert.deepEqual(await names(), ["nvme0 discovery", "nvme2 io"]);
  assert.deepEqual(await names(), ["nvme0 discovery"]);
});

Deno.test("states are those of existing devices", async () => {
  await using fake = await FakeSysfs.create();
  await fake.add("nvme0", DISCOVERY);
  await fake.add("nvme1", { ...DISCOVERY, state: "connecting\n" });
  const states = await new Sysfs(fake.places).states(["nvme0", "nvme1", "nvme2"]);
  assert.deepEqual([...states].sort(), [["nvme0", "live"], ["nvme1", "connecting"]]);
});

Deno.test("exactly the incarnation that is meant is deleted", async () => {
  await using fake = await FakeSysfs.create();
  const first = await fake.add("nvme0", DISCOVERY);
  const sysfs = new Sysfs(fake.places);
  assert.deepEqual(await sysfs.delete("nvme0", first), { ok: true, value: "deleted" });
  assert.equal(await fake.written("nvme0", "delete_controller"), "1");
  // Its number goes to another controller; the old folder is kept, so that its inode is not used again.
  await Deno.rename(fake.folder("nvme0"), `${fake.root}/old`);
  const second = await fake.add("nvme0", DISCOVERY);
  assert.notEqual(first, second);
  assert.deepEqual(await sysfs.delete("nvme0", first), { ok: true, value: "gone" });
  assert.equal(await fake.written("nvme0", "delete_controller"), "");
  await fake.remove("nvme0");
  assert.deepEqual(await sysfs.delete("nvme0", second), { ok: true, value: "gone" });
});

Deno.test("the key that differs is written to exactly the incarnation that is meant, and never told", async () => {
  await using fake = await FakeSysfs.create();
  const secrets = { dhchap_secret: "DHHC-1:00:old:\n", dhchap_ctrl_secret: "DHHC-1:00:oldctrl:\n" };
  const first = await fake.add("nvme0", { ...DISCOVERY, ...secrets });
  const sysfs = new Sysfs(fake.places);
  const [old, oldCtrl] = [new Secret("DHHC-1:00:old:"), new Secret("DHHC-1:00:oldctrl:")];
  const [key, ctrlKey] = [new Secret("DHHC-1:00:new-and-longer:"), new Secret("DHHC-1:00:newctrl-longer:")];
  const write = (hostKey: Secret, ctrl: Secret, dry = false) =>
    sysfs.writeKeys("nvme0", first, { hostKey, ctrlKey: ctrl }, dry);
  assert.deepEqual(await write(old, oldCtrl), { ok: true, value: "same" });
  assert.deepEqual(await write(key, oldCtrl, true), { ok: true, value: "taken" }, "only asked");
  // The target ends a connection that authenticates with one old and one new key.
  assert.deepEqual(await write(key, ctrlKey), { ok: true, value: "both" });
  assert.equal(await fake.written("nvme0", "dhchap_secret"), secrets.dhchap_secret);
  assert.equal(await fake.written("nvme0", "dhchap_ctrl_secret"), secrets.dhchap_ctrl_secret);
  assert.deepEqual(await write(key, oldCtrl), { ok: true, value: "taken" });
  assert.equal(await fake.written("nvme0", "dhchap_secret"), "DHHC-1:00:new-and-longer:");
  assert.deepEqual(await write(key, ctrlKey), { ok: true, value: "taken" });
  assert.equal(await fake.written("nvme0", "dhchap_ctrl_secret"), "DHHC-1:00:newctrl-longer:");
  // Its number goes to another controller, which has other keys.
  await Deno.rename(fake.folder("nvme0"), `${fake.root}/old`);
  await fake.add("nvme0", { ...DISCOVERY, ...secrets });
  const other = await write(key, oldCtrl);
  assert.ok(!other.ok);
  assert.match(other.failure.message, /^nvme0 is another controller by now/);
  assert.equal(await fake.written("nvme0", "dhchap_secret"), secrets.dhchap_secret);
  const gone = await sysfs.writeKeys("nvme7", first, { hostKey: key }, false);
  assert.ok(!gone.ok);
  assert.match(gone.failure.message, /^the kernel does not take the new dhchap_secret of nvme7: /);
  assert.ok(!JSON.stringify([other, gone]).includes("longer"), "no key in a text (S8)");
});

Deno.test("nothing but a controller can be named", async () => {
  await using fake = await FakeSysfs.create();
  const sysfs = new Sysfs(fake.places);
  for (const name of ["", "nvme", "nvme0n1", "../nvme0", "nvme0/../nvme1"]) {
    await assert.rejects(sysfs.delete(name, 1), /is not the name of a controller/);
  }
});

Deno.test("paths stand for their multipath device", () => {
  assert.deepEqual(namespacesOf(["nvme0n2", "nvme0n1", "nvme5c7n3", "ng0n1", "hwmon"]), [
    "nvme0n1",
    "nvme0n2",
    "nvme5n3",
  ]);
});
