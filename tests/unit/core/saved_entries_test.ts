/** Entries in the state files are the original's texts, as every version reads them, and come back as they were. */
import assert from "node:assert/strict";
import { newCtl, pageAuthority, withClaim } from "../../../src/lib/core/controller/ctl.ts";
import { emptyFleet, withCtl } from "../../../src/lib/core/fleet/fleet.ts";
import { restoredStacd, savedStacd } from "../../../src/lib/core/saved/stacd_saved.ts";
import { restoredStafd, savedStafd } from "../../../src/lib/core/saved/stafd_saved.ts";
import { emptyStacd } from "../../../src/lib/core/stacd/stacd_state.ts";
import { textBytes } from "../../../src/lib/core/stafd/page_budget.ts";
import { emptyStafd, newDc } from "../../../src/lib/core/stafd/stafd_state.ts";
import { entryFromText } from "../../../src/lib/nvme/entry_text.ts";
import { type Tid, tidKey } from "../../../src/lib/nvme/tid.ts";
import { discoveryEntry, ENTRY_TEXTS } from "../nvme/samples.ts";

const TID: Tid = {
  transport: "tcp",
  traddr: "192.0.2.1",
  trsvcid: "8009",
  subsysnqn: "nqn.dc",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "nqn.host",
};
const KEY = tidKey(TID);
const OTHERS = { trtype: "tcp", subnqn: "nqn.s", traddr: " 10.0.0.2 ", more: "of another program" };
const ENTRIES = [
  discoveryEntry({ treq: 5, portid: 7, eflags: 4, tsas: { kind: "tcp", sectype: "reserved" } }),
  discoveryEntry({ trtype: 9, subtype: 200, adrfam: 254, tsas: { kind: "none" } }),
  entryFromText(OTHERS),
];
const { tsas: _, ...WITHOUT_TSAS } = ENTRY_TEXTS;
/** As 1.0.0 wrote them, and reads them. */
const TEXTS = [
  { ...ENTRY_TEXTS, treq: "5", tsas: "{'sectype': 'reserved'}", portid: "7", eflags: "4" },
  { ...WITHOUT_TSAS, trtype: "9", adrfam: "254", subtype: "200" },
  OTHERS,
];

/** What is saved at this path. */
function at(text: string, ...path: readonly (string | number)[]): unknown {
  let value: unknown = JSON.parse(text);
  for (const name of path) {
    assert.ok(typeof value === "object" && value !== null && name in value, `${name} in ${text}`);
    value = Object.entries(value).find(([one]) => one === String(name))?.[1];
  }
  return value;
}

Deno.test("a page in stafd's state file", () => {
  const [entry] = ENTRIES;
  assert.ok(entry !== undefined);
  const claim = { kind: "referral", dc: KEY, dcText: "dc", genctr: "1", readAt: 1, entry } as const;
  const ctl = withClaim(newCtl(KEY, TID, 0), pageAuthority(KEY), claim);
  const page = { genctr: "1", readAt: 1, toldAt: undefined, fresh: true, entries: ENTRIES, bytes: 2 };
  const state = {
    ...emptyStafd,
    fleet: withCtl(emptyFleet, ctl),
    dcs: emptyStafd.dcs.with(KEY, { ...newDc, page }),
  };
  const text = savedStafd(state);
  assert.deepEqual(at(text, "pages", 0, "entries"), TEXTS);
  assert.deepEqual(at(text, "controllers", 0, "claims", 0, "claim", "entry"), TEXTS[0]);
  const restored = restoredStafd(JSON.parse(text)).dcs.get(KEY)?.page;
  assert.deepEqual(restored?.entries, ENTRIES);
  assert.equal(restored.bytes, textBytes(ENTRIES));
});

Deno.test("the entries of claims in stacd's state file", () => {
  for (const [n, entry] of ENTRIES.entries()) {
    const claim = { kind: "log-page", dc: KEY, dcText: "dc", genctr: "1", readAt: 1, entry } as const;
    const ctl = withClaim(newCtl(KEY, TID, 0), pageAuthority(KEY), claim);
    const text = savedStacd({ ...emptyStacd, fleet: withCtl(emptyFleet, ctl) });
    assert.deepEqual(at(text, "controllers", 0, "claims", 0, "claim", "entry"), TEXTS[n]);
    const again = restoredStacd(JSON.parse(text)).fleet.ctls.get(KEY)?.claims.get(pageAuthority(KEY));
    assert.deepEqual(again, claim);
  }
});

Deno.test("a page with an entry that is not all texts is left out of the restored state, not shortened (S2)", () => {
  const page = { genctr: "1", readAt: 1, toldAt: undefined, fresh: true, entries: ENTRIES, bytes: 2 };
  const claim = {
    kind: "mdns",
    service: "s",
    hostIface: "",
    traddr: "",
    present: true,
    heard: true,
  } as const;
  const fleet = withCtl(emptyFleet, withClaim(newCtl(KEY, TID, 0), "mdns:s", claim));
  const text = savedStafd({ ...emptyStafd, fleet, dcs: emptyStafd.dcs.with(KEY, { ...newDc, page }) });
  assert.ok(text.includes('"portid":"7"'));
  assert.ok(restoredStafd(JSON.parse(text)).dcs.get(KEY)?.page !== undefined);
  assert.equal(
    restoredStafd(JSON.parse(text.replace('"portid":"7"', '"portid":7'))).dcs.get(KEY)?.page,
    undefined,
  );
});
