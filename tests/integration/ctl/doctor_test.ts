import assert from "node:assert/strict";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import { busRemedy, callRemedy } from "../../../src/ctl/failure_text.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { answers, type Case, diagnose, NQN, told } from "./patient.ts";
import { v1Controller, v1Health, v1State } from "./sample_daemon.ts";

Deno.test("doctor finds nothing on a healthy host, and says what it looked at", async () => {
  assert.deepEqual(await diagnose({}), { status: 0, found: [] });
  await using bus = await privateBus();
  const world = fakeWorld({ bus: bus.address });
  assert.equal(await stafctl(["doctor"], world), 1);
  assert.match(
    world.out.text,
    /^stafd\n {2}error {3}cannot reach stafd over D-Bus.*\n {10}remedy: systemctl status stafd\n/,
  );
  assert.match(world.out.text, /\nkernel\n[^]*\nhost identity\n[^]*\nnetwork\n/);
});

Deno.test("doctor finds each thing that is wrong, alone, and gives its remedy", async () => {
  const cases: readonly (readonly [Case, string, string, RegExp, RegExp])[] = [
    [
      { files: { "/dev/nvme-fabrics": undefined } },
      "kernel",
      "error",
      /nvme-fabrics does not exist/,
      /modprobe nvme-fabrics/,
    ],
    [
      { files: { "/sys/module/nvme_tcp/version": undefined } },
      "kernel",
      "error",
      /nvme-tcp is not loaded/,
      /modprobe nvme-tcp/,
    ],
    [
      { run: (command) => command[0] === "cat" ? undefined : answers(command) },
      "limits of this host",
      "notice",
      /busy/,
      /later/,
    ],
    [{ uid: 1000 }, "limits of this host", "notice", /only as root/, /sudo/],
    [
      { run: told("cat", "discovery,dhchap_secret,tls,concat") },
      "limits of this host",
      "warning",
      /does not know host_iface .*: connections cannot be bound/,
      /newer kernel/,
    ],
    [
      { run: told("cat", "host_iface,discovery,dhchap_secret,tls") },
      "limits of this host",
      "notice",
      /does not know concat .*Linux 6\.15/,
      /^null$/,
    ],
    [
      { files: { "/proc/sys/kernel/osrelease": "6.4.0-rc1\n" } },
      "limits of this host",
      "notice",
      /one host ID with two host NQNs/,
      /^null$/,
    ],
    [
      {
        run: told(
          "stafd",
          "nvme-stas 1.0.1\nlibnvme none: libnvme.so.1 is not installed; libnvme3.so.1 is not installed. NVMe\n",
        ),
      },
      "limits of this host",
      "warning",
      /libnvme cannot be loaded \(libnvme\.so\.1 is not installed; libnvme3\.so\.1 is not installed\): commands/,
      /install libnvme/,
    ],
    [
      { run: told("stafd", "nvme-stas 1.0.1\nlibnvme 1.3\n") },
      "limits of this host",
      "notice",
      /serial numbers/,
      /^null$/,
    ],
    [
      { run: told("systemctl", "systemd 253 (253.1)\n") },
      "limits of this host",
      "notice",
      /pauses between restarts/,
      /^null$/,
    ],
    [{ files: { "/etc/nvme/hostnqn": undefined } }, "host identity", "error", /no NQN/, /stasadm hostnqn/],
    [{ files: { "/etc/nvme/hostid": undefined } }, "host identity", "error", /no ID/, /stasadm hostid/],
    [
      { files: { "/etc/stas/sys.conf": "[Host]\nnqn=file:///hidden/hn\n", "/hidden/hn": `${NQN}\n` } },
      "host identity",
      "error",
      /no NQN: .*cannot see \/hidden\/hn.*ProtectHome=yes/,
      /stasadm hostnqn/,
    ],
    [
      { files: { "/etc/machine-id": `${"a".repeat(32)}\n` } },
      "host identity",
      "notice",
      /neither from the machine-id/,
      /copy/,
    ],
    [
      { files: { "/sys/class/nvme/nvme7/hostnqn": "nqn.other\n" } },
      "host identity",
      "notice",
      /nvme7 is connected under/,
      /^null$/,
    ],
    [{ avahi: false }, "network", "warning", /Avahi is not installed/, /avahi-daemon/],
    [
      { files: { "/proc/sys/net/ipv4/igmp_max_memberships": "1\n" } },
      "network",
      "warning",
      /^1 interface is up/,
      /sysctl -w/,
    ],
    [
      {
        run: (command) =>
          command[0] === "ip"
            ? { success: false, out: "", err: "RTNETLINK answers: Network is unreachable\n" }
            : answers(command),
      },
      "network",
      "error",
      /no route to 127.0.0.1: RTNETLINK/,
      /ip route/,
    ],
    [
      {
        run: (command) =>
          command[0] === "nft"
            ? { success: true, out: "type filter hook input priority 0; policy drop;", err: "" }
            : answers(command),
      },
      "network",
      "warning",
      /has no rule for mDNS/,
      /5353/,
    ],
    [
      { files: { "/run/udev/rules.d/70-nvmf-autoconnect.rules": undefined } },
      "other programs",
      "warning",
      /udev rule/,
      /restart stafd/,
    ],
    [
      { files: { "/etc/systemd/system/default.target.wants/nvmf-autoconnect.service": "" } },
      "other programs",
      "notice",
      /nvmf-autoconnect.service also connects/,
      /disable/,
    ],
    [
      { files: { "/etc/nvme/discovery.conf": "-t tcp -a 1.1.1.1\n" } },
      "other programs",
      "notice",
      /connect-all/,
      /^null$/,
    ],
    [
      { files: { "/run/nvme/registry/nvme4/owner": "csi\n" } },
      "other programs",
      "notice",
      /nvme4 belongs to csi/,
      /^null$/,
    ],
    [
      {
        handlers: {
          health: () =>
            JSON.stringify(
              v1Health({ status: "degraded", problems: [{ id: "x", text: "it fails", remedy: "mend it" }] }),
            ),
        },
      },
      "stafd",
      "warning",
      /it fails/,
      /mend it/,
    ],
    [{ handlers: { state: () => "rubbish" } }, "stafd", "error", /not JSON/, /systemctl status/],
  ];
  for (const [one, area, verdict, text, remedy] of cases) {
    const { status, found } = await diagnose(one);
    const [first] = found;
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.deepEqual([first?.area, first?.verdict], [area, verdict]);
    assert.match(first?.text ?? "", text);
    assert.match(String(first?.remedy), remedy);
    assert.equal(status, verdict === "notice" ? 0 : 1);
  }
});

Deno.test("doctor of stacd does not care for mDNS; mDNS switched off is no problem either", async () => {
  assert.deepEqual((await diagnose({ avahi: false, program: stacctl })).found, []);
  const off = { "/etc/stas/stafd.conf": "[Service Discovery]\nzeroconf=disabled\n" };
  assert.deepEqual((await diagnose({ avahi: false, files: off })).found, []);
});

Deno.test("routes are looked up from the interface and address of each controller, once each", async () => {
  const asked: string[] = [];
  const one = v1Controller({ tid: { ...v1Controller().tid, hostIface: "eth0", hostTraddr: "10.0.0.9" } });
  const loop = v1Controller({ tid: { ...v1Controller().tid, transport: "loop", traddr: "" } });
  const { found } = await diagnose({
    files: { "/sys/module/nvme_loop/version": "" },
    handlers: { state: () => JSON.stringify(v1State({ controllers: [one, one, loop] })) },
    run: (command) => {
      if (command[0] === "ip") asked.push(command.join(" "));
      return answers(command);
    },
  });
  assert.deepEqual(found, []);
  assert.deepEqual(asked, ["ip route get 127.0.0.1 from 10.0.0.9 oif eth0"]);
});

Deno.test("finding 15: one cause is one finding; remedies are of the error that there is; totals come last", async () => {
  const controllers = Array.from(
    { length: 9 },
    (_, n) => v1Controller({ tid: { ...v1Controller().tid, traddr: `10.0.0.${n}` }, text: `c${n}` }),
  );
  const { found } = await diagnose({
    handlers: { state: () => JSON.stringify(v1State({ controllers })) },
    run: (command) =>
      command[0] === "ip"
        ? { success: false, out: "", err: "RTNETLINK answers: Network is unreachable\n" }
        : answers(command),
  });
  assert.deepEqual(found.map(({ text }) => text), [
    "there is no route to 9 addresses (10.0.0.0, 10.0.0.1, 10.0.0.2 and others): RTNETLINK answers: Network is unreachable",
  ]);
  const denied = { name: "org.freedesktop.DBus.Error.AccessDenied", message: "EACCES" };
  assert.match(busRemedy(denied), /^sudo/);
  assert.match(
    callRemedy("stafd", { ...denied, name: "org.freedesktop.DBus.Error.UnknownMethod" }),
    /restart stafd/,
  );
  const world = fakeWorld();
  assert.equal(await stafctl(["doctor"], world), 1);
  assert.match(world.out.text, /\n\d+ errors?(?:, \d+ warnings?)?(?:, \d+ notes?)?\.\n$/);
});
