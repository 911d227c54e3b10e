/** TLS to a discovery controller: used where it is asked for, and never left out because something is missing. */
import assert from "node:assert/strict";
import { controllers, start, untilDiscovering } from "../fabric.ts";
import { at, configure, confOf, listed, now, reload, untilLogged, untilPublished } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { TLS } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";
const WELL_KNOWN = "nqn.2014-08.org.nvmexpress.discovery";
const SECURE = "192.0.2.12";
const CLEAR = "192.0.2.11";
const line = (traddr: string, more = ""): string => `transport=tcp;traddr=${traddr}${more}`;
const PORT = "/sys/kernel/config/nvmet/ports/2";

/** A handshake daemon: the kernel asks that of the network namespace. */
const handshakes = (side: "host" | "tgt"): string =>
  `systemd-run --quiet --collect --unit=tlshd-${side} ` +
  `${side === "tgt" ? "-p NetworkNamespacePath=/run/netns/tgt " : ""}/usr/sbin/tlshd -s`;

async function run(guest: Guest): Promise<void> {
  // What an earlier run left in the kernel's keyring.
  await guest.attempt(`nvme tls-key --revoke='NVMe0R01 ${HOST_NQN} ${WELL_KNOWN}'`);
  await guest.run("nvmet-lab up 1 && nvmet-lab port-add 2");
  await guest.run(
    `echo tls1.3 >${PORT}/addr_tsas && echo required >${PORT}/addr_treq && nvmet-lab add two 2`,
  );
  await guest.run(handshakes("tgt"));

  // No key; then no handshake daemon; then both.
  await configure(guest, confOf([line(CLEAR), line(SECURE, ";tls=true")]));
  let since = await now(guest);
  await start(guest, "stafd");
  await untilDiscovering(guest, [`${CLEAR}:8009`]);
  await untilLogged(guest, since, /192\.0\.2\.12.* - Failed to connect to controller\. there is no TLS key/);
  await guest.run(`nvme gen-tls-key --hostnqn=${HOST_NQN} --subsysnqn=${WELL_KNOWN} --insert`);
  await guest.run("systemctl reload stafd");
  await untilLogged(guest, since, /192\.0\.2\.12.* - Failed to connect to controller\. there is no daemon/);
  await guest.run(handshakes("host"));
  const live = await untilDiscovering(guest, [`${CLEAR}:8009`, `${SECURE}:8009`]);
  const secure = live.find(({ address }) => address.includes(SECURE));
  assert.match(await guest.run(`cat /sys/class/nvme/${secure?.device}/tls_key`), /^[0-9a-f]{8}$/m);
  await untilPublished(guest, at(await listed(guest), SECURE), ["two"]);

  // Without it, the one that demands it is not reached; with it, one that does not offer it is not connected without TLS.
  await reload(guest, confOf([]));
  await untilDiscovering(guest, []);
  since = await now(guest);
  await reload(guest, confOf([line(CLEAR, ";tls=true"), line(SECURE)]));
  await untilLogged(guest, since, /192\.0\.2\.11.* - Failed to connect to controller\. no answer to the TLS/);
  await untilLogged(guest, since, /192\.0\.2\.12.* - Failed to connect to controller\. .*tls = true/);
  assert.deepEqual(await controllers(guest), []);
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: TLS", ofOurs: true, slow: true, needs: TLS, run },
];
