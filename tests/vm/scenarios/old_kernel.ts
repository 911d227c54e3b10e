/**
 * A kernel like 5.14: it does not show what kind a controller is, nor how it authenticates or encrypts (those attributes came
 * with 5.18, 6.0 and 6.7). Such kernels cannot be had for the machine; here the daemons do not see those attributes, because
 * strace has the kernel answer "no such file" for them. Nothing in the daemons knows of that.
 */
import assert from "node:assert/strict";
import { connections } from "../stafd.ts";
import { nothingChanges, SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { STRACE } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const HIDDEN = [
  "cntrltype",
  "dctype",
  "dhchap_secret",
  "dhchap_ctrl_secret",
  "tls_key",
  "tls_keyring",
  "tls_configured_key",
  "tls_mode",
  "passthru_err_log_enabled",
  "adm_passthru_err_log_enabled",
] as const;
/** Controllers that are hidden so also when they are read by their whole path. */
const DEVICES = 16;
/** Longer than the time a removal is soaked for. */
const WATCH = 15;

function paths(): string[] {
  const devices = Array.from({ length: DEVICES }, (_, index) => `nvme${index}`);
  const folders = ["/sys/class/nvme", "/sys/devices/virtual/nvme-fabrics/ctl"];
  return HIDDEN.flatMap((name) => [
    name,
    ...devices.flatMap((device) => folders.map((folder) => `${folder}/${device}/${name}`)),
  ]);
}

/** The daemon is the unit's main process as ever; strace watches it from a process of its own. */
function dropIn(daemon: string): string {
  const strace = ["/usr/bin/strace -D -f -qq --seccomp-bpf -o", `/run/${daemon}.hidden`, "-e trace=openat"];
  const inject = ["-e inject=openat:error=ENOENT", ...paths().map((path) => `-P ${path}`)];
  return [
    "[Service]",
    "ExecStart=",
    `ExecStart=${[...strace, ...inject].join(" ")} /usr/sbin/${daemon} --syslog`,
    "SystemCallFilter=",
    "CapabilityBoundingSet=~",
    "ProtectProc=default",
    "WatchdogSec=0",
    "",
  ].join("\n");
}

async function run(guest: Guest): Promise<void> {
  for (const daemon of ["stafd", "stacd"]) {
    await guest.run(`mkdir -p /etc/systemd/system/${daemon}.service.d && rm -f /run/${daemon}.hidden`);
    await guest.writeFile(`/etc/systemd/system/${daemon}.service.d/old.conf`, dropIn(daemon));
  }
  await guest.run("systemctl daemon-reload && nvmet-lab up 2 && nvmet-lab mdns-up 1");
  await start(guest, "stafd", "stacd");
  await untilDiscovering(guest, ["192.0.2.11:8009"]);
  await untilConnected(guest, ["sub-001", "sub-002"]);
  for (const daemon of ["stafd", "stacd"]) {
    const hidden = await guest.run(`grep -c 'cntrltype.*ENOENT.*INJECTED' /run/${daemon}.hidden || true`);
    assert.notEqual(hidden.trim(), "0", `${daemon} was not kept from reading cntrltype`);
  }

  // What was made is known again after a restart, each for what it is.
  const made = await connections(guest);
  const before = await untilConnected(guest, ["sub-001", "sub-002"]);
  await guest.run("systemctl restart stafd stacd");
  await nothingChanges(guest, before, WATCH);
  assert.equal(await connections(guest), made);
  await guest.until(
    "stacctl lists both",
    "stacctl ls -o json",
    (out) => ["sub-001", "sub-002"].every((name) => out.includes(name)),
    SOON,
  );

  await guest.run("nvmet-lab add extra 1");
  await untilConnected(guest, ["extra", "sub-001", "sub-002"]);
  await guest.run("nvmet-lab unlink extra 1");
  await untilConnected(guest, ["sub-001", "sub-002"]);
  await untilDiscovering(guest, ["192.0.2.11:8009"]);
}

export const scenarios: readonly Scenario[] = [
  { name: "kernel without the kind of a controller", ofOurs: true, slow: true, needs: STRACE, run },
];
