/**
 * Thirty discovery controllers with pages as long as a hostile one makes them, which change all the time, named by lines or by
 * mDNS: both daemons stay below 150 MB, follow the rightful controller, and none of them is started again (V4).
 */
import assert from "node:assert/strict";
import { configureStacd, nqnOf, ONE } from "../stacd.ts";
import { SOON, start } from "../fabric.ts";
import { configure, confOf, fakeUp } from "../stafd.ts";
import { AVAHI } from "../needs.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const HOSTILE = 30;
const ENTRIES = 2_000;
const LIMIT = 150 * 1024;
/** All of it is read in an emulated machine. */
const SLOWLY = { seconds: 240 };
const PORT = 8010;

const addresses = Array.from({ length: HOSTILE }, (_, n) => `192.0.2.${101 + n}`);

const live = (name: string): string =>
  `for c in /sys/class/nvme/nvme*; do grep -qx ${nqnOf(name)} $c/subsysnqn && cat $c/state; done; true`;

/** Of both daemons: the most memory that each has had, in kB. */
async function peaks(guest: Guest): Promise<readonly number[]> {
  const text = await guest.run(
    "for d in stafd stacd; do sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\) kB/\\1/p' /proc/$(systemctl show -P MainPID $d)/status; done",
  );
  return text.trim().split("\n").map(Number);
}

/** One service for each of them, by a responder that announces nothing else. */
async function announceAll(guest: Guest): Promise<void> {
  const folder = "/run/nvmet-lab/avahi";
  const services = addresses.map((_, n) =>
    `<service-group><name>hostile ${n}</name><service><type>_nvme-disc._tcp</type><host-name>h${n}.local</host-name>` +
    `<port>${PORT}</port><txt-record>p=tcp</txt-record></service></service-group>`
  );
  const hosts = addresses.map((address, n) => `${address} h${n}.local\n`).join("");
  const files = services.map((text, n) => `printf '%s' '${text}' > ${folder}/services/h${n}.service`);
  await guest.run(
    `nvmet-lab mdns-up 1 && rm ${folder}/services/*.service && printf '${hosts}' > ${folder}/hosts && ` +
      `${files.join(" && ")} && systemctl restart lab-mdns`,
  );
}

/** `announce`: what names the hostile ones if no lines do. */
async function run(guest: Guest, announce?: (guest: Guest) => Promise<void>): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await guest.run(
    addresses.map((address) => `ip -n tgt address add ${address}/24 dev tgt0`).join(" && "),
  );
  // What they list is refused by the one address, and silent at the other.
  const listed = [ONE, "192.0.2.250"];
  await fakeUp(guest, {
    addr: "0.0.0.0",
    port: PORT,
    entries: ENTRIES,
    long: true,
    apart: true,
    stamp: true,
    listed,
  });
  const own = `transport=tcp;traddr=${ONE};trsvcid=8009`;
  if (announce === undefined) {
    const hostile = addresses.map((address) => `transport=tcp;traddr=${address};trsvcid=${PORT}`);
    await configure(guest, confOf([...hostile, own]));
  } else {
    await announce(guest);
    await configure(guest, confOf([own]).replace("zeroconf = disabled", "zeroconf = enabled"));
  }
  await configureStacd(guest, {});
  await start(guest, "stafd", "stacd");
  const processes = "systemctl show -P MainPID -P NRestarts stafd stacd";
  const begun = await guest.run(processes);
  await guest.until("the rightful subsystem is live", live("sub-001"), (out) => out === "live\n", SLOWLY);
  await guest.until(
    "all are connected",
    "fake-cdc show",
    (out) => out.includes(`"connected": ${HOSTILE},`),
    SLOWLY,
  );
  for (let round = 0; round < 3; round++) {
    await guest.run("fake-cdc aen && sleep 20");
  }
  await guest.run("nvmet-lab add late 1");
  await guest.until("the rightful change is followed", live("late"), (out) => out === "live\n", SLOWLY);
  const most = await peaks(guest);
  console.log(`        most memory of stafd and stacd, in kB: ${most.join(", ")}`);
  for (const kB of most) assert.ok(kB < LIMIT, `${kB} kB`);
  assert.equal(await guest.run(processes), begun, "a daemon was started again");
  await guest.until("stacctl answers", "stacctl ls >/dev/null && echo yes", (out) => out === "yes\n", SOON);
}

export const scenarios: readonly Scenario[] = [
  { name: "thirty hostile discovery controllers", ofOurs: true, slow: true, run: (guest) => run(guest) },
  {
    name: "thirty hostile discovery controllers by mDNS",
    ofOurs: true,
    slow: true,
    needs: AVAHI,
    run: (guest) => run(guest, announceAll),
  },
];
