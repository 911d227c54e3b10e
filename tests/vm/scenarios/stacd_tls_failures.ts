/**
 * TLS that fails at the other side: an array with another key, and a handshake daemon that is killed in the middle. Neither ends
 * in a connection without TLS, and both end once the cause is gone.
 */
import assert from "node:assert/strict";
import { configureStacd, configureStafd, deviceOf, nqnOf, TWO, untilStacdLogged } from "../stacd.ts";
import { controllers, SOON, start, untilConnected } from "../fabric.ts";
import { now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { TLS } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";
const PORT = "/sys/kernel/config/nvmet/ports/2";
const OTHER_KEY = "192.0.2.13";
const STAYS = { seconds: 30 };

/** An array that proves another key: target and host of this machine have one keyring, so it is a program. */
const ARRAY = `
import socket, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.set_psk_server_callback(lambda identity: b"k" * 32)
server = socket.create_server(("${OTHER_KEY}", 8009))
while True:
    peer, _ = server.accept()
    peer.settimeout(10)
    try:
        context.wrap_socket(peer, server_side=True).close()
        print("agreed", flush=True)
    except OSError as error:
        print(error, flush=True)
        peer.close()
`;

const handshakes = (side: "host" | "tgt"): string =>
  `systemd-run --quiet --collect --unit=tlshd-${side} ` +
  `${side === "tgt" ? "-p NetworkNamespacePath=/run/netns/tgt " : ""}/usr/sbin/tlshd -s`;

const line = (name: string, traddr: string): string =>
  `transport=tcp;traddr=${traddr};trsvcid=8009;nqn=${nqnOf(name)};tls=true`;

const of = (name: string): string =>
  `for c in /sys/class/nvme/nvme*; do [ -e $c ] && grep -qx ${
    nqnOf(name)
  } $c/subsysnqn && echo $c; done; true`;

async function isByTls(guest: Guest, name: string): Promise<void> {
  const device = deviceOf(await controllers(guest), name);
  assert.match(await guest.run(`cat /sys/class/nvme/${device}/tls_key`), /^[0-9a-f]{8}$/m);
}

async function run(guest: Guest): Promise<void> {
  const names = ["two", "other"];
  for (const name of names) {
    await guest.attempt(`nvme tls-key --revoke='NVMe0R01 ${HOST_NQN} ${nqnOf(name)}'`);
  }
  await guest.run("nvmet-lab up 0 && nvmet-lab port-add 2");
  await guest.run(
    `echo tls1.3 >${PORT}/addr_tsas && echo required >${PORT}/addr_treq && nvmet-lab add two 2`,
  );
  await guest.run(`${handshakes("tgt")} && ${handshakes("host")}`);
  for (const name of names) {
    await guest.run(`nvme gen-tls-key --hostnqn=${HOST_NQN} --subsysnqn=${nqnOf(name)} --insert`);
  }
  await guest.writeFile("/run/array.py", ARRAY);
  await guest.run(
    "systemd-run --quiet --collect --unit=lab-array -p NetworkNamespacePath=/run/netns/tgt python3 /run/array.py",
  );
  await configureStafd(guest, []);
  await configureStacd(guest, { controllers: [line("other", OTHER_KEY), line("two", TWO)] });
  try {
    let since = await now(guest);
    await start(guest, "stafd", "stacd");
    // The one with another key does not keep the other from being connected.
    await untilConnected(guest, ["two"]);
    await isByTls(guest, "two");
    await untilStacdLogged(
      guest,
      since,
      /other.* - Failed to connect to controller\. the TLS handshake failed .*the keys of host and controller may differ/,
    );
    await guest.always("not without TLS", of("other"), (out) => out === "", STAYS);
    const array = await guest.run("journalctl -u lab-array -o cat --no-pager");
    assert.match(array, /binder does not verify/);
    assert.doesNotMatch(array, /agreed/);

    // It is killed while it has a handshake in hand; what is connected stays.
    await guest.run("systemctl kill -s STOP tlshd-host");
    await isByTls(guest, "two");
    since = await now(guest);
    await guest.run(`nvme disconnect -n ${nqnOf("two")}`);
    await guest.until(
      "the kernel waits for the handshake",
      `ss -Htn state established dst ${TWO}`,
      (out) => out.includes(TWO),
      SOON,
    );
    await guest.run("systemctl kill -s KILL tlshd-host");
    await untilStacdLogged(guest, since, /two.* - Failed to connect to controller\. .*TLS/);
    await guest.always("not without TLS", of("two"), (out) => out === "", STAYS);
    assert.match(
      await guest.run("COLUMNS=400 stacctl explain two"),
      /attempt +no answer to the TLS handshake \(ETIMEDOUT\)/,
    );
    await guest.run(handshakes("host"));
    await untilConnected(guest, ["two"]);
    await isByTls(guest, "two");
  } finally {
    await guest.attempt("systemctl stop tlshd-host tlshd-tgt lab-array");
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: "stacd: TLS with another key, and a handshake daemon killed in the middle",
    ofOurs: true,
    slow: true,
    needs: TLS,
    run,
  },
];
