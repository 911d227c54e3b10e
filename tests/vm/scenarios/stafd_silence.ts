/** Discovery controllers that take a connection and then say nothing: nobody else has to wait. */
import assert from "node:assert/strict";
import { start, untilDiscovering } from "../fabric.ts";
import {
  at,
  configure,
  confOf,
  connections,
  FAKE,
  fake,
  type FakeRecord,
  fakeSet,
  fakeUp,
  journal,
  listed,
  now,
  pages,
  reload,
  subsystems,
  untilFake,
  untilLogged,
  untilPublished,
} from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const FAKE_DC = `${FAKE}:8009`;
const NAMES = ["fake-000", "fake-001", "fake-002"];
const ONE = "192.0.2.11:8009";
const TWO = "192.0.2.12:8009";
const THREE = "192.0.2.13:8009";
const line = (traddr: string): string => `transport=tcp;traddr=${traddr}`;

/** A command is given 30 s, and then the kernel makes the connection anew; nobody else has to wait. */
async function silence(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1");
  await fakeUp(guest, {});
  await configure(guest, confOf([`transport=tcp;traddr=${FAKE}`, "transport=tcp;traddr=192.0.2.11"]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [FAKE_DC, "192.0.2.11:8009"]);
  const list = await listed(guest);
  const [mute, other] = [at(list, FAKE), at(list, "192.0.2.11")];
  await untilPublished(guest, mute, NAMES);
  await untilPublished(guest, other, ["sub-001"]);
  const before = await connections(guest);

  await fakeSet(guest, { silent: ["log"], entries: 1 });
  const since = await now(guest);
  const { commands } = await fake(guest);
  await guest.run("fake-cdc aen");
  await untilFake(
    guest,
    "the question that gets no answer",
    (record) => record.commands.length > commands.length,
  );
  await guest.run("nvmet-lab add extra 1");
  await untilPublished(guest, other, ["extra", "sub-001"]);
  assert.doesNotMatch(await journal(guest, since), /Failed to retrieve/, "the other one was not waited for");
  assert.deepEqual(subsystems(await pages(guest, mute)), NAMES);
  await untilLogged(guest, since, /192\.0\.2\.18.* - Failed to retrieve log pages\./);
  assert.deepEqual(subsystems(await pages(guest, mute)), NAMES);
  await fakeSet(guest, { silent: [] });
  await untilPublished(guest, mute, NAMES.slice(0, 1));
  assert.equal(await connections(guest), before, "the kernel made its connection anew, stafd made no other");
}

/**
 * A connect without an answer keeps the kernel's one lock for a minute, and only other connects need that: what is
 * connected is read, listed and disconnected meanwhile, and what is new comes before the silent one's next turn.
 */
async function connects(guest: Guest): Promise<void> {
  await guest.run("nvmet-lab up 1 --dcs 3 && nvmet-lab add two 2 && nvmet-lab add three 3");
  await configure(guest, confOf([line("192.0.2.11"), line("192.0.2.12")]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [ONE, TWO]);
  const one = at(await listed(guest), "192.0.2.11");
  await untilPublished(guest, one, ["sub-001"]);

  await fakeUp(guest, { silent: ["fabrics-connect"] });
  const since = await now(guest);
  await reload(guest, confOf([line(FAKE), line("192.0.2.11"), line("192.0.2.12")]));
  const hanging = (record: FakeRecord): boolean => record.connects.length === 1 && record.open.length === 1;
  const { open } = await untilFake(guest, "a connect that gets no answer", hanging);
  await guest.run("nvmet-lab add extra 1");
  await untilPublished(guest, one, ["extra", "sub-001"]);
  await reload(guest, confOf([line(FAKE), line("192.0.2.11"), line("192.0.2.13")]));
  await untilDiscovering(guest, [ONE]);
  const record = await fake(guest);
  assert.deepEqual(record.open, open, "all that was to come while the one connect hangs");
  assert.equal(record.connects.length, 1);

  await untilDiscovering(guest, [ONE, THREE]);
  assert.equal((await fake(guest)).connects.length, 1, "the new one came before a second attempt");
  await untilFake(guest, "a second attempt", ({ connects }) => connects.length === 2);
  await untilLogged(guest, since, /192\.0\.2\.18.* - Failed to connect to controller\. /);
  await fakeSet(guest, { silent: [] });
  await untilDiscovering(guest, [ONE, THREE, FAKE_DC]);
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: silence", ofOurs: true, slow: true, run: silence },
  { name: "stafd: a connect without an answer", ofOurs: true, slow: true, run: connects },
];
