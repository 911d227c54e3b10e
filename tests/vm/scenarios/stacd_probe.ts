/**
 * The question (ICReq) that precedes a connect to what only a page lists, and what three kinds of targets make of it: the
 * kernel's, a port that speaks TLS alone, and a subsystem that has no controller to give. The first is connected, and its
 * log has no complaint; the others fail each with its reason, and hold up nobody.
 */
import assert from "node:assert/strict";
import { configureStacd, configureStafd, nqnOf } from "../stacd.ts";
import { SOON, start } from "../fabric.ts";
import { FAKE, fakeUp, now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { TLS } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

/** As `fake-cdc` names what it lists, one at each address. */
const [OPEN, TLS_ONLY, FULL] = ["fake-000", "fake-001", "fake-002"] as const;
const LISTED = ["192.0.2.11", "192.0.2.12", "192.0.2.13"];
const CONFIGFS = "/sys/kernel/config/nvmet";
const OTHER_HOST = "5b2c1b0e-0000-4000-8000-000000000001";

const state = (name: string): string =>
  `for c in /sys/class/nvme/nvme*; do [ -e $c ] && grep -qx ${nqnOf(name)} $c/subsysnqn && ` +
  `! grep -q ${OTHER_HOST} $c/hostnqn && cat $c/state; done; true`;

const explained = (guest: Guest, name: string, pattern: RegExp): Promise<string> =>
  guest.until(
    `explain ${name} says ${pattern.source}`,
    `COLUMNS=400 stacctl explain ${name}`,
    (out) => pattern.test(out),
    SOON,
  );

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 0 && nvmet-lab port-add 2 && nvmet-lab port-add 3");
  await guest.run(
    `echo tls1.3 >${CONFIGFS}/ports/2/addr_tsas && echo required >${CONFIGFS}/ports/2/addr_treq`,
  );
  await guest.run(`nvmet-lab add ${OPEN} 1 && nvmet-lab add ${TLS_ONLY} 2 && nvmet-lab create ${FULL}`);
  await guest.run(
    `cd ${CONFIGFS}/subsystems/${nqnOf(FULL)} && echo 1 >attr_cntlid_min && echo 1 >attr_cntlid_max`,
  );
  await guest.run(
    `nvmet-lab link ${FULL} 3 && nvme connect -t tcp -a ${LISTED[2]} -s 8009 -n ${nqnOf(FULL)} ` +
      `--hostnqn=nqn.2014-08.org.nvmexpress:uuid:${OTHER_HOST} --hostid=${OTHER_HOST}`,
  );
  await fakeUp(guest, { entries: 3, listed: LISTED });
  await configureStafd(guest, [FAKE]);
  await configureStacd(guest, {});
  const since = await now(guest);
  await start(guest, "stafd", "stacd");
  await guest.until("the open one is live", state(OPEN), (out) => out === "live\n", SOON);
  await explained(
    guest,
    TLS_ONLY,
    /failing: .*192\.0\.2\.12:8009 accepts connections but does not answer as/,
  );
  await explained(guest, TLS_ONLY, /whether it takes TLS connections only \(tls = true\)/);
  await explained(guest, FULL, /failing: .*the controller refused or did not answer \(EIO\)/);
  // The question is no complaint to the first target; the second has no daemon for the handshake that it waits for.
  const said = await guest.run(`journalctl -k -o cat --no-pager --since=@${since} | grep nvmet; true`);
  const complaints = said.split("\n").filter((line) =>
    line !== "" && !/creating nvm controller|failed to start TLS|failed to allocate queue/.test(line)
  );
  assert.deepEqual(complaints, []);
  assert.equal(await guest.run(state(OPEN)), "live\n");

  await guest.run(
    `for c in /sys/class/nvme/nvme*; do if grep -q ${OTHER_HOST} $c/hostnqn; then echo 1 >$c/delete_controller; fi; done`,
  );
  await guest.until("the one that was full is live", state(FULL), (out) => out === "live\n", {
    seconds: 240,
  });
}

export const scenarios: readonly Scenario[] = [
  {
    name: "stacd: the question before a connect, and three kinds of targets",
    ofOurs: true,
    slow: true,
    needs: TLS,
    run,
  },
];
