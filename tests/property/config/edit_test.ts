import fc from "fast-check";
import { checkEdits } from "../../unit/config/invariants.ts";
import { confText } from "./samples.ts";

const option = fc.constantFrom("nqn" as const, "id" as const, "key" as const, "symname" as const);
const value = fc.oneof(
  fc.constantFrom("nqn.x", "file:///etc/nvme/hostid", "a = b", "# x", "[Host]"),
  fc.string().map((text) => text.trim()).filter((text) => text !== ""),
);

Deno.test("property: an edit sets or clears exactly one option, and keeps all else, comments included", () => {
  fc.assert(
    fc.property(confText, option, value, (text, name, wanted) => {
      checkEdits(text, name, wanted);
    }),
    { numRuns: 1_000 },
  );
});
