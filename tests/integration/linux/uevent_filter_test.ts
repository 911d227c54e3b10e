import assert from "node:assert/strict";
import { AF_UNIX, bytes, SOCK_DGRAM, sys } from "../../../src/lib/linux/ffi_libc.ts";
import { attachUeventFilter } from "../../../src/lib/linux/uevent_filter.ts";

// libc is opened at the first use and stays open: not the leak of the test that happens to be the first.
sys.monotonicUsec();

/** Messages that a socket with the filter of that kernel lets through: the running kernel judges, whatever the socket is. */
function through(release: string, heads: readonly string[]): string[] {
  const address = new Uint8Array(new ArrayBuffer(2 + 40));
  address[0] = AF_UNIX;
  address.set(new TextEncoder().encode(`\0stas-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`), 2);
  const [receiver, sender] = [sys.socket(AF_UNIX, SOCK_DGRAM, 0), sys.socket(AF_UNIX, SOCK_DGRAM, 0)];
  assert.equal(sys.bind(receiver, address), 0);
  assert.equal(attachUeventFilter(receiver, release), true, "the kernel refused the filter");
  const passed: string[] = [];
  const buffer = bytes(4096);
  for (const head of heads) {
    const message = new TextEncoder().encode(`${head}\0ACTION=x\0DEVPATH=x\0SUBSYSTEM=nvme\0SEQNUM=1\0`);
    const copy = bytes(message.length);
    copy.set(message);
    sys.send(sender, copy, address);
    const length = sys.receive(receiver, buffer, bytes(64));
    if (length > 0) passed.push(new TextDecoder().decode(buffer.subarray(0, length)).split("\0", 1)[0] ?? "");
  }
  sys.close(receiver);
  sys.close(sender);
  return passed;
}

const ctl = (action: string, device = "nvme0"): string =>
  `${action}@/devices/virtual/nvme-fabrics/ctl/${device}`;

const OF_CONTROLLERS = [
  ctl("change"),
  ctl("remove"),
  ctl("bind"),
  ctl("move"),
  ctl("unbind"),
  ctl("offline"),
  ctl("change", "nvme1234"),
  "change@/devices/pci0000:00/0000:00:01.0/nvme/nvme0",
  "remove@/devices/pci0000:00/0000:00:01.0/nvme/nvme0",
  // What begins alike.
  "change@/devices/virtual/nvme-sux/nvme0",
  "change@/devices/virtual/bdx/nvme0",
  "change@/devices/virtual/net/lo",
];

Deno.test("events of controllers pass the filter, those of what hangs below their subsystem do not", () => {
  const others = [
    "add@/devices/virtual/nvme-subsystem/nvme-subsys0",
    "remove@/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1",
    "change@/devices/virtual/nvme-subsystem/nvme-subsys0/ng0n1",
    "add@/devices/virtual/bdi/259:1",
    "remove@/devices/virtual/bdi/259:1",
    "change@/devices/virtual/block/dm-0",
    "offline@/devices/virtual/block/loop0",
  ];
  assert.deepEqual(through("6.12.0", [...others, ...OF_CONTROLLERS, ...others]), OF_CONTROLLERS);
});

Deno.test("a kernel that says connected need not say add, an older one must", () => {
  const added = [ctl("add"), "add@/devices/pci0000:00/0000:00:01.0/nvme/nvme0"];
  assert.deepEqual(through("5.18.0", [...added, ctl("change")]), [ctl("change")]);
  assert.deepEqual(through("5.17.9", [...added, ctl("change")]), [...added, ctl("change")]);
});
