import assert from "node:assert/strict";
import fc from "fast-check";
import { effectiveStacd, effectiveStafd } from "../../../src/lib/config/effective.ts";
import { findingText } from "../../../src/lib/config/finding.ts";
import { parseStacdConf } from "../../../src/lib/config/stacd_conf.ts";
import { parseStafdConf } from "../../../src/lib/config/stafd_conf.ts";
import { parseSysConf } from "../../../src/lib/config/sys_conf.ts";
import { entryText } from "./samples.ts";

/** The part of the secret that must not be seen; long enough not to occur by chance. */
const base64 = fc.stringMatching(/^[A-Za-z0-9+/]{44}$/).filter((text) => !/^(.)\1*$/.test(text));

/** Where a secret can stand, rightly or by mistake. `S` is a key in its interchange form. */
const PLACES: readonly string[] = [
  "[Controllers]\ncontroller=transport=tcp;traddr=1.1.1.1;dhchap-secret=S",
  "[Controllers]\ncontroller=transport=tcp;traddr=1.1.1.1;dhchap-ctrl-secret = S ;kato=x",
  "[Controllers]\ncontroller=transport=tcp;traddr=1.1.1.1;dhchap_secret=S",
  "[Controllers]\ncontroller=transport=tcp;traddr=1.1.1.1;secret S",
  "[Controllers]\ncontroller=transport=tcp;traddr=1.1.1.1;S",
  "[Controllers]\ncontroller=transport=tcp;traddr=S",
  "[Controllers]\ncontroller=transport=S;traddr=1",
  "[Controllers]\ncontroller=transport=tcp;traddr=1;kato=S;tls-key=S",
  "[Controllers]\ncontroller=transport=tcp;traddr=1;trsvcid=S;nqn=a,S;unknown=S",
  "[Controllers]\ncontroller=dhchap-secret=S",
  "[Controllers]\ncontroller=traddr=1\n  dhchap-secret=S",
  "[Controllers]\ncontroler=transport=tcp;traddr=1;dhchap-secret=S",
  "[Controllers]\ndhchap-secret=S\ndhchap-secret: S\nS\n",
  "[Controllers]\nexclude=dhchap-secret=S;nqn=S;S;transport=S",
  "[Controllers]\nblacklist=S",
  "[Global]\nkato=S\ntls=S\ntls-key=S\nkeyring=S\nS=1\nsticky-connections=S",
  "[Global]\ntls-key=S",
  "[S]\nx=S\n[Global]\nip-family=S\ntron=S\n",
  "S\n[Global]\n",
  "dhchap-secret=S",
  "[Discovery controller connection management]\nzeroconf-connections-persistence=S",
  "[I/O controller connection management]\ndisconnect-trtypes=tcp+S\ndisconnect-scope=S",
];

function assertHidden(shownTexts: readonly string[], secret: string, source: string): void {
  for (const shown of shownTexts) {
    assert.ok(
      !shown.toLowerCase().includes(secret.toLowerCase()),
      `${source}\nshows the secret in\n${shown}`,
    );
  }
}

/** Everything that a person or a program may get to see. */
function visible(text: string): readonly string[] {
  const stafd = parseStafdConf(text, "f");
  const stacd = parseStacdConf(text, "f");
  return [
    ...[...stafd.findings, ...stacd.findings].map(findingText),
    ...stafd.ok
      ? [JSON.stringify(effectiveStafd(stafd.conf)), ...stafd.conf.controllers.map((c) => c.text)]
      : [],
    ...stacd.ok
      ? [JSON.stringify(effectiveStacd(stacd.conf)), ...stacd.conf.excludes.map((c) => c.text)]
      : [],
    ...stafd.ok ? stafd.conf.controllers.flatMap((c) => [...c.extra].flat()) : [],
    ...stafd.ok ? stafd.conf.controllers.map((c) => Deno.inspect({ keys: c.keys, extra: c.extra })) : [],
    ...stafd.ok ? stafd.conf.controllers.map((c) => JSON.stringify({ keys: c.keys })) : [],
  ];
}

Deno.test("property, S8: a key in its interchange form is shown from no place", () => {
  const form = fc.constantFrom("DHHC-1:00:", "DHHC-1:03:", "dhhc-1:01:", "NVMeTLSkey-1:01:");
  fc.assert(
    fc.property(base64, form, fc.constantFrom(...PLACES), entryText, (secret, prefix, place, more) => {
      const text = place.replaceAll("S", `${prefix}${secret}=:`).replace("traddr=1", `traddr=1;${more}`);
      assertHidden(visible(text), secret, text);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("property, S8: a secret of any form is not shown from where secrets belong", () => {
  const places = PLACES.slice(0, 3);
  fc.assert(
    fc.property(base64, fc.constantFrom(...places), (secret, place) => {
      const text = place.replaceAll("S", secret);
      assertHidden(visible(text), secret, text);
    }),
  );
});

Deno.test("property, S8: the host key is shown from no place of sys.conf", () => {
  const places = [
    "[Host]\nkey=S",
    "[Host]\nkey=file:///S",
    "[Host]\nkye=S",
    "[Host]\nkey S",
    "[Host]\nnqn=S\nid=S",
    "S",
  ];
  fc.assert(
    fc.property(base64, fc.constantFrom(...places), (secret, place) => {
      const key = `DHHC-1:00:${secret}=:`;
      const text = place.replaceAll("S", key);
      const parsed = parseSysConf(
        text,
        "f",
        (path) =>
          path.startsWith("/etc")
            ? { ok: true, text: `${key}\n` }
            : { ok: false, why: "unreadable", message: `open ${path}` },
      );
      assertHidden(parsed.findings.map(findingText), secret, text);
      if (parsed.ok) {
        assertHidden([JSON.stringify(parsed.conf.key), Deno.inspect(parsed.conf.key)], secret, text);
      }
    }),
  );
});
