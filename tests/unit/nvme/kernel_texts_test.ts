/** Uevents, the notifications in them, and sysfs attributes. */
import assert from "node:assert/strict";
import { DISCOVERY_LOG_CHANGED, isDiscoveryChange, parseAen } from "../../../src/lib/nvme/aen.ts";
import { addressField, kernelCtrlFromSysfs, sysfsText } from "../../../src/lib/nvme/sysfs_ctrl.ts";
import { printable, quoted } from "../../../src/lib/base/plain_text.ts";
import { parseUevent, parseUeventFile } from "../../../src/lib/nvme/uevent.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("uevent: an asynchronous event of the kernel", () => {
  const payload = "change@/devices/virtual/nvme-fabrics/ctl/nvme0\0ACTION=change\0" +
    "DEVPATH=/devices/virtual/nvme-fabrics/ctl/nvme0\0SUBSYSTEM=nvme\0NVME_AEN=0x70f002\0NVME_TRTYPE=tcp\0" +
    "NVME_HOST_IFACE=none\0MAJOR=10\0SEQNUM=77\0";
  const event = parseUevent(bytes(payload));
  assert.ok(event.ok);
  assert.equal(event.value.action, "change");
  assert.equal(event.value.subsystem, "nvme");
  assert.equal(event.value.devpath, "/devices/virtual/nvme-fabrics/ctl/nvme0");
  assert.equal(event.value.properties.get("NVME_AEN"), "0x70f002");
  assert.equal(event.value.properties.get("NVME_HOST_IFACE"), "none");
});

Deno.test("uevent: what is none", () => {
  const wrong: readonly (readonly [Uint8Array, number])[] = [
    [bytes(""), 0],
    [bytes("libudev\0\xfe\xed\xca\xfe"), 0],
    [bytes("@/x\0"), 0],
    [bytes("add@x\0"), 0],
    [bytes("add\n@/x\0"), 0],
    [bytes("add@/x\0A=1\0=2\0"), 11],
    [bytes("add@/x\0A=1\0B\0"), 11],
    [new Uint8Array([0x61, 0x40, 0x2f, 0xff]), 0],
    [new Uint8Array(20_000), 16_384],
  ];
  for (const [payload, at] of wrong) {
    const event = parseUevent(payload);
    assert.ok(!event.ok);
    assert.equal(event.at, at);
    assert.match(event.problem, /uevent/);
  }
  const file = parseUeventFile("NVME_TRTYPE=tcp\nnonsense\n=x\nNVME_TRADDR=\n");
  assert.deepEqual([...file], [["NVME_TRTYPE", "tcp"], ["NVME_TRADDR", ""]]);
});

Deno.test("AEN", () => {
  assert.equal(parseAen("0x70f002"), DISCOVERY_LOG_CHANGED);
  assert.ok(isDiscoveryChange(0x70f002));
  for (const other of [0x70f102, 0x70f001, 0x02f002]) assert.ok(!isDiscoveryChange(other));
  for (const bad of ["", "0x", "x", "-1", "0x100000000", "0x70f002 "]) assert.equal(parseAen(bad), undefined);
});

Deno.test("sysfs: fields of the address attribute", () => {
  const address = "traddr=10.0.0.1,trsvcid=8009,host_traddr=10.0.0.5,src_addr=10.0.0.6\n";
  assert.equal(addressField(address, "traddr"), "10.0.0.1");
  assert.equal(addressField(address, "src_addr="), "10.0.0.6");
  assert.equal(addressField(address, "host_iface"), "");
  assert.equal(addressField(address, "addr"), "");
  assert.equal(addressField("traddr=a\ntrsvcid=b", "trsvcid"), "b");
  assert.equal(addressField("traddr=nn-0x1,pn-0x2,host_traddr=x", "traddr"), "nn-0x1,pn-0x2");
  assert.equal(addressField("traddr=a,trsvcid=b,c,traddr=d", "traddr"), "a");
  assert.equal(addressField("traddr=none,trsvcid=1", "traddr"), "");
  assert.equal(addressField("0000:01:00.0\n", "traddr"), "");
  assert.equal(addressField("", "traddr"), "");
  assert.equal(sysfsText(" None\n"), "");
  assert.equal(sysfsText("(efault)\n"), "");
  // The kernel prints what was not given so, the address of a loop controller.
  assert.equal(sysfsText("(null)"), "");
  assert.equal(sysfsText(undefined), "");
});

Deno.test("sysfs: a controller", () => {
  const ctrl = kernelCtrlFromSysfs({
    device: "nvme3",
    incarnation: 9,
    uevent:
      "NVME_TRTYPE=tcp\nNVME_TRADDR=10.0.0.1\nNVME_TRSVCID=8009\nNVME_HOST_TRADDR=none\nNVME_HOST_IFACE=eth0\n",
    attributes: {
      address: "traddr=10.0.0.1,trsvcid=8009,host_iface=eth0,src_addr=10.0.0.5\n",
      subsysnqn: "nqn.s\n",
      hostnqn: "nqn.h\n",
      cntrltype: "discovery\n",
      dctype: "none\n",
      model: "Linux   \n",
      state: "live\n",
    },
    hasChildren: false,
    namespaces: [],
    owner: "stas",
  });
  assert.deepEqual(ctrl, {
    device: "nvme3",
    incarnation: 9,
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: "8009",
    subsysnqn: "nqn.s",
    hostNqn: "nqn.h",
    hostId: "",
    hostTraddr: "",
    hostIface: "eth0",
    srcAddr: "10.0.0.5",
    state: "live",
    cntrltype: "discovery",
    dctype: "none",
    cntlid: "",
    model: "Linux",
    serial: "",
    isDc: true,
    isIoc: false,
    owner: "stas",
    namespaces: [],
  });
});

Deno.test("sysfs: a loop controller that was connected without an address has none", () => {
  const ctrl = kernelCtrlFromSysfs({
    device: "nvme0",
    incarnation: 1,
    uevent: "NVME_TRTYPE=loop\nNVME_TRADDR=(null)\nNVME_TRSVCID=none\nNVME_HOST_TRADDR=none\n",
    attributes: {
      transport: "loop\n",
      address: "\n",
      subsysnqn: "nqn.s\n",
      cntrltype: "io\n",
      state: "live\n",
    },
    hasChildren: true,
    namespaces: ["nvme0n1"],
    owner: "",
  });
  assert.deepEqual([ctrl.traddr, ctrl.trsvcid, ctrl.hostTraddr], ["", "", ""]);
});

Deno.test("sysfs: an unreadable uevent file leaves the attributes", () => {
  const ctrl = kernelCtrlFromSysfs({
    device: "nvme0",
    incarnation: 1,
    uevent: "",
    attributes: { transport: "fc\n", address: "traddr=nn-0x1:pn-0x2,host_traddr=nn-0x3:pn-0x4\n" },
    hasChildren: true,
    namespaces: ["nvme0n1"],
    owner: "",
  });
  assert.equal(ctrl.transport, "fc");
  assert.equal(ctrl.traddr, "nn-0x1:pn-0x2");
  assert.equal(ctrl.hostTraddr, "nn-0x3:pn-0x4");
  assert.ok(ctrl.isIoc && !ctrl.isDc);
});

Deno.test("texts from outside in messages: nothing that does not show", () => {
  assert.equal(quoted('a"b\\c'), '"a\\"b\\\\c"');
  assert.equal(
    quoted("x\u007f\u009b31m\u202e\u2028\ud800\n"),
    '"x\\u{7f}\\u{9b}31m\\u{202e}\\u{2028}\\u{d800}\\u{a}"',
  );
  assert.equal(quoted("y".repeat(61)), `"${"y".repeat(57)}..."`);
  assert.equal(printable("\u00c5sa \u2713"), "\u00c5sa \u2713");
});
