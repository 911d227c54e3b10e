/**
 * What is disconnected when no source wants it any more: every row of the decision table (requirements 40), for each of the
 * reasons, with two transports; and that what others connected is only looked at in the scope that says so (examples 1
 * to 7).
 */
import assert from "node:assert/strict";
import {
  byTcp,
  type Conf,
  configureStacd,
  configureStafd,
  connectByHand,
  hide,
  identities,
  nqnOf,
  offerByLoop,
  ONE,
  reloadStacd,
  stacdJournal,
  tcpLine,
  TWO,
  untilIocsListed,
} from "../stacd.ts";
import { SOON, start, untilConnected } from "../fabric.ts";
import { now } from "../stafd.ts";
import type { Guest } from "../guest.ts";
import { LOOP } from "../needs.ts";
import type { Scenario } from "../scenario.ts";

interface Row {
  readonly scope: string;
  readonly trtypes?: string;
  /** Of those that are no longer wanted, these go. */
  readonly gone: readonly string[];
  /** Are unwanted connections of others, by tcp, disconnected? */
  readonly audits: boolean;
}

/** Wanted, and then not: named after the reason. */
const LET_GO = ["by-page", "by-line", "by-exclude", "by-loop-line"];
const KEPT = ["both", "page"];
const FOREIGN = ["foreign-tcp", "foreign-loop"];
const LOOP_LINE = `transport=loop;nqn=${nqnOf("by-loop-line")}`;
/** Longer than the time a removal soaks and a page takes to be read. */
const WATCH = 8;

const ROWS: readonly Row[] = [
  { scope: "only-stas-connections", gone: LET_GO, audits: false },
  {
    scope: "all-connections-matching-disconnect-trtypes",
    trtypes: "tcp",
    gone: ["by-page", "by-line", "by-exclude"],
    audits: true,
  },
  {
    scope: "all-connections-matching-disconnect-trtypes",
    trtypes: "rdma+fc",
    gone: [],
    audits: false,
  },
  { scope: "no-disconnect", gone: [], audits: false },
];

async function run(guest: Guest, { scope, trtypes, gone, audits }: Row): Promise<void> {
  await guest.run(
    "nvmet-lab up 0 --dcs 2 && nvmet-lab add both 1 && nvmet-lab add page 1 && nvmet-lab add by-page 1 && " +
      "nvmet-lab add by-exclude 1 && nvmet-lab add by-line 2 && nvmet-lab add foreign-tcp 2 && " +
      "nvmet-lab create by-loop-line && nvmet-lab create foreign-loop",
  );
  await offerByLoop(guest, ["by-loop-line", "foreign-loop"]);
  const management = [
    `disconnect-scope = ${scope}`,
    ...(trtypes === undefined ? [] : [`disconnect-trtypes = ${trtypes}`]),
  ];
  const before: Conf = {
    management,
    controllers: [tcpLine("both"), tcpLine("by-line", TWO), LOOP_LINE],
  };
  await configureStafd(guest, [ONE]);
  await configureStacd(guest, before);
  await connectByHand(guest, "foreign-tcp", byTcp(TWO));
  await connectByHand(guest, "foreign-loop", "-t loop");
  await start(guest, "stafd", "stacd");
  // A foreign connection goes where the audit covers its transport, and stays everywhere else.
  const left = audits ? ["foreign-loop"] : FOREIGN;
  await untilConnected(guest, [...KEPT, ...LET_GO, ...left]);
  await untilIocsListed(guest, [...KEPT, ...LET_GO]);
  if (audits) {
    await connectByHand(guest, "foreign-tcp", byTcp(TWO));
    await untilConnected(guest, [...KEPT, ...LET_GO, ...left]);
  }
  const held = await identities(guest, [...KEPT, ...left]);

  const since = await now(guest);
  await guest.run(`${hide("by-page")} && ${hide("both")}`);
  await reloadStacd(guest, {
    management,
    controllers: [tcpLine("both")],
    excludes: [`nqn=${nqnOf("by-exclude")}`],
  });
  const stay = LET_GO.filter((name) => !gone.includes(name));
  await untilConnected(guest, [...KEPT, ...left, ...stay]);
  // What is excluded and still asked for is listed while it rests; everything else has gone from the list.
  await guest.until(
    "stacd lists what it cares for",
    "stacctl ls",
    (out) =>
      KEPT.every((name) => out.includes(nqnOf(name))) &&
      ["by-page", "by-line", "by-loop-line", ...FOREIGN].every((name) => !out.includes(nqnOf(name))),
    SOON,
  );
  const text = await stacdJournal(guest, since);
  for (const name of gone) {
    assert.match(text, new RegExp(`${nqnOf(name)}.*Disconnect initiated: `), `evidence for ${name}\n${text}`);
  }
  const kept = await identities(guest, [...KEPT, ...left, ...stay]);
  await guest.always(
    "what is kept stays kept",
    "cat /sys/class/nvme/nvme*/state | sort | uniq -c",
    (out) => out.trim() === `${1 + KEPT.length + left.length + stay.length} live`,
    { seconds: WATCH },
  );
  assert.equal(await identities(guest, [...KEPT, ...left, ...stay]), kept);
  assert.equal(await identities(guest, [...KEPT, ...left]), held, "a kept connection was made again");
}

export const scenarios: readonly Scenario[] = ROWS.map((row) => ({
  name: `disconnect ${row.scope} ${row.trtypes ?? ""}`.trim(),
  ofOurs: true,
  slow: true,
  needs: LOOP,
  run: (guest) => run(guest, row),
}));
