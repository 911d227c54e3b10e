/** Data goes on flowing while the daemons die; and whenever stacd is killed, it ends where it should. */
import assert from "node:assert/strict";
import { configureStafd, identities, ONE, untilIocsListed } from "../stacd.ts";
import { SOON, start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, writeAndReadBack } from "../storage.ts";

const ROUNDS = 10;

/** Runs a script of the guest that may take longer than one command may; gives back what it printed. */
async function runLong(guest: Guest, script: string, args: string): Promise<string> {
  await guest.writeFile("/run/long", script);
  await guest.run(
    `systemd-run --quiet --unit=long -p RemainAfterExit=yes -p StandardOutput=truncate:/run/long.out sh /run/long ${args}`,
  );
  const ended = "systemctl show -P SubState -P Result long";
  const state = await guest.until("the script ends", ended, (out) => !/^(running|start)/m.test(out), {
    seconds: 1200,
  });
  await guest.run("systemctl stop long 2>/dev/null; systemctl reset-failed long 2>/dev/null; true");
  assert.match(state, /exited/, state);
  return await guest.run("cat /run/long.out");
}

/** In the guest: kills and starts both daemons, while dd writes and reads all the time. */
const UNDER_LOAD = `set -e
device=$1
rm -f /run/dd-stop /run/dd-rounds
( n=0
  while [ ! -e /run/dd-stop ]; do
      dd if=/dev/zero of=$device bs=64k count=32 oflag=direct conv=fsync status=none || { echo failed >/run/dd-rounds; exit 1; }
      dd if=$device of=/dev/null bs=64k count=32 iflag=direct status=none || { echo failed >/run/dd-rounds; exit 1; }
      n=$((n + 1)); echo $n >/run/dd-rounds
  done ) &
for round in $(seq ${ROUNDS}); do
    if [ $((round % 2)) = 0 ]; then systemctl kill -s KILL stafd; else systemctl stop stafd; fi
    sleep 1
    systemctl reset-failed stafd 2>/dev/null || true
    systemctl start stafd
    [ $((round % 3)) != 0 ] || systemctl restart stacd
done
touch /run/dd-stop
wait
cat /run/dd-rounds`;

async function load(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2");
  await configureStafd(guest, [ONE]);
  await start(guest, "stafd", "stacd");
  const names = ["sub-001", "sub-002"];
  await untilConnected(guest, names);
  const made = await identities(guest, names);
  const device = await untilBlockDevice(guest, "sub-001");
  const since = (await guest.run("date +%s.%N")).trim();
  const rounds = Number((await runLong(guest, UNDER_LOAD, device)).trim().split("\n").at(-1));
  assert.ok(rounds > ROUNDS, `dd went round ${rounds} times`);
  const kernel = await guest.run(`journalctl -k -o cat --no-pager --since=@${since}`);
  assert.doesNotMatch(kernel, /I\/O error|Buffer I\/O|critical|Removing ctrl|reconnect/i);
  await untilConnected(guest, names);
  assert.equal(await identities(guest, names), made, "connections were made again");
  await writeAndReadBack(guest, "sub-001", device);
}

/** In the guest: changes the target and kills stacd, with pauses from a fixed row, so that it dies in every phase. */
const AT_RANDOM = `set -e
pauses=$1 n=0
for pause in $pauses; do
    n=$((n + 1))
    case $((n % 4)) in
    0) nvmet-lab unlink sub-003 1 ;;
    1) nvmet-lab link extra 1; nvmet-lab unlink sub-002 1 ;;
    2) nvmet-lab link sub-003 1 ;;
    3) nvmet-lab link sub-002 1; nvmet-lab unlink extra 1 ;;
    esac
    sleep $pause
    systemctl kill -s KILL stacd
    sleep 0.2
    systemctl reset-failed stacd 2>/dev/null || true
    systemctl start stacd
done`;

async function random(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 3 && nvmet-lab create extra && nvmet-lab unlink sub-003 1");
  await configureStafd(guest, [ONE]);
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, ["sub-001", "sub-002"]);
  const made = await identities(guest, ["sub-001"]);
  const pauses = [0, 0.05, 0.1, 0.2, 0.4, 0.7, 1, 1.3, 1.6, 2, 2.5, 3].join(" ");
  await runLong(guest, AT_RANDOM, `'${pauses}'`);
  // After twelve steps: sub-001, sub-002 and, removed by the last step, no sub-003 and no extra.
  await untilConnected(guest, ["sub-001", "sub-002"]);
  await untilIocsListed(guest, ["sub-001", "sub-002"]);
  assert.equal(await identities(guest, ["sub-001"]), made, "what never changed was made again");
  await guest.run("nvmet-lab link extra 1");
  await untilConnected(guest, ["extra", "sub-001", "sub-002"]);
  await guest.until("stacd runs", "systemctl is-active stacd", () => true, SOON);
}

export const scenarios: readonly Scenario[] = [
  { name: "stacd: data while stafd dies", ofOurs: true, slow: true, run: load },
  { name: "stacd killed at any time", ofOurs: true, slow: true, run: random },
];
