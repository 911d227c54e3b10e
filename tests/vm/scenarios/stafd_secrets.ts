/** Keys for in-band authentication: the controller's own before the host's, and nowhere to be seen. */
import assert from "node:assert/strict";
import { callCommand, controllers, start, untilDiscovering } from "../fabric.ts";
import {
  at,
  configure,
  confOf,
  FAKE,
  fake,
  fakeUp,
  identity,
  journal,
  listed,
  now,
  reload,
  untilFake,
  untilLogged,
  untilPublished,
} from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const ONE = "192.0.2.11:8009";
const TWO = "192.0.2.12:8009";

const quote = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");

async function run(guest: Guest): Promise<void> {
  await guest.run(
    "nvmet-lab up 1 --dcs 4 && nvmet-lab add two 2 && nvmet-lab link two 3 && nvmet-lab link two 4",
  );
  const keys = (await guest.run("for i in 1 2 3; do nvme gen-dhchap-key --hmac=0 2>/dev/null; done")).trim()
    .split("\n");
  const [host = "", own = "", ctrl = ""] = keys;
  for (const key of [host, own, ctrl]) assert.match(key, /^DHHC-1:00:.+:$/);
  await guest.writeFile("/etc/stas/sys.conf", `[Host]\nkey = ${host}\n`);
  const lines = [
    `transport=tcp;traddr=192.0.2.11;dhchap-secret=${own};dhchap-ctrl-secret=${ctrl}`,
    "transport=tcp;traddr=192.0.2.12",
  ];
  await configure(guest, confOf(lines, ["tron = true"]));
  const since = await now(guest);
  await start(guest, "stafd");
  const live = await untilDiscovering(guest, [ONE, TWO]);
  const list = await listed(guest);
  await untilPublished(guest, at(list, "192.0.2.11"), ["sub-001"]);
  await untilPublished(guest, at(list, "192.0.2.12"), ["two"]);

  // The kernel got the right ones: its own attribute says so, to root only.
  for (const { device, address } of live) {
    const secrets = `cd /sys/class/nvme/${device} && cat dhchap_secret dhchap_ctrl_secret`;
    const expected = address.includes("192.0.2.11") ? `${own}\n${ctrl}\n` : `${host}\nnone\n`;
    assert.equal(await guest.run(secrets), expected, "the controller's own key goes before the host's");
  }

  // One that is none is refused; one that was mistyped is refused by the kernel. Neither is shown.
  const none = "DHHC-2:NotAKeyAtAll";
  const mistyped = `${own.slice(0, 20)}AAAAAAAA${own.slice(28)}`;
  const more = [
    `transport=tcp;traddr=192.0.2.13;dhchap-secret=${none}`,
    `transport=tcp;traddr=192.0.2.14;dhchap-secret=${mistyped}`,
  ];
  await reload(guest, confOf([...lines, ...more], ["tron = true"]));
  await untilLogged(guest, since, /stafd\.conf:\d+:\d+: dhchap-secret is not of the form DHHC-1/);
  await untilLogged(
    guest,
    since,
    /192\.0\.2\.13.*dhchap-secret is not of the form .*; make one with: nvme gen/,
  );
  await untilLogged(guest, since, /192\.0\.2\.14.* - Failed to connect to controller\. the key was rejected/);

  const shown = [
    "stafctl ls",
    "stafctl ls -d",
    "stafctl ls -d -o json",
    "stafctl status",
    "stafctl status -o json",
    "stafctl explain 192.0.2.11",
    "stafctl plan",
    "stafctl doctor",
    "stafctl adlp -d",
    callCommand("staf", "list_controllers", "b", ["true"]),
    "busctl --system call org.nvmexpress.staf /org/nvmexpress/staf org.nvmexpress.staf.debug controller_info sssssss " +
    quote(identity(at(list, "192.0.2.11"))),
    "busctl --system call org.nvmexpress.staf /org/nvmexpress/staf org.nvmexpress.staf.debug process_info",
    "cat /run/stafd/*",
    "dmesg",
    "stafctl check",
  ];
  for (const command of shown) {
    const { stdout, stderr } = await guest.attempt(`COLUMNS=400 ${command}`);
    assert.ok(stdout + stderr !== "", `${command} shows nothing at all`);
    for (const secret of [host, own, ctrl, none, mistyped]) {
      const text = secret.split(":")[2] ?? secret.slice(7);
      assert.ok(!(stdout + stderr).includes(text), `${command} shows a secret:\n${stdout}${stderr}`);
    }
  }
  const said = await journal(guest, since);
  for (const secret of [host, own, ctrl, none, mistyped]) {
    assert.ok(
      !said.includes(secret.split(":")[2] ?? secret.slice(7)),
      `the journal shows a secret:\n${said}`,
    );
  }
}

const FAKE_LINE = `transport=tcp;traddr=${FAKE}`;

/** The answers that a controller which asks for proof got since then, in order. */
async function untilSaid(guest: Guest, attempts: number): Promise<readonly string[]> {
  const { authentications } = await untilFake(
    guest,
    `attempt ${attempts} to authenticate`,
    (record) => record.authentications.length >= attempts && (record.authentications.at(-1)?.length ?? 0) > 1,
  );
  return authentications.at(-1) ?? [];
}

/** Against a controller that really asks: nvmet does not challenge for its discovery subsystem. */
async function proof(guest: Guest): Promise<void> {
  const keys = (await guest.run("for i in 1 2 3; do nvme gen-dhchap-key --hmac=0 2>/dev/null; done")).trim();
  const [host = "", own = "", ctrl = ""] = keys.split("\n");
  await fakeUp(guest, { key: own, ctrlkey: ctrl });

  // No key at all; one that is not right; the right one.
  await configure(guest, confOf([FAKE_LINE]));
  let since = await now(guest);
  await start(guest, "stafd");
  await untilLogged(guest, since, /192\.0\.2\.18.* - Failed to connect to controller\. .*key/);
  assert.deepEqual((await fake(guest)).authentications.flat(), [], "it has nothing to say");
  await guest.writeFile("/etc/stas/sys.conf", `[Host]\nkey = ${host}\n`);
  since = await now(guest);
  const before = (await fake(guest)).authentications.length;
  await guest.run("systemctl reload stafd");
  assert.deepEqual(await untilSaid(guest, before + 1), ["negotiate", "wrong key"]);
  await untilLogged(guest, since, /192\.0\.2\.18.* - Failed to connect to controller\. .*key/);
  assert.deepEqual(await controllers(guest), []);

  // Its own key goes before the host's, which stays and is still not right.
  await reload(guest, confOf([`${FAKE_LINE};dhchap-secret=${own}`]));
  await untilDiscovering(guest, [`${FAKE}:8009`]);
  assert.deepEqual((await fake(guest)).authentications.at(-1), ["negotiate", "right key"]);
  await untilPublished(guest, at(await listed(guest), FAKE), ["fake-000", "fake-001", "fake-002"]);

  // And the controller has to prove who it is, if a key for that is given.
  for (
    const [secret, said] of [[host, "the host does not believe the controller"], [
      ctrl,
      "the host knows the controller",
    ]]
  ) {
    await guest.run("systemctl stop stafd && nvme disconnect-all");
    const count = (await fake(guest)).authentications.length;
    await configure(guest, confOf([`${FAKE_LINE};dhchap-secret=${own};dhchap-ctrl-secret=${secret}`]));
    await start(guest, "stafd");
    await untilFake(
      guest,
      `${said}`,
      ({ authentications }) => authentications.slice(count).some((words) => words.at(-1) === said),
    );
  }
  await untilDiscovering(guest, [`${FAKE}:8009`]);
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: keys for authentication", ofOurs: true, slow: true, run },
  { name: "stafd: authentication", ofOurs: true, slow: true, run: proof },
];
