/** S16: a full table gives room by authority. */
import assert from "node:assert/strict";
import { type Ctl, newCtl } from "../../../src/lib/core/controller/ctl.ts";
import { MAX_CTLS } from "../../../src/lib/core/fleet/fleet.ts";
import { mdnsAuthority, OWN_FILES } from "../../../src/lib/core/sources/origin_of.ts";
import { MDNS_CTLS, TableRoom } from "../../../src/lib/core/fleet/table_room.ts";

const tid = {
  transport: "tcp",
  traddr: "",
  trsvcid: "",
  subsysnqn: "",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "",
} as const;
const up: Partial<Ctl> = {
  link: { phase: "up", ref: { device: "nvme0", incarnation: 1 }, adopted: false },
};

function room(counts: Readonly<Record<string, number>>, more: Partial<Ctl> = {}): TableRoom {
  const ctls = Object.entries(counts).flatMap(([authority, count]) =>
    Array.from({ length: count }, (_, n): Ctl => ({ ...newCtl(`${authority}/${n}`, tid, 0), ...more }))
  );
  return new TableRoom(ctls, ({ key }) => key.slice(0, key.lastIndexOf("/")));
}

const ofWhom = (key: string | undefined): string | undefined => key?.slice(0, key.lastIndexOf("/"));
const ETH0 = mdnsAuthority("eth0");
const ETH1 = mdnsAuthority("eth1");

Deno.test("whoever has most gives way, until both have the same; nobody gives way to itself", () => {
  const table = room({ hostile: MAX_CTLS - 10, small: 10 });
  assert.equal(table.givesWay("hostile"), undefined);
  let taken = 0;
  for (let n = 0; n < MAX_CTLS; n++) {
    const key = table.givesWay("small");
    if (key === undefined) break;
    assert.equal(ofWhom(key), "hostile");
    table.took("small", `small/new${n}`);
    taken++;
  }
  assert.ok(Math.abs(taken + 10 - MAX_CTLS / 2) <= 1, String(taken));
});

Deno.test("mDNS keeps a quarter, and no more where others need room; among itself its interfaces share", () => {
  const table = room({ [ETH0]: MAX_CTLS });
  let taken = 0;
  while (taken < MAX_CTLS && table.givesWay("configured") !== undefined) {
    table.took("configured", `c/${taken++}`);
  }
  assert.equal(taken, MAX_CTLS - MDNS_CTLS);
  assert.equal(table.givesWay(ETH0), undefined, "it does not get back what it had too much of");
  assert.equal(ofWhom(table.givesWay(ETH1)), ETH0);
});

Deno.test("what this host's own files name always has room, and what is connected or not looked for yet never goes", () => {
  assert.equal(ofWhom(room({ big: 100, [OWN_FILES]: 1000 }).givesWay(OWN_FILES)), "big");
  assert.equal(room({ [OWN_FILES]: 1000 }).givesWay("small"), undefined);
  assert.equal(room({ big: 100 }, up).givesWay("small"), undefined);
  assert.equal(room({ big: 100 }, { restored: true }).givesWay("small"), undefined);
});
