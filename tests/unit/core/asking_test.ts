/** A question about what would be leaves nothing behind in the state that it was asked of. */
import assert from "node:assert/strict";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { pageAuthority } from "../../../src/lib/core/controller/ctl.ts";
import { addClaim, statementsChanged } from "../../../src/lib/core/fleet/claims.ts";
import { ctlAt } from "../../../src/lib/core/fleet/questions.ts";
import { forget } from "../../../src/lib/core/stafd/forget_turn.ts";
import { stafdVerdict } from "../../../src/lib/core/stafd/stafd_questions.ts";
import { stafdDraft } from "../../../src/lib/core/stafd/stafd_rules.ts";
import { emptyStafd } from "../../../src/lib/core/stafd/stafd_state.ts";
import { tidKey } from "../../../src/lib/nvme/tid.ts";
import { TID } from "./tid.ts";
import { discoveryEntry } from "../nvme/samples.ts";

const now = { mono: 1_000, wall: 1_000 };

Deno.test("forget --ask: what only the silent controller leads to is wanted as before, whatever follows", () => {
  const parsed = parseStafdConf("", "");
  assert.ok(parsed.ok);
  const avahi = { available: true, message: "", settled: true };
  const draft = stafdDraft({ ...emptyStafd, conf: parsed.conf, avahi }, now);
  const listed = { ...TID, traddr: "10.0.0.101" };
  const silent = tidKey(TID);
  const claim = {
    kind: "mdns",
    service: "a",
    hostIface: "eth0",
    traddr: TID.traddr,
    present: false,
    heard: true,
  } as const;
  addClaim(draft, silent, TID, "mdns:a", claim);
  const page = {
    kind: "referral",
    dc: silent,
    dcText: "a",
    genctr: "1",
    readAt: 0,
    entry: discoveryEntry(),
  } as const;
  addClaim(draft, tidKey(listed), listed, pageAuthority(silent), page);
  const verdict = () => {
    const ctl = ctlAt(draft, tidKey(listed));
    assert.ok(ctl !== undefined);
    return stafdVerdict(draft, ctl).is;
  };
  assert.equal(verdict(), "wanted");
  forget(draft, { type: "forget", call: 1, uid: 0, what: "a", keys: [silent], mode: "ask" });
  assert.equal(draft.state.answers[0]?.answer.result, "possible");
  // As many statements as the question had imagined.
  for (let n = 0; n < 3; n++) {
    statementsChanged(draft);
    assert.equal(verdict(), "wanted", `after ${n + 1}`);
  }
});
