import assert from "node:assert/strict";
import { type Evidence, evidenceText, proofText } from "../../../src/lib/core/planning/evidence.ts";

const at = Date.UTC(2026, 10, 22, 20, 15, 44);

const TEXTS: readonly (readonly [Evidence, string])[] = [
  [{ kind: "config", file: "stacd.conf", line: 7, what: "exclude = nqn=a" }, "stacd.conf:7: exclude = nqn=a"],
  [{ kind: "config", file: "stacd.conf", what: "no line" }, "stacd.conf: no line"],
  [
    { kind: "log-page", dc: "(tcp, 10.0.0.1, 8009)", genctr: "12", readAt: at },
    "not in the log page of (tcp, 10.0.0.1, 8009), generation 12, read 2026-11-22T20:15:44Z",
  ],
  [
    { kind: "dc-retired", dc: "(tcp, 10.0.0.1, 8009)", why: "excluded", at },
    "listed only by (tcp, 10.0.0.1, 8009), which stafd dropped at 2026-11-22T20:15:44Z: excluded",
  ],
  [
    { kind: "resolved", host: "a.example.com", addresses: "10.0.0.2", at },
    "a.example.com now resolves to 10.0.0.2 (2026-11-22T20:15:44Z)",
  ],
  [
    { kind: "unresponsive", since: at, timeoutMs: 20_000 },
    "no longer announced by mDNS and unreachable since 2026-11-22T20:15:44Z, longer than " +
    "zeroconf-connections-persistence (20 s)",
  ],
  [
    { kind: "audit", file: "stacd.conf", line: 2, asked: "stacd.conf" },
    "stacd.conf:2: disconnect-scope: no source wants it (checked: stacd.conf)",
  ],
  [
    { kind: "stop", file: "stafd.conf", line: 3 },
    "stafd.conf:3: persistent-connections=false, and the daemon stops",
  ],
];

for (const [evidence, text] of TEXTS) {
  Deno.test(`evidence of kind ${evidence.kind}: ${text.slice(0, 40)}`, () => {
    assert.equal(evidenceText(evidence), text);
  });
}

Deno.test("a proof says all of it", () => {
  const [first, second] = TEXTS;
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(proofText([first[0], second[0]]), `${first[1]}; ${second[1]}`);
});
