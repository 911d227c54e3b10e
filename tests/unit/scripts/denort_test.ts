import assert from "node:assert/strict";
import {
  checkRuntime,
  cutAppendix,
  DENO_VERSION,
  isTarget,
  refusedFallback,
  refusedRuntime,
} from "../../../scripts/denort.ts";

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

Deno.test("a fallback of another version is refused: its checksum is that of its own version", () => {
  assert.equal(refusedFallback(DENO_VERSION), undefined);
  assert.match(refusedFallback("1.2.3") ?? "", /it holds 1\.2\.3; pin .* scripts\/denort\.ts/);
});

Deno.test("a program that holds another runtime than it states fails the build", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, compiled("ELF base", "d3n0l4nd program"));
    const stated = { version: "9.8.7", from: "download", source: "official download" } as const;
    const sha256 = "ad4c3d6f79f4db9a5c32f2b78b0e0db2";
    await assert.rejects(
      checkRuntime(file, { ...stated, sha256 }),
      /states ad4c3d6f79.* \(official download\)/,
    );
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("ELF base")))
      .toHex();
    await checkRuntime(file, { ...stated, sha256: sum });
  } finally {
    await Deno.remove(file);
  }
});
