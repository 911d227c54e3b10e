/** What the state file costs: a save writes anew only what has changed since the last one. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Ctl, newCtl, pageAuthority, withClaim } from "../../../src/lib/core/controller/ctl.ts";
import { emptyFleet, type Fleet, withCtl, withoutCtl } from "../../../src/lib/core/fleet/fleet.ts";
import { restoredStacd, savedStacd } from "../../../src/lib/core/saved/stacd_saved.ts";
import { savedStafd } from "../../../src/lib/core/saved/stafd_saved.ts";
import { emptyStacd, type StacdState } from "../../../src/lib/core/stacd/stacd_state.ts";
import { emptyStafd, newDc } from "../../../src/lib/core/stafd/stafd_state.ts";
import { type Tid, tidKey } from "../../../src/lib/nvme/tid.ts";
import { collidingNames } from "../base/colliding.ts";
import { discoveryEntry } from "../nvme/samples.ts";

const tid = (n: number): Tid => ({
  transport: "tcp",
  traddr: `192.0.2.${n & 255}`,
  trsvcid: String(4420 + (n >> 8)),
  subsysnqn: "nqn.example",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "nqn.host",
});
const DC = tidKey(tid(0));
const ENTRY = discoveryEntry();

function ctl(n: number, genctr: string, of = tid(n)): Ctl {
  const claim = { kind: "log-page", dc: DC, dcText: "dc", genctr, readAt: n, entry: ENTRY } as const;
  return withClaim(newCtl(tidKey(of), of, 0), pageAuthority(DC), claim);
}

const stateOf = (fleet: Fleet): StacdState => ({ ...emptyStacd, fleet });

/** Counts how often something reads what the controller says. */
function counted(one: Ctl): { readonly ctl: Ctl; readonly reads: () => number } {
  let reads = 0;
  const { claims } = one;
  const watched = {
    ...one,
    get claims() {
      reads++;
      return claims;
    },
  };
  return { ctl: watched, reads: () => reads };
}

Deno.test("a save reads a few of many controllers when one has changed", () => {
  const all = Array.from({ length: 3_000 }, (_, n) => counted(ctl(n, "1")));
  const fleet = all.reduce((now, one) => withCtl(now, one.ctl), emptyFleet);
  savedStacd(stateOf(fleet));
  const before = all.map(({ reads }) => reads());
  const text = savedStacd(stateOf(withCtl(fleet, ctl(7, "2"))));
  const again = all.filter(({ reads }, n) => reads() !== before[n]).length;
  assert.ok(again < 60, `${again} of ${all.length} controllers are written anew`);
  assert.match(text, /"genctr":"2"/);
});

Deno.test("S11: a save reads a few of many controllers also when a peer has chosen their names for one place", () => {
  const begin = tidKey({ ...tid(1), subsysnqn: "nqn." }).replace(/nqn\.".*/, "nqn.");
  const names = collidingNames(begin, 11).map((name) => name.slice(begin.length - "nqn.".length));
  const of = (n: number): Tid => ({ ...tid(1), subsysnqn: names[n] ?? "" });
  const all = names.map((_, n) => counted(ctl(n, "1", of(n))));
  const fleet = all.reduce((now, one) => withCtl(now, one.ctl), emptyFleet);
  savedStacd(stateOf(fleet));
  const before = all.map(({ reads }) => reads());
  const text = savedStacd(stateOf(withCtl(fleet, ctl(7, "2", of(7)))));
  const again = all.filter(({ reads }, n) => reads() !== before[n]).length;
  assert.ok(again < 60, `${again} of ${all.length} controllers are written anew`);
  assert.match(text, /"genctr":"2"/);
});

Deno.test("a save writes the entries of a page that has not changed once", () => {
  let reads = 0;
  const entry = {
    ...ENTRY,
    get traddr() {
      reads++;
      return "192.0.2.9";
    },
  };
  const key = tidKey(tid(1));
  const page = {
    genctr: "1",
    readAt: 1,
    toldAt: undefined,
    fresh: true,
    entries: [entry],
    bytes: 40,
  };
  const fleet = withCtl(emptyFleet, ctl(1, "1"));
  const state = { ...emptyStafd, fleet, dcs: emptyStafd.dcs.with(key, { ...newDc, page }) };
  const first = savedStafd(state);
  const other = savedStafd({
    ...state,
    dcs: state.dcs.with(key, { ...newDc, page: { ...page, readAt: 2 } }),
  });
  assert.match(first, /"traddr":"192.0.2.9"/);
  assert.equal(other, first.replace('"readAt":1,"entries"', '"readAt":2,"entries"'));
  assert.equal(reads, 1);
});

Deno.test("what is saved after any changes is what a daemon without a memory of earlier saves would write", () => {
  const change = fc.record({ n: fc.nat(300), genctr: fc.constantFrom("1", "2", "3"), gone: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
      let fleet = emptyFleet;
      const known = new Map<string, Ctl>();
      for (const { n, genctr, gone } of changes) {
        const one = ctl(n, genctr);
        if (gone) {
          const old = known.get(one.key);
          if (old !== undefined) fleet = withoutCtl(fleet, old);
          known.delete(one.key);
        } else {
          fleet = withCtl(fleet, one);
          known.set(one.key, one);
        }
        savedStacd(stateOf(fleet));
      }
      const restored = restoredStacd(JSON.parse(savedStacd(stateOf(fleet))));
      const claims = [...restored.fleet.ctls.values()].map(({ key, claims }) => [key, claims]);
      assert.deepEqual(
        new Map(claims.map(([key, claims]) => [key, claims])),
        new Map([...known.values()].map(({ key, claims }) => [key, claims])),
      );
    }),
    { numRuns: 60 },
  );
});
