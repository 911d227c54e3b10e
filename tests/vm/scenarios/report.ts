/**
 * A report of the real machine after a disconnect, with keys configured: pulled to this machine and played here, it
 * gives the same effects; no key is in it.
 */
import assert from "node:assert/strict";
import { stories } from "../../../scripts/replay/stories.ts";
import { configureStacd, configureStafd, hide, nqnOf, ONE, tcpLine } from "../stacd.ts";
import { start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import { AUTHENTICATION } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

const NVMET = "/sys/kernel/config/nvmet";

async function run(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 0 --dcs 1 && nvmet-lab add keyed 1 && nvmet-lab add by-page 1");
  const hostNqn = (await guest.run("cat /etc/nvme/hostnqn")).trim();
  const keys = (await guest.run("for i in 1 2; do nvme gen-dhchap-key --hmac=0 2>/dev/null; done")).trim();
  const [key = "", ctrlKey = ""] = keys.split("\n");
  for (const one of [key, ctrlKey]) assert.match(one, /^DHHC-1:00:.+:$/);
  const host = `${NVMET}/hosts/${hostNqn}`;
  const subsystem = `${NVMET}/subsystems/${nqnOf("keyed")}`;
  await guest.run(
    [
      `mkdir ${host}`,
      `echo ${key} >${host}/dhchap_key`,
      `echo ${ctrlKey} >${host}/dhchap_ctrl_key`,
      `echo 0 >${subsystem}/attr_allow_any_host`,
      `ln -s ${host} ${subsystem}/allowed_hosts/`,
    ].join(" && "),
  );
  await guest.writeFile("/etc/stas/sys.conf", `[Host]\nkey = ${key}\n`);
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, {
    controllers: [tcpLine("keyed", undefined, `;dhchap-secret=${key};dhchap-ctrl-secret=${ctrlKey}`)],
  });
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, ["keyed", "by-page"]);
  await guest.run(hide("by-page"));
  await untilConnected(guest, ["keyed"]);

  const refused = await guest.attempt(
    "setpriv --reuid=65534 --clear-groups stacctl report -o /tmp/users.json",
  );
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /only root may make a report/);
  await guest.run(
    "stacctl report -o /var/tmp/report.json && stacctl report --pseudonyms -o /var/tmp/named.json",
  );
  assert.equal((await guest.run("stat -c %a /var/tmp/report.json")).trim(), "600");

  const text = await guest.run("cat /var/tmp/report.json");
  for (const one of [key, ctrlKey]) {
    assert.ok(!text.includes(one.split(":")[2] ?? one), "a key is in the report");
  }
  const story = told(text);
  assert.match(story, /-> connect .*:keyed/);
  assert.match(story, /-> disconnect nvme\d+ .*:by-page.*because: not in the log page of/);

  const named = await guest.run("cat /var/tmp/named.json");
  assert.ok(
    !named.includes(hostNqn) && !named.includes("io.example") && !named.includes(ONE),
    "a name is left",
  );
  assert.match(told(named), /-> disconnect nvme\d+ .*because: not in the log page of/);
}

/** The story of a report whose recordings end, played here, in the states of there. */
function told(text: string): string {
  const story = stories(text, { until: Infinity, about: undefined, all: false, asScenario: false });
  if (!story.ok) return assert.fail(story.message);
  const lines = story.lines.join("\n");
  assert.deepEqual(story.warnings, []);
  assert.ok(story.isTrue, lines);
  return lines;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "report: pulled to another machine and played there",
    ofOurs: true,
    slow: true,
    needs: AUTHENTICATION,
    run,
  },
];
