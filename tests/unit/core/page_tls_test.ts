/** What pages make of TLS for one controller (DEC-15, S15, S16), for each combination of the facts. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { type Ctl, newCtl, pageAuthority, withClaim } from "../../../src/lib/core/controller/ctl.ts";
import { restoredStacd } from "../../../src/lib/core/saved/stacd_saved.ts";
import { savedStacd } from "../../../src/lib/core/saved/stacd_saved.ts";
import { emptyFleet, type Fleet, withCtl, withoutCtl } from "../../../src/lib/core/fleet/fleet.ts";
import { tlsChoice } from "../../../src/lib/core/request/page_tls.ts";
import { securedKey } from "../../../src/lib/core/request/tls_targets.ts";
import type { TlsDemand } from "../../../src/lib/nvme/entry_tls.ts";
import { type TlsHost, tlsPair } from "../../../src/lib/nvme/tls_host.ts";
import { type Tid, tidKey } from "../../../src/lib/nvme/tid.ts";
import { discoveryEntry } from "../nvme/samples.ts";

const TID: Tid = {
  transport: "tcp",
  traddr: "192.0.2.1",
  trsvcid: "4420",
  subsysnqn: "nqn.sub",
  hostTraddr: "",
  hostIface: "",
  hostNqn: "nqn.host",
};
const TREQ = { none: 0, offered: 2, required: 1 } as const;

function listed(demand: TlsDemand, dc = "dc", tid = TID): Ctl {
  const entry = discoveryEntry({
    treq: TREQ[demand],
    tsas: { kind: "tcp", sectype: demand === "none" ? "none" : "tls1.3" },
  });
  const claim = { kind: "log-page", dc, dcText: dc, genctr: "1", readAt: 1, entry } as const;
  return withClaim(newCtl(tidKey(tid), tid, 0), pageAuthority(dc), claim);
}

function conf(text: string) {
  const parsed = parseStacdConf(text, "stacd.conf");
  assert.ok(parsed.ok, text);
  return parsed.conf;
}
const FOLLOW = conf("");
const IGNORE = conf("[Global]\ntls-from-log-page = ignore\n");

const READY: TlsHost = { daemon: true, pairs: new Set([tlsPair("nqn.host", "nqn.sub")]) };
const fleetOf = (tls: TlsHost | undefined, ...ctls: readonly Ctl[]): Fleet =>
  ctls.reduce(withCtl, { ...emptyFleet, tls });
const asIs = (dc: string): string => dc;

Deno.test("tls-from-log-page: follow unless ignore is written; another word is reported, and the stricter one counts", () => {
  assert.equal(FOLLOW.tlsFromLogPage.value, "follow");
  assert.equal(IGNORE.tlsFromLogPage.value, "ignore");
  const parsed = parseStacdConf("[Global]\ntls-from-log-page = no\n", "stacd.conf");
  assert.ok(parsed.ok);
  assert.equal(parsed.conf.tlsFromLogPage.value, "follow");
  assert.match(parsed.findings.map(({ message }) => message).join(), /tls-from-log-page.*follow/);
});

Deno.test("every combination: required is TLS or nothing, offered TLS where it can be had, after TLS nothing else", () => {
  fc.assert(fc.property(
    fc.record({
      demand: fc.constantFrom<TlsDemand>("none", "offered", "required"),
      daemon: fc.constantFrom(true, false, undefined),
      hasKey: fc.constantFrom(true, false, undefined),
      wasSecured: fc.boolean(),
      failed: fc.boolean(),
      isIgnored: fc.boolean(),
      isAsked: fc.boolean(),
    }),
    ({ demand, daemon, hasKey, wasSecured, failed, isIgnored, isAsked }) => {
      const pairs = hasKey === undefined ? undefined : hasKey ? READY.pairs : new Set<string>();
      const ctl = { ...listed(demand), triedTls: failed, attempts: failed ? 1 : 0 };
      const plain = fleetOf({ daemon, pairs }, ctl);
      const secured = wasSecured ? plain.secured.with(securedKey(TID), true) : plain.secured;
      const choice = tlsChoice(
        ctl,
        isAsked ? { tls: true } : {},
        { ...plain, secured },
        isIgnored ? IGNORE : FOLLOW,
        asIs,
      );
      if (isIgnored || isAsked) return assert.equal(choice.is, "unsaid");
      if (demand === "required" || wasSecured) return assert.ok(choice.is === "tls" && choice.must);
      if (demand === "none") return assert.equal(choice.is, "unsaid");
      const isPossible = daemon !== false && hasKey !== false && !failed;
      assert.equal(choice.is, isPossible ? "tls" : "clear");
      if (choice.is === "tls") assert.equal(choice.must, false);
    },
  ));
});

Deno.test("of two pages the stricter counts, also where they lead to it by another interface", () => {
  const near = { ...TID, hostIface: "eth0" };
  const strict = listed("required", "other", near);
  const loose = listed("none");
  const fleet = fleetOf(READY, loose, strict);
  assert.equal(tlsChoice(loose, {}, fleet, FOLLOW, asIs).is, "tls");
  // Whichever is read last.
  const twice = [...strict.claims].reduce((ctl, [page, claim]) => withClaim(ctl, page, claim), loose);
  const [first, last] = [...twice.claims].toReversed();
  assert.ok(first !== undefined && last !== undefined);
  const turned: Ctl = { ...twice, claims: new Map([first, last]) };
  for (const ctl of [twice, turned]) {
    assert.equal(tlsChoice(ctl, {}, fleetOf(READY, ctl), FOLLOW, asIs).is, "tls");
  }
  const gone = withoutCtl(fleet, strict);
  assert.equal(gone.aboutTls.size, 0);
  assert.equal(tlsChoice(loose, {}, gone, FOLLOW, asIs).is, "unsaid");
  const elsewhere = listed("none", "dc", { ...TID, trsvcid: "4421" });
  assert.equal(tlsChoice(elsewhere, {}, fleetOf(READY, elsewhere, strict), FOLLOW, asIs).is, "unsaid");
});

Deno.test("what mDNS alone leads to demands nothing of what others name", () => {
  const owner = (dc: string): string => dc === "heard" ? "mdns eth0" : dc;
  const both = withClaim(listed("none"), pageAuthority("heard"), claimIn(listed("required", "heard")));
  assert.equal(tlsChoice(both, {}, fleetOf(READY, both), FOLLOW, owner).is, "unsaid");
  const alone = listed("required", "heard");
  assert.equal(tlsChoice(alone, {}, fleetOf(READY, alone), FOLLOW, owner).is, "tls");
});

function claimIn({ claims }: Ctl) {
  const [claim] = claims.values();
  assert.ok(claim !== undefined);
  return claim;
}

Deno.test("what was connected by TLS is in the state file", () => {
  const secured = emptyFleet.secured.with(securedKey(TID), true);
  const empty = restoredStacd(undefined);
  const saved: unknown = JSON.parse(
    savedStacd({ ...empty, fleet: { ...empty.fleet, secured } }),
  );
  assert.equal(restoredStacd(saved).fleet.secured.has(securedKey({ ...TID, hostIface: "eth1" })), true);
});
