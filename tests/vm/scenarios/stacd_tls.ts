/**
 * TLS by log page (DEC-15): the page of a port that offers TLS. Without a key without TLS, with one by TLS; after that an expired
 * key or a missing handshake daemon means no connection, and an existing connection survives both.
 */
import assert from "node:assert/strict";
import { configureStacd, configureStafd, deviceOf, nqnOf, reloadStacd, untilStacdLogged } from "../stacd.ts";
import { controllers, start, untilConnected } from "../fabric.ts";
import { now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { TLS } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";
const SECURE = "192.0.2.12";
const PORT = "/sys/kernel/config/nvmet/ports/2";
const STAYS = { seconds: 30 };
const NONE =
  "cd /sys/class/nvme && for c in nvme*; do [ -e $c ] && [ $(cat $c/cntrltype) = io ] && cat $c/subsysnqn; done; true";

const handshakes = (side: "host" | "tgt"): string =>
  `systemd-run --quiet --collect --unit=tlshd-${side} ` +
  `${side === "tgt" ? "-p NetworkNamespacePath=/run/netns/tgt " : ""}/usr/sbin/tlshd -s`;

/** Lets the key end, as its lifetime does. Target and host have one keyring: no handshake can be had after that. */
const EXPIRE = `python3 - <<'END'
import ctypes, re
keyctl = lambda *a: ctypes.CDLL(None).syscall(250, *a)
keys = open("/proc/keys").read()
ring = int(re.search(r"^(\\S+) .* keyring +\\.nvme", keys, re.M)[1], 16)
key = int(re.search(r"^(\\S+) .* psk +NVMe\\dR0\\d ${HOST_NQN} ${nqnOf("two")}", keys, re.M)[1], 16)
assert keyctl(8, ring, -3) == 0 and keyctl(15, key, 1) == 0
END
sleep 2; grep -E 'expd .*psk .*two' /proc/keys`;

async function tlsKeyOf(guest: Guest): Promise<string> {
  const device = deviceOf(await controllers(guest), "two");
  return (await guest.run(`cat /sys/class/nvme/${device}/tls_key 2>/dev/null; true`)).trim();
}

const cut = (guest: Guest): Promise<string> => guest.run(`nvme disconnect -n ${nqnOf("two")}`);
const insert = (guest: Guest): Promise<string> =>
  guest.run(`nvme gen-tls-key --hostnqn=${HOST_NQN} --subsysnqn=${nqnOf("two")} --insert`);

async function run(guest: Guest): Promise<void> {
  await guest.attempt(`nvme tls-key --revoke='NVMe0R01 ${HOST_NQN} ${nqnOf("two")}'`);
  await guest.run("nvmet-lab up 0 && nvmet-lab port-add 2");
  await guest.run(`echo tls1.3 >${PORT}/addr_tsas && echo 'not required' >${PORT}/addr_treq`);
  await guest.run(`nvmet-lab add two 2 && ${handshakes("tgt")} && ${handshakes("host")}`);
  await configureStafd(guest, [SECURE]);
  await configureStacd(guest, {});
  let since = await now(guest);
  try {
    // No key: without TLS, and said.
    await start(guest, "stafd", "stacd");
    await untilConnected(guest, ["two"]);
    assert.equal(await tlsKeyOf(guest), "");
    await untilStacdLogged(guest, since, /without TLS: the log page of .* offers TLS, and there is no key/);
    assert.match(await guest.run("COLUMNS=400 stacctl explain two"), /offers TLS, and there is no key/);

    // A key exists when it is connected the next time.
    await insert(guest);
    await cut(guest);
    await untilConnected(guest, ["two"]);
    assert.match(await tlsKeyOf(guest), /^[0-9a-f]{8}$/);

    // It has expired: what was connected by TLS is not connected without TLS; with a new one it is connected.
    await guest.run(EXPIRE);
    assert.match(await tlsKeyOf(guest), /^[0-9a-f]{8}$/, "the connection stays");
    since = await now(guest);
    await cut(guest);
    await untilStacdLogged(guest, since, /two.* - Failed to connect to controller\. /);
    await guest.always("not without TLS", NONE, (out) => out.trim() === "", STAYS);
    assert.match(await guest.run("COLUMNS=400 stacctl explain two"), /it was connected by TLS before/);
    await insert(guest);
    await reloadStacd(guest, {});
    await untilConnected(guest, ["two"]);

    // The same without a daemon for the handshake.
    await guest.run("systemctl stop tlshd-host");
    assert.match(await tlsKeyOf(guest), /^[0-9a-f]{8}$/, "the connection stays");
    since = await now(guest);
    await cut(guest);
    await untilStacdLogged(guest, since, /two.* - Failed to connect to controller\. there is no daemon/);
    await guest.always("not without TLS", NONE, (out) => out.trim() === "", STAYS);
    // A person may say otherwise.
    await reloadStacd(guest, { global: ["tls-from-log-page = ignore"] });
    await untilConnected(guest, ["two"]);
    assert.equal(await tlsKeyOf(guest), "");
  } finally {
    await guest.attempt("systemctl stop tlshd-host tlshd-tgt");
  }
}

export const scenarios: readonly Scenario[] = [
  { name: "stacd: TLS as the log page says", ofOurs: true, slow: true, needs: TLS, run },
];
