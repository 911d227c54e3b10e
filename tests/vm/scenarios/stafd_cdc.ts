/**
 * stafd with a central discovery controller in user space (`fake-cdc`), which asks for registration, refuses it, or lies
 * in its log page.
 */
import assert from "node:assert/strict";
import { callCommand, entries, type Entry, parseReply, start, untilDiscovering } from "../fabric.ts";
import {
  at,
  configure,
  confOf,
  FAKE,
  fake,
  type FakeRecord,
  fakeSet,
  fakeUp,
  identity,
  listed,
  now,
  pages,
  subsystems,
  untilFake,
  untilLogged,
  untilPublished,
} from "../stafd.ts";
import type { Guest } from "../guest.ts";
import type { Scenario } from "../scenario.ts";

const FAKE_DC = `${FAKE}:8009`;
const NAMES = ["fake-000", "fake-001", "fake-002"];
/** What /etc/nvme of the image says. */
const HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:01234567-89ab-cdef-0123-456789abcdef";
const HOST_ID = "0123456789abcdef0123456789abcdef";

/** The commands in short: kind, log page and request bits. */
const brief = (record: FakeRecord): string[] =>
  record.commands.map(({ op, lid, lsp, rae, offset }) =>
    op === "dim" ? "dim" : `log ${lid?.toString(16)} lsp=${lsp} rae=${rae} at ${offset}`
  );

const READ = ["log 70 lsp=0 rae=1 at 0", "log 70 lsp=0 rae=1 at 1024", "log 70 lsp=0 rae=0 at 0"];
/** When its length is about known, all of it comes with the header. */
const READ_AGAIN = ["log 70 lsp=0 rae=1 at 0", "log 70 lsp=0 rae=0 at 0"];

async function startWithFake(guest: Guest): Promise<Entry> {
  await configure(guest, confOf([`transport=tcp;traddr=${FAKE}`]));
  await start(guest, "stafd");
  await untilDiscovering(guest, [FAKE_DC]);
  return at(await listed(guest), FAKE);
}

/** STAF-50 to 53, KRN-47, KRN-48: nothing is listed before the host has registered, so the order is seen. */
async function registration(guest: Guest): Promise<void> {
  await fakeUp(guest, { register: "required" });
  await guest.writeFile("/etc/stas/sys.conf", "[Host]\nsymname = Rack 7, third\n");
  const dc = await startWithFake(guest);
  await untilPublished(guest, dc, NAMES);
  const record = await fake(guest);
  assert.deepEqual(brief(record), ["dim", ...READ]);
  const osName = (await guest.run(". /etc/os-release && echo $ID; uname -r; hostname")).trim().split("\n");
  assert.equal(record.registrations.length, 1);
  const [sent] = record.registrations;
  assert.ok(typeof sent === "object" && sent !== null && "ever" in sent && typeof sent.ever === "string");
  assert.ok(sent.ever.startsWith(`Linux ${osName[1] ?? "?"}`), sent.ever);
  const attributes = {
    "1": HOST_ID,
    "2": [...new TextEncoder().encode("Rack 7, third\0\0\0")].map((byte) =>
      byte.toString(16).padStart(2, "0")
    ).join(""),
  };
  assert.deepEqual(sent, {
    tas: 0,
    length: 2096,
    bytes: 2096,
    count: 1,
    format: 2,
    etype: 1,
    ektype: 0x5f,
    eid: HOST_NQN,
    ename: osName[2],
    ever: sent.ever,
    entries: [
      { trtype: 3, adrfam: 1, subtype: 0, trsvcid: "", nqn: HOST_NQN, traddr: "", tel: 1072, attributes },
    ],
  });

  // A notification is answered by reading, not by registering; a reconnection by both.
  await fakeSet(guest, { entries: 2 });
  await guest.run("fake-cdc aen");
  await untilPublished(guest, dc, NAMES.slice(0, 2));
  assert.deepEqual(brief(await fake(guest)), ["dim", ...READ, ...READ_AGAIN]);
  await guest.run("fake-cdc drop");
  await untilFake(guest, "registered again", ({ registrations }) => registrations.length === 2);
  await untilFake(
    guest,
    "read again",
    (found) => brief(found).slice(6).join() === ["dim", ...READ_AGAIN].join(),
  );
  await guest.run("systemctl stop stafd");
  assert.equal((await fake(guest)).registrations.length, 2, "no deregistration is ever sent (STAF-53)");
}

async function refusals(guest: Guest): Promise<void> {
  await fakeUp(guest, { register: "refused" });
  const since = await now(guest);
  const dc = await startWithFake(guest);
  await untilPublished(guest, dc, NAMES);
  await untilLogged(guest, since, /192\.0\.2\.18.* - Registration error\. cannot register this host: 0x/);
  assert.deepEqual(brief(await fake(guest)), ["dim", ...READ], "a refusal is final (STAF-52)");

  // A direct one, which refuses to say what logs it has; then one that can limit the log to its own port, and that takes
  // less at once than we like to ask for.
  await guest.run("systemctl stop stafd && nvme disconnect-all && fake-cdc down");
  await fakeUp(guest, { dctype: "ddc", supported: "refused" });
  await startWithFake(guest);
  await untilPublished(guest, dc, NAMES);
  const asked = ["dim", "log 0 lsp=0 rae=0 at 0"];
  assert.deepEqual(brief(await fake(guest)), [...asked, ...READ]);
  await guest.run("systemctl stop stafd && nvme disconnect-all && fake-cdc down");
  await fakeUp(guest, { dctype: "ddc", supported: 1 << 17, mdts: 1, entries: 40 });
  await startWithFake(guest);
  await untilPublished(guest, dc, Array.from({ length: 40 }, (_, i) => `fake-${String(i).padStart(3, "0")}`));
  const read = await fake(guest);
  assert.deepEqual(brief(read).slice(0, 4), [
    ...asked,
    "log 70 lsp=2 rae=1 at 0",
    "log 70 lsp=2 rae=1 at 1024",
  ]);
  assert.equal(brief(read).at(-1), "log 70 lsp=2 rae=0 at 0");
  assert.ok(read.commands.every(({ size }) => (size ?? 0) <= 8192), "no more at once than it can do");
}

const pageOf = (dc: Entry): string => callCommand("staf", "get_log_pages", "sssssss", identity(dc));

/** All entries of one generation, and the whole of it. */
function isWhole(list: readonly Entry[], count: number): boolean {
  const generations = new Set(subsystems(list).map((name) => name.split("-", 1)[0]));
  return list.length === count && generations.size === 1;
}

/** S3: what changes while it is read, and what cannot be true, is never published. */
async function lies(guest: Guest): Promise<void> {
  await fakeUp(guest, { entries: 300, stamp: true, torn: 3 });
  let since = await now(guest);
  const dc = await startWithFake(guest);
  await untilLogged(guest, since, /Received discovery log pages \(num records=300\)/);
  assert.ok(isWhole(await pages(guest, dc), 300), "a page of one generation");
  const before = await pages(guest, dc);

  for (
    const [what, settings, message] of [
      [
        "never the same twice",
        { torn: -1 },
        /Failed to retrieve log pages\. .*it changed \d+ times while it was read/,
      ],
      [
        "an impossible count",
        { torn: 0, numrec: 2 ** 40 },
        /Failed to retrieve log pages\. .*claims 1099511627776 records/,
      ],
      ["an unknown format", { numrec: null, recfmt: 9 }, /Failed to retrieve log pages\. .*record format 9/],
    ] as const
  ) {
    since = await now(guest);
    await fakeSet(guest, settings);
    await guest.run("fake-cdc aen");
    await untilLogged(guest, since, message);
    assert.deepEqual(await pages(guest, dc), before, `${what}: what was known is kept`);
    // Healthy again: the next attempt succeeds without anybody asking.
    since = await now(guest);
    await fakeSet(guest, { torn: 0, numrec: null, recfmt: 0 });
    await untilLogged(guest, since, /Received discovery log pages \(num records=300\)/);
    assert.ok(isWhole(entries(parseReply(await guest.run(pageOf(dc)))), 300), `${what}: whole again`);
    before.splice(0, before.length, ...await pages(guest, dc));
  }

  // More records announced than there are: what is there is taken, the emptiness after it is not.
  await fakeSet(guest, { entries: 2, stamp: false, numrec: 4 });
  await guest.run("fake-cdc aen");
  await untilPublished(guest, dc, NAMES.slice(0, 2));
}

export const scenarios: readonly Scenario[] = [
  { name: "stafd: registration", ofOurs: true, slow: true, run: registration },
  { name: "stafd: refused registration and log pages", ofOurs: true, slow: true, run: refusals },
  { name: "stafd: log pages that change or lie", ofOurs: true, slow: true, run: lies },
];
