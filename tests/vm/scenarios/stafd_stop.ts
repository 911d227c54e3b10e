/** What stafd leaves behind when it stops or is killed, and what it says to systemd and the journal meanwhile. */
import assert from "node:assert/strict";
import { controllers, start, untilDiscovering } from "../fabric.ts";
import {
  at,
  configure,
  confOf,
  connections,
  FAKE,
  fakeSet,
  fakeUp,
  journal,
  listed,
  now,
  pages,
  reload,
  subsystems,
  untilListed,
  untilLogged,
  untilPublished,
} from "../stafd.ts";
import { type Guest, Unmet } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const ONE = "192.0.2.11:8009";
const LINE = "transport=tcp;traddr=192.0.2.11";
const RULE = "/run/udev/rules.d/70-nvmf-autoconnect.rules";
const STATE = "/run/stafd/last-known-config.json";
const ENDED = "systemctl show -P Result stafd; systemctl show -P ExecMainStatus stafd";

async function stops(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configure(guest, confOf([LINE]));
  assert.equal((await guest.attempt(`test -e ${RULE}`)).code, 1);
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE]);
  const one = at(await listed(guest), "192.0.2.11");
  await untilPublished(guest, one, ["sub-001"]);
  const before = await connections(guest);
  const rule = await guest.run(`cat ${RULE}`);
  assert.match(rule, /FC_EVENT.*nvmf-connect@--device\\x3dnone\\x09/);
  assert.doesNotMatch(rule, /NVME_AEN/);

  await guest.run("systemctl stop stafd");
  assert.equal(await guest.run(ENDED), "success\n0\n");
  assert.equal((await guest.attempt(`test -e ${RULE}`)).code, 1, "the rule is removed at the end");
  assert.equal(await connections(guest), before, "persistent-connections is true by default");
  assert.equal(await guest.run(`stat -c '%a %U' ${STATE}`), "600 root\n");

  // The same connections are taken over, and the last known state is shown at once; also after a kill, with the port closed.
  await start(guest, "stafd");
  assert.deepEqual(subsystems(await pages(guest, one)), ["sub-001"]);
  await untilDiscovering(guest, [ONE]);
  assert.equal(await connections(guest), before);
  await guest.run("nvmet-lab port-down 1 && systemctl kill -s KILL stafd");
  await guest.until(
    "started again by systemd",
    "systemctl show -P NRestarts stafd; systemctl is-active stafd",
    (out) => out === "1\nactive\n",
    { seconds: 60 },
  );
  assert.deepEqual(subsystems(await pages(guest, one)), ["sub-001"]);
  assert.equal(await guest.run(`cat ${RULE}`), rule);
  await guest.run("nvmet-lab port-up 1");
  await untilDiscovering(guest, [ONE]);
  assert.equal(await connections(guest), before);

  // A damaged state file counts as empty.
  await guest.run(`systemctl stop stafd && printf '{"format":' >${STATE}`);
  await start(guest, "stafd");
  await untilPublished(guest, one, ["sub-001"]);
  assert.equal(await connections(guest), before);

  // STAF-104: adopted ones too; I/O controllers are not stafd's.
  await guest.run("nvme connect -t tcp -a 192.0.2.11 -s 8009 -n nqn.2024-01.io.example:sub-001");
  await reload(
    guest,
    `${confOf([LINE])}[Discovery controller connection management]\npersistent-connections = false\n`,
  );
  const since = await now(guest);
  await guest.run("systemctl stop stafd");
  assert.equal(await guest.run(ENDED), "success\n0\n");
  assert.deepEqual((await controllers(guest)).map(({ discovery }) => discovery), [false]);
  assert.match(
    await journal(guest, since),
    /Disconnect initiated: .*persistent-connections|Disconnect initiated: .*stafd\.conf/,
  );
}

/** A connect that the kernel cannot be called back from does not make systemd kill the daemon (STAF-101). */
async function stuck(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab net && fake-cdc up '{"silent":["connect"]}'`);
  await configure(guest, confOf(["transport=tcp;traddr=192.0.2.18"]));
  await start(guest, "stafd");
  await guest.until(
    "a connect that hangs in the kernel",
    "fake-cdc show",
    (out) => /"connected": [1-9]/.test(out),
    { seconds: 60 },
  );
  await guest.run("systemctl stop stafd");
  assert.equal(await guest.run(ENDED), "success\n0\n");
  assert.deepEqual(await controllers(guest), []);
}

/**
 * STAF-102. The first SIGTERM waits for the disconnect that it began, the second for nothing: what is left of the process
 * then is only the thread that the kernel still has.
 */
async function twice(guest: Guest): Promise<void> {
  await fakeUp(guest, {});
  await configure(
    guest,
    `${confOf([`transport=tcp;traddr=${FAKE}`])}` +
      "[Discovery controller connection management]\npersistent-connections = false\n",
  );
  const since = await now(guest);
  await start(guest, "stafd");
  await untilDiscovering(guest, [`${FAKE}:8009`]);
  await untilLogged(guest, since, /Received discovery log pages/);
  await fakeSet(guest, { silent: ["shutdown"] });
  const pid = (await guest.run("systemctl show -P MainPID stafd")).trim();
  const state = `sed -n 's/^State:\\t\\(.\\).*/\\1/p' /proc/${pid}/status`;

  await guest.run("systemctl stop --no-block stafd");
  await untilLogged(guest, since, /192\.0\.2\.18.* - Disconnect initiated: /);
  await guest.always("one SIGTERM: it waits", state, (out) => /^[RSD]$/m.test(out), { seconds: 4 });
  await guest.run("systemctl kill -s TERM stafd");
  await guest.until("two: it does not", state, (out) => out === "Z\n", { seconds: 30 });
  await fakeSet(guest, { silent: [] });
  await guest.until("the end", "systemctl show -P ActiveState stafd", (out) => out === "inactive\n", {
    seconds: 60,
  });
  assert.equal(await guest.run(ENDED), "success\n0\n");
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(line: string): Fields {
  const value: unknown = JSON.parse(line);
  if (typeof value !== "object" || value === null) throw new Unmet(line);
  return { ...value };
}

/** Every message about a controller can be found by what it is about. */
async function fields(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await configure(guest, confOf([LINE]));
  const since = await now(guest);
  await start(guest, "stafd");
  assert.equal(
    await guest.run("systemctl is-active stafd; systemctl show -P StatusText stafd"),
    "active\nrunning\n",
  );
  await untilDiscovering(guest, [ONE]);
  await untilLogged(guest, since, /Received discovery log pages/);
  await guest.run("nvmet-lab add extra 1");
  await untilLogged(guest, since, /Received AEN: 0x70f002/);
  await reload(guest, confOf([]));
  await untilListed(guest, "nothing left", (list) => list.length === 0);

  const text = await guest.run(`journalctl -u stafd -o json --no-pager --since=@${since}`);
  const messages = text.split("\n").filter((line) => line !== "").map(fieldsOf)
    .filter(({ SYSLOG_IDENTIFIER }) => SYSLOG_IDENTIFIER === "stafd");
  const about = (pattern: RegExp): Fields => {
    const found = messages.find(({ MESSAGE }) => pattern.test(String(MESSAGE)));
    if (found === undefined) throw new Unmet(`no message like ${pattern.source} in ${text}`);
    return found;
  };
  for (
    const [pattern, priority] of [
      [/Connection established/, "6"],
      [/Received discovery log/, "6"],
      [/Received AEN/, "6"],
      // A notice: of all that stafd does, this one takes something away.
      [/Disconnect initiated/, "5"],
    ] as const
  ) {
    const found = about(pattern);
    assert.match(String(found["NVME_DEVICE"]), /^nvme\d+$/);
    assert.equal(found["NVME_TRADDR"], "192.0.2.11");
    assert.equal(found["NVME_TRSVCID"], "8009");
    assert.equal(found["NVME_TRANSPORT"], "tcp");
    assert.equal(found["NVME_SUBSYSNQN"], "nqn.2014-08.org.nvmexpress.discovery");
    assert.equal(found["PRIORITY"], priority, pattern.source);
  }
  assert.match(String(about(/Received discovery log/)["NVME_GENCTR"]), /^\d+$/);
  assert.match(String(about(/Disconnect initiated/)["NVME_EVIDENCE"]), /stafd\.conf/);
  await guest.run('test -n "$(journalctl -u stafd --no-pager -o cat NVME_TRADDR=192.0.2.11)"');
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: what stays after a stop", ofOurs: true, slow: true, run: stops },
  { name: "stafd: stop while a connect hangs", ofOurs: true, slow: true, run: stuck },
  { name: "stafd: a second SIGTERM", ofOurs: true, slow: true, run: twice },
  { name: "stafd: journal and states", ofOurs: true, slow: true, run: fields },
];
