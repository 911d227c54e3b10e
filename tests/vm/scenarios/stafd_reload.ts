/** stafd takes over every kind of change in its configuration, and nothing else moves; a broken file changes nothing. */
import assert from "node:assert/strict";
import { callCommand, parseReply, start, untilDiscovering } from "../fabric.ts";
import { at, configure, confOf, connections, journal, listed, now, reload, untilLogged } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const line = (traddr: string): string => `transport=tcp;traddr=${traddr};trsvcid=8009`;
const ONE = "192.0.2.11";
const TWO = "192.0.2.12";
const SIX = "fd00:2::13";
const dc = (traddr: string): string => `${traddr}:8009`;

async function lines(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 --dcs 2 && nvmet-lab add two 2 && nvmet-lab port-add 3 fd00:2::13");
  await guest.run("nvmet-lab add six 3");
  await configure(guest, confOf([line(ONE)]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [dc(ONE)]);
  const first = await connections(guest);

  await reload(guest, confOf([line(ONE), line(TWO), line(SIX)]));
  await untilDiscovering(guest, [dc(ONE), dc(TWO), dc(SIX)]);
  assert.ok((await connections(guest)).includes(first.trim()), "the connection from before was made again");

  await reload(guest, confOf([line(ONE), line(SIX)]));
  await untilDiscovering(guest, [dc(ONE), dc(SIX)]);

  let since = await now(guest);
  await reload(guest, `${confOf([line(ONE), line(SIX)])}exclude = traddr=${ONE}\n`);
  await untilDiscovering(guest, [dc(SIX)]);
  assert.match(
    await journal(guest, since),
    /Disconnect initiated: .*stafd\.conf:\d+.*exclude = traddr=192\.0\.2\.11/,
  );
  await reload(guest, confOf([line(ONE), line(SIX)]));
  await untilDiscovering(guest, [dc(ONE), dc(SIX)]);

  await reload(guest, confOf([line(ONE), line(SIX)], ["ip-family = ipv6"]));
  await untilDiscovering(guest, [dc(SIX)]);
  await reload(guest, confOf([line(ONE), line(SIX)], ["ip-family = ipv4"]));
  await untilDiscovering(guest, [dc(ONE)]);

  const before = await connections(guest);
  since = await now(guest);
  for (const broken of ["controller = transport=tcp;traddr=192.0.2.12\n", "[Global\nkato=1\n"]) {
    await reload(guest, broken);
    await untilLogged(guest, since, /stafd\.conf:1:\d+: .*[\s\S]*the previous configuration stays in force/);
    await guest.always(
      "a broken file changes nothing",
      "cat /sys/class/nvme/nvme*/state",
      (out) => out === "live\n",
      {
        seconds: 4,
      },
    );
    assert.equal(await connections(guest), before);
    since = await now(guest);
  }
  await guest.run("systemctl is-active stafd");
}

/** CFG, STAF-14: a name that no longer resolves is not a name that means nothing. */
async function names(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 --dcs 2 && nvmet-lab add two 2");
  await guest.run("sed -i '1i 192.0.2.11 dc.example # lab' /etc/hosts");
  await configure(guest, confOf([line("dc.example")]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [dc(ONE)]);
  const before = await connections(guest);

  const since = await now(guest);
  await guest.run("sed -i '/# lab$/d' /etc/hosts && systemctl reload stafd");
  await untilLogged(guest, since, /cannot resolve "dc\.example"/);
  await guest.always(
    "the address known from before is kept",
    "cat /sys/class/nvme/nvme*/address",
    (out) => out.includes(`traddr=${ONE},`),
    { seconds: 5 },
  );
  assert.equal(await connections(guest), before);
  assert.equal(at(await listed(guest), ONE)["origin"], "configured");

  await guest.run("sed -i '1i 192.0.2.12 dc.example # lab' /etc/hosts && systemctl reload stafd");
  await untilDiscovering(guest, [dc(TWO)]);
}

/** `systemctl reload` comes back when the new configuration is in force. */
async function atOnce(guest: Guest): Promise<void> {
  const property = "org.nvmexpress.staf /org/nvmexpress/staf org.nvmexpress.staf.debug tron";
  await configure(guest, confOf([]));
  await start(guest, "stafd");
  for (const tron of ["true", "false", "true", "false"]) {
    const text = await guest.run(
      `printf '[Global]\\ntron = ${tron}\\n' >/etc/stas/stafd.conf && systemctl reload stafd && ` +
        `busctl --system get-property ${property} && systemctl show -P StatusText -P ActiveState -P SubState stafd`,
    );
    assert.equal(text, `b ${tron}\nrunning\nactive\nrunning\n`);
  }
  assert.equal(
    parseReply(await guest.run(callCommand("staf", "list_controllers", "b", ["true"]))).type,
    "aa{ss}",
  );
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: reload with each kind of change", ofOurs: true, slow: true, run: lines },
  { name: "stafd: names that change and fail", ofOurs: true, slow: true, run: names },
  { name: "stafd: reload waits", ofOurs: true, slow: true, run: atOnce },
];
