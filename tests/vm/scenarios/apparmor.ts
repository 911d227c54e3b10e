/**
 * The daemons in their AppArmor profile, enforced, with no denial: connecting, a page that changes, disconnecting; and what
 * other scenarios have them do.
 */
import assert from "node:assert/strict";
import { capture } from "../../../scripts/run.ts";
import { configureStacd, configureStafd, hide, ONE, unhide } from "../stacd.ts";
import { start, untilConnected, untilDiscovering } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { APPARMOR, lackingIn } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { scenario as discovery } from "./discovery.ts";
import { scenarios as byHand } from "./stacd_by_hand.ts";
import { scenarios as inUse } from "./stacd_in_use.ts";
import { scenarios as tls } from "./stacd_tls.ts";
import { scenarios as registration } from "./stafd_cdc.ts";

const NAME = "nvme-stas-daemon";
const KERNEL = "/sys/kernel/security/apparmor";
/** What the guest's kernel can mediate, in the form of a file of features. */
const FEATURES = `describe() {
  for entry in "$1"/*; do
    printf '%s {' "\${entry##*/}"
    if [ -d "$entry" ]; then describe "$entry"; else cat "$entry"; fi
    printf '}\\n'
  done
}
describe ${KERNEL}/features`;

/** `lab-reset` leaves those of /run alone. */
const dropIn = (daemon: string): string => `/run/systemd/system/${daemon}.service.d`;

/** mDNS, claims of block devices, keyrings, keys by sysfs, registration: each touches other files. */
const OTHERS: readonly Scenario[] = [
  discovery,
  ...inUse,
  ...tls,
  ...byHand.filter(({ name }) => name.includes("keys by sysfs")),
  ...registration.filter(({ name }) => name.includes("registration")),
];

/** Compiled here, for the guest's kernel: the guest needs no parser. */
async function load(guest: Guest): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/features`, await guest.run(FEATURES));
    const words = ["-Q", "-K", "--kernel-features", `${dir}/features`, "-o", `${dir}/profile`];
    await capture(["apparmor_parser", ...words, `packaging/apparmor/${NAME}`]);
    await guest.writeFile("/run/apparmor-profile", (await Deno.readFile(`${dir}/profile`)).toBase64());
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  await guest.run(
    `base64 -d /run/apparmor-profile >/run/apparmor-binary && cat /run/apparmor-binary >${KERNEL}/.replace`,
  );
}

/** What the kernel has refused to the profile since the boot. */
async function denials(guest: Guest): Promise<readonly string[]> {
  const lines = await guest.run(`dmesg | grep 'apparmor="DENIED"' | grep 'profile="${NAME}"' || true`);
  return lines.split("\n").filter((line) => line !== "");
}

async function inProfile(guest: Guest, work: () => Promise<void>): Promise<void> {
  await load(guest);
  try {
    for (const daemon of ["stafd", "stacd"]) {
      await guest.run(`mkdir -p ${dropIn(daemon)}`);
      await guest.writeFile(`${dropIn(daemon)}/apparmor.conf`, `[Service]\nAppArmorProfile=${NAME}\n`);
    }
    await guest.run("systemctl daemon-reload");
    await work();
  } finally {
    await guest.run("systemctl stop stacd stafd");
    await guest.run(
      `rm -rf ${dropIn("stafd")} ${
        dropIn("stacd")
      }; systemctl daemon-reload; printf ${NAME} >${KERNEL}/.remove`,
    );
  }
}

async function areConfined(guest: Guest): Promise<void> {
  for (const daemon of ["stafd", "stacd"]) {
    const confined = await guest.run(`cat /proc/$(systemctl show -P MainPID ${daemon})/attr/current`);
    assert.equal(confined.trim(), `${NAME} (enforce)`, daemon);
  }
}

const run = (guest: Guest): Promise<void> =>
  inProfile(guest, async () => {
    await guest.run("nvmet-lab up 2");
    await configureStafd(guest, [ONE]);
    await configureStacd(guest, {});
    await start(guest, "stafd", "stacd");
    await areConfined(guest);
    await untilDiscovering(guest, [`${ONE}:8009`]);
    await untilConnected(guest, ["sub-001", "sub-002"]);
    await guest.run(hide("sub-002"));
    await untilConnected(guest, ["sub-001"]);
    await guest.run(unhide("sub-002"));
    await untilConnected(guest, ["sub-001", "sub-002"]);
    await guest.run("systemctl reload stafd stacd && stafctl ls && stacctl ls");
    await guest.run("systemctl restart stafd stacd");
    await untilConnected(guest, ["sub-001", "sub-002"]);
    await guest.run("stafctl status && stacctl explain sub-001 && systemctl stop stacd stafd");
    assert.deepEqual(await denials(guest), []);
    // That a denial would have been seen: another program in the profile, which may not write there.
    const enter = `echo 'exec ${NAME}' >/proc/self/attr/exec && exec touch /var/tmp/denied`;
    assert.notEqual((await guest.attempt(`sh -c "${enter}"`)).code, 0);
    assert.ok((await denials(guest)).length > 0);
  });

const others = (guest: Guest): Promise<void> =>
  inProfile(guest, async () => {
    const before = await denials(guest);
    const lacking = await lackingIn(guest, OTHERS.flatMap(({ needs = [] }) => needs));
    for (const { name, needs = [], run } of OTHERS) {
      if (needs.some((need) => lacking.has(need))) continue;
      await guest.run("lab-reset");
      await run(guest);
      assert.deepEqual((await denials(guest)).slice(before.length), [], name);
    }
    await start(guest, "stafd", "stacd");
    await areConfined(guest);
  });

const KERNEL_ARGUMENTS = "lsm=capability,apparmor audit=1 audit_backlog_limit=8192";

export const scenarios: readonly Scenario[] = [
  {
    name: "AppArmor: enforced",
    ofOurs: true,
    slow: true,
    needs: APPARMOR,
    kernelArguments: KERNEL_ARGUMENTS,
    run,
  },
  {
    name: "AppArmor: what other scenarios have the daemons do",
    ofOurs: true,
    slow: true,
    needs: APPARMOR,
    kernelArguments: KERNEL_ARGUMENTS,
    run: others,
  },
];
