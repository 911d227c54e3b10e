/** `history` from the journal alone, whose text may be anything, and how it is put together with the daemon's memory. */
import assert from "node:assert/strict";
import { type PastEvent, together } from "../../../src/ctl/past_event.ts";
import { main as stacctl } from "../../../src/ctl/stacctl.ts";
import type { Ran } from "../../../src/ctl/world.ts";
import { MESSAGES } from "../../../src/lib/base/messages.ts";
import { fakeWorld } from "./fake_world.ts";

const NOW = 1_700_000_000_000;
const AT = NOW - 3_600_000;
const TID = "(tcp, 10.0.0.1, 4420, nqn.a)";

const entry = (type: keyof typeof MESSAGES, at: number, message: string, more: object = {}): object => ({
  __REALTIME_TIMESTAMP: `${at + 7}123`,
  _SOURCE_REALTIME_TIMESTAMP: `${at}123`,
  MESSAGE_ID: MESSAGES[type],
  MESSAGE: `${TID} | nvme3 - ${message}`,
  NVME_DEVICE: "nvme3",
  NVME_TRANSPORT: "tcp",
  NVME_TRADDR: "10.0.0.1",
  NVME_TRSVCID: "4420",
  NVME_SUBSYSNQN: "nqn.a",
  ...more,
});

/** As journalctl prints them: the newest first. */
const printed = (...entries: readonly object[]): string =>
  entries.toReversed().map((one) => `${JSON.stringify(one)}\n`).join("");

const told = (out: string, more: Partial<Ran> = {}): Ran => ({ success: true, out, err: "", ...more });

interface Seen {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly commands: readonly (readonly string[])[];
}

/** The daemon cannot be reached. */
async function history(journal: Ran | undefined, ...args: readonly string[]): Promise<Seen> {
  const commands: (readonly string[])[] = [];
  const world = fakeWorld({
    now: NOW,
    run: (command) => {
      commands.push(command);
      return journal;
    },
  });
  const status = await stacctl(["history", ...args], world);
  return { status, out: world.out.text, err: world.err.text, commands };
}

const EVIDENCE = "log page of dc1 does not list it; excluded by /etc/stas/stacd.conf:3";
const SOME = printed(
  entry("connected", AT, "Connection established!"),
  entry("link-lost", AT + 1_000, "link lost"),
  entry("disconnecting", AT + 2_000, `Disconnect initiated: ${EVIDENCE}`, { NVME_EVIDENCE: EVIDENCE }),
  {
    _SOURCE_REALTIME_TIMESTAMP: `${AT + 3_000}000`,
    MESSAGE_ID: MESSAGES.drained,
    MESSAGE: "Controllers are drained by uid 1000 until undrain: 10.0.0.1",
    NVME_EVIDENCE: "drained by uid 1000 until undrain: 10.0.0.1",
    STAS_UID: "1000",
  },
);

Deno.test("history: of the journal alone, the oldest first, and the daemon's silence is told", async () => {
  const { status, out, err, commands } = await history(told(SOME));
  assert.equal(status, 0);
  assert.deepEqual(out.trimEnd().split("\n").map((line) => line.replace(/^\S+ /, "")), [
    `connected         nvme3 ${TID}: Connection established!`,
    `link-lost         nvme3 ${TID}: link lost`,
    `disconnecting     nvme3 ${TID}: Disconnect initiated: ${EVIDENCE}`,
    "drained           Controllers are drained by uid 1000 until undrain: 10.0.0.1",
  ]);
  assert.match(out, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d connected/);
  assert.match(err, /^stacctl: .*start it: systemctl start dbus\.socket\n$/);
  const [command = []] = commands;
  assert.equal(commands.length, 1);
  assert.equal(command.slice(0, 7).join(" "), "journalctl -o json --no-pager --reverse -n 10000");
  assert.equal(command[command.indexOf("-u") + 1], "stacd");
  assert.ok(command.includes(`MESSAGE_ID=${MESSAGES.undrained}`));
  assert.ok(!command.includes(`MESSAGE_ID=${MESSAGES["log-page"]}`));
  assert.ok(!command.some((word) => word.startsWith("--since") || word.startsWith("--until")));
});

Deno.test("history --evidence: a line for each piece, and no longer in the message", async () => {
  const { out } = await history(told(SOME), "--evidence");
  assert.match(
    out,
    /Disconnect initiated\n {4}evidence: log page of dc1 does not list it\n {4}evidence: excluded by \/etc\/stas\/stacd\.conf:3\n/,
  );
  assert.match(
    out,
    /Controllers are drained by uid 1000 until undrain: 10\.0\.0\.1\n {4}evidence: drained by uid/,
  );
});

Deno.test("history: since and until, also of the journal's own choice, and what they may be", async () => {
  const moments = ["--since", `@${(AT + 1_000) / 1000}`, "--until", `@${(AT + 2_000) / 1000}`];
  const { out, commands } = await history(told(SOME), ...moments);
  assert.deepEqual(out.match(/^\S+ \S+/gm)?.map((line) => line.split(" ")[1]), [
    "link-lost",
    "disconnecting",
  ]);
  assert.ok(commands[0]?.includes(`--since=@${AT / 1000 - 1}`), String(commands[0]));
  assert.ok(commands[0]?.includes(`--until=@${AT / 1000 + 4}`));
  assert.equal((await history(told(SOME), "--since", "-2h")).out.split("\n").length, 5);
  const none = await history(told(SOME), "--since", "-1min");
  assert.deepEqual([none.status, none.out], [0, ""]);
  assert.match(none.err, /stacctl: no events\n$/);
  const wrong = await history(told(SOME), "--since", "2026-02-30");
  assert.equal(wrong.status, 2);
  assert.match(wrong.err, /--since <moment>.*2026-02-30.*Not a moment such as "2026-11-21 20:41"/);
  assert.equal(wrong.commands.length, 0);
  const crossed = await history(told(SOME), "--since", "-1h", "--until", "-2h");
  assert.equal(crossed.status, 2);
  assert.match(crossed.err, /--since is later than --until/);
});

Deno.test("history: bytes, missing, too long and repeated fields; what controls a terminal; what is no entry", async () => {
  const bytes = [...new TextEncoder().encode(`${TID} | nvme3 - \u001b[2J`), 0xff];
  const lines = printed(
    entry("connected", AT, "", { MESSAGE: bytes }),
    entry("removed", AT + 1, "", { MESSAGE: null, NVME_DEVICE: null, NVME_TRANSPORT: "smoke\u202e" }),
    entry("link-lost", AT + 2, "", { MESSAGE: ["first", "second"], NVME_DEVICE: [[110, 118], "nvme9"] }),
    entry("link-returned", AT + 3, "", { MESSAGE: [1, "x"], NVME_SUBSYSNQN: [300, -1], STAS_UID: "-1" }),
    entry("connected", AT + 4, "a\nb\u009b", { _SOURCE_REALTIME_TIMESTAMP: undefined }),
    entry("connected", AT, "", { _SOURCE_REALTIME_TIMESTAMP: "x", __REALTIME_TIMESTAMP: null }),
    { MESSAGE_ID: "other", MESSAGE: "x", __REALTIME_TIMESTAMP: "1" },
    { __proto__: null, MESSAGE: {} },
  );
  const { status, out, err } = await history(told(`-- No entries --\n{"half\n[1]\n${lines}`));
  assert.equal(status, 0, err);
  assert.doesNotMatch(out.replaceAll("\n", ""), /\p{Cc}|\p{Cf}/u);
  assert.deepEqual(out.trimEnd().split("\n").map((line) => line.replace(/^\S+ /, "")), [
    `connected         nvme3 ${TID}: \\x1b[2J\uFFFD`,
    "removed           ",
    `link-lost         nv ${TID}: first`,
    "link-returned     nvme3 (tcp, 10.0.0.1, 4420)",
    `connected         nvme3 ${TID}: a\\x0ab\\x9b`,
  ]);
  assert.match(err, /4 entries of the journal could not be understood and are left out/);
});

Deno.test("history: without journalctl, without permission, with complaints, and with neither source", async () => {
  const absent = await history(undefined);
  assert.equal(absent.status, 1);
  assert.match(
    absent.err,
    /the journal was not read: journalctl is not installed, or did not answer within 30 s\n/,
  );
  assert.equal(absent.out, "");
  for (
    const err of [
      "Hint: You are currently not seeing messages from other users and the system.\n      Users in groups\n",
      "No journal files were opened due to insufficient permissions.\n",
    ]
  ) {
    const denied = await history(told("", { success: false, err }));
    assert.match(denied.err, /not readable by this user: use sudo, or join the group systemd-journal\n/);
    assert.equal(denied.status, 1);
  }
  const broken = await history(told(SOME, { err: "Journal file /x\u001b is corrupted, ignoring file.\n" }));
  assert.equal(broken.status, 0);
  assert.match(broken.err, /journalctl says: Journal file \/x\\x1b is corrupted, ignoring file\.\n/);
  assert.match((await history(told("", { success: false }))).err, /journalctl failed without a message/);
});

Deno.test("history: a bound on the lines and on the bytes is told, with the way to what is older", async () => {
  const many = Array.from({ length: 10_000 }, (_, n) => entry("connected", AT + n, "x"));
  const lines = await history(told(printed(...many)));
  assert.equal(lines.out.split("\n").length, 10_001);
  assert.match(
    lines.err,
    /only the newest 10000 entries of the journal were read; for earlier ones: --until 2023-/,
  );
  const cut = await history(told(`${SOME}{"MESSAGE_ID":"84`, { success: false, isCut: true }));
  assert.equal(cut.status, 0);
  assert.equal(cut.out.split("\n").length, 5);
  assert.match(cut.err, /only the newest 16 MiB of the journal were read/);
  assert.doesNotMatch(cut.err, /understood/, "half a line is no strange one");
});

Deno.test("history: journalctl is started before the permissions are given up, which happens without a bus, too", async () => {
  const order: string[] = [];
  const world = {
    ...fakeWorld(),
    run: () => Promise.resolve(order.push("run") > 0 ? told(SOME) : undefined),
    dropPermissions: () => void order.push("drop"),
  };
  assert.equal(await stacctl(["history"], world), 0);
  assert.deepEqual(order, ["run", "drop"]);
});

Deno.test("history: events of one moment stay in the order of the journal", async () => {
  const types = ["removed", "connected", "link-lost", "link-returned", "removed"] as const;
  const { out } = await history(told(printed(...types.map((type) => entry(type, AT, "x")))));
  assert.deepEqual(out.match(/^\S+ \S+/gm)?.map((line) => line.split(" ")[1]), types);
});

Deno.test("history -o json: all there is, in schema 2", async () => {
  const { out } = await history(told(SOME), "-o", "json", "--since", "-1d");
  const document: unknown = JSON.parse(out);
  assert.ok(typeof document === "object" && document !== null && "events" in document);
  assert.ok(Array.isArray(document.events));
  const { events, ...rest } = document;
  const { notes } = Object(rest);
  assert.deepEqual({ ...rest, notes: [] }, {
    schema: 2,
    daemon: "stacd",
    at: NOW,
    output: "history",
    since: NOW - 86_400_000,
    until: null,
    sources: { daemon: false, journal: true },
    notes: [],
  });
  assert.equal(notes.length, 1);
  assert.deepEqual(events[2], {
    at: AT + 2_000,
    type: "disconnecting",
    tid: {
      transport: "tcp",
      traddr: "10.0.0.1",
      trsvcid: "4420",
      subsysnqn: "nqn.a",
      host_traddr: "",
      host_iface: "",
      host_nqn: "",
    },
    text: TID,
    device: "nvme3",
    message: `Disconnect initiated: ${EVIDENCE}`,
    evidence: EVIDENCE,
    uid: null,
  });
  assert.equal(events[3].uid, 1000);
  assert.equal(events[3].tid, null);
});

const past = (at: number, message: string, more: Partial<PastEvent> = {}): PastEvent => ({
  at,
  type: "link-lost",
  tid: {
    transport: "tcp",
    traddr: "10.0.0.1",
    trsvcid: "4420",
    subsysnqn: "nqn.a",
    hostTraddr: "",
    hostIface: "",
    hostNqn: "",
  },
  text: TID,
  device: "nvme3",
  message,
  evidence: null,
  uid: null,
  ...more,
});

Deno.test("history: the daemon's and the journal's telling of one event are one; two events stay two", () => {
  const daemon = [past(1_000, "d1"), past(1_500, "d2"), past(9_000, "d3", { type: "drained", tid: null })];
  const journal = [
    past(100, "j0", { tid: null }),
    past(1_000, "j1", { type: "connected" }),
    past(1_001, "j2"),
    past(1_502, "j3"),
    past(9_003, "j4", { type: "drained", tid: null, uid: 7, evidence: "why" }),
  ];
  const all = together(daemon, journal);
  assert.deepEqual(all.map(({ message }) => message), ["j0", "j1", "d1", "d2", "d3"]);
  assert.deepEqual([all[4]?.uid, all[4]?.evidence, all[4]?.at], [7, "why", 9_000]);
});

Deno.test("history: a link that is lost three times was lost three times, whichever of them the daemon remembers", () => {
  const times = [1_000, 1_400, 1_800];
  const journal = times.map((at) => past(at + 5, `j${at}`));
  assert.equal(together(times.map((at) => past(at, `d${at}`)), journal).length, 3);
  assert.deepEqual(
    together([past(1_800, "d1800")], journal).map(({ message }) => message),
    ["j1000", "j1400", "d1800"],
  );
  const late = together([past(1_000, "d1"), past(1_400, "d2")], [past(1_390, "j1"), past(1_900, "j2")]);
  assert.deepEqual(late.map(({ message }) => message), ["d1", "d2"], "each line is of one event");
  assert.equal(together([past(1_000, "d")], [past(4_000, "j")]).length, 2, "not the same moment");
});

Deno.test("history: the journal has no host NQN, and names escaped", () => {
  const strange = { ...past(0, ""), message: "d" };
  const { tid } = strange;
  assert.ok(tid !== null);
  const daemon = [{ ...strange, tid: { ...tid, subsysnqn: "nqn.\u001b", hostNqn: "nqn.host" } }];
  const journal = [{ ...strange, tid: { ...tid, subsysnqn: "nqn.\\u{1b}" } }];
  assert.equal(together(daemon, journal).length, 1);
  assert.equal(together(daemon, [{ ...strange, tid: { ...tid, hostIface: "eth0" } }]).length, 2);
});
