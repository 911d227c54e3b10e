import assert from "node:assert/strict";
import { didYouMean, suggestion } from "../../../src/lib/config/suggestion.ts";

Deno.test("the nearest name, if one is near", () => {
  const names = ["kato", "queue-size", "hdr-digest", "data-digest", "ctrl-loss-tmo"];
  assert.equal(suggestion("katoo", names), "kato");
  assert.equal(suggestion("Queue_Size", names), "queue-size");
  assert.equal(suggestion("hrd-digest", names), "hdr-digest");
  assert.equal(suggestion("digest", names), undefined);
  assert.equal(suggestion("", names), undefined);
  assert.equal(suggestion("ctrl-los-tmo", names), "ctrl-loss-tmo");
  assert.equal(suggestion("x".repeat(10_000), names), undefined);
  assert.equal(didYouMean("kat", names), ' (did you mean "kato"?)');
  assert.equal(didYouMean("other", names), "");
});
