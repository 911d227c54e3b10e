/** RDMA, by soft-RoCE: a target and a host in one kernel (the full one; the cloud kernels have no rdma_rxe). */
import assert from "node:assert/strict";
import { nqnOf, reloadStacd } from "../stacd.ts";
import { SOON, start, untilConnected, untilDiscovering } from "../fabric.ts";
import { configure, confOf, reload } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { RDMA } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { followsLine, followsPage, type Place } from "../transport.ts";

/** The lab's target. */
const TRADDR = "192.0.2.101";
const TARGET: Place = {
  where: `transport=rdma;traddr=${TRADDR};trsvcid=4420`,
  discovery: `${TRADDR}:4420`,
  port: 51,
};
/** On the link of the RDMA device, and nobody's. */
const DEAD = [250, 251, 252].map((host) =>
  `transport=rdma;traddr=192.0.2.${host};trsvcid=4420;nqn=${nqnOf("none")}`
);

async function deadOnesAreTold(guest: Guest): Promise<void> {
  const why = await guest.until(
    "the failure of a dead address is told in RDMA's words",
    "COLUMNS=400 stacctl explain 192.0.2.250",
    (out) => /E[A-Z]{4,}/.test(out),
    SOON,
  );
  assert.doesNotMatch(why, /tls = true|NVMe\/TCP|host-iface/);
}

/** Announced by mDNS with `p=roce`. The host's own Avahi announces: the target has no other machine's address. */
async function byMdns(guest: Guest): Promise<void> {
  await guest.run(
    "systemctl start avahi-daemon && " +
      `systemd-run --quiet --collect --unit=rdma-name avahi-publish -a -R rdma1.local ${TRADDR} && ` +
      "systemd-run --quiet --collect --unit=rdma-service avahi-publish-service -H rdma1.local rdma1 " +
      "_nvme-disc._tcp 4420 p=roce nqn=nqn.2014-08.org.nvmexpress.discovery",
  );
  await reload(guest, "[Global]\n");
  await guest.until(
    "stafd has the controller by mDNS",
    `COLUMNS=400 stafctl explain ${TRADDR}`,
    (out) => /mDNS/.test(out) && out.includes(`(rdma, ${TRADDR}, 4420`),
    SOON,
  );
  await untilDiscovering(guest, [TARGET.discovery]);
  await untilConnected(guest, ["one"]);
  await guest.run("systemctl stop rdma-name rdma-service");
}

async function run(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab rdma-up && nvmet-lab add one ${TARGET.port} && nvmet-lab create two`);
  await configure(guest, confOf([]));
  await start(guest, "stacd");
  await followsLine(guest, TARGET, DEAD, () => deadOnesAreTold(guest));
  await followsPage(guest, TARGET);
  await byMdns(guest);
}

/** H1: what somebody made without authentication is not called good for a line that asks for it, and is not taken away. */
async function unprotected(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab rdma-up && nvmet-lab add one ${TARGET.port}`);
  await guest.run(`nvme connect -t rdma -a ${TRADDR} -s 4420 -n ${nqnOf("one")}`);
  await configure(guest, confOf([]));
  await start(guest, "stacd");
  const secret = (await guest.run("nvme gen-dhchap-key --hmac=0 2>/dev/null")).trim();
  await reloadStacd(guest, { controllers: [`${TARGET.where};nqn=${nqnOf("one")};dhchap-secret=${secret}`] });
  await guest.until(
    "degraded: less safe than asked",
    "COLUMNS=400 stacctl status -o table; true",
    (out) => /less safe than asked/.test(out),
    SOON,
  );
  await untilConnected(guest, ["one"]);
  await guest.run("systemctl restart stacd");
  await guest.always(
    "it stays",
    "cat /sys/class/nvme/nvme*/state",
    (out) => out.trim() === "live",
    { seconds: 15 },
  );
}

export const scenarios: readonly Scenario[] = [
  {
    name: "RDMA: line, dead lines, log page, notification, mDNS, disconnect",
    ofOurs: true,
    needs: RDMA,
    run,
  },
  {
    name: "RDMA: an unprotected connection under a line with a secret",
    ofOurs: true,
    slow: true,
    needs: RDMA,
    run: unprotected,
  },
];
