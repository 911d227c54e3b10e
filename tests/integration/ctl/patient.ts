/** A host that `doctor` looks at: healthy, but for what a test changes. */
import assert from "node:assert/strict";
import { main as stafctl } from "../../../src/ctl/stafctl.ts";
import type { Ran } from "../../../src/ctl/world.ts";
import type { Bus } from "../../../src/lib/dbus/bus.ts";
import type { StafHandlers } from "../../../src/lib/dbus/server.ts";
import { fakeWorld } from "../../unit/ctl/fake_world.ts";
import { privateBus } from "../dbus/private_bus.ts";
import { sampleDaemon } from "./sample_daemon.ts";

const MACHINE_ID = "0123456789abcdef0123456789abcdef";
const OWN_UUID = "f2782346-4809-484a-9a8b-952a04b57ba4";
export const NQN = `nqn.2014-08.org.nvmexpress:uuid:${OWN_UUID}`;

/** A healthy host; a test takes something away from it. */
const HEALTHY: Readonly<Record<string, string>> = {
  "/dev/nvme-fabrics": "",
  "/sys/module/nvme_tcp/version": "",
  "/etc/machine-id": `${MACHINE_ID}\n`,
  "/etc/nvme/hostnqn": `${NQN}\n`,
  "/etc/nvme/hostid": `${OWN_UUID}\n`,
  "/etc/stas/stafd.conf": "",
  "/proc/sys/net/ipv4/igmp_max_memberships": "20\n",
  "/sys/class/net/eth0/operstate": "up\n",
  "/sys/class/net/eth1/operstate": "down\n",
  "/usr/lib/udev/rules.d/70-nvmf-autoconnect.rules": "",
  "/run/udev/rules.d/70-nvmf-autoconnect.rules": "",
  "/sys/class/nvme/nvme0/hostnqn": `${NQN}\n`,
  "/run/nvme/registry/nvme0/owner": "stas\n",
  "/etc/nvme/discovery.conf": "# only a comment\n",
};

const OPTIONS = "instance=-1,transport,host_iface,discovery,dhchap_secret,tls,concat\n";

export interface Diagnosis {
  readonly area: string;
  readonly verdict: string;
  readonly text: string;
  readonly remedy: string | null;
}

export interface Case {
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
  readonly run?: (command: readonly string[]) => Ran | undefined;
  readonly handlers?: Partial<StafHandlers>;
  readonly daemon?: boolean;
  readonly avahi?: boolean;
  readonly program?: typeof stafctl;
}

export const answers = (command: readonly string[]): Ran | undefined => {
  const ok = (out: string): Ran => ({ success: true, out, err: "" });
  if (command[0] === "cat") return ok(OPTIONS);
  return command[0] === "ip" ? ok("127.0.0.1 dev lo") : undefined;
};

/** One program answers this, the others as on the healthy host. */
export function told(program: string, out: string): (command: readonly string[]) => Ran | undefined {
  return (command) => command[0] === program ? { success: true, out, err: "" } : answers(command);
}

/** What doctor says that is not good. */
export async function diagnose(
  one: Case,
): Promise<{ readonly status: number; readonly found: readonly Diagnosis[] }> {
  await using bus = await privateBus();
  const root = await Deno.makeTempDir();
  for (const [path, text] of Object.entries({ ...HEALTHY, ...one.files })) {
    if (text === undefined) continue;
    await Deno.mkdir(root + path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(root + path, text);
  }
  const daemon: Bus | undefined = one.daemon === false
    ? undefined
    : await sampleDaemon(bus.address, one.handlers);
  if (one.avahi !== false) await daemon?.requestName("org.freedesktop.Avahi");
  const world = fakeWorld({
    bus: bus.address,
    root,
    confDir: `${root}/etc/stas`,
    run: one.run ?? answers,
    hiddenFolders: [{ path: "/hidden", directive: "ProtectHome=yes" }],
    ...(one.uid === undefined ? {} : { uid: one.uid }),
  });
  const status = await (one.program ?? stafctl)(["doctor", "-o", "json"], world);
  daemon?.close();
  await Deno.remove(root, { recursive: true });
  const all: Diagnosis[] = JSON.parse(world.out.text.replaceAll(root, ""));
  assert.ok(all.every(({ verdict, remedy }) => !["warning", "error"].includes(verdict) || remedy !== null));
  return { status, found: all.filter(({ verdict }) => verdict !== "good") };
}
