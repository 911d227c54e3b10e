/** By which means a connection gets the options of the file, and when it must not (S13, S15). */
import assert from "node:assert/strict";
import { Secret } from "../../../src/lib/base/secret.ts";
import type { Attempt } from "../../../src/lib/core/request/request.ts";
import {
  type Demand,
  meansFor,
  noRenewals,
  renewedText,
  type RenewMeans,
  type RenewStep,
  stillNeeded,
  withMoved,
} from "../../../src/lib/core/stacd/renew.ts";
import type { ConnectOptions, DhchapKeys } from "../../../src/lib/nvme/connect_options.ts";
import type { KernelCtrl, MadeWith } from "../../../src/lib/nvme/kernel_ctrl.ts";
import { kernelCtrl } from "../nvme/samples.ts";
import { TID } from "./tid.ts";

const HOST_ID = "46ba5037-7ce5-41fa-9452-48477bf00080";
const KEY = new Secret("DHHC-1:00:c2VjcmV0:");

const device = (made: Partial<MadeWith> = {}, change: Partial<KernelCtrl> = {}): KernelCtrl =>
  kernelCtrl({
    ...TID,
    device: "nvme3",
    incarnation: 7,
    hostId: HOST_ID,
    owner: "stas",
    made: {
      tls: "none",
      dhchap: false,
      dhchapCtrl: false,
      kato: 5,
      ctrlLossTmo: 600,
      reconnectDelay: 10,
      queueSize: 128,
      ioQueues: 4,
      ...made,
    },
    ...change,
  });

const attempt = (
  options: ConnectOptions = {},
  keys: DhchapKeys = {},
  choice: Attempt["choice"] = { is: "unsaid" },
): Attempt => ({ request: { tid: TID, hostId: HOST_ID, discovery: false, options, keys }, choice });

const told = (one: KernelCtrl, asked: Attempt, reconnects = false): string => {
  const found = meansFor(one, asked, [one], new Map(), reconnects);
  return found.ok ? `${found.means} ${found.why}`.trim() : `no: ${found.why}`;
};

Deno.test("keys go to the kernel where the connection has such keys, and nothing else that it shows differs", () => {
  const both = { hostKey: KEY, ctrlKey: KEY };
  assert.equal(told(device({ dhchap: true }), attempt({}, { hostKey: KEY })), "keys");
  assert.equal(told(device({ dhchap: true, dhchapCtrl: true }), attempt({}, both)), "keys");
  // The kernel takes a key only in place of another one.
  assert.match(told(device(), attempt({}, { hostKey: KEY })), /^reconnect without authentication/);
  assert.match(
    told(device({ dhchap: true }), attempt({}, both)),
    /^reconnect without authentication of the controller/,
  );
  assert.equal(
    told(device({ dhchap: true }), attempt({ kato: 20 }, { hostKey: KEY })),
    "reconnect kato is 5, not 20",
  );
  // With secure concatenation the key is part of that of TLS.
  assert.match(
    told(device({ dhchap: true, tls: "concat" }), attempt({ concat: true }, { hostKey: KEY })),
    /^reconnect /,
  );
  assert.equal(told(device({ dhchap: true }), attempt({}, { hostKey: KEY }), true), "reconnect --reconnect");
});

Deno.test("what differs, and what the kernel does not show, is connected again; what is the same stays", () => {
  assert.equal(told(device(), attempt()), "same");
  assert.equal(told(device(), attempt({ kato: 5, ctrlLossTmo: 600 })), "same");
  assert.equal(told(device(), attempt({ ctrlLossTmo: -1 })), "reconnect ctrl-loss-tmo is 600, not -1");
  assert.equal(told(device(), attempt({ hdrDigest: true })), "reconnect the kernel does not show hdr-digest");
  assert.match(
    told(device({ tls: "tls" }), attempt({ tls: true })),
    /^reconnect the kernel does not show the TLS key/,
  );
  assert.match(told(device(), attempt({ tls: true })), /^reconnect without TLS/);
  const { made: _made, ...unread } = device();
  assert.equal(told(unread, attempt()), "reconnect the options of its connection cannot be read");
});

Deno.test("no connection comes back with less security than it had (S15)", () => {
  const no = (made: Partial<MadeWith>, asked: Attempt, what: string): void =>
    assert.match(told(device(made), asked), new RegExp(`^no: the configuration asks for no ${what}, which`));
  no({ tls: "tls" }, attempt({ kato: 20 }), "TLS");
  // Its key is not shown while the link is down.
  no({ tls: "unproven" }, attempt(), "TLS");
  no({ tls: "tls", dhchap: true }, attempt(), "TLS and no authentication \\(DH-HMAC-CHAP\\)");
  no({ dhchap: true, dhchapCtrl: true }, attempt({}, { hostKey: KEY }), "authentication of the controller");
  const byPage = attempt({}, {}, { is: "tls", must: false, why: "a page offers TLS", lacking: undefined });
  assert.match(told(device({ tls: "tls" }), byPage), /^reconnect /);
});

Deno.test("exactly one of host NQN and host ID differs: refused with the ways out; both: a warning (S13)", () => {
  const nqn = { hostNqn: "nqn.other" };
  const id = { hostId: "11111111-7ce5-41fa-9452-48477bf00080" };
  for (const other of [nqn, id]) {
    assert.match(
      told(device({}, other), attempt({ kato: 20 })),
      /^no: the kernel refuses a second identity .*restore the old value .*or reboot; or, .*disconnect everything/,
    );
  }
  // Of another connection, too: the kernel looks at all of them.
  const mine = device();
  const found = meansFor(
    mine,
    attempt({ kato: 20 }),
    [mine, device({}, { device: "nvme4", ...nqn })],
    new Map(),
    false,
  );
  assert.equal(found.ok, false);
  const both = device({}, { ...nqn, ...id });
  const warned = meansFor(both, attempt(), [both], new Map(), false);
  assert.ok(warned.ok);
  assert.equal(warned.means, "reconnect");
  assert.match(warned.warning ?? "", /^nvme3 is connected as nqn\.other .*the array sees another host/);
});

Deno.test("the end of a renewal says how many connections were renewed, and not that all were if some were not", () => {
  const step = (means: RenewMeans): RenewStep => (
    { key: means, tid: TID, means, is: "done", why: "", guard: undefined }
  );
  const text = (...means: readonly RenewMeans[]): string =>
    renewedText(means.map(step), "renewed by uid 0: x");
  assert.equal(text("keys"), "The connection was renewed by uid 0: x");
  assert.equal(text("keys", "reconnect"), "All 2 connections were renewed by uid 0: x");
  assert.equal(
    text("same", "keys", "not-connected"),
    "1 of 3 connections was renewed by uid 0: x",
  );
  assert.equal(text("same", "not-connected"), "No connection had to be renewed by uid 0: x");
  assert.equal(text("same"), "No connection had to be renewed by uid 0: x");
});

Deno.test("what the next connection must not lack moves with its controller, and so do those beside it (S15)", () => {
  const demand = (change: Partial<Demand>): Demand => (
    { tls: false, dhchap: false, dhchapCtrl: false, target: "t", besides: new Set(), ...change }
  );
  const after = (...before: readonly (readonly [string, Demand])[]) =>
    withMoved({ ...noRenewals, demands: new Map(before) }, "old", { key: "new", tid: TID }).demands;
  const mine = demand({ tls: true, besides: new Set(["x", "y"]) });
  assert.deepEqual(after(["old", mine], ["z", mine]), new Map([["new", mine], ["z", mine]]));
  const beside = demand({ besides: new Set(["old", "x"]) });
  assert.deepEqual(after(["z", beside]), new Map([["z", demand({ besides: new Set(["new", "x"]) })]]));
  // Two records become one: it lacks nothing that one of them had, and is beside what both were.
  const dhchap = demand({ dhchap: true, besides: new Set(["y"]) });
  const both = demand({ tls: true, dhchap: true, besides: new Set(["y"]) });
  assert.deepEqual(after(["old", mine], ["new", dhchap]), new Map([["new", both]]));
  assert.deepEqual(after(["new", dhchap], ["old", mine]), new Map([["new", both]]));
  const ctrl = demand({ dhchapCtrl: true });
  assert.deepEqual(after(["new", ctrl], ["old", demand({})]), new Map([["new", ctrl]]));
});

Deno.test("each block device in use has to be served again, not just any of the controller's (S12)", () => {
  const look = (device: string, path: string, anaState: string) => ({
    device,
    holders: [],
    unknown: undefined,
    paths: [{ device: path, state: "live", anaState, io: undefined }],
    io: undefined,
  });
  const looks = [look("nvme0n1", "nvme3", "optimized"), look("nvme0n2", "nvme3", "inaccessible")];
  assert.deepEqual(stillNeeded(["nvme0n1", "nvme0n2"], looks, "nvme3"), ["nvme0n2"]);
  assert.deepEqual(stillNeeded(["nvme0n1"], looks, "nvme4"), ["nvme0n1"]);
});
