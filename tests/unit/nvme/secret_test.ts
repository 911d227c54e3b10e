/** S8: a secret cannot be shown by accident. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { Secret } from "../../../src/lib/base/secret.ts";

Deno.test("a secret shows itself to nobody", () => {
  const secret = new Secret("DHHC-1:00:geheim:");
  const shown = [
    String(secret),
    `${secret}`,
    "" + secret,
    JSON.stringify({ secret }),
    Deno.inspect({ secret }),
    inspect(secret),
    Object.entries(secret).join(),
    JSON.stringify(Object.getOwnPropertyDescriptors(secret)),
    JSON.stringify({ ...secret }),
    [secret].join(),
    new Error(`x ${secret}`).message,
  ];
  for (const text of shown) assert.doesNotMatch(text, /geheim|DHHC/);
  assert.equal(JSON.stringify(structuredClone(secret)), "{}");
  assert.equal(secret.reveal(), "DHHC-1:00:geheim:");
});
