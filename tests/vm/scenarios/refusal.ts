/** What makes a start impossible is told in one clear message, with the right exit status and nothing half-started. */
import assert from "node:assert/strict";
import { controllers, start } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

interface Refusal {
  readonly what: string;
  /** Run before and after the attempt. */
  readonly before?: string;
  readonly after?: string;
  /** DAEMON is replaced by stafd and stacd. */
  readonly command: string;
  readonly says: RegExp;
  /** 1 unless given. */
  readonly status?: number;
}

const REFUSALS: readonly Refusal[] = [
  { what: "not root", command: "runuser -u nobody -- /usr/sbin/DAEMON", says: /root/ },
  {
    what: "no fabrics device",
    before: "mv /dev/nvme-fabrics /dev/hidden",
    after: "mv /dev/hidden /dev/nvme-fabrics",
    command: "/usr/sbin/DAEMON",
    says: /\/dev\/nvme-fabrics/,
  },
  {
    what: "no bus",
    command: "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/no-bus /usr/sbin/DAEMON",
    says: /bus/i,
  },
  {
    what: "no host NQN",
    before: "mv /etc/nvme/hostnqn /etc/nvme/hidden",
    after: "mv /etc/nvme/hidden /etc/nvme/hostnqn",
    command: "/usr/sbin/DAEMON",
    says: /host ?nqn/i,
  },
  {
    what: "malformed configuration",
    before: "echo 'no section' >/etc/stas/DAEMON.conf",
    after: "cp /var/lib/lab-stas/DAEMON.conf /etc/stas/DAEMON.conf",
    command: "/usr/sbin/DAEMON",
    says: /DAEMON\.conf:1/,
    status: 78,
  },
];

async function refused(guest: Guest, daemon: string, refusal: Refusal): Promise<void> {
  const fill = (text: string) => text.replaceAll("DAEMON", daemon);
  if (refusal.before !== undefined) await guest.run(fill(refusal.before));
  const { code, stdout, stderr } = await guest.attempt(`timeout -k 5 60 env ${fill(refusal.command)}`);
  if (refusal.after !== undefined) await guest.run(fill(refusal.after));
  const said = stdout + stderr;
  const about = `${daemon}, ${refusal.what}: exit status ${code}\n${said}`;
  assert.equal(code, refusal.status ?? 1, about);
  assert.match(said, new RegExp(fill(refusal.says.source), refusal.says.flags), about);
  assert.doesNotMatch(said, /^\s+at .*:\d+/m, `a stack trace: ${about}`);
}

async function run(guest: Guest): Promise<void> {
  await guest.run("modprobe nvme-tcp && nvmet-lab up 1");
  for (const daemon of ["stafd", "stacd"]) {
    for (const refusal of REFUSALS) await refused(guest, daemon, refusal);
    await start(guest, daemon);
    await refused(guest, daemon, {
      what: "name taken",
      command: "/usr/sbin/DAEMON",
      says: /org\.nvmexpress\.sta[fc]/,
    });
    await guest.run(`systemctl is-active ${daemon} && systemctl stop ${daemon}`);
  }
  assert.deepEqual(await controllers(guest), [], "a refused start has connected something");
}

export const scenario: Scenario = { name: "refusal to start", ofOurs: true, run };
