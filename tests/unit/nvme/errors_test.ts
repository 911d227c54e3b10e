/** Error numbers and NVMe statuses. */
import assert from "node:assert/strict";
import { ERRNOS } from "../../vm/errno_table.ts";
import {
  connectErrorText,
  connectFailure,
  errnoName,
  givenUp,
  statusInKernelLine,
} from "../../../src/lib/nvme/errno.ts";
import { decodeStatus, statusCode, statusName, statusText } from "../../../src/lib/nvme/status.ts";
import { encodeStatus } from "../../wire/status.ts";

Deno.test("errno: names and numbers", () => {
  const rows: readonly (readonly [number, string])[] = [
    [1, "EPERM"],
    [2, "ENOENT"],
    [4, "EINTR"],
    [5, "EIO"],
    [11, "EAGAIN"],
    [16, "EBUSY"],
    [19, "ENODEV"],
    [22, "EINVAL"],
    [25, "ENOTTY"],
    [95, "EOPNOTSUPP"],
    [98, "EADDRINUSE"],
    [99, "EADDRNOTAVAIL"],
    [101, "ENETUNREACH"],
    [104, "ECONNRESET"],
    [110, "ETIMEDOUT"],
    [111, "ECONNREFUSED"],
    [113, "EHOSTUNREACH"],
    [114, "EALREADY"],
    [126, "ENOKEY"],
    [129, "EKEYREJECTED"],
    [133, "EHWPOISON"],
  ];
  for (const [number, name] of rows) {
    assert.equal(errnoName(number), name);
    assert.equal(errnoName(-number), name);
  }
  for (const number of [0, 41, 58, 134, 1006]) assert.equal(errnoName(number), `errno ${number}`);
});

Deno.test("KRN-36: texts, and the classes of failures", () => {
  assert.equal(connectErrorText("ECONNREFUSED"), "connection refused");
  assert.equal(connectErrorText("EAFNOSUPPORT"), "this host has no IPv6");
  assert.equal(connectErrorText("EFOO"), "failed to write to the fabrics device");
  for (const errno of ["EINVAL", "ENODEV", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EKEYREJECTED", "ENOKEY"]) {
    assert.equal(connectFailure(errno, []).kind, "permanent");
  }
  for (const errno of ["EIO", "EAGAIN", "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EFOO"]) {
    assert.equal(connectFailure(errno, []).kind, "transient");
  }
});

Deno.test("connect failures: the kernel's own words decide about EIO", () => {
  const line = "nvme nvme1: Connect for subsystem nqn.s is not allowed, hostnqn: nqn.h ret=16772";
  assert.equal(statusInKernelLine(line), 0x4184);
  const refused = connectFailure("EIO", ["something else", line]);
  assert.equal(refused.kind, "permanent");
  assert.equal(refused.status, 0x4184);
  assert.match(refused.message, /Connect Invalid Host.*EIO.*not allowed/);
  assert.equal(connectFailure("EIO", ["... ret=388"]).kind, "transient", "no DNR");
  assert.equal(connectFailure("EIO").kind, "transient");
  assert.equal(connectFailure("ECONNREFUSED").message, "connection refused (ECONNREFUSED)");
  for (const other of ["ret=-5", "ret=0", "ret=99999", "fret=5", ""]) {
    assert.equal(statusInKernelLine(other), undefined);
  }
});

Deno.test("connect failures: where TLS was asked for, they are about that", () => {
  // Linux counts the zero at the end: 223 bytes are allowed, and refused.
  const transport = "tcp" as const;
  const tid = { transport, subsysnqn: `nqn.${"s".repeat(219)}`, hostNqn: `nqn.${"h".repeat(218)}` };
  const long = connectFailure("EINVAL", [], true, tid);
  assert.match(long.message, /^the subsystem NQN has 223 bytes: .*Linux takes no more than 222 \(EINVAL\)$/);
  assert.match(long.remedy ?? "", /shorter NQN at the storage/);
  assert.equal(long.kind, "permanent");
  const host = { transport, subsysnqn: tid.hostNqn, hostNqn: tid.subsysnqn };
  assert.match(connectFailure("EINVAL", [], false, host).message, /^the host NQN has 223 bytes/);
  const fits = { transport, subsysnqn: tid.hostNqn, hostNqn: tid.hostNqn };
  assert.match(connectFailure("EINVAL", [], false, fits).message, /^invalid arguments/);
  assert.match(connectFailure("ECONNREFUSED", [], false, tid).message, /^connection refused/);
  assert.match(connectFailure("ENOKEY", [], true).message, /TLS key/);
  assert.doesNotMatch(connectFailure("ENOKEY").message, /TLS/);
  assert.match(connectFailure("ESRCH", [], true).remedy ?? "", /tlshd/);
  assert.match(connectFailure("ECONNRESET").remedy ?? "", /tls = true/);
  assert.equal(connectFailure("ECONNRESET", [], true).remedy, undefined);
  assert.equal(connectFailure("ECONNREFUSED", [], true).message, "connection refused (ECONNREFUSED)");
});

Deno.test("H3, H4: what an errno means depends on the transport; each row is tried in the virtual machine", () => {
  for (const { transport, situation, errno, says, remedy } of ERRNOS) {
    const failure = connectFailure(errno, [], false, { transport, subsysnqn: "nqn.s", hostNqn: "nqn.h" });
    assert.match(failure.message, says, `${transport}: ${situation}`);
    assert.match(failure.remedy ?? "", remedy, `${transport}: ${situation}`);
    if (transport !== "tcp") assert.doesNotMatch(failure.remedy ?? "", /tls = true|host-iface|nvme-tcp/);
  }
  // Without RDMA in this host; nobody has named an interface.
  const rdma = connectFailure("ENODEV", [], false, { transport: "rdma", subsysnqn: "", hostNqn: "" });
  assert.match(rdma.message, /no RDMA device/);
  assert.match(givenUp("nvme3", []).message, /the kernel made nvme3 and gave it up/);
});

Deno.test("status: fields and names", () => {
  assert.deepEqual(decodeStatus(0x6002), { sc: 2, sct: 0, crd: 0, more: true, dnr: true });
  assert.deepEqual(decodeStatus(0x5984), { sc: 0x84, sct: 1, crd: 3, more: false, dnr: true });
  for (let status = 0; status < 0x8000; status += 37) {
    assert.equal(encodeStatus(decodeStatus(status)), status);
  }
  assert.equal(statusCode(0x4184), 0x184);
  assert.equal(statusName(0x412f), "Invalid Discovery Information");
  assert.equal(statusText(0x4184), "0x4184 (Connect Invalid Host)");
  assert.equal(statusText(0x701), "0x701 (Vendor Specific Error)");
  assert.equal(statusText(0x2ff), "0x2ff (unknown status)");
});
