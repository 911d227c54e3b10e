import assert from "node:assert/strict";
import { cutAppendix, isTarget, refusedRuntime } from "../../../scripts/denort.ts";

function compiled(base: string, appended: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(base + appended);
  const file = new Uint8Array(bytes.length + 8);
  file.set(bytes);
  new DataView(file.buffer).setBigUint64(bytes.length, BigInt(appended.length + 8), true);
  return file;
}

Deno.test("denort is what is before the compiler's appendix", () => {
  assert.equal(new TextDecoder().decode(cutAppendix(compiled("ELF base", "d3n0l4nd program"))), "ELF base");
});

Deno.test("a program that Deno did not compile is refused", () => {
  for (const file of [compiled("ELF base", "something else"), new Uint8Array(4), new Uint8Array(64)]) {
    assert.throws(() => cutAppendix(file), /not one that Deno compiled/);
  }
});

Deno.test("only the two targets are targets", () => {
  assert.ok(isTarget("x86_64-unknown-linux-gnu") && isTarget("aarch64-unknown-linux-gnu"));
  assert.ok(!isTarget("x86_64-apple-darwin") && !isTarget(""));
});

Deno.test("no package is made with the fallback runtime unless somebody insists; the others are no question", () => {
  assert.match(
    refusedRuntime({ from: "fallback" }, false) ?? "",
    /NVME_STAS_DENORT=download.*--allow-fallback/s,
  );
  assert.equal(refusedRuntime({ from: "fallback" }, true), undefined);
  for (const from of ["download", "given"] as const) assert.equal(refusedRuntime({ from }, false), undefined);
});
