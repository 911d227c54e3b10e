import assert from "node:assert/strict";
import { currentRelease } from "../../../scripts/package/release.ts";
import { billOfMaterials, debianCopyright, notices } from "../../../scripts/package/bill.ts";
import { specText } from "../../../scripts/package/rpm.ts";
import { cratesIn, parseRecord, type Runtime, runtimeText } from "../../../scripts/runtime.ts";

const SUM = "0123456789abcdef".repeat(4);
const RUNTIME: Runtime = { version: "9.8.7", from: "download", source: "official download", sha256: SUM };
const RECORD = { runtime: RUNTIME, packages: ["commander", "dbus-next"] };
const CRATES = [{ name: "aes", version: "0.8.3" }, { name: "ash", version: "0.38.0+1.3.281" }];
const TEXT = `Deno 9.8.7 (denort, official download), sha256 ${SUM}`;

Deno.test("a build's record is read back; what is not one is none", () => {
  assert.equal(runtimeText(RUNTIME), TEXT);
  assert.deepEqual(parseRecord(JSON.stringify(RECORD)), RECORD);
  for (
    const text of ["", "fallback\n", "{}", JSON.stringify({ ...RECORD, runtime: { ...RUNTIME, from: "x" } })]
  ) {
    assert.equal(parseRecord(text), undefined, text);
  }
  assert.equal(parseRecord(JSON.stringify({ ...RECORD, packages: [1] })), undefined);
  assert.equal(parseRecord(JSON.stringify({ ...RECORD, runtime: { ...RUNTIME, sha256: 1 } })), undefined);
});

Deno.test("crates are found by the paths in a program's texts, each once, in order", () => {
  const path = (crate: string): string =>
    `\0/builds/cargo/registry/src/index.crates.example-1949/${crate}/src/lib.rs`;
  const crates = [
    "rustls-webpki-0.103.3",
    "ash-0.38.0+1.3.281",
    "crypto-bigint-0.7.0-rc.28",
    "aes-0.8.3",
    "aes-0.8.3",
  ];
  const program = new TextEncoder().encode(`ELF${crates.map(path).join("")}\0registry/src/none\0/x-1.2.3/`);
  assert.deepEqual(cratesIn(program), [
    { name: "aes", version: "0.8.3" },
    { name: "ash", version: "0.38.0+1.3.281" },
    { name: "crypto-bigint", version: "0.7.0-rc.28" },
    { name: "rustls-webpki", version: "0.103.3" },
  ]);
});

Deno.test("the bill names the runtime with its origin and checksum, its crates, and the bundled packages only", () => {
  const bill: {
    components: {
      name: string;
      version?: string;
      hashes?: unknown;
      properties?: unknown;
      components?: { name: string; purl?: string }[];
    }[];
  } = JSON.parse(billOfMaterials(RECORD, CRATES));
  const [deno, ...others] = bill.components;
  assert.deepEqual([deno?.name, deno?.version], ["deno", "9.8.7"]);
  assert.deepEqual(deno?.hashes, [{ alg: "SHA-256", content: SUM }]);
  assert.deepEqual(deno?.properties, [{ name: "nvme-stas:source", value: "denort, official download" }]);
  const purls = deno?.components?.map(({ purl }) => purl).filter((purl) => purl !== undefined);
  assert.deepEqual(purls, ["pkg:cargo/aes@0.8.3", "pkg:cargo/ash@0.38.0%2B1.3.281"]);
  assert.deepEqual(others.map(({ name }) => name), ["commander", "@jellybrick/dbus-next"]);
  assert.throws(
    () => billOfMaterials({ ...RECORD, packages: ["unheard-of"] }, []),
    /does not have unheard-of/,
  );
});

Deno.test("debian/copyright lists what the notices list, and has the text of each license that it names", async () => {
  const template = await Deno.readTextFile("packaging/deb/copyright");
  const copyright = debianCopyright(template, RECORD, CRATES);
  assert.ok(copyright.includes(`\n Runtime: ${TEXT}\n`));
  const listed = notices(RECORD, CRATES).split("\n").map((line) =>
    /^ {2}(.*?)(?: {2,}| [A-Z][-A-Za-z0-9.]*$|$)/.exec(line)?.[1]
  );
  const parts = listed.filter((part) => part !== undefined && part !== "Deno 9.8.7");
  assert.ok(parts.length > 12);
  for (const part of parts) assert.ok(copyright.includes(`\n  * ${part}`), part);
  for (const [, names = ""] of copyright.matchAll(/^License: (.* and .*)$/gm)) {
    for (const name of names.split(" and ")) {
      assert.match(copyright, new RegExp(`^License: ${name.replaceAll(".", "\\.")}\n `, "m"), name);
    }
  }
  // Deb822: lines of a field begin with a space, and paragraphs are separated by empty lines.
  for (const line of copyright.split("\n")) assert.match(line, /^$|^ |^[A-Z][A-Za-z-]*:/, line);
});

Deno.test("the spec names the runtime of a built package, in lines that fit; that of a source package is not known", async () => {
  const release = await currentRelease();
  const spec = await specText([], release, RUNTIME);
  assert.match(spec, /^Provides: bundled\(deno\) = 9\.8\.7$/m);
  assert.ok(spec.includes(`\n\nRuntime: Deno 9.8.7,\n(denort, official download),\nsha256 ${SUM}\n\n`));
  const source = await specText([], release);
  assert.doesNotMatch(source, /bundled|Runtime|@[A-Z]+@/);
});
