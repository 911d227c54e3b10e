/** FC: remote ports without a target, beside live ones, and targets that come late (findings, H2 and H5). */
import assert from "node:assert/strict";
import { nqnOf, offerByLoop, reloadStacd, stacdJournal, untilStacdLogged } from "../stacd.ts";
import { controllers, liveSubsystems, parseControllers, SOON, start, untilConnected } from "../fabric.ts";
import { configure, confOf, now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { FC } from "../needs.ts";
import type { Scenario } from "../scenario.ts";
import { untilBlockDevice, untilNoBlockDevice, writeAndReadBack } from "../storage.ts";

/** Fabric K of the lab, as lines name it. */
const where = (k: number): string =>
  `transport=fc;traddr=nn-0x10001100ab00000${k}:pn-0x20001100ab00000${k};` +
  `host-traddr=nn-0x10001100aa00000${k}:pn-0x20001100aa00000${k}`;
const line = (k: number, name: string): string => `${where(k)};nqn=${nqnOf(name)}`;
const PORT = 60;
const STATES = `cd /sys/class/nvme && for c in nvme*; do [ -e $c/state ] || continue
    printf '%s\t%s\t%s\t%s\t%s\n' $c "$(cat $c/state)" "$(cat $c/subsysnqn)" "$(cat $c/cntrltype)" "$(cat $c/address)"
done; true`;

/** Waits until the kernel is connecting so many controllers that were never live. */
async function untilUnfinished(guest: Guest, count: number): Promise<void> {
  await guest.until(
    `${count} controllers that were never live`,
    STATES,
    (out) => parseControllers(out).filter(({ nqn }) => nqn === "(efault)").length === count,
    SOON,
  );
}

async function lateTarget(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab fc-up 2 && nvmet-lab add late 62 && nvmet-lab fc-target-down 2");
  await configure(guest, confOf([]));
  await start(guest, "stacd");
  const since = await now(guest);
  await reloadStacd(guest, { controllers: [line(2, "late")] });
  await untilUnfinished(guest, 1);
  await untilStacdLogged(guest, since, /The kernel is still connecting nvme\d+; it is not established yet/);
  await untilStacdLogged(
    guest,
    since,
    /Failed to connect to controller. the kernel is still connecting nvme\d+/,
  );
  const told = await guest.run(`COLUMNS=400 stacctl explain ${nqnOf("late")}`);
  assert.match(told, /the kernel is still connecting nvme\d+/);
  assert.doesNotMatch(await stacdJournal(guest, since), /established!/);

  await guest.run("nvmet-lab fc-target-up 2");
  await untilConnected(guest, ["late"]);
  await writeAndReadBack(guest, "late", await untilBlockDevice(guest, "late"));
  await untilStacdLogged(guest, since, /Connection established!/);
  await reloadStacd(guest, {});
  await untilConnected(guest, []);
  await untilNoBlockDevice(guest, "late");

  // Withdrawn while the kernel is still connecting it: it is taken away when it comes.
  await guest.run("nvmet-lab fc-target-down 2");
  await reloadStacd(guest, { controllers: [line(2, "late")] });
  await untilUnfinished(guest, 1);
  const withdrawn = await now(guest);
  await reloadStacd(guest, {});
  await guest.run("nvmet-lab fc-target-up 2");
  await untilStacdLogged(guest, withdrawn, /Disconnected: /);
  await untilConnected(guest, []);
  assert.doesNotMatch(await stacdJournal(guest, withdrawn), /Failed to disconnect/);
}

/** Remote ports without a target beside one with, and beside a loop target. */
async function deadBesideLive(guest: Guest): Promise<void> {
  const dead = [2, 3, 4, 5, 6];
  await guest.run(
    `nvmet-lab fc-up 1 && nvmet-lab add one ${PORT + 1} && nvmet-lab create near && ` +
      dead.map((k) => `nvmet-lab fc-up ${k} && nvmet-lab fc-target-down ${k}`).join(" && "),
  );
  await offerByLoop(guest, ["near"]);
  await configure(guest, confOf([]));
  await start(guest, "stacd");
  await reloadStacd(guest, {
    controllers: [
      ...dead.map((k) => line(k, "none")),
      // No such pair of ports.
      `${where(7)};nqn=${nqnOf("none")}`,
      line(1, "one"),
      `transport=loop;nqn=${nqnOf("near")}`,
    ],
  });
  await guest.until(
    "the live ones are connected beside the dead ones",
    STATES,
    (out) => liveSubsystems(parseControllers(out)).join() === "near,one",
    SOON,
  );
  await untilUnfinished(guest, dead.length);
  assert.equal((await controllers(guest)).length, dead.length + 2, "none is made twice");
  await writeAndReadBack(guest, "one", await untilBlockDevice(guest, "one"));
  await reloadStacd(guest, { controllers: [line(1, "one")] });
  // Their targets come, and do not serve that subsystem: the kernel gives up.
  await guest.run(
    dead.map((k) => `nvmet-lab fc-target-up ${k} && nvmet-lab link one ${PORT + k}`).join(" && "),
  );
  await untilConnected(guest, ["one"]);
  assert.equal((await controllers(guest)).length, 1);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "FC: a remote port without a target, then the target comes",
    ofOurs: true,
    needs: FC,
    run: lateTarget,
  },
  { name: "FC: dead ports beside live ones", ofOurs: true, slow: true, needs: FC, run: deadBesideLive },
];
