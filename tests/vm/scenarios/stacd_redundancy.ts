/**
 * "Is my storage redundant?": two ports of a target with ANA groups, optimized, non-optimized, inaccessible, and one path cut.
 * "Since when?": the loss and its return in the journal, in `monitor`, in `explain`, and over a restart.
 */
import assert from "node:assert/strict";
import { MESSAGES } from "../../../src/lib/base/messages.ts";
import type { V1Controller, V1Event } from "../../../src/lib/dbus/v1_types.ts";
import { configureStafd, nqnOf, ONE } from "../stacd.ts";
import { SOON, start, untilConnected } from "../fabric.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice } from "../storage.ts";

/** Port 5 of the target is the first one's address on the other interface. */
const OTHER = "198.51.100.11";

const setAna = (port: 1 | 5, state: string): string =>
  `echo ${state} >/sys/kernel/config/nvmet/ports/${port}/ana_groups/1/ana_state`;

const untilTree = (guest: Guest, what: string, ...wanted: readonly RegExp[]): Promise<string> =>
  guest.until(what, "stacctl tree", (out) => wanted.every((one) => one.test(out)), SOON);

/** The kinds of problems that are told, and the exit status. */
async function health(guest: Guest): Promise<{ readonly ids: readonly string[]; readonly status: number }> {
  const { stdout, code } = await guest.attempt("stacctl health -o json");
  const told: { problems: { id: string }[] } = JSON.parse(stdout);
  return { ids: [...new Set(told.problems.map(({ id }) => id))].sort(), status: code };
}

async function untilHealth(guest: Guest, ids: readonly string[], status: 0 | 3): Promise<void> {
  await guest.until(
    `health tells ${ids.join(", ") || "nothing"}`,
    "stacctl health -o json; true",
    (out) => {
      const told: { problems: { id: string }[] } = JSON.parse(out);
      return JSON.stringify([...new Set(told.problems.map(({ id }) => id))].sort()) === JSON.stringify(ids);
    },
    SOON,
  );
  assert.deepEqual(await health(guest), { ids, status });
}

/** What `monitor` prints. */
const MONITORED = "/run/lab-monitor.jsonl";

/** Since when the path is what it is, and its link lost. */
async function lostSince(guest: Guest): Promise<readonly unknown[]> {
  const paths: V1Controller[] = JSON.parse(await guest.run("stacctl ls -o json --state reconnecting"));
  const [path, ...more] = paths;
  assert.ok(path !== undefined && more.length === 0, JSON.stringify(paths));
  assert.equal(path.since, path.lost?.at);
  return [path.device, path.since, path.lost];
}

interface Line {
  readonly MESSAGE_ID: string;
  readonly PRIORITY: string;
  readonly NVME_TRADDR: string;
  readonly NVME_LOST_SECONDS?: string;
}

/** The loss and the return, once each though stacd was restarted between them: in the journal, its catalog, and `monitor`. */
async function toldOnce(guest: Guest, began: string): Promise<void> {
  const lines = async (event: "link-lost" | "link-returned", more = "-o json"): Promise<string> =>
    await guest.run(`journalctl -u stacd --no-pager --since=@${began} ${more} STAS_EVENT=${event}`);
  // The tree asks the kernel, and may be ahead of stacd's own look.
  await guest.until(
    "the return is in the journal",
    `cat ${MONITORED}`,
    (out) => out.includes("link-returned"),
    SOON,
  );
  for (const [event, priority] of [["link-lost", "4"], ["link-returned", "5"]] as const) {
    const told = (await lines(event)).trim().split("\n").map((text): Line => JSON.parse(text));
    assert.equal(told.length, 1, JSON.stringify(told));
    const [line] = told;
    assert.deepEqual(
      [line?.MESSAGE_ID, line?.PRIORITY, line?.NVME_TRADDR],
      [MESSAGES[event], priority, OTHER],
    );
    if (event === "link-returned") assert.ok(Number(line?.NVME_LOST_SECONDS) > 0, JSON.stringify(line));
  }
  const seen = (await guest.run(`cat ${MONITORED}`)).trim().split("\n").map((text): V1Event =>
    JSON.parse(text)
  )
    .filter(({ type }) => type.startsWith("link-"));
  assert.deepEqual(seen.map(({ type, tid }) => [type, tid?.traddr]), [
    ["link-lost", OTHER],
    ["link-returned", OTHER],
  ]);
  assert.match(
    await guest.run("stacctl status -o table --no-color; true"),
    /newest events\n(?: {4}.*\n)* {4}[\d:]+ link-returned /,
  );
}

async function redundancy(guest: Guest): Promise<void> {
  await guest.run(`nvmet-lab up 0 && nvmet-lab port-add 5 ${OTHER} && nvmet-lab add multi 1 5`);
  await configureStafd(guest, [ONE, OTHER]);
  await start(guest, "stafd", "stacd");
  await untilConnected(guest, ["multi", "multi"]);
  const device = await untilBlockDevice(guest, "multi");
  const [first, other] = [ONE, OTHER].map((address) => address.replaceAll(".", "\\."));
  await untilTree(
    guest,
    "both paths are optimized, each by its interface",
    new RegExp(
      `^${nqnOf("multi").replaceAll(".", "\\.")} {2}2 of 2 paths, (?:numa|round-robin|queue-depth)$`,
      "m",
    ),
    new RegExp(`tcp ${first}:8009 on fab0 from 192\\.0\\.2\\.1 connected optimized$`, "m"),
    new RegExp(`tcp ${other}:8009 on fab1 from 198\\.51\\.100\\.1 connected optimized$`, "m"),
  );
  await untilHealth(guest, [], 0);

  // Half of the paths non-optimized is how an array with two controllers is.
  await guest.run(setAna(5, "non-optimized"));
  await untilTree(
    guest,
    "one path is non-optimized",
    new RegExp(`${other}:8009 .* connected non-optimized$`, "m"),
  );
  await untilHealth(guest, [], 0);
  await guest.run(setAna(1, "non-optimized"));
  await untilHealth(guest, ["no-optimized-path"], 3);
  await guest.run(`${setAna(1, "inaccessible")}; ${setAna(5, "inaccessible")}`);
  await untilHealth(guest, ["no-usable-path"], 3);
  assert.match(await guest.run("stacctl ls --no-color -o wide"), /inaccessible/);
  assert.match(
    await guest.run("stacctl doctor --no-color; true"),
    /the array refuses I\/O on every path that is up/,
  );
  await guest.run(`${setAna(1, "optimized")}; ${setAna(5, "non-optimized")}`);
  await untilHealth(guest, [], 0);

  // What is mounted stands at the namespace that programs use.
  const name = device.replace("/dev/", "");
  await guest.run(`mkfs.ext4 -q ${device} && mkdir -p /srv/multi && mount ${device} /srv/multi`);
  try {
    await untilTree(guest, "the mount is told", new RegExp(`- ${name}: mounted on /srv/multi$`, "m"));
    // A cable that is cut: the path is told with the interface that it took, and the other one is the last.
    const began = (await guest.run("date +%s")).trim();
    await guest.run(
      `systemd-run -q --unit=lab-monitor -p StandardOutput=file:${MONITORED} -p StandardError=journal stacctl monitor -o jsonl`,
    );
    await guest.run("nvmet-lab net-down fab1");
    await untilTree(
      guest,
      "one path is lost",
      /1 of 2 paths/,
      new RegExp(`${other}:8009 on fab1 from 198\\.51\\.100\\.1 reconnecting: link lost at `, "m"),
    );
    await untilHealth(guest, ["controller-failing", "one-path"], 3);
    const plan = await guest.run(
      "printf '[Controllers]\\nexclude = traddr=192.0.2.11\\n' >/run/tried.conf; stacctl plan --no-color --config /run/tried.conf; true",
    );
    assert.doesNotMatch(plan, /last path/, "it is held");
    assert.match(plan, new RegExp(`! held ${name} is in use \\(mounted on /srv/multi\\)`));
    const lost = await lostSince(guest);
    const explained = await guest.run(`stacctl explain --no-color ${OTHER}:8009`);
    assert.match(
      explained,
      /^ {2}state +link lost at [\d:-]+; the kernel retries every \d+ s, and gives up at .* \(ctrl-loss-tmo \d+\)/m,
    );
    assert.match(explained, /^ {2}next +the kernel tries again, at the latest \((?:in \d+ s|now), at/m);
    assert.match(explained, /^ {2}next +the kernel gives up, and a new connection is made \(in \d+ min, at/m);
    // Of a healthy one, too, and by what stands in the table.
    assert.match(
      await guest.run(`stacctl explain --no-color tcp ${ONE}:8009`),
      /^ {2}next +its link is checked again, at the latest \(in \d+ s, at/m,
    );
    // Another process, and nothing of the path has changed.
    await guest.run("systemctl restart stacd");
    // The interface is not kept: the kernel does not show the source address of a link that is down.
    await untilTree(guest, "the path is still lost", new RegExp(`${other}:8009(?: .*)? reconnecting`, "m"));
    assert.deepEqual(await lostSince(guest), lost);
    await guest.run("nvmet-lab net-up fab1");
    await untilTree(guest, "both paths are back", /2 of 2 paths/);
    await toldOnce(guest, began);
    await untilHealth(guest, [], 0);
    const metrics = await guest.run("stacctl metrics");
    assert.match(metrics, /nvme_stas_path_ana_state\{.*state="non-optimized"\} 1/);
    assert.match(metrics, new RegExp(`nvme_stas_namespace_in_use\\{.*namespace="${name}"\\} 1`));
  } finally {
    await guest.run("nvmet-lab net-up fab1; systemctl stop lab-monitor; umount /srv/multi; true");
  }
}

export const scenarios: readonly Scenario[] = [
  { name: "stacd redundancy", ofOurs: true, slow: true, run: redundancy },
];
