/** What the program is made of: a CycloneDX bill of materials, and notices for people. From package-lock.json and the runtime. */
import lock from "../../package-lock.json" with { type: "json" };
import { VERSION } from "../../src/lib/nvme/version.ts";
import { DENO_VERSION, type Denort } from "../denort.ts";

interface Part {
  readonly name: string;
  readonly version?: string;
  readonly license: string;
  readonly purl?: string;
}

/** Libraries that the runtime holds, as far as they are known; their versions are those of that release of Deno. */
const RUNTIME_PARTS: readonly Part[] = [
  { name: "V8", version: Deno.version.v8, license: "BSD-3-Clause" },
  { name: "ICU", license: "Unicode-3.0" },
  { name: "AWS-LC", license: "ISC AND (Apache-2.0 OR ISC) AND OpenSSL" },
  { name: "rustls", license: "Apache-2.0 OR ISC OR MIT" },
  { name: "SQLite", license: "blessing" },
  { name: "zlib", license: "Zlib" },
  { name: "Zstandard", license: "BSD-3-Clause" },
  { name: "Brotli", license: "MIT" },
  { name: "libffi", license: "MIT" },
];

/** The packages of npm that are bundled: those that are not for development only. */
export function bundledParts(): readonly Part[] {
  const parts: Part[] = [];
  for (const [path, one] of Object.entries(lock.packages)) {
    if (path === "" || ("dev" in one && one.dev === true)) continue;
    const alias = path.replace(/^.*node_modules\//, "");
    const name = "name" in one && typeof one.name === "string" ? one.name : alias;
    const license = "license" in one && typeof one.license === "string" ? one.license : "NOASSERTION";
    const purl = `pkg:npm/${name.replace("@", "%40")}@${one.version}`;
    parts.push({ name, version: one.version, license, purl });
  }
  return parts.toSorted((a, b) => a.name < b.name ? -1 : 1);
}

const FROM: Record<Denort["from"], string> = {
  download: "Deno's own release",
  fallback: "cut out of a pinned npm package (scripts/denort.ts)",
  given: "given to the build",
};

/** CycloneDX 1.5, without times and numbers by chance: two builds have the same bytes. */
export function billOfMaterials(from: Denort["from"]): string {
  const component = ({ name, version, license, purl }: Part, type = "library"): Record<string, unknown> => ({
    type,
    name,
    ...(version === undefined ? {} : { version }),
    licenses: [{ expression: license }],
    ...(purl === undefined ? {} : { purl }),
  });
  const runtime = {
    ...component({ name: "deno", version: DENO_VERSION, license: "MIT" }, "platform"),
    properties: [{ name: "nvme-stas:source", value: FROM[from] }],
    components: RUNTIME_PARTS.map((part) => component(part)),
  };
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: component({ name: "nvme-stas", version: VERSION, license: "Apache-2.0" }, "application"),
    },
    components: [runtime, ...bundledParts().map((part) => component(part))],
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

/** For people: what of others is in the program, and under which license. */
export function notices(from: Denort["from"]): string {
  const line = ({ name, version, license }: Part): string =>
    `  ${`${name}${version === undefined ? "" : ` ${version}`}`.padEnd(44)} ${license}`;
  return [
    `nvme-stas ${VERSION} contains work of others. Licenses are SPDX expressions.`,
    "",
    `Runtime (${FROM[from]}):`,
    line({ name: "Deno", version: DENO_VERSION, license: "MIT" }),
    ...RUNTIME_PARTS.map(line),
    "  and the Rust crates that Deno's Cargo.lock of that version names",
    "",
    "Packages of npm:",
    ...bundledParts().map(line),
    "",
  ].join("\n");
}
