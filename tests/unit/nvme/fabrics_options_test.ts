import assert from "node:assert/strict";
import {
  type ConnectParts,
  encodeConnect,
  MAX_CONNECT_TEXT,
  parseConnectReply,
} from "../../../src/lib/nvme/fabrics_options.ts";
import { assumedSupport, parseSupported } from "../../../src/lib/nvme/kernel_version.ts";
import { Secret } from "../../../src/lib/base/secret.ts";
import { normaliseTid, type TidParts, WELL_KNOWN_DISC_NQN } from "../../../src/lib/nvme/tid.ts";

const HOST_ID = "12345678-aaaa-bbbb-cccc-123456789012";
const KEY = new Secret("DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:");
const CTRL_KEY = new Secret("DHHC-1:01:c2VjcmV0c2VjcmV0:");
/** What a 7.2 kernel lists. */
const FULL = parseSupported(
  "instance=-1,cntlid=-1,transport=%s,traddr=%s,trsvcid=%s,nqn=%s,queue_size=%d,nr_io_queues=%d,reconnect_delay=%d," +
    "ctrl_loss_tmo=%d,keep_alive_tmo=%d,hostnqn=%s,host_traddr=%s,host_iface=%s,hostid=%s,duplicate_connect," +
    "disable_sqflow,hdr_digest,data_digest,nr_write_queues=%d,nr_poll_queues=%d,tos=%d,keyring=%d,tls_key=%d," +
    "fast_io_fail_tmo=%d,discovery,dhchap_secret=%s,dhchap_ctrl_secret=%s,tls,concat",
);
const PLAIN = assumedSupport("5.10.0");

function parts(change: Omit<Partial<ConnectParts>, "tid"> & { of?: Partial<TidParts> } = {}): ConnectParts {
  const { of, ...rest } = change;
  return {
    tid: normaliseTid({ transport: "tcp", traddr: "10.0.0.1", subsysnqn: "nqn.s", ...of }, {
      hostNqn: "nqn.h",
      ignoreIface: false,
    }),
    hostId: HOST_ID,
    discovery: false,
    options: {},
    keys: {},
    ...rest,
  };
}

function refused(request: ConnectParts, supported = FULL): string {
  const encoded = encodeConnect(request, supported);
  assert.ok(!encoded.ok, JSON.stringify(encoded));
  assert.equal(encoded.failure.kind, "permanent");
  assert.equal(encoded.failure.phase, "connect");
  assert.notEqual(encoded.failure.remedy ?? "", "");
  return encoded.failure.message;
}

function accepted(
  request: ConnectParts,
  supported = FULL,
): { text: string; redacted: string; dropped: string } {
  const encoded = encodeConnect(request, supported);
  assert.ok(encoded.ok, JSON.stringify(encoded));
  return { ...encoded, dropped: encoded.dropped.join() };
}

Deno.test("KRN-30: everything, in order", () => {
  const request = parts({
    of: { hostTraddr: "10.0.0.5", hostIface: "eth0" },
    options: {
      hdrDigest: true,
      dataDigest: true,
      kato: 30,
      queueSize: 400,
      nrIoQueues: 8,
      nrWriteQueues: 6,
      nrPollQueues: 4,
      reconnectDelay: 13,
      ctrlLossTmo: 666,
      disableSqflow: true,
      tls: true,
      keyring: "0x2a",
      tlsKey: "66",
    },
    keys: { hostKey: KEY, ctrlKey: CTRL_KEY },
  });
  const { text, redacted, dropped } = accepted(request);
  const expected =
    "nqn=nqn.s,transport=tcp,traddr=10.0.0.1,host_traddr=10.0.0.5,host_iface=eth0,trsvcid=8009," +
    `hostnqn=nqn.h,hostid=${HOST_ID},dhchap_secret=<1>,dhchap_ctrl_secret=<2>,nr_io_queues=8,nr_write_queues=6,` +
    "nr_poll_queues=4,queue_size=400,keep_alive_tmo=30,reconnect_delay=13,ctrl_loss_tmo=666,keyring=0x0000002a," +
    "tls_key=0x00000042,disable_sqflow,hdr_digest,data_digest,tls";
  assert.equal(text, expected.replace("<1>", KEY.reveal()).replace("<2>", CTRL_KEY.reveal()));
  assert.equal(redacted, expected.replace("<1>", "*****").replace("<2>", "*****"));
  assert.equal(dropped, "");
});

Deno.test("KRN-31: what is empty, none or zero is left out", () => {
  const options = { kato: 0, nrIoQueues: 0, queueSize: 0, reconnectDelay: 0, hdrDigest: false };
  assert.equal(
    accepted(parts({ of: { hostTraddr: "none", hostIface: "NONE" }, options })).text,
    `nqn=nqn.s,transport=tcp,traddr=10.0.0.1,trsvcid=8009,hostnqn=nqn.h,hostid=${HOST_ID}`,
  );
  for (const [ctrlLossTmo, text] of [[0, "ctrl_loss_tmo=0"], [-1, "ctrl_loss_tmo=-1"]] as const) {
    assert.match(accepted(parts({ options: { ctrlLossTmo } })).text, new RegExp(`,${text}$`));
  }
  assert.doesNotMatch(accepted(parts({ options: { ctrlLossTmo: -2 } })).text, /ctrl_loss_tmo/);
});

Deno.test("KRN-32, KRN-33: discovery controllers", () => {
  const options = { nrIoQueues: 8, queueSize: 128, kato: 30 };
  const unique = accepted(parts({ discovery: true, options })).text;
  assert.match(unique, /,discovery,keep_alive_tmo=30$/);
  const wellKnown =
    accepted(parts({ of: { subsysnqn: WELL_KNOWN_DISC_NQN }, discovery: true, options })).text;
  assert.match(wellKnown, /,keep_alive_tmo=30$/);
  assert.doesNotMatch(wellKnown, /,discovery,|queue/);
  // Secrets go to discovery controllers as well (KRN-35: libnvme 1.x sent none).
  assert.match(accepted(parts({ discovery: true, keys: { hostKey: KEY } })).text, /dhchap_secret=DHHC-1/);
});

Deno.test("options that the transport does not take are left out, and named", () => {
  const options = { ctrlLossTmo: 600, reconnectDelay: 10, hdrDigest: true, nrPollQueues: 1 };
  const rdma = accepted(parts({ of: { transport: "rdma", hostIface: "ib0" }, options }));
  assert.equal(rdma.dropped, "host_iface,hdr_digest");
  const fc = accepted(parts({
    of: { transport: "fc", traddr: "nn-0x1:pn-0x2", hostTraddr: "nn-0x3:pn-0x4", trsvcid: "1" },
    options,
  }));
  assert.equal(fc.dropped, "nr_poll_queues,hdr_digest");
  assert.doesNotMatch(fc.text, /trsvcid/);
  const loop = accepted(parts({ of: { transport: "loop", traddr: "" }, options }));
  assert.equal(loop.dropped, "nr_poll_queues,reconnect_delay,ctrl_loss_tmo,hdr_digest");
  assert.equal(loop.text, `nqn=nqn.s,transport=loop,hostnqn=nqn.h,hostid=${HOST_ID}`);
});

Deno.test("options that the kernel lacks are left out, and named", () => {
  const request = parts({ of: { hostIface: "eth0", subsysnqn: WELL_KNOWN_DISC_NQN }, discovery: true });
  assert.equal(accepted(request, PLAIN).dropped, "host_iface");
});

Deno.test("without the option for it, a discovery controller is not connected to as if it had namespaces", () => {
  assert.match(refused(parts({ discovery: true }), PLAIN), /discovery controller by an NQN of its own/);
});

Deno.test("a security option never falls away", () => {
  const requests: readonly (readonly [ConnectParts, RegExp])[] = [
    [parts({ keys: { hostKey: KEY } }), /support dhchap_secret/],
    [parts({ keys: { hostKey: KEY, ctrlKey: CTRL_KEY } }), /support dhchap_secret/],
    [parts({ options: { tls: true } }), /support tls/],
    [parts({ options: { tls: true, tlsKey: "1" } }), /support tls_key/],
    [parts({ options: { tls: true, keyring: "1" } }), /support keyring/],
  ];
  for (const [request, message] of requests) assert.match(refused(request, PLAIN), message);
  const noConcat = new Set([...FULL].filter((name) => name !== "concat"));
  assert.match(
    refused(parts({ options: { concat: true }, keys: { hostKey: KEY } }), noConcat),
    /support concat/,
  );
  const noCtrl = new Set([...FULL].filter((name) => name !== "dhchap_ctrl_secret"));
  assert.match(refused(parts({ keys: { hostKey: KEY, ctrlKey: CTRL_KEY } }), noCtrl), /dhchap_ctrl_secret/);
  assert.match(
    refused(parts({ of: { transport: "rdma" }, options: { tls: true } })),
    /not supported on rdma/,
  );
});

Deno.test("combinations that are less safe than they look", () => {
  assert.match(refused(parts({ keys: { ctrlKey: CTRL_KEY } })), /would not authenticate/);
  assert.match(refused(parts({ options: { concat: true } })), /needs a host secret/);
  const both = parts({ options: { concat: true, tls: true }, keys: { hostKey: KEY } });
  assert.match(refused(both), /exclude each other/);
  assert.match(refused(parts({ options: { tlsKey: "1" } })), /not be encrypted/);
  assert.match(refused(parts({ options: { keyring: "1" } })), /not be encrypted/);
});

Deno.test("S8: no secret in a refusal", () => {
  for (
    const bad of ["geheim", "DHHC-1:00:geheim,hostnqn=x:", "DHHC-1:00:geh eim:", "", "DHHC-1:zz:geheim:"]
  ) {
    const message = refused(parts({ keys: { hostKey: new Secret(bad) } }));
    assert.match(message, /not of the form/);
    assert.doesNotMatch(message, /geh/);
  }
});

Deno.test("a value cannot inject an option", () => {
  const bad: readonly Partial<TidParts>[] = [
    { subsysnqn: "nqn.s,dhchap_secret=x" },
    { subsysnqn: "nqn.s\nhostid=x" },
    { subsysnqn: "nqn.s\u0000" },
    { subsysnqn: "nqn.s\u0085" },
    { hostNqn: "nqn.h,tls" },
    { hostTraddr: "10.0.0.5,tls" },
    { hostIface: "eth0,tls" },
    { trsvcid: "8009,tls" },
    { traddr: "10.0.0.1,tls" },
    { traddr: "fe80::1%eth0,tls" },
    { transport: "loop", traddr: "a,b" },
  ];
  for (const of of bad) refused(parts({ of }));
});

Deno.test("identity is complete and within limits", () => {
  assert.match(refused(parts({ of: { subsysnqn: "" } })), /subsystem NQN is missing/);
  assert.match(refused(parts({ of: { hostNqn: "" } })), /host NQN is missing/);
  accepted(parts({ of: { subsysnqn: "n".repeat(223) } }));
  assert.match(refused(parts({ of: { subsysnqn: "n".repeat(224) } })), /longer than 223/);
  assert.match(refused(parts({ of: { subsysnqn: "\u00e9".repeat(112) } })), /longer than 223/, "bytes count");
  for (const hostId of ["", "x", `${HOST_ID}0`]) assert.match(refused(parts({ hostId })), /not a UUID/);
  for (const traddr of ["", "host.example", "10.0.0.256"]) {
    assert.match(refused(parts({ of: { traddr } })), /not an IP/);
  }
  for (const trsvcid of ["0", "65536", "http", "-1", "0x50"]) {
    assert.match(refused(parts({ of: { trsvcid } })), /not a port/);
  }
  assert.match(refused(parts({ of: { transport: "fc", traddr: "nn-0x1:pn-0x2" } })), /host-traddr/);
});

Deno.test("numbers out of range and things that are no key serials", () => {
  for (
    const options of [{ queueSize: 15 }, { queueSize: 1025 }, { nrIoQueues: 2 ** 31 }, { kato: 1.5 }, {
      kato: NaN,
    }]
  ) {
    assert.match(refused(parts({ options })), /not a whole number/);
  }
  for (const tlsKey of ["NVMe1R01 nqn.h nqn.s", "0", "0x80000000", "-1", ""]) {
    assert.match(refused(parts({ options: { tls: true, tlsKey } })), /not the serial number/);
  }
});

Deno.test("the whole text has a limit", () => {
  assert.match(refused(parts({ of: { hostIface: "e".repeat(MAX_CONNECT_TEXT) } })), /longer than 4096/);
});

Deno.test("KRN-34: the reply", () => {
  assert.deepEqual(parseConnectReply("instance=3,cntlid=7\n"), {
    ok: true,
    value: { instance: 3, cntlid: 7 },
  });
  for (
    const bad of ["", "instance=-1,cntlid=-1", "instance=%d,cntlid=%d", "instance=1", "xinstance=1,cntlid=2"]
  ) {
    assert.ok(!parseConnectReply(bad).ok, bad);
  }
});
