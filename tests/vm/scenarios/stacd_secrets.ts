/**
 * In-band authentication with a target that insists on it: the right keys connect, wrong ones are refused and explained. On a
 * kernel without authentication: what came up without is ended again, and is never taken for a connection that was found.
 */
import assert from "node:assert/strict";
import {
  configureStacd,
  deviceOf,
  nqnOf,
  reloadStacd,
  stacdJournal,
  tcpLine,
  untilStacdLogged,
} from "../stacd.ts";
import { start, untilConnected } from "../fabric.ts";
import { now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { AUTHENTICATION, NO_AUTHENTICATION } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const NVMET = "/sys/kernel/config/nvmet";

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 3");
  const hostNqn = (await guest.run("cat /etc/nvme/hostnqn")).trim();
  const keys = (await guest.run("for i in 1 2 3 4; do nvme gen-dhchap-key --hmac=0 2>/dev/null; done"))
    .trim();
  const [right = "", wrong = "", ctrlRight = "", ctrlWrong = ""] = keys.split("\n");
  for (const key of [right, wrong, ctrlRight, ctrlWrong]) assert.match(key, /^DHHC-1:00:.+:$/);
  // The target lets this host in only when it proves that it has the key, and can prove that it has one itself.
  const host = `${NVMET}/hosts/${hostNqn}`;
  const only = ["sub-001", "sub-002", "sub-003"].map((name) => {
    const subsystem = `${NVMET}/subsystems/${nqnOf(name)}`;
    return `echo 0 >${subsystem}/attr_allow_any_host && ln -s ${host} ${subsystem}/allowed_hosts/`;
  });
  await guest.run(
    [
      `mkdir ${host}`,
      `echo ${right} >${host}/dhchap_key`,
      `echo ${ctrlRight} >${host}/dhchap_ctrl_key`,
      ...only,
    ]
      .join(" && "),
  );

  // One line has its own keys, one has none and gets the host's, one expects another controller than there is.
  const lines = [
    tcpLine("sub-001", undefined, `;dhchap-secret=${right};dhchap-ctrl-secret=${ctrlRight}`),
    tcpLine("sub-002"),
    tcpLine("sub-003", undefined, `;dhchap-secret=${right};dhchap-ctrl-secret=${ctrlWrong}`),
  ];
  await guest.writeFile("/etc/stas/sys.conf", `[Host]\nkey = ${wrong}\n`);
  await configureStacd(guest, { controllers: lines });
  const since = await now(guest);
  await start(guest, "stacd");
  const live = await untilConnected(guest, ["sub-001"]);
  const shown = await guest.run(
    `cd /sys/class/nvme/${deviceOf(live, "sub-001")} && cat dhchap_secret dhchap_ctrl_secret`,
  );
  assert.equal(shown, `${right}\n${ctrlRight}\n`, "connected without the keys of its line");
  await untilStacdLogged(
    guest,
    since,
    /sub-002.* - Failed to connect to controller\. the key was rejected .*secrets of host and controller differ/,
  );
  await untilStacdLogged(
    guest,
    since,
    /sub-003.* - Failed to connect to controller\. the key was rejected .*secrets of host and controller differ/,
  );
  const why = await guest.run("COLUMNS=400 stacctl explain sub-002");
  assert.match(why, /the key was rejected/);

  // The host's key is put right: what failed for it is connected, the other stays as it is.
  await guest.writeFile("/etc/stas/sys.conf", `[Host]\nkey = ${right}\n`);
  await reloadStacd(guest, { controllers: lines });
  await untilConnected(guest, ["sub-001", "sub-002"]);

  const said = await stacdJournal(guest, since) + why +
    await guest.run("cat /run/stacd/*; COLUMNS=400 stacctl ls -d -o json; stacctl explain sub-001; dmesg");
  for (const key of [right, wrong, ctrlRight, ctrlWrong]) {
    assert.ok(!said.includes(key.split(":")[2] ?? key), `a key is shown:\n${said}`);
  }
}

/** Long enough for two further attempts. */
const ATTEMPTS = { seconds: 130 };

async function withoutKernel(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  const key = "DHHC-1:00:ia6zGodOr4SEG0Zzaw398rpY0wqipUWj4jWjUh4HWUz6aQ2n:";
  await configureStacd(guest, { controllers: [tcpLine("sub-001", undefined, `;dhchap-secret=${key}`)] });
  const since = await now(guest);
  await start(guest, "stacd");
  await untilStacdLogged(
    guest,
    since,
    /the connection came up without authentication \(DH-HMAC-CHAP\); nvme\d+ was disconnected again/,
  );
  await guest.always(
    "what is ended again is not found, nor removed by others",
    `journalctl -u stacd -o cat --no-pager --since=@${since}`,
    (out) => !/existed already|less safe than asked|Received "remove" event/.test(out),
    ATTEMPTS,
  );
  assert.match(await guest.run("COLUMNS=400 stacctl explain sub-001"), /attempt +[2-4] failed \(verify\)/);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "stacd: a line that asks for authentication, and a kernel without it",
    ofOurs: true,
    slow: true,
    needs: NO_AUTHENTICATION,
    run: withoutKernel,
  },
  {
    name: "stacd: a target that asks for authentication",
    ofOurs: true,
    slow: true,
    needs: AUTHENTICATION,
    run,
  },
];
