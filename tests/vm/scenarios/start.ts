/** What a unit does when its daemon cannot start, and when it is killed again and again (DEC-18). */
import assert from "node:assert/strict";
import { configureStafd, identities, ONE } from "../stacd.ts";
import { SOON, start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const DAEMONS = ["stafd", "stacd"] as const;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

async function shown(guest: Guest, unit: string, property: string): Promise<string> {
  return (await guest.run(`systemctl show -P ${property} ${unit}`)).trim();
}

/** Pauses as short as can be, to see many restarts; nothing else of the unit is changed. */
async function shortPauses(guest: Guest): Promise<void> {
  for (const daemon of DAEMONS) {
    const folder = `/etc/systemd/system/${daemon}.service.d`;
    await guest.run(`mkdir -p ${folder}`);
    await guest.writeFile(`${folder}/pauses.conf`, "[Service]\nRestartSec=100ms\nRestartSteps=0\n");
  }
  await guest.run("systemctl daemon-reload");
}

const MALFORMED = [
  ["/etc/stas/DAEMON.conf", "tron = true\n"],
  ["/etc/nvme/hostnqn", "no NQN at all\n"],
] as const;

/** One start, status 78, and no other; corrected, `systemctl start` works without reset-failed. */
async function malformed(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  for (const daemon of DAEMONS) {
    for (const [path, text] of MALFORMED) {
      const file = path.replace("DAEMON", daemon);
      await guest.run(`cp -a ${file} /run/saved`);
      await guest.writeFile(file, text);
      const { code } = await guest.attempt(`systemctl start ${daemon}`);
      assert.notEqual(code, 0, `${daemon} starts with a malformed ${file}`);
      const state = `systemctl show -P ActiveState -P NRestarts -P ExecMainStatus ${daemon} | paste -sd' '`;
      await guest.always(
        `${daemon} was started once, and ended with 78`,
        state,
        (out) => words(out).toSorted().join(" ") === "0 78 failed",
        { seconds: 20 },
      );
      await guest.run(`cp -a /run/saved ${file}`);
      await start(guest, daemon);
      await guest.run(`systemctl stop ${daemon}`);
    }
  }
}

/** Tried again with growing pauses; and once the file can be read, nobody has to do anything. */
async function unreadable(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  for (const daemon of DAEMONS) {
    const file = `/etc/stas/${daemon}.conf`;
    // A link to itself: ELOOP, also for root.
    await guest.run(`mv ${file} /run/saved && ln -s ${daemon}.conf ${file}`);
    await guest.attempt(`systemctl start --no-block ${daemon}`);
    const restarts = `systemctl show -P NRestarts ${daemon}`;
    await guest.until(`${daemon} is started again`, restarts, (out) => Number(out) >= 2, SOON);
    // While it is being started, systemd shows no status of the last attempt.
    const status = `systemctl show -P ExecMainStatus ${daemon}`;
    await guest.until(`${daemon} ends with 1`, status, (out) => out.trim() === "1", SOON);
    const first = (await shown(guest, daemon, "RestartUSec")).trim();
    const next = `systemctl show -P RestartUSecNext ${daemon}`;
    await guest.until("the pauses grow", next, (out) => out.trim() !== first, SOON);
    await guest.run(`rm ${file} && mv /run/saved ${file}`);
    await guest.until(`${daemon} starts by itself`, `systemctl is-active ${daemon}`, () => true, SOON);
    await guest.run(`systemctl stop ${daemon}`);
  }
  await shortPauses(guest);
  await guest.run("mv /etc/nvme/hostnqn /run/saved && ln -s hostnqn /etc/nvme/hostnqn");
  await guest.attempt("systemctl start --no-block stafd");
  await guest.until(
    "more restarts than any limit",
    "systemctl show -P NRestarts stafd",
    (out) => Number(out) > 15,
    {
      seconds: 240,
    },
  );
  await guest.run("rm /etc/nvme/hostnqn && mv /run/saved /etc/nvme/hostnqn");
  await guest.until("stafd starts by itself", "systemctl is-active stafd", () => true, SOON);
}

async function killed(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 2");
  await configureStafd(guest, [ONE]);
  await shortPauses(guest);
  await start(guest, ...DAEMONS);
  const names = ["sub-001", "sub-002"];
  await untilConnected(guest, names);
  const made = await identities(guest, names);
  // As soon as there is a process again: also while it starts.
  for (let round = 1; round <= 20; round++) {
    await guest.run(`systemctl kill -s KILL ${DAEMONS.join(" ")}`);
    for (const daemon of DAEMONS) {
      const state = `systemctl show -P NRestarts -P MainPID ${daemon} | paste -sd' '`;
      const isBack = (out: string): boolean => words(out).includes(`${round}`) && !words(out).includes("0");
      await guest.until(`${daemon} is started again after kill ${round}`, state, isBack, SOON);
    }
  }
  for (const daemon of DAEMONS) {
    await guest.until(`${daemon} is up`, `systemctl is-active ${daemon}`, () => true, SOON);
  }
  assert.equal(await identities(guest, names), made, "connections were made again");
  await untilConnected(guest, names);
}

export const scenarios: readonly Scenario[] = [
  { name: "start: a malformed file needs a person, once", ofOurs: true, slow: true, run: malformed },
  { name: "start: an unreadable file is tried again", ofOurs: true, slow: true, run: unreadable },
  { name: "start: killed twenty times in a row", ofOurs: true, slow: true, run: killed },
];
